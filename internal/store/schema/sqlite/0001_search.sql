-- +goose Up
CREATE TABLE store_program (
	room    TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	program TEXT NOT NULL
);
CREATE TABLE search_document (
	n     INTEGER PRIMARY KEY,
	room  TEXT NOT NULL,
	id    TEXT NOT NULL,
	words TEXT NOT NULL,
	UNIQUE (room, id)
);
-- The words are cut in Go: whatever stands between spaces is one.
CREATE VIRTUAL TABLE search_index USING fts5(
	words, content='search_document', content_rowid='n', columnsize=0, tokenize='ascii'
);
