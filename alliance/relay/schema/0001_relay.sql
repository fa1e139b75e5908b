-- +goose Up
-- What goes, or went, through this node.
CREATE TABLE relay_item (
    author    TEXT NOT NULL,               -- of the envelope
    id        TEXT NOT NULL,               -- of the envelope
    from_node TEXT NOT NULL,               -- the neighbour it came from; empty for ours
    ended     BOOLEAN NOT NULL,            -- its end came, perhaps before it
    at        BIGINT NOT NULL,
    PRIMARY KEY (author, id)
);
CREATE INDEX relay_item_at ON relay_item (at);

-- Whom this node gave it to.
CREATE TABLE relay_sent (
    author    TEXT NOT NULL,
    id        TEXT NOT NULL,
    neighbour TEXT NOT NULL,
    PRIMARY KEY (author, id, neighbour)
);

-- What this node said for a member that is not named.
CREATE TABLE relay_mask (
    id     TEXT PRIMARY KEY,               -- of our envelope
    node   TEXT NOT NULL,                  -- for whom
    theirs TEXT NOT NULL,                  -- the ID of its envelope
    UNIQUE (node, theirs)
);
