package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/internal/backup"
	"tocsin/internal/datadir"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/node"
	"tocsin/telemetry"
)

// A later version, made up, brings a data directory of this one up to date: it
// backs it up first, and from that backup this version goes on.
func TestDirectoryIsBackedUpBeforeItIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	c := &console{data: filepath.Join(t.TempDir(), "data")}
	n, err := c.openNode(t.Context(), nil, node.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(followedEvent))); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	layout := c.layout(slog.New(slog.DiscardHandler))
	layout.Version, layout.Program = dataFormat+1, "tocsin of the future"
	layout.Steps = []datadir.Step{{To: dataFormat + 1, Does: "moves the findings", Run: func(_ context.Context, dir string) error {
		return os.Rename(filepath.Join(dir, node.FindingsFolder), filepath.Join(dir, "found"))
	}}}
	if err := layout.Prepare(t.Context(), c.data); err != nil {
		t.Fatal(err)
	}
	if _, err := c.openNode(t.Context(), nil, node.Config{}); err == nil || !strings.Contains(err.Error(), "use tocsin of the future or newer") {
		t.Errorf("this version opens it: %v", err)
	}
	made, err := filepath.Glob(filepath.Join(c.data, backupsFolder, "format-1-*.tocsin"))
	if err != nil || len(made) != 1 {
		t.Fatalf("backups %v, %v", made, err)
	}
	file, err := os.Open(made[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	old := &console{data: filepath.Join(t.TempDir(), "old")}
	if _, err := backup.Restore(t.Context(), file, backup.Into{Dir: old.data, Layout: old.layout(nil), Parts: old.parts(nil), Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if n, err = old.openNode(t.Context(), nil, node.Config{}); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if !n.Behind() {
		t.Error("what was acknowledged before is not there")
	}
}

// tables is a room with so many migrations.
func tables(migrations int) store.Room {
	files := fstest.MapFS{}
	for i, change := range []string{"CREATE TABLE made_one (id TEXT PRIMARY KEY);", "ALTER TABLE made_one ADD COLUMN more TEXT;"}[:migrations] {
		files[[]string{"0001_one.sql", "0002_more.sql"}[i]] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + change + "\n")}
	}
	return store.Room{Name: "made", Files: files}
}

func TestTablesAreCopiedBeforeTheyAreChanged(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, where store.Config) {
		c := &console{data: t.TempDir(), chosen: where.URL}
		db, err := c.openTables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		copies := func() []string {
			t.Helper()
			entries, err := os.ReadDir(filepath.Join(c.data, backupsFolder))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return names
		}
		for step, want := range []int{0, 0, 1, 1} { // made, nothing to do, changed, nothing to do
			if err := c.migrate(t.Context(), db, tables(1+step/2)); err != nil {
				t.Fatal(err)
			}
			if got := copies(); len(got) != want {
				t.Errorf("step %d: %v", step, got)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		before, err := store.Open(t.Context(), store.Config{Path: filepath.Join(c.data, backupsFolder, copies()[0])})
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		pending, err := before.Pending(t.Context(), tables(2))
		if err != nil || len(pending) != 1 || pending[0].Have != 1 {
			t.Errorf("the copy: %+v, %v", pending, err)
		}
	})
}

// A copy of the tables alone is brought back by restore, where there are none.
func TestCopyOfTheTablesIsRestored(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, where store.Config) {
		s := newSite(t, where.URL)
		db, err := s.openTables(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.copyTables(t.Context(), db, databaseRooms()), db.Close()); err != nil {
			t.Fatal(err)
		}
		made, err := filepath.Glob(filepath.Join(s.data, backupsFolder, "database-*.db"))
		if err != nil || len(made) != 1 {
			t.Fatalf("copies %v, %v", made, err)
		}
		flags := []string{"restore", made[0], "--data", s.data}
		if out := saysOf(t, 0, append(flags, "--check")...); !strings.Contains(out, "is whole") {
			t.Errorf("check: %s", out)
		}
		into := onFile
		if where.URL != "" {
			into = storetest.PostgreSQL(t).URL
		} else if out := saysOf(t, 1, flags...); !strings.Contains(out, "is there already") {
			t.Errorf("over tables: %s", out)
		} else if err := os.Remove(filepath.Join(s.data, databaseFile)); err != nil {
			t.Fatal(err)
		}
		saysOf(t, 0, append(flags, "--database", into)...)
		s.goesOn(t, &console{data: s.data, chosen: into})
	})
}
