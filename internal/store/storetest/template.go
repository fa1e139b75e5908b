package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"tocsin/internal/store"
)

// Migrating a database takes longer than most tests, so it is done once a
// binary for each set of rooms and engine; tests get copies.

// templates are by what determines them, see setOf.
var templates struct {
	lite, server sync.Map // set → *template
}

// template is a migrated database that is only copied.
type template struct {
	once sync.Once
	file []byte // a whole SQLite file
	name string // of a database of the shared server, to which nobody connects
	err  error
}

// templateOf returns the template of a set, made by make on first use.
func templateOf(of *sync.Map, set [sha256.Size]byte, fill func(*template) error) (*template, error) {
	found, _ := of.LoadOrStore(set, new(template))
	t, _ := found.(*template)
	t.once.Do(func() { t.err = fill(t) })
	return t, t.err
}

// setOf tells sets of rooms apart by all that a migration of them would read.
func setOf(program string, rooms []store.Room) (set [sha256.Size]byte, err error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q\n", program)
	for _, room := range rooms {
		fmt.Fprintf(hash, "room %q\n", room.Name)
		err := fs.WalkDir(room.Files, ".", func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := fs.ReadFile(room.Files, path)
			fmt.Fprintf(hash, "%q %q\n", path, text)
			return err
		})
		if err != nil {
			return set, err
		}
	}
	return [sha256.Size]byte(hash.Sum(nil)), nil
}

// migrate makes the tables of the rooms in an empty database.
func migrate(ctx context.Context, config store.Config, rooms []store.Room) error {
	db, err := store.Open(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx, rooms...), db.Close())
}

// writeLite writes a migrated SQLite database to where the configuration has it.
func writeLite(ctx context.Context, config store.Config, rooms []store.Room) error {
	set, err := setOf(config.Program, rooms)
	if err != nil {
		return err
	}
	t, err := templateOf(&templates.lite, set, func(t *template) (err error) {
		dir, err := os.MkdirTemp("", "tocsin-template-")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		path := filepath.Join(dir, "tocsin.db")
		if err := migrate(context.WithoutCancel(ctx), store.Config{Path: path, Program: config.Program}, rooms); err != nil {
			return err
		}
		t.file, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(config.Path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(config.Path, t.file, 0o600)
}

// migrated makes a database of the binary's server in which the tables of the
// rooms are.
func migrated(tb testing.TB, rooms []store.Room) store.Config {
	tb.Helper()
	s := ours(tb)
	set, err := setOf("", rooms)
	if err != nil {
		tb.Fatal(err)
	}
	t, err := templateOf(&templates.server, set, func(t *template) error {
		ctx := context.WithoutCancel(tb.Context())
		t.name = fmt.Sprintf("migrated%d", s.number.Add(1))
		if err := s.do(ctx, "CREATE DATABASE "+t.name); err != nil {
			return err
		}
		return migrate(ctx, store.Config{URL: s.url(t.name)}, rooms)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return store.Config{URL: s.database(tb, t.name)}
}
