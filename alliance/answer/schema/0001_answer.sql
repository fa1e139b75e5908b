-- +goose Up
-- At the member: what asked, what was answered, what was released of it.
CREATE TABLE answer_warning (
    id          TEXT PRIMARY KEY,            -- the warning's ULID
    number      TEXT NOT NULL,
    title       TEXT NOT NULL,
    revision    BIGINT NOT NULL,
    author      TEXT NOT NULL,
    uplink      TEXT NOT NULL,               -- the neighbour it came from
    message     TEXT NOT NULL,               -- the envelope that brought this revision
    colour      TEXT NOT NULL,
    content     TEXT NOT NULL,               -- alliance.Warning
    held        TEXT NOT NULL DEFAULT '',    -- questions that are not watched for: 3,7-9
    open        BOOLEAN NOT NULL,
    issued_at   BIGINT NOT NULL,
    arrived_at  BIGINT NOT NULL,
    sequence    BIGINT NOT NULL,             -- of the last answer; 0 for none
    verdict     TEXT NOT NULL,               -- of the last answer
    partial     BOOLEAN NOT NULL,
    answered_at BIGINT,
    looked_at   BIGINT                       -- when the memory was last asked
);
CREATE INDEX answer_warning_open ON answer_warning (open, id);

CREATE TABLE answer_answer (
    warning  TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    verdict  TEXT NOT NULL,
    partial  BOOLEAN NOT NULL,
    why      TEXT NOT NULL,                  -- arrived, archive, corrected, hit, late, looked
    at       BIGINT NOT NULL,
    body     TEXT NOT NULL,                  -- alliance.Answer, all of it
    PRIMARY KEY (warning, sequence)
);

CREATE TABLE answer_release (
    warning    TEXT NOT NULL,
    sequence   BIGINT NOT NULL,
    uplink     TEXT NOT NULL,
    how        TEXT NOT NULL,                -- by the policy
    state      TEXT NOT NULL,                -- waiting, sent, withheld, replaced
    body       TEXT NOT NULL,                -- what is sent, to the byte
    anonymous  BOOLEAN NOT NULL,
    decided_by TEXT NOT NULL,                -- policy, deadline, or a person
    decided_at BIGINT,
    due_at     BIGINT,                       -- while it waits
    message    TEXT NOT NULL,                -- the envelope it left in
    PRIMARY KEY (warning, sequence)
);
CREATE INDEX answer_release_waiting ON answer_release (state, due_at);

CREATE TABLE answer_policy (
    uplink      TEXT NOT NULL,               -- empty: any
    colour      TEXT NOT NULL,               -- empty: any
    how         TEXT NOT NULL,
    wait        BIGINT NOT NULL,             -- seconds
    at_deadline TEXT NOT NULL,
    author      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (uplink, colour)
);

CREATE TABLE answer_measure (
    warning  TEXT NOT NULL,
    measure  TEXT NOT NULL,
    text     TEXT NOT NULL,
    due_at   BIGINT NOT NULL,
    proven   BOOLEAN NOT NULL,               -- done needs evidence
    open     BOOLEAN NOT NULL,               -- the warning still demands it
    state    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    evidence TEXT NOT NULL,
    author   TEXT NOT NULL,
    at       BIGINT,
    overdue  BOOLEAN NOT NULL,
    PRIMARY KEY (warning, measure)
);

-- At the hub: whom a warning asked, and what they said.
CREATE TABLE answer_asked (
    warning   TEXT PRIMARY KEY,
    number    TEXT NOT NULL,
    title     TEXT NOT NULL,
    colour    TEXT NOT NULL,
    author    TEXT NOT NULL,
    uplink    TEXT NOT NULL,                 -- where answers go on to; empty at the author
    revision  BIGINT NOT NULL,
    message   TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    open      BOOLEAN NOT NULL,
    peers     BOOLEAN NOT NULL,              -- members may see the totals
    step      BIGINT NOT NULL,               -- how far silence was chased
    step_at   BIGINT                         -- when the next step is
);

