-- +goose Up
CREATE TABLE sharing_share (
    author    TEXT NOT NULL,               -- of the envelope
    id        TEXT NOT NULL,               -- of the envelope
    what      TEXT NOT NULL,               -- indicator, sighting, note
    title     TEXT NOT NULL,
    marking   TEXT NOT NULL,
    scope     TEXT NOT NULL,               -- JSON: whom it is for
    hidden    BOOLEAN NOT NULL,            -- who shared it is not named
    through   TEXT NOT NULL,               -- ours and hidden: the hub that shares it
    group_id  TEXT NOT NULL,               -- ours, for a group
    state     TEXT NOT NULL,               -- standing, withdrawn, expired
    reason    TEXT NOT NULL,
    by_name   TEXT NOT NULL,               -- ours: who
    at        BIGINT NOT NULL,             -- it was shared, or came
    until     BIGINT,
    ended     BIGINT,
    body      TEXT NOT NULL,               -- alliance.Shared; empty once it does not stand
    PRIMARY KEY (id, author)
);
CREATE INDEX sharing_share_standing ON sharing_share (state, what);
