package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/backup"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
	"tocsin/node"
	"tocsin/people"
)

// site is a data directory with something of every part that a database is
// behind.
type site struct {
	*console
	secret string // of a token
	head   audit.Head
	sum    store.Sum // of a file of evidence
}

// alarms returns timers whose handler counts.
func alarms(db *store.DB) *timer.Timers {
	return timer.New(db, map[string]timer.Kind{"alarm": {Handle: timer.Write(func(context.Context, *store.Tx, timer.Timer) error { return nil })}}, timer.Config{})
}

func newSite(t *testing.T, database string) *site {
	t.Helper()
	s := &site{console: &console{data: filepath.Join(t.TempDir(), "data"), chosen: database}}
	n, err := s.openNode(t.Context(), nil, node.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.openPeople(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx := people.With(t.Context(), operator())
	if s.secret, _, err = p.tokens.Create(ctx, "sensor", people.Sensor, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return alarms(p.db).Schedule(ctx, tx, timer.Timer{ID: "once", Kind: "alarm", Subject: "case", Due: time.Now().Add(-time.Hour)})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.trail.Link(ctx); err != nil {
		t.Fatal(err)
	}
	if s.head, err = p.trail.Head(ctx); err != nil || s.head.Seq == 0 {
		t.Fatalf("the trail's head: %+v, %v", s.head, err)
	}
	blobs, err := store.OpenBlobs(filepath.Join(s.data, evidenceFolder))
	if err != nil {
		t.Fatal(err)
	}
	if s.sum, _, err = blobs.Put(ctx, strings.NewReader("a disk's image"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.data, evidenceFolder, "incoming", "half"), []byte("hal"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.db.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

// goesOn checks that what a site had is there, and happens once.
func (s *site) goesOn(t *testing.T, c *console) {
	t.Helper()
	p, err := c.openPeople(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.db.Close()
	if _, err := p.tokens.Check(t.Context(), s.secret); err != nil {
		t.Errorf("the token: %v", err)
	}
	alarms := alarms(p.db)
	for range 2 {
		if err := alarms.Settle(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := alarms.Counts(); got != (timer.Counts{Fired: 1}) {
		t.Errorf("the timer: %+v", got)
	}
	if _, err := p.tokens.Revoke(people.With(t.Context(), operator()), "sensor"); err != nil {
		t.Error(err)
	}
	if _, err := p.trail.Link(t.Context()); err != nil {
		t.Error(err)
	}
	told, err := p.trail.Verify(t.Context(), s.head)
	if err != nil || len(told.Breaks) > 0 || told.Head.Seq <= s.head.Seq {
		t.Errorf("the trail: %+v, %v", told, err)
	}
	blobs, err := store.OpenBlobs(filepath.Join(c.data, evidenceFolder))
	if err != nil {
		t.Fatal(err)
	}
	if err := blobs.Verify(t.Context(), s.sum); err != nil {
		t.Errorf("evidence: %v", err)
	}
}

func (s *site) backedUp(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := s.writeBackup(t.Context(), nil, &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func restored(t *testing.T, file []byte, database string) (*console, backup.Manifest, error) {
	t.Helper()
	c := &console{data: filepath.Join(t.TempDir(), "restored"), chosen: database}
	done, err := backup.Restore(t.Context(), bytes.NewReader(file), backup.Into{Dir: c.data, Layout: c.layout(nil), Parts: c.parts(nil), Now: time.Now()})
	return c, done.Manifest, err
}

// Whatever keeps a node's tables, its backup holds them, and comes back on
// either.
func TestBackupComesBackOnEitherDatabase(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(*testing.T) string{
		"sqlite":     func(*testing.T) string { return onFile },
		"postgresql": func(t *testing.T) string { t.Helper(); return storetest.PostgreSQL(t).URL },
	}
	for from, source := range kinds {
		for to, target := range kinds {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, source(t))
				file := s.backedUp(t)
				into := target(t)
				c, m, err := restored(t, file, into)
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(m.Parts, func(p backup.PartFiles) bool { return p.Name == evidenceFolder })
				if at < 0 || len(m.Parts[at].Files) != 1 { // not what was still coming in
					t.Errorf("parts: %+v", m.Parts)
				}
				_, err = os.Stat(filepath.Join(c.data, databaseFile))
				if there := err == nil; there != (to == "sqlite") {
					t.Errorf("the file of SQLite is there: %t", there)
				}
				s.goesOn(t, &console{data: c.data, chosen: into})
				if to != "postgresql" {
					return
				}
				if c, _, err := restored(t, file, into); !errors.Is(err, fault.Conflict) {
					t.Errorf("over tables: %v", err)
				} else if _, err := os.Stat(c.data); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("over tables: %v", err)
				}
			})
		}
	}
}

// A damaged backup changes nothing, neither in the data directory nor in the
// database.
func TestDamagedBackupLeavesBothAsTheyWere(t *testing.T) {
	t.Parallel()
	s := newSite(t, onFile)
	file := s.backedUp(t)
	into := storetest.PostgreSQL(t).URL
	for _, at := range []int{40, len(file) / 3, len(file) / 2, len(file) - 40} {
		damaged := bytes.Clone(file)
		damaged[at] ^= 4
		c, _, err := restored(t, damaged, into)
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d: %v", at, err)
		}
		if _, err := os.Stat(c.data); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
	c, _, err := restored(t, file, into) // it was left empty
	if err != nil {
		t.Fatal(err)
	}
	s.goesOn(t, &console{data: c.data, chosen: into})
}
