package link_test

import "testing/fstest"

var diaryFiles = fstest.MapFS{"0001_diary.sql": {Data: []byte(`-- +goose Up
CREATE TABLE diary (
	author    TEXT NOT NULL,
	id        TEXT NOT NULL,
	neighbour TEXT NOT NULL,
	body      TEXT NOT NULL,
	n         BIGINT NOT NULL,
	PRIMARY KEY (author, id)
);
`)}}
