-- +goose Up
CREATE TABLE collection (
    number      BIGINT PRIMARY KEY,          -- the order in which they are listed
    id          TEXT NOT NULL UNIQUE,        -- UUID of version 4
    root        TEXT NOT NULL,               -- the API root it is in
    alias       TEXT NOT NULL,               -- empty when it has none
    title       TEXT NOT NULL,
    description TEXT NOT NULL,
    last_added  BIGINT NOT NULL              -- of its objects; who adds changes it first, so that they take turns
);
CREATE UNIQUE INDEX collection_alias ON collection (root, alias) WHERE alias <> '';

-- One row a version of an object.
CREATE TABLE collection_object (
    collection BIGINT NOT NULL,              -- its number
    added      BIGINT NOT NULL,              -- as no other in the collection
    id         TEXT NOT NULL,
    type       TEXT NOT NULL,
    spec       TEXT NOT NULL,                -- 2.0 or 2.1
    version    TEXT NOT NULL,                -- as the object writes it; empty when it has none
    at         BIGINT NOT NULL,              -- the version's moment in ns, else when it was added
    marking    BIGINT NOT NULL,              -- the strictest in the object
    -- The laxest marking of a newer version, of an older one, and of one in a newer
    -- STIX; 99 when there is none. Whoever may see up to a marking has the last
    -- version before him where newer is above it.
    newer      BIGINT NOT NULL,
    older      BIGINT NOT NULL,
    newer_spec BIGINT NOT NULL,
    digest     BYTEA NOT NULL,               -- of the object, whatever the order of its properties
    object     TEXT NOT NULL,                -- as it came
    PRIMARY KEY (collection, added)
);
CREATE UNIQUE INDEX collection_object_version ON collection_object (collection, id, spec, at);
CREATE INDEX collection_object_by_type ON collection_object (collection, type, added);

CREATE TABLE collection_status (
    id       TEXT PRIMARY KEY,
    root     TEXT NOT NULL,
    client   TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    body     TEXT NOT NULL
);
CREATE INDEX collection_status_saved ON collection_status (saved_at);
