-- +goose Up
CREATE TABLE store_program (
	room    TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	program TEXT NOT NULL
);
CREATE TABLE search_document (
	n      BIGSERIAL PRIMARY KEY,
	room   TEXT NOT NULL,
	id     TEXT NOT NULL,
	words  TEXT NOT NULL,
	vector TSVECTOR NOT NULL,
	UNIQUE (room, id)
);
CREATE INDEX search_index ON search_document USING GIN (vector);
