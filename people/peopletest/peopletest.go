// Package peopletest opens the rooms of people for the tests of others.
package peopletest

import (
	"testing"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/people"
)

// Database returns a database in a file of its own, with the tables of people.
func Database(tb testing.TB) *store.DB {
	tb.Helper()
	return storetest.Open(tb, storetest.SQLite(tb), audit.Room(), people.Room())
}

// Tokens returns the tokens of a database of their own.
func Tokens(tb testing.TB) *people.Tokens {
	tb.Helper()
	db := Database(tb)
	return people.NewTokens(db, audit.New(db, time.Now), time.Now)
}
