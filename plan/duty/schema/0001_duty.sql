-- +goose Up
CREATE TABLE duty_organisation (
    version     BIGINT PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,        -- ULID: what a version holds, also when one of its number was undone
    description TEXT NOT NULL,               -- as it was given
    author      TEXT NOT NULL,
    why         TEXT NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TABLE duty_moment (
    id          TEXT PRIMARY KEY,            -- ULID
    incident    TEXT NOT NULL,
    regime      TEXT NOT NULL,               -- empty for every regime
    event       TEXT NOT NULL,
    ref         TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    automatic   BOOLEAN NOT NULL,            -- from a step or fact of the incident, not by a person
    withdrawn   BOOLEAN NOT NULL,            -- it did not happen; of a correction
    corrects    TEXT NOT NULL,
    author      TEXT NOT NULL,
    why         TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX duty_moment_of ON duty_moment (incident, id);
CREATE UNIQUE INDEX duty_moment_correction ON duty_moment (corrects) WHERE corrects <> '';

CREATE TABLE duty_suspension (
    id          TEXT PRIMARY KEY,
    incident    TEXT NOT NULL,
    regime      TEXT NOT NULL,
    clock       TEXT NOT NULL,               -- empty for every clock that can be delayed
    from_at     BIGINT NOT NULL,
    until_at    BIGINT,                      -- NULL while it lasts
    authority   TEXT NOT NULL,
    withdrawn   BOOLEAN NOT NULL,
    corrects    TEXT NOT NULL,
    author      TEXT NOT NULL,
    why         TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX duty_suspension_of ON duty_suspension (incident, id);
CREATE UNIQUE INDEX duty_suspension_correction ON duty_suspension (corrects) WHERE corrects <> '';

CREATE TABLE duty_grade (
    id          TEXT PRIMARY KEY,
    incident    TEXT NOT NULL,
    regime      TEXT NOT NULL,
    level       TEXT NOT NULL,
    was         TEXT NOT NULL,
    since       BIGINT NOT NULL,
    accepted    BOOLEAN NOT NULL,            -- what the facts proposed was accepted by name
    proposal    TEXT NOT NULL,               -- what the facts said then, with criteria and facts
    author      TEXT NOT NULL,
    why         TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX duty_grade_of ON duty_grade (incident, id);

CREATE TABLE duty_response (
    incident    TEXT NOT NULL,
    regime      TEXT NOT NULL,
    code        TEXT NOT NULL,
    level       TEXT NOT NULL,               -- that it answers
    author      TEXT NOT NULL,
    at          BIGINT NOT NULL,
    ended_by    TEXT NOT NULL,
    ended_why   TEXT NOT NULL,
    ended_at    BIGINT,                      -- NULL while it lasts
    PRIMARY KEY (incident, regime, code)
);

CREATE TABLE duty_delivery (
    id          TEXT PRIMARY KEY,
    incident    TEXT NOT NULL,
    regime      TEXT NOT NULL,
    clock       TEXT NOT NULL,               -- empty for a report that no clock asked for
    ref         TEXT NOT NULL,
    sent_at     BIGINT NOT NULL,
    recipients  TEXT NOT NULL,               -- JSON; empty for all of the clock's
    report      TEXT NOT NULL,
    channel     TEXT NOT NULL,
    proof       TEXT NOT NULL,
    author      TEXT NOT NULL,
    recorded_at BIGINT NOT NULL
);
CREATE INDEX duty_delivery_of ON duty_delivery (incident, id);

-- What the clocks come to, for the list by time left and so that a reminder goes
-- out once. All but taken can be reckoned again from the tables above.
CREATE TABLE duty_clock (
    incident   TEXT NOT NULL,
    regime     TEXT NOT NULL,
    clock      TEXT NOT NULL,
    ref        TEXT NOT NULL,
    state      TEXT NOT NULL,
    open       BOOLEAN NOT NULL,             -- a report is still owed, or may be
    started_at BIGINT,
    due_at     BIGINT,
    target_at  BIGINT,
    sort_at    BIGINT NOT NULL,              -- when due, else by the own target, else since when it is owed
    sent_at    BIGINT,
    taken      BIGINT NOT NULL,              -- how many of its steps were taken: reminders, the miss, the escalation
    next_at    BIGINT,                       -- when the next of them is; NULL for none
    PRIMARY KEY (incident, regime, clock, ref)
);
CREATE INDEX duty_clock_by_time ON duty_clock (regime, state, open, sort_at, incident, clock, ref);

CREATE TABLE duty_miss (
    incident     TEXT NOT NULL,
    regime       TEXT NOT NULL,
    clock        TEXT NOT NULL,
    ref          TEXT NOT NULL,
    due_at       BIGINT NOT NULL,            -- when it was missed
    recorded_at  BIGINT NOT NULL,            -- when the node noticed
    reason       TEXT NOT NULL,              -- empty until somebody says why
    explained_by TEXT NOT NULL,
    explained_at BIGINT,
    PRIMARY KEY (incident, regime, clock, ref, due_at)
);

CREATE TABLE duty_proposal (
    incident TEXT NOT NULL,
    regime   TEXT NOT NULL,
    level    TEXT NOT NULL,                  -- the last one that was told
    at       BIGINT NOT NULL,
    PRIMARY KEY (incident, regime)
);

-- The regimes by which clocks were reckoned at the last start.
CREATE TABLE duty_library (
    id          BIGINT PRIMARY KEY,          -- 1: there is one
    fingerprint TEXT NOT NULL
);
