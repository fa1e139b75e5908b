package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/store"
)

// previous unpacks the data directory that an earlier version wrote; see the
// README beside it.
func previous(t *testing.T) (dir, sensor, analyst string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	file, err := os.Open(filepath.Join("testdata", "previous", "data.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for entries := tar.NewReader(plain); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || !filepath.IsLocal(h.Name) {
			t.Fatalf("%s: %v", h.Name, err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = unpackFile(path, entries)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	secret := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata", "previous", name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	return dir, secret("sensor.token"), secret("analyst.token")
}

func unpackFile(path string, from io.Reader) error {
	content, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// What the version before wrote is taken over: copied first, and then all there.
func TestDataOfTheVersionBeforeIsTakenOver(t *testing.T) {
	t.Parallel()
	n := &upNode{args: []string{"--listen", "127.0.0.1:0"}}
	var sensor, analyst string
	n.dir, sensor, analyst = previous(t)
	if _, err := os.Stat(filepath.Join(n.dir, backupsFolder)); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("there are copies already: %v", err)
	}
	n.again(t)
	t.Cleanup(n.kill)
	made, err := filepath.Glob(filepath.Join(n.dir, backupsFolder, "database-*.db"))
	if err != nil || len(made) != 1 {
		t.Fatalf("copies of the tables before they were changed: %v, %v", made, err)
	}
	if err := store.CheckBackup(t.Context(), made[0], databaseRooms()...); err != nil {
		t.Errorf("the copy: %v", err)
	}
	file := filepath.Join(t.TempDir(), "analyst.token")
	if err := os.WriteFile(file, []byte(analyst), 0o600); err != nil {
		t.Fatal(err)
	}
	answers, notes := n.hunt(t, file, []string{"45.33.0.1", "45.33.0.2", "45.33.0.99"})
	if len(answers) != 3 || answers[0].Verdict != "seen" || answers[0].Count != 1 || answers[1].Verdict != "seen" || answers[2].Verdict == "seen" {
		t.Errorf("answers: %+v %s", answers, notes)
	}
	events, addresses := connections(200, 5)
	n.post(t, sensor, "site", events)
	if answers, notes := n.hunt(t, file, addresses); len(answers) != 5 || answers[4].Verdict != "seen" {
		t.Errorf("answers about new events: %+v %s", answers, notes)
	}
	if status, _, text := n.ask(t, "GET", "/api/v1/findings", analyst, ""); status != 200 || !strings.Contains(text, "evil.example") {
		t.Errorf("findings: %d %s", status, text)
	}
	for verb, want := range map[string]string{
		"user list": "ada", "token list": "dc01", "roster notes": "all quiet", "roster now --at 2026-12-24T12:00:00Z": "ada", "indicators list": "bad",
	} {
		if out := saysOf(t, 0, append(strings.Fields(verb), "--data", n.dir)...); !strings.Contains(out, want) {
			t.Errorf("%s: %s", verb, out)
		}
	}
	n.stop(t)
	n.again(t) // nothing is left to be done
	n.stop(t)
	if made, err := filepath.Glob(filepath.Join(n.dir, backupsFolder, "*")); err != nil || len(made) != 1 {
		t.Errorf("copies after a second start: %v, %v", made, err)
	}
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(n.dir, databaseFile)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if told, err := audit.New(db, time.Now).Verify(t.Context()); err != nil || len(told.Breaks) > 0 || told.Links == 0 {
		t.Errorf("the trail: %+v, %v", told, err)
	}
}

// Tables of a later version are refused, by every verb that would use them, with
// the version that is needed, and stay as they are.
func TestTablesOfALaterVersionAreRefused(t *testing.T) {
	t.Parallel()
	dir, _, _ := previous(t)
	c := &console{data: dir, chosen: onFile}
	db, err := c.openTables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO schema_people (version_id, is_applied) VALUES (99, TRUE)`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE store_program SET program = 'v9.1' WHERE room = 'people'`)
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"up --listen 127.0.0.1:0", "user list", "token list", "roster now", "doctor"} {
		if out := saysOf(t, 1, append(strings.Fields(verb), "--data", dir)...); !strings.Contains(out, "needs tocsin v9.1 or later") {
			t.Errorf("%s: %s", verb, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, backupsFolder)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("copies: %v", err)
	}
}
