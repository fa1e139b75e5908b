-- +goose Up
-- A tree is the entries of one log: this node's own, or those it keeps of a hub's.
CREATE TABLE transparency_tree (
	origin TEXT PRIMARY KEY,
	size   BIGINT NOT NULL
);
CREATE TABLE transparency_entry (
	origin   TEXT NOT NULL,
	idx      BIGINT NOT NULL,
	record   TEXT NOT NULL,  -- its exact bytes are the leaf
	envelope TEXT NOT NULL,  -- SHA-256, empty where the record names none
	hashes   BYTEA NOT NULL, -- of the leaf, and of each subtree that it completes
	PRIMARY KEY (origin, idx)
);
CREATE INDEX transparency_entry_envelope ON transparency_entry (envelope, origin, idx);

-- This node's logs; the one with the greatest number is written to.
CREATE TABLE transparency_log (
	number  BIGINT PRIMARY KEY,
	origin  TEXT NOT NULL UNIQUE,
	state   TEXT NOT NULL,
	reason  TEXT NOT NULL,
	waiting BIGINT,         -- since when members are waited for
	began   BIGINT NOT NULL
);
-- The checkpoints that were handed out.
CREATE TABLE transparency_checkpoint (
	origin TEXT NOT NULL,
	size   BIGINT NOT NULL,
	note   TEXT NOT NULL,
	at     BIGINT NOT NULL,
	PRIMARY KEY (origin, size)
);
-- What others saw of this node's logs: of each the last, or the one that does not
-- fit. The member without a name is the file beside the database.
CREATE TABLE transparency_witness (
	member TEXT PRIMARY KEY,
	number BIGINT NOT NULL,  -- of the log, 0 for one who saw nothing
	size   BIGINT NOT NULL,
	note   TEXT NOT NULL,
	at     BIGINT NOT NULL,
	wrong  TEXT NOT NULL     -- why the log does not bear it out
);

-- What this node knows of the logs of its hubs: the last checkpoint verified.
CREATE TABLE transparency_hub (
	hub    TEXT NOT NULL,
	number BIGINT NOT NULL,
	origin TEXT NOT NULL UNIQUE,
	size   BIGINT NOT NULL,
	root   TEXT NOT NULL,
	note   TEXT NOT NULL,
	at     BIGINT NOT NULL,
	PRIMARY KEY (hub, number)
);
-- Every checkpoint seen or heard of.
CREATE TABLE transparency_seen (
	origin  TEXT NOT NULL,
	size    BIGINT NOT NULL,
	root    TEXT NOT NULL,
	hub     TEXT NOT NULL,
	note    TEXT NOT NULL,
	heard   TEXT NOT NULL,   -- from whom, empty for the hub itself
	at      BIGINT NOT NULL,
	verdict TEXT NOT NULL,   -- same: of the history verified here; other; or empty, open
	PRIMARY KEY (origin, size, root)
);
CREATE INDEX transparency_seen_unsettled ON transparency_seen (origin, size) WHERE verdict = '';
-- What was received, and whether the log holds it.
CREATE TABLE transparency_received (
	hub      TEXT NOT NULL,
	envelope TEXT NOT NULL,
	kind     TEXT NOT NULL,
	at       BIGINT NOT NULL,
	origin   TEXT NOT NULL,  -- of the log that was shown to hold it
	idx      BIGINT NOT NULL,
	shown    BIGINT,
	PRIMARY KEY (hub, envelope)
);
CREATE INDEX transparency_received_waiting ON transparency_received (hub, at) WHERE shown IS NULL;
CREATE TABLE transparency_alarm (
	id     TEXT PRIMARY KEY, -- a hash of what it is about: each is raised once
	hub    TEXT NOT NULL,
	at     BIGINT NOT NULL,
	alarm  TEXT NOT NULL
);
CREATE INDEX transparency_alarm_at ON transparency_alarm (at, id);
