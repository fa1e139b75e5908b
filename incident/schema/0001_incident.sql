-- +goose Up
CREATE TABLE incident (
    id          TEXT PRIMARY KEY,            -- ULID
    number      TEXT NOT NULL UNIQUE,        -- what people call it: year and running number
    title       TEXT NOT NULL,
    summary     TEXT NOT NULL,
    kind        TEXT NOT NULL,               -- incident, near_miss, threat, vulnerability
    category    TEXT NOT NULL,               -- as the plan names it; empty while nobody said
    level       TEXT NOT NULL,               -- the highest that a regime gave; empty until graded
    rank        BIGINT NOT NULL,             -- the level's place, 0 ungraded, 4 the worst
    state       TEXT NOT NULL,
    resolution  TEXT NOT NULL,
    open        BOOLEAN NOT NULL,
    owner       TEXT NOT NULL,
    cause       TEXT NOT NULL,
    lessons     TEXT NOT NULL,
    cross_border TEXT NOT NULL,              -- yes, no, unknown
    origin      TEXT NOT NULL,               -- hand, alert, report, playbook
    opened_by   TEXT NOT NULL,
    once        TEXT NOT NULL,               -- whoever opens it twice under one name opens it once
    opened_at   BIGINT NOT NULL,
    changed_at  BIGINT NOT NULL,
    closed_at   BIGINT,                      -- NULL while it is open
    tasks_open  BIGINT NOT NULL,
    version     BIGINT NOT NULL
);
CREATE UNIQUE INDEX incident_once ON incident (opened_by, once) WHERE once <> '';
CREATE INDEX incident_by_opened ON incident (opened_at, id);
CREATE INDEX incident_by_changed ON incident (changed_at, id);
CREATE INDEX incident_open_by_rank ON incident (rank, opened_at, id) WHERE open;
-- What lists are filtered by, newest first.
CREATE INDEX incident_by_open ON incident (open, id);
CREATE INDEX incident_by_state ON incident (state, id);
CREATE INDEX incident_by_owner ON incident (owner, id);
CREATE INDEX incident_by_category ON incident (category, id);
CREATE INDEX incident_by_level ON incident (level, id);
CREATE INDEX incident_by_border ON incident (cross_border, id);

CREATE TABLE incident_number (
    year BIGINT PRIMARY KEY,
    last BIGINT NOT NULL
);

CREATE TABLE incident_entry (
    id           TEXT PRIMARY KEY,           -- ULID: the order in which entries were recorded
    incident     TEXT NOT NULL,
    kind         TEXT NOT NULL,
    happened_at  BIGINT NOT NULL,
    recorded_at  BIGINT NOT NULL,
    author           TEXT NOT NULL,
    text         TEXT NOT NULL,
    data         TEXT NOT NULL,
    corrects     TEXT NOT NULL
);
CREATE INDEX incident_entry_of ON incident_entry (incident, id);
CREATE UNIQUE INDEX incident_entry_correction ON incident_entry (corrects) WHERE corrects <> '';

CREATE TABLE incident_fact (
    incident  TEXT NOT NULL,
    key       TEXT NOT NULL,
    version   BIGINT NOT NULL,               -- the incident's when it was stated
    latest    BOOLEAN NOT NULL,
    state     TEXT NOT NULL,                 -- known, estimated, unknown, not_applicable
    statement TEXT NOT NULL,                 -- as the dictionary of facts writes it
    author        TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (incident, key, version)
);
CREATE UNIQUE INDEX incident_fact_latest ON incident_fact (incident, key) WHERE latest;

CREATE TABLE incident_task (
    id        TEXT PRIMARY KEY,
    incident  TEXT NOT NULL,
    title     TEXT NOT NULL,
    detail    TEXT NOT NULL,
    duty      TEXT NOT NULL,                 -- the plan's duty it stands for; empty for one of our own
    assignee  TEXT NOT NULL,
    due_at    BIGINT,                        -- NULL for none
    state     TEXT NOT NULL,                 -- open, done, dropped
    why       TEXT NOT NULL,
    made_at   BIGINT NOT NULL,
    ended_at  BIGINT
);
CREATE INDEX incident_task_of_incident ON incident_task (incident, id);
CREATE UNIQUE INDEX incident_task_duty ON incident_task (incident, duty) WHERE duty <> '';
CREATE INDEX incident_task_of_assignee ON incident_task (assignee, due_at) WHERE state = 'open';

