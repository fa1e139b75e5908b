-- +goose Up
CREATE TABLE member_node (
    node     TEXT PRIMARY KEY,
    passport TEXT NOT NULL,               -- JSON, verified; empty where there is no Tocsin
    card     TEXT NOT NULL,               -- JSON, the passport's; of one without a node what was entered here
    revision BIGINT NOT NULL,             -- of the card
    language TEXT NOT NULL,               -- in which one without a node is written to
    changed  BIGINT NOT NULL
);
CREATE INDEX member_node_changed ON member_node (changed);

CREATE TABLE member_link (
    neighbour TEXT PRIMARY KEY REFERENCES member_node (node),
    role      TEXT NOT NULL,              -- up, down
    state     TEXT NOT NULL,
    was       TEXT NOT NULL,              -- the state before, where one asks that was here once
    kind      TEXT NOT NULL,              -- what the neighbour is in this link
    listing   TEXT NOT NULL,
    no_node   BOOLEAN NOT NULL,
    unlisted  BIGINT NOT NULL,            -- members that it does not name
    reason    TEXT NOT NULL,
    since     BIGINT NOT NULL,
    address   TEXT NOT NULL,              -- of a hub
    request   TEXT NOT NULL,              -- the last one, by which it joined
    transport TEXT NOT NULL,              -- a member's public key for its connection
    version   BIGINT NOT NULL
);

-- Nodes that are no neighbours, and through which neighbour they are reached.
CREATE TABLE member_way (
    node      TEXT NOT NULL REFERENCES member_node (node),
    neighbour TEXT NOT NULL,
    above     BOOLEAN NOT NULL,
    gone      BOOLEAN NOT NULL,           -- it is not reached that way any more
    sequence  BIGINT NOT NULL,            -- of the message that said so: an earlier one changes nothing
    PRIMARY KEY (neighbour, node)
);
CREATE INDEX member_way_node ON member_way (node);

CREATE TABLE member_invitation (
    id        TEXT PRIMARY KEY,           -- ULID
    hash      TEXT NOT NULL UNIQUE,       -- SHA-256 of the secret
    kind      TEXT NOT NULL,
    sectors   TEXT NOT NULL,              -- JSON; empty for any
    regions   TEXT NOT NULL,
    note      TEXT NOT NULL,
    author    TEXT NOT NULL,
    made      BIGINT NOT NULL,
    expires   BIGINT NOT NULL,
    used      BIGINT,                     -- NULL until a node asked with it
    used_by   TEXT NOT NULL,
    withdrawn BIGINT
);

CREATE TABLE member_request (
    id         TEXT PRIMARY KEY,          -- ULID
    node       TEXT NOT NULL,
    invitation TEXT NOT NULL,
    ticket     TEXT NOT NULL,             -- SHA-256 of what the node asks with how it stands
    state      TEXT NOT NULL,             -- pending, active, refused
    came_from  TEXT NOT NULL,             -- address
    at         BIGINT NOT NULL,
    decided    BIGINT,
    decider    TEXT NOT NULL,
    reason     TEXT NOT NULL
);
CREATE UNIQUE INDEX member_request_ticket ON member_request (ticket);
CREATE INDEX member_request_node ON member_request (node, id);

CREATE TABLE member_application (
    id        TEXT PRIMARY KEY,           -- ULID
    hub       TEXT NOT NULL,
    address   TEXT NOT NULL,
    pin       BYTEA NOT NULL,             -- SHA-256 of the certificate that is believed; empty for the system's authorities
    private   BOOLEAN NOT NULL,           -- the invitation leads into a private network
    secret    TEXT NOT NULL UNIQUE,       -- SHA-256 of the invitation's
    ticket    TEXT NOT NULL,              -- what the hub is asked with how it stands
    transport TEXT NOT NULL,
    listing   TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    made      BIGINT NOT NULL,
    changed   BIGINT NOT NULL
);
CREATE INDEX member_application_hub ON member_application (hub, id);

CREATE TABLE member_holding (
    node      TEXT NOT NULL,
    kind      TEXT NOT NULL,              -- network, asn, domain
    value     TEXT NOT NULL,              -- in normal form
    confirmed BIGINT,                     -- NULL while it is only claimed
    author    TEXT NOT NULL,              -- who confirmed it
    PRIMARY KEY (node, kind, value)
);
CREATE UNIQUE INDEX member_holding_owner ON member_holding (kind, value) WHERE confirmed IS NOT NULL;

CREATE TABLE member_group (
    id      TEXT PRIMARY KEY,             -- ULID
    hub     TEXT NOT NULL,                -- whose it is: ours, or one above that told us
    name    TEXT NOT NULL,
    least   BIGINT NOT NULL,              -- that others may know it has
    members TEXT NOT NULL,                -- JSON: NodeIDs; of another hub's only where we are in it
    author  TEXT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE member_mandate (
    id       TEXT PRIMARY KEY,            -- ULID
    member   TEXT NOT NULL,
    support  TEXT NOT NULL,
    may      TEXT NOT NULL,               -- JSON: what for
    note     TEXT NOT NULL,
    author   TEXT NOT NULL,               -- at the member
    granted  BIGINT NOT NULL,
    until_at BIGINT,                      -- NULL until it is ended
    ended    BIGINT,
    ended_by TEXT NOT NULL,
    version  BIGINT NOT NULL
);
CREATE INDEX member_mandate_of ON member_mandate (support, member);

CREATE TABLE member_phone (
    node     TEXT NOT NULL,
    place    BIGINT NOT NULL,             -- in the order in which to call
    name     TEXT NOT NULL,
    phone    TEXT NOT NULL,
    language TEXT NOT NULL,
    note     TEXT NOT NULL,
    PRIMARY KEY (node, place)
);

-- Keys and nodes that people here do not trust, by fingerprint.
CREATE TABLE member_distrust (
    fingerprint TEXT PRIMARY KEY,
    who         TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at          BIGINT NOT NULL
);

-- Numbers of what is told to neighbours about who is reached.
CREATE TABLE member_sequence (
    id   BIGINT PRIMARY KEY,              -- 1: there is one
    last BIGINT NOT NULL
);
