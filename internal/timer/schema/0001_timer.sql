-- +goose Up
CREATE TABLE timer (
	id        TEXT PRIMARY KEY,
	kind      TEXT NOT NULL,
	subject   TEXT NOT NULL,
	payload   TEXT NOT NULL,
	due_at    BIGINT NOT NULL,
	-- When it is looked at next: when due, when to be tried again, or when the
	-- lease of who works on it ends.
	next_at   BIGINT NOT NULL,
	leased_by TEXT NOT NULL DEFAULT '',
	tried     BOOLEAN NOT NULL DEFAULT FALSE,
	attempt   BIGINT NOT NULL DEFAULT 0,
	failures  BIGINT NOT NULL DEFAULT 0,
	error     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX timer_next ON timer (next_at);
CREATE INDEX timer_subject ON timer (subject);
CREATE INDEX timer_tried ON timer (next_at) WHERE tried;
CREATE TABLE timer_dead (
	dead     TEXT PRIMARY KEY,
	id       TEXT NOT NULL,
	kind     TEXT NOT NULL,
	subject  TEXT NOT NULL,
	payload  TEXT NOT NULL,
	due_at   BIGINT NOT NULL,
	died_at  BIGINT NOT NULL,
	failures BIGINT NOT NULL,
	error    TEXT NOT NULL
);
