-- +goose Up
-- Up to where the findings of something that has an order were raised.
CREATE TABLE incident_feed (
    name     TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
