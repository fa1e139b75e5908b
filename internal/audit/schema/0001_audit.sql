-- +goose Up
CREATE TABLE audit_entry (
	id         TEXT PRIMARY KEY,
	at         BIGINT NOT NULL,
	actor      TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	origin     TEXT NOT NULL,
	action     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	subject    TEXT NOT NULL,
	before     TEXT NOT NULL,
	after      TEXT NOT NULL
);
CREATE INDEX audit_entry_actor ON audit_entry (actor, id);
CREATE INDEX audit_entry_subject ON audit_entry (kind, subject, id);
-- Entries that are not in the chain yet.
CREATE TABLE audit_waiting (
	id TEXT PRIMARY KEY
);
CREATE TABLE audit_link (
	seq   BIGINT PRIMARY KEY,
	entry TEXT NOT NULL UNIQUE,
	hash  BYTEA NOT NULL
);
