-- +goose Up
ALTER TABLE people_account ADD COLUMN phone TEXT NOT NULL DEFAULT '';
