-- +goose Up
-- What is to be told, as it was posted.
CREATE TABLE notify_message (
	id    TEXT PRIMARY KEY,
	at    BIGINT NOT NULL,
	event TEXT NOT NULL,
	about TEXT NOT NULL,
	title TEXT NOT NULL,
	text  TEXT NOT NULL,
	html  TEXT NOT NULL,
	data  TEXT NOT NULL -- JSON, sent as it is
);
CREATE INDEX notify_message_at ON notify_message (at);
-- One way of one message to one recipient. Until an address is resolved its
-- recipient is ''.
CREATE TABLE notify_delivery (
	id         TEXT PRIMARY KEY,
	message    TEXT NOT NULL REFERENCES notify_message (id),
	channel    TEXT NOT NULL,
	address    TEXT NOT NULL,
	recipient  TEXT NOT NULL,
	name       TEXT NOT NULL,
	note       TEXT NOT NULL,
	state      TEXT NOT NULL,
	attempts   BIGINT NOT NULL,
	error      TEXT NOT NULL,
	changed_at BIGINT NOT NULL
);
CREATE INDEX notify_delivery_state ON notify_delivery (state, id);
CREATE UNIQUE INDEX notify_delivery_once ON notify_delivery (message, channel, recipient) WHERE recipient <> '';
CREATE INDEX notify_delivery_message ON notify_delivery (message);
-- Webhooks whose receiver said that it is gone for good, by the hash of the URL.
CREATE TABLE notify_disabled (
	target TEXT PRIMARY KEY,
	name   TEXT NOT NULL,
	at     BIGINT NOT NULL,
	reason TEXT NOT NULL
);
