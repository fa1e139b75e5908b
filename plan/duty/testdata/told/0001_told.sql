-- +goose Up
CREATE TABLE told (
    key   TEXT PRIMARY KEY,
    times BIGINT NOT NULL,
    line  TEXT NOT NULL,
    body  TEXT NOT NULL,
    fresh BOOLEAN NOT NULL
);
