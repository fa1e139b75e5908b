-- +goose Up
-- The incident that a playbook opened last: what matches it next may belong to it.
CREATE TABLE incident_playbook (
    playbook TEXT PRIMARY KEY,
    incident TEXT NOT NULL,
    at       BIGINT NOT NULL
);
