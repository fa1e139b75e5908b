-- +goose Up
-- What this node warns of.
CREATE TABLE warning (
    id          TEXT PRIMARY KEY,            -- ULID, that of alliance.Warning
    number      TEXT NOT NULL,               -- 2026-001; empty until it is issued
    state       TEXT NOT NULL,
    colour      TEXT NOT NULL,               -- in force, or of the draft while nothing is
    title       TEXT NOT NULL,
    exercise    BOOLEAN NOT NULL,
    revision    BIGINT NOT NULL,             -- 0 until it is issued
    draft       TEXT NOT NULL,               -- JSON of what is to be issued next; empty for nothing
    sha256      TEXT NOT NULL,               -- of draft
    why         TEXT NOT NULL,               -- the reason for the next revision
    made_by     TEXT NOT NULL,               -- ID of who drafted it first
    made_name   TEXT NOT NULL,
    made_at     BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    issued_at   BIGINT,
    expires_at  BIGINT,
    ended_at    BIGINT,
    ratify_by   BIGINT,                      -- NULL where nothing waits to be ratified
    alone       TEXT NOT NULL,               -- ID of who broke the glass; empty for nobody
    unratified  BOOLEAN NOT NULL,            -- the time to ratify ran out
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX warning_by_number ON warning (number) WHERE number <> '';
CREATE INDEX warning_by_state ON warning (state, id);

-- The last number of each year. One that was taken by a transaction which is
-- undone is not taken: numbers have no gaps.
CREATE TABLE warning_number (
    year BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);

-- Who approved which draft. One that an edit voided stays, and counts no more.
CREATE TABLE warning_approval (
    id       TEXT PRIMARY KEY,
    warning  TEXT NOT NULL,
    sha256   TEXT NOT NULL,
    person   TEXT NOT NULL,                  -- ID of the account
    name     TEXT NOT NULL,
    note     TEXT NOT NULL,
    at       BIGINT NOT NULL,
    void     BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX warning_approval_once ON warning_approval (warning, person) WHERE NOT void;

-- What was issued, revision by revision.
CREATE TABLE warning_revision (
    warning   TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    change    TEXT NOT NULL,
    why       TEXT NOT NULL,
    content   TEXT NOT NULL,                 -- JSON of alliance.Warning; empty where the warning is over
    message   TEXT NOT NULL,                 -- ID of the envelope
    sealed    TEXT NOT NULL,                 -- header and signatures of it, JSON
    approved  TEXT NOT NULL,                 -- JSON: who approved it
    person    TEXT NOT NULL,
    name      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (warning, revision)
);
CREATE INDEX warning_revision_message ON warning_revision (message);

-- To whom each revision went, and since when they are known to have it.
CREATE TABLE warning_sent (
    warning   TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    node      TEXT NOT NULL,
    name      TEXT NOT NULL,
    via       TEXT NOT NULL,                 -- the relay; empty where it is a neighbour
    had_at    BIGINT,                        -- it was received
    gone_at   BIGINT,                        -- of a recall: indicators and rules were withdrawn
    ended     BOOLEAN NOT NULL,              -- it is not meant any more, and was told that it is over
    PRIMARY KEY (warning, revision, node)
);

-- What members did not let through.
CREATE TABLE warning_flood (
    warning   TEXT NOT NULL,
    node      TEXT NOT NULL,
    question  BIGINT NOT NULL,
    revision  BIGINT NOT NULL,
    what      TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (warning, node, revision, question)
);

-- What arrived here from others.
CREATE TABLE warning_arrived (
    id          TEXT PRIMARY KEY,
    author      TEXT NOT NULL,
    number      TEXT NOT NULL,
    state       TEXT NOT NULL,               -- standing, lifted, recalled, expired
    colour      TEXT NOT NULL,
    title       TEXT NOT NULL,
    exercise    BOOLEAN NOT NULL,
    revision    BIGINT NOT NULL,
    content     TEXT NOT NULL,               -- JSON, the last that there was
    said        BIGINT NOT NULL,             -- the revision that said it
    source      TEXT NOT NULL,               -- the neighbour that it came from
    first_at    BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    expires_at  BIGINT,
    ratify_by   BIGINT,
    unratified  BOOLEAN NOT NULL,
    version     BIGINT NOT NULL
);
CREATE INDEX warning_arrived_by_state ON warning_arrived (state, id);

CREATE TABLE warning_bulletin (
    message   TEXT PRIMARY KEY,
    warning   TEXT NOT NULL,
    revision  BIGINT NOT NULL,
    change    TEXT NOT NULL,
    why       TEXT NOT NULL,
    content   TEXT NOT NULL,                 -- the body as it came
    sha256    TEXT NOT NULL,                 -- of it
    header    TEXT NOT NULL,                 -- header and signatures, JSON
    at        BIGINT NOT NULL,
    arrived   BIGINT NOT NULL,
    source    TEXT NOT NULL,
    late      BOOLEAN NOT NULL,              -- a later revision was here before it
    carried   BOOLEAN NOT NULL               -- it is not meant for us: we passed it on
);
CREATE UNIQUE INDEX warning_bulletin_once ON warning_bulletin (warning, revision) WHERE NOT carried;

-- What of an arrived warning is not let through here.
CREATE TABLE warning_suspended (
    warning   TEXT NOT NULL,
    question  BIGINT NOT NULL,
    revision  BIGINT NOT NULL,
    what      TEXT NOT NULL,
    hits      BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    released_at BIGINT,                      -- a person let it through
    released_by TEXT NOT NULL,
    why       TEXT NOT NULL,
    PRIMARY KEY (warning, revision, question)
);

-- What the regimes oblige this node to do about an arrived warning.
CREATE TABLE warning_duty (
    id        TEXT PRIMARY KEY,
    warning   TEXT NOT NULL,
    duty      TEXT NOT NULL,                 -- regime and ID, or one of our own
    colour    TEXT NOT NULL,
    who       TEXT NOT NULL,
    task      TEXT NOT NULL,
    mark      TEXT NOT NULL,                 -- what it rests on
    roster    BOOLEAN NOT NULL,              -- duty around the clock
    due_at    BIGINT,
    made_at   BIGINT NOT NULL,
    ended_at  BIGINT,
    ended_by  TEXT NOT NULL,
    note      TEXT NOT NULL
);
CREATE UNIQUE INDEX warning_duty_once ON warning_duty (warning, duty) WHERE ended_at IS NULL;
CREATE INDEX warning_duty_of ON warning_duty (warning, id);

-- Lists of our addresses that others told us of.
CREATE TABLE warning_addresses (
    id       TEXT PRIMARY KEY,               -- of the message
    author   TEXT NOT NULL,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL,
    items    TEXT NOT NULL,                  -- JSON
    at       BIGINT NOT NULL,
    arrived  BIGINT NOT NULL
);
