-- +goose Up
-- Which node a regime's recipient has.
CREATE TABLE filing_address (
    regime    TEXT NOT NULL,
    recipient TEXT NOT NULL,
    node      TEXT NOT NULL,
    PRIMARY KEY (regime, recipient)
);

-- What was sent from here.
CREATE TABLE filing_sent (
    id        TEXT PRIMARY KEY,            -- of the envelope
    report    TEXT NOT NULL,               -- the report's ID here
    number    TEXT NOT NULL,               -- the report's number here
    version   BIGINT NOT NULL,
    incident  TEXT NOT NULL,
    regime    TEXT NOT NULL,
    recipient TEXT NOT NULL,
    node      TEXT NOT NULL,
    by_name   TEXT NOT NULL,
    at        BIGINT NOT NULL,
    state     TEXT NOT NULL,               -- sent, received, refused
    received  BIGINT,                      -- by the recipient, as its receipt says
    theirs    TEXT NOT NULL,               -- the number that the recipient gave it
    detail    TEXT NOT NULL,               -- why it was refused; what kept the clock from being met
    receipt   TEXT NOT NULL,               -- the signed receipt, whole
    UNIQUE (report, version, recipient, node)
);
CREATE INDEX filing_sent_by_report ON filing_sent (report);
CREATE INDEX filing_sent_by_incident ON filing_sent (incident);

-- What came in.
CREATE TABLE filing_received (
    id       TEXT NOT NULL,                -- of the envelope
    author   TEXT NOT NULL,
    number   TEXT NOT NULL UNIQUE,         -- ours
    theirs   TEXT NOT NULL,                -- the reporter's number
    version  BIGINT NOT NULL,
    regime   TEXT NOT NULL,
    clock    TEXT NOT NULL,
    form     TEXT NOT NULL,
    title    TEXT NOT NULL,
    level    TEXT NOT NULL,
    incident TEXT NOT NULL,                -- ours; empty while there is none
    received BIGINT NOT NULL,
    content  TEXT NOT NULL,                -- the report, JSON
    envelope TEXT NOT NULL,                -- as signed, to be verified by anyone
    PRIMARY KEY (author, id)
);
CREATE INDEX filing_received_by_incident ON filing_received (incident, number);
CREATE INDEX filing_received_by_report ON filing_received (author, theirs);

CREATE TABLE filing_number (
    year BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);

-- Inquiries, replies and guidance, of both directions.
CREATE TABLE filing_word (
    id       TEXT NOT NULL,                -- of the envelope
    kind     TEXT NOT NULL,
    filing   TEXT NOT NULL,                -- the ID of the envelope of the report that it is about
    number   TEXT NOT NULL,                -- the recipient's for that report
    about    TEXT NOT NULL,                -- a reply: the inquiry
    author   TEXT NOT NULL,
    node     TEXT NOT NULL,                -- whom it goes to
    by_name  TEXT NOT NULL,
    text     TEXT NOT NULL,
    due      BIGINT,
    at       BIGINT NOT NULL,
    PRIMARY KEY (author, id)
);
CREATE INDEX filing_word_by_filing ON filing_word (filing, id);

