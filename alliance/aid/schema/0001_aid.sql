-- +goose Up
CREATE TABLE aid_request (
    author   TEXT NOT NULL,                -- of the envelope
    id       TEXT NOT NULL,                -- of the envelope
    marking  TEXT NOT NULL,
    scope    TEXT NOT NULL,                -- JSON: whom it is for
    hidden   BOOLEAN NOT NULL,             -- who asks is not named
    through  TEXT NOT NULL,                -- ours and hidden: the hub that asks
    incident TEXT NOT NULL,                -- ours: the case that it is for
    state    TEXT NOT NULL,                -- open, withdrawn, expired
    reason   TEXT NOT NULL,
    by_name  TEXT NOT NULL,
    at       BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    body     TEXT NOT NULL,                -- alliance.Help
    PRIMARY KEY (id, author)
);

CREATE TABLE aid_offer (
    author         TEXT NOT NULL,          -- of the envelope
    id             TEXT NOT NULL,          -- of the envelope
    request        TEXT NOT NULL,
    request_author TEXT NOT NULL,
    name           TEXT NOT NULL,          -- of who offers
    state          TEXT NOT NULL,          -- offered, accepted, declined, withdrawn, lapsed
    by_name        TEXT NOT NULL,          -- ours: who offered
    at             BIGINT NOT NULL,
    decided        BIGINT,
    decision       TEXT NOT NULL,          -- alliance.Decision; empty while there is none
    body           TEXT NOT NULL,          -- alliance.Offer
    PRIMARY KEY (id, author)
);
CREATE INDEX aid_offer_request ON aid_offer (request, request_author);
