-- +goose Up
-- What goes out to a neighbour: a log of positions without gaps. What is above
-- sent waits, what is above confirmed has no receipt yet.
CREATE TABLE link_out (
	node       TEXT PRIMARY KEY,
	epoch      TEXT NOT NULL,             -- names the log; a later one replaces it
	allotted   BIGINT NOT NULL DEFAULT 0, -- the last position there is
	sent       BIGINT NOT NULL DEFAULT 0,
	confirmed  BIGINT NOT NULL DEFAULT 0,
	generation TEXT NOT NULL DEFAULT '',  -- of the carrier that sent counts for
	sent_at    BIGINT,
	confirmed_at BIGINT
);
-- What came from a neighbour: how far its log was handled.
CREATE TABLE link_in (
	node      TEXT PRIMARY KEY,
	epoch     TEXT NOT NULL,
	received  BIGINT NOT NULL DEFAULT 0,
	told      BIGINT NOT NULL DEFAULT 0, -- up to where a receipt was sent, at the least
	accepted  BIGINT NOT NULL DEFAULT 0,
	heard_at  BIGINT,
	issued_at BIGINT,                    -- when what was handled last was issued
	day       BIGINT NOT NULL DEFAULT 0, -- days since 1970, and the bytes of that day
	day_bytes BIGINT NOT NULL DEFAULT 0
);
-- Each message that goes out, once.
CREATE TABLE link_message (
	author    TEXT NOT NULL,
	id        TEXT NOT NULL,
	kind      TEXT NOT NULL,
	sha256    TEXT NOT NULL, -- of the header
	expires   BIGINT NOT NULL,
	size      BIGINT NOT NULL,
	stored_at BIGINT NOT NULL,
	envelope  BYTEA,         -- NULL once it is pruned
	PRIMARY KEY (author, id)
);
CREATE INDEX link_message_stored ON link_message (stored_at);
-- The pieces of large bodies, which are blobs.
CREATE TABLE link_chunk (
	digest TEXT NOT NULL,
	author TEXT NOT NULL,
	id     TEXT NOT NULL,
	PRIMARY KEY (digest, author, id)
);
CREATE INDEX link_chunk_message ON link_chunk (author, id);
CREATE TABLE link_delivery (
	neighbour  TEXT NOT NULL,
	epoch      TEXT NOT NULL,
	position   BIGINT NOT NULL,
	author     TEXT NOT NULL,
	id         TEXT NOT NULL,
	queued_at  BIGINT NOT NULL,
	state      TEXT NOT NULL DEFAULT '', -- '': waiting or sent; else how it ended
	reason     TEXT NOT NULL DEFAULT '',
	detail     TEXT NOT NULL DEFAULT '',
	settled_at BIGINT,
	PRIMARY KEY (neighbour, epoch, position)
);
CREATE UNIQUE INDEX link_delivery_message ON link_delivery (id, neighbour, author);
-- Each message that was accepted, once, until it could not come again.
CREATE TABLE link_inbox (
	author    TEXT NOT NULL,
	id        TEXT NOT NULL,
	sha256    TEXT NOT NULL,
	kind      TEXT NOT NULL,
	neighbour TEXT NOT NULL,
	position  BIGINT NOT NULL,
	state     TEXT NOT NULL, -- handled, kept
	at        BIGINT NOT NULL,
	expires   BIGINT NOT NULL,
	PRIMARY KEY (author, id)
);
CREATE INDEX link_inbox_expires ON link_inbox (expires);
CREATE INDEX link_inbox_id ON link_inbox (id);
-- What was not accepted.
CREATE TABLE link_refusal (
	ref       TEXT PRIMARY KEY,
	neighbour TEXT NOT NULL,
	epoch     TEXT NOT NULL,
	position  BIGINT NOT NULL, -- 0 where it had none
	author    TEXT NOT NULL,
	id        TEXT NOT NULL,
	kind      TEXT NOT NULL,
	reason    TEXT NOT NULL,
	detail    TEXT NOT NULL,
	at        BIGINT NOT NULL
);
CREATE INDEX link_refusal_position ON link_refusal (neighbour, epoch, position);
CREATE INDEX link_refusal_message ON link_refusal (id, neighbour);
-- How often, by side: here what this node refused, there what the neighbour did.
CREATE TABLE link_count (
	neighbour TEXT NOT NULL,
	side      TEXT NOT NULL,
	reason    TEXT NOT NULL,
	n         BIGINT NOT NULL,
	last_at   BIGINT NOT NULL,
	last_id   TEXT NOT NULL,
	detail    TEXT NOT NULL,
	PRIMARY KEY (neighbour, side, reason)
);
-- What this program does not understand yet.
CREATE TABLE link_kept (
	ref       TEXT PRIMARY KEY,
	author    TEXT NOT NULL,
	id        TEXT NOT NULL,
	neighbour TEXT NOT NULL,
	position  BIGINT NOT NULL,
	kind      TEXT NOT NULL,
	version   BIGINT NOT NULL,
	schema_no BIGINT NOT NULL,
	reason    TEXT NOT NULL,
	at        BIGINT NOT NULL,
	envelope  BYTEA NOT NULL
);