CREATE TABLE incident_evidence (
    id        TEXT PRIMARY KEY,
    incident  TEXT NOT NULL,
    name      TEXT NOT NULL,                 -- as it was called where it came from; never a path
    sha256    TEXT NOT NULL,
    bytes     BIGINT NOT NULL,
    note      TEXT NOT NULL,
    added_by  TEXT NOT NULL,
    added_at  BIGINT NOT NULL
);
CREATE INDEX incident_evidence_of ON incident_evidence (incident, id);

CREATE TABLE incident_custody (
    id        TEXT PRIMARY KEY,
    evidence  TEXT NOT NULL,
    action    TEXT NOT NULL,                 -- received, read, handed_over, returned, verified
    author        TEXT NOT NULL,
    person    TEXT NOT NULL,                 -- to or from whom
    why       TEXT NOT NULL,
    at        BIGINT NOT NULL
);
CREATE INDEX incident_custody_of ON incident_custody (evidence, id);

CREATE TABLE incident_observable (
    incident  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    value     TEXT NOT NULL,                 -- in normal form
    note      TEXT NOT NULL,
    author        TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (incident, kind, value)
);
CREATE INDEX incident_of_observable ON incident_observable (kind, value, incident);

CREATE TABLE incident_asset (
    incident  TEXT NOT NULL,
    kind      TEXT NOT NULL,                 -- host, service, account, data, site, device
    name      TEXT NOT NULL,
    note      TEXT NOT NULL,
    author        TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (incident, kind, name)
);
CREATE INDEX incident_of_asset ON incident_asset (kind, name);

CREATE TABLE incident_link (
    incident  TEXT NOT NULL,
    kind      TEXT NOT NULL,                 -- duplicate_of, campaign, related, merged_into, split_from
    other     TEXT NOT NULL,
    why       TEXT NOT NULL,
    author        TEXT NOT NULL,
    at        BIGINT NOT NULL,
    PRIMARY KEY (incident, kind, other)
);
CREATE INDEX incident_link_back ON incident_link (other);

CREATE TABLE incident_alert (
    id        TEXT PRIMARY KEY,
    group_key  TEXT NOT NULL,                 -- rule and host: what findings are grouped by
    rule      TEXT NOT NULL,
    title     TEXT NOT NULL,
    severity  BIGINT NOT NULL,
    host      TEXT NOT NULL,
    first_at  BIGINT NOT NULL,               -- of the events, not of their arrival
    last_at   BIGINT NOT NULL,
    findings  BIGINT NOT NULL,
    state     TEXT NOT NULL,                 -- new, claimed, dismissed, promoted
    waiting   BOOLEAN NOT NULL,              -- new or claimed: somebody has to look
    owner     TEXT NOT NULL,
    why       TEXT NOT NULL,
    incident  TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    version   BIGINT NOT NULL
);
CREATE INDEX incident_alert_taking ON incident_alert (group_key, last_at);
CREATE INDEX incident_alert_waiting ON incident_alert (severity, raised_at, id) WHERE waiting;
CREATE INDEX incident_alert_by_raised ON incident_alert (raised_at, id);
CREATE INDEX incident_alert_of_incident ON incident_alert (incident) WHERE incident <> '';

CREATE TABLE incident_finding (
    id        TEXT PRIMARY KEY,              -- a hash of event and rule: one that arrives twice counts once
    alert     TEXT NOT NULL,
    at        BIGINT NOT NULL,
    body      TEXT NOT NULL                  -- empty for those beyond what an alert shows
);
CREATE INDEX incident_finding_of ON incident_finding (alert, at);

CREATE TABLE incident_suppression (
    id         TEXT PRIMARY KEY,
    rule       TEXT NOT NULL,
    host       TEXT NOT NULL,                -- empty for every host
    why        TEXT NOT NULL,
    author         TEXT NOT NULL,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    suppressed BIGINT NOT NULL               -- findings that it kept from becoming alerts
);
CREATE INDEX incident_suppression_of ON incident_suppression (rule, expires_at);
