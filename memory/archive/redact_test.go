package archive_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/crash"
	"tocsin/memory/archive"
)

// setting returns an editor that sets one field of the events that wanted takes.
func setting(field, value string, wanted func(*archive.Row) bool) func(*intel.Names) func(*archive.Row) bool {
	return func(names *intel.Names) func(*archive.Row) bool {
		name := names.Intern(field)
		return func(r *archive.Row) bool {
			if !wanted(r) {
				return false
			}
			for i := range r.Fields {
				if r.Fields[i].Name == name {
					r.Fields[i] = intel.Field{Name: name, Kind: intel.Text, Value: []byte(value)}
				}
			}
			return true
		}
	}
}

// valuesOf returns a field's value by event.
func valuesOf(t *testing.T, a *archive.Archive, w *world, field string) map[uint64]string {
	t.Helper()
	name, all := w.names.Intern(field), map[uint64]string{}
	scan(t, a, archive.Query{}, w.names, func(r *archive.Row) bool {
		f, _ := r.First(name)
		if _, twice := all[r.Number]; twice {
			t.Errorf("event %d is there twice", r.Number)
		}
		all[r.Number] = string(f.Value)
		return true
	})
	return all
}

func TestRedactedEventsChangeAndOthersStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.hourly(t, 4)
	before, files := valuesOf(t, a, w, "ProcessId"), a.Stats()
	chosen := []uint64{1003, 2001, 2009, 3005, 4001}
	redaction := archive.Redaction{
		Before: during.Add(4 * time.Hour), Dry: true, // of the hours 1 to 3
		Editor: setting("ProcessId", "[gone]", func(r *archive.Row) bool { return slices.Contains(chosen, r.Number) }),
	}
	done, err := a.Redact(t.Context(), redaction)
	if err != nil || done != (archive.Redacted{Segments: 3, Events: 4}) || valuesOf(t, a, w, "ProcessId")[1003] != before[1003] {
		t.Errorf("a dry run: %+v, %v", done, err)
	}
	redaction.Dry = false
	if done, err = a.Redact(t.Context(), redaction); err != nil || done != (archive.Redacted{Segments: 3, Events: 4}) {
		t.Errorf("%+v, %v", done, err)
	}
	for number, got := range valuesOf(t, a, w, "ProcessId") {
		want := before[number]
		if slices.Contains(chosen[:4], number) {
			want = "[gone]"
		}
		if got != want {
			t.Errorf("event %d: %s, want %s", number, got, want)
		}
	}
	if after := a.Stats(); after.Events != files.Events || after.Segments != files.Segments {
		t.Errorf("%+v, before %+v", after, files)
	}
}

func TestRedactLeavesADamagedSegmentAndDoesTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	a := w.flushed(t, dir, 3, 100)
	victim := segments(t, dir)[1]
	whole, err := os.ReadFile(victim)
	if err != nil {
		t.Fatal(err)
	}
	torn := slices.Clone(whole)
	torn[len(torn)/3] ^= 1
	if err := os.WriteFile(victim, torn, 0o600); err != nil {
		t.Fatal(err)
	}
	all := archive.Redaction{Before: time.Now(), Editor: setting("CommandLine", "[gone]", func(*archive.Row) bool { return true })}
	done, err := a.Redact(t.Context(), all)
	if err == nil || done.Segments != 2 || done.Events != 200 {
		t.Errorf("%+v, %v", done, err)
	}
	if left, err := os.ReadFile(victim); err != nil || !slices.Equal(left, torn) {
		t.Errorf("the damaged segment was touched: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Redact(ctx, all); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// redactFolder names the archive that a process started by a test redacts.
const redactFolder = "TOCSIN_TEST_REDACT"

// redactChild redacts all events again and again, each time to the next number,
// until it is killed.
func redactChild(dir string) error {
	w := bare()
	a, err := archive.Open(dir, w.config())
	if err != nil {
		return err
	}
	for round := 1; ; round++ {
		editor := setting("CommandLine", strconv.Itoa(round), func(r *archive.Row) bool {
			fmt.Println(r.Number)
			return true
		})
		if _, err := a.Redact(context.Background(), archive.Redaction{Before: time.Now(), Editor: editor}); err != nil {
			return err
		}
	}
}

// Killed anywhere, every event is there once, in the old form or the new one, and
// those of a segment are alike.
func TestKilledRedactionLeavesTheOldOrTheNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const entries, events = 3, 20
	whole := t.TempDir()
	if err := w.flushed(t, whole, entries, events).Close(); err != nil {
		t.Fatal(err)
	}
	for range crash.Kills(t) {
		dir := filepath.Join(t.TempDir(), "archive")
		if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
			t.Fatal(err)
		}
		crash.Kill(t, redactFolder, dir, 1+rand.IntN(3*entries*events), func(string) {})
		a := w.open(t, dir, nil)
		got := valuesOf(t, a, w, "CommandLine")
		forms := map[uint64]map[string]bool{}
		for number, value := range got {
			if strings.HasPrefix(value, "program") {
				value = "0"
			}
			entry := number / 1000
			if forms[entry] == nil {
				forms[entry] = map[string]bool{}
			}
			forms[entry][value] = true
		}
		for entry, values := range forms {
			if len(values) != 1 {
				t.Errorf("entry %d is in the forms %v", entry, values)
			}
		}
		if len(got) != entries*events {
			t.Errorf("%d events of %d", len(got), entries*events)
		}
	}
}
