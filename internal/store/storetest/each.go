package storetest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"tocsin/internal/store"
)

// Each runs a test on an empty database of each engine, in which the tables of
// the rooms are made. The subtests run in parallel.
func Each(t *testing.T, test func(t *testing.T, db *store.DB), rooms ...store.Room) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Open(t, SQLite(t), rooms...))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, open(t, migrated(t, rooms)))
	})
}

// EachConfig runs a test once for each engine with what opens an empty database
// of its own: for tests that open it more than once, or in another process.
func EachConfig(t *testing.T, test func(t *testing.T, config store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, PostgreSQL(t))
	})
}

// SQLite returns an empty database in a file.
func SQLite(tb testing.TB) store.Config {
	tb.Helper()
	return store.Config{Path: filepath.Join(tb.TempDir(), "tocsin.db")}
}

// PostgreSQL returns an empty database of the binary's server. The test skips
// (or fails) when PostgreSQL is not installed.
func PostgreSQL(tb testing.TB) store.Config {
	tb.Helper()
	return store.Config{URL: ours(tb).Database(tb)}
}

// Locked returns the URL of an empty database of the binary's server that wants
// a password, which is not in it. The test skips as with PostgreSQL.
func Locked(tb testing.TB, password string) string {
	tb.Helper()
	return ours(tb).Locked(tb, password)
}

// Open opens a database, which is closed with the test, and makes the tables of
// the rooms.
func Open(tb testing.TB, config store.Config, rooms ...store.Room) *store.DB {
	tb.Helper()
	if config.Path != "" {
		if _, err := os.Lstat(config.Path); errors.Is(err, fs.ErrNotExist) {
			if err := writeLite(tb.Context(), config, rooms); err != nil {
				tb.Fatal(err)
			}
			return open(tb, config)
		}
	}
	db := open(tb, config)
	if err := db.Migrate(tb.Context(), rooms...); err != nil {
		tb.Fatal(err)
	}
	return db
}

// open opens a database, which is closed with the test.
func open(tb testing.TB, config store.Config) *store.DB {
	tb.Helper()
	db, err := store.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close the database: %v", err)
		}
	})
	return db
}