CREATE TABLE answer_board (
    warning   TEXT NOT NULL,
    member    TEXT NOT NULL,
    name      TEXT NOT NULL,
    sector    TEXT NOT NULL,                 -- the first of its card
    region    TEXT NOT NULL,                 -- likewise
    via       TEXT NOT NULL,                 -- the association it is reached through; empty for a neighbour
    linked    BOOLEAN NOT NULL,              -- it has a node
    state     TEXT NOT NULL,                 -- a verdict, silent or blind
    sequence  BIGINT NOT NULL,
    revision  BIGINT NOT NULL,
    partial   BOOLEAN NOT NULL,
    told      BOOLEAN NOT NULL,
    asked_at  BIGINT NOT NULL,
    first_at  BIGINT,                        -- of the first answer
    last_at   BIGINT,                        -- of the last
    chased    BIGINT NOT NULL,               -- reminders and escalations
    PRIMARY KEY (warning, member)
);
CREATE INDEX answer_board_by_state ON answer_board (warning, state, member);
CREATE INDEX answer_board_by_name ON answer_board (warning, name, member);

-- Sums of the board, kept with every change of it.
CREATE TABLE answer_count (
    warning TEXT NOT NULL,
    part    TEXT NOT NULL,                   -- all, sector, region, time
    code    TEXT NOT NULL,
    state   TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (warning, part, code, state)
);

CREATE TABLE answer_received (
    warning  TEXT NOT NULL,
    member   TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    message  TEXT NOT NULL,
    verdict  TEXT NOT NULL,
    at       BIGINT NOT NULL,                -- when it came
    body     TEXT NOT NULL,
    PRIMARY KEY (warning, member, sequence)
);

CREATE TABLE answer_rate (
    member   TEXT PRIMARY KEY,
    asked    BIGINT NOT NULL,
    answered BIGINT NOT NULL,
    blind    BIGINT NOT NULL,                -- it said nothing however long it was chased
    seconds  BIGINT NOT NULL                 -- from asking to the first answer, all together
);

-- What a warning demands of all that it asks.
CREATE TABLE answer_demand (
    warning TEXT NOT NULL,
    measure TEXT NOT NULL,
    due_at  BIGINT NOT NULL,
    PRIMARY KEY (warning, measure)
);

CREATE TABLE answer_told_measure (
    warning  TEXT NOT NULL,
    member   TEXT NOT NULL,
    measure  TEXT NOT NULL,
    state    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    evidence TEXT NOT NULL,
    author   TEXT NOT NULL,
    at       BIGINT,
    due_at   BIGINT NOT NULL,
    overdue  BOOLEAN NOT NULL,
    PRIMARY KEY (warning, member, measure)
);
CREATE INDEX answer_told_measure_due ON answer_told_measure (warning, measure, state);

CREATE TABLE answer_form (
    hash    BYTEA PRIMARY KEY,               -- SHA-256 of the link's secret
    warning TEXT NOT NULL,
    member  TEXT NOT NULL,
    until   BIGINT NOT NULL,
    used_at BIGINT
);

-- Answers that an association adds up, and the sums that left.
CREATE TABLE answer_cell (
    warning  TEXT NOT NULL,
    cell     TEXT NOT NULL,                  -- a sector, or other
    number   BIGINT NOT NULL,                -- from 1
    members  TEXT NOT NULL,                  -- verdicts by member: stays here
    PRIMARY KEY (warning, cell, number)
);
CREATE TABLE answer_sector (
    warning TEXT NOT NULL,
    sector  TEXT NOT NULL,
    cell    TEXT NOT NULL,                   -- for good
    PRIMARY KEY (warning, sector)
);
CREATE TABLE answer_anonymous (
    warning TEXT NOT NULL,
    member  TEXT NOT NULL,
    sector  TEXT NOT NULL,
    verdict TEXT NOT NULL,
    PRIMARY KEY (warning, member)
);
CREATE TABLE answer_total (
    warning     TEXT NOT NULL,
    association TEXT NOT NULL,               -- whose; this node's own where it is one
    sequence    BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    body        TEXT NOT NULL,               -- alliance.Totals
    PRIMARY KEY (warning, association)
);
