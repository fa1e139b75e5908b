-- +goose Up
CREATE TABLE report (
    id         TEXT PRIMARY KEY,     -- ULID
    number     TEXT NOT NULL UNIQUE, -- the incident's, and which report of it
    incident   TEXT NOT NULL,
    regime     TEXT NOT NULL,
    clock      TEXT NOT NULL,        -- empty where a form was asked for by itself
    ref        TEXT NOT NULL,        -- which of several clocks of the kind
    form       TEXT NOT NULL,
    kind       TEXT NOT NULL,        -- obligatory, voluntary, near_miss, threat
    version    BIGINT NOT NULL,      -- the last there is
    submitted  BOOLEAN NOT NULL,     -- some version was
    made_by    TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE INDEX report_of_incident ON report (incident, id);
CREATE UNIQUE INDEX report_in_work ON report (incident, regime, clock, ref, form) WHERE NOT submitted;

CREATE TABLE report_version (
    report  TEXT NOT NULL,
    version BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    person  TEXT NOT NULL,           -- ID of the account
    author  TEXT NOT NULL,           -- as it was called
    why     TEXT NOT NULL,
    content TEXT NOT NULL,           -- JSON; never changed
    sha256  TEXT NOT NULL,           -- of content
    PRIMARY KEY (report, version)
);

CREATE TABLE report_signature (
    id      TEXT PRIMARY KEY,        -- ULID: their order
    report  TEXT NOT NULL,
    version BIGINT NOT NULL,
    act     TEXT NOT NULL,           -- reviewed, returned, signed
    person  TEXT NOT NULL,
    author  TEXT NOT NULL,
    role    TEXT NOT NULL,
    note    TEXT NOT NULL,
    sha256  TEXT NOT NULL,           -- of what was signed
    shown   TEXT NOT NULL,           -- when, as it is printed: time and zone
    at      BIGINT NOT NULL
);
CREATE INDEX report_signature_of ON report_signature (report, version, id);
CREATE UNIQUE INDEX report_signature_once ON report_signature (report, version, person) WHERE act = 'signed';

CREATE TABLE report_delivery (
    id         TEXT PRIMARY KEY,
    report     TEXT NOT NULL,
    version    BIGINT NOT NULL,
    recipients TEXT NOT NULL,        -- JSON: IDs of the regime's recipients
    at         BIGINT NOT NULL,      -- when they had it
    recorded_at BIGINT NOT NULL,
    person     TEXT NOT NULL,
    author     TEXT NOT NULL,
    proof      TEXT NOT NULL         -- receipt, number, who took the call
);
CREATE INDEX report_delivery_of ON report_delivery (report, id);
