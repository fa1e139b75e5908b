-- +goose Up
CREATE TABLE idempotency_key (
    identity TEXT NOT NULL,      -- of the account or token: keys of others are others'
    key      TEXT NOT NULL,
    route    TEXT NOT NULL,      -- method and address
    attempt  TEXT NOT NULL,      -- which try it was that claimed the key
    at       BIGINT NOT NULL,
    digest   TEXT NOT NULL,      -- of the request's body; empty while there is no answer
    status   BIGINT NOT NULL,    -- 0 while there is no answer
    header   TEXT NOT NULL,      -- JSON
    body     BYTEA NOT NULL,
    PRIMARY KEY (identity, key)
);
CREATE INDEX idempotency_key_at ON idempotency_key (at);
