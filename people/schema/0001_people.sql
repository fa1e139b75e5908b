-- +goose Up
-- Times are microseconds since 1970 in UTC; 0 is never. Secrets are kept as
-- SHA-256 of their 256 random bits, passwords as argon2id.
CREATE TABLE people_account (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	display TEXT NOT NULL,
	mail TEXT NOT NULL,
	role TEXT NOT NULL,
	password TEXT NOT NULL DEFAULT '',
	created_at BIGINT NOT NULL,
	disabled_at BIGINT NOT NULL DEFAULT 0,
	signed_in_at BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE people_external (
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	account TEXT NOT NULL REFERENCES people_account (id),
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX people_external_account ON people_external (account);

CREATE TABLE people_passkey (
	id TEXT PRIMARY KEY,
	account TEXT NOT NULL REFERENCES people_account (id),
	name TEXT NOT NULL,
	credential TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX people_passkey_account ON people_passkey (account);

-- The account is '' for the link that makes the first one.
CREATE TABLE people_link (
	hash TEXT PRIMARY KEY,
	purpose TEXT NOT NULL,
	account TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);

CREATE TABLE people_session (
	hash TEXT PRIMARY KEY,
	id TEXT NOT NULL,
	account TEXT NOT NULL REFERENCES people_account (id),
	way TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	address TEXT NOT NULL,
	agent TEXT NOT NULL
);
CREATE INDEX people_session_account ON people_session (account, created_at);

CREATE TABLE people_step (
	hash TEXT PRIMARY KEY,
	way TEXT NOT NULL,
	address TEXT NOT NULL,
	data TEXT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX people_step_address ON people_step (address, expires_at);
CREATE INDEX people_step_expires ON people_step (expires_at);

CREATE TABLE people_attempt (
	who TEXT PRIMARY KEY,
	failed BIGINT NOT NULL,
	last_at BIGINT NOT NULL
);
CREATE INDEX people_attempt_last ON people_attempt (last_at);

CREATE TABLE people_token (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	hash TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL DEFAULT 0,
	revoked_at BIGINT NOT NULL DEFAULT 0,
	used_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX people_token_name ON people_token (name);

-- Numbers that grow with every change of what others keep in memory.
CREATE TABLE people_version (
	subject TEXT PRIMARY KEY,
	version BIGINT NOT NULL
);

CREATE TABLE people_shift (
	id TEXT PRIMARY KEY,
	post TEXT NOT NULL,
	account TEXT NOT NULL REFERENCES people_account (id),
	from_at BIGINT NOT NULL,
	until_at BIGINT NOT NULL,
	zone TEXT NOT NULL
);
CREATE INDEX people_shift_until ON people_shift (until_at);

-- The rotation itself is JSON: SQL never looks inside.
CREATE TABLE people_rotation (
	id TEXT PRIMARY KEY,
	rotation TEXT NOT NULL
);

CREATE TABLE people_note (
	id TEXT PRIMARY KEY,
	post TEXT NOT NULL,
	author TEXT NOT NULL,
	at BIGINT NOT NULL,
	note TEXT NOT NULL
);
CREATE INDEX people_note_at ON people_note (at);
