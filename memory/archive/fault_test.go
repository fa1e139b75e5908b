package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/archive"
	"tocsin/telemetry"
)

// plain makes events that are easy to tell apart: event n of an entry.
func (w *world) plain(class *intel.Class, entry uint64, n int) *telemetry.Event {
	e := &telemetry.Event{
		Source: &telemetry.Source{Name: "plain.json", Format: telemetry.JSON},
		Class:  class, Host: fmt.Appendf(nil, "pc-%d", n%5), Number: entry*1000 + uint64(n),
		Time: time.Date(2026, 3, 1, int(entry%24), n%60, 0, 0, time.UTC),
	}
	e.Add(w.names.Intern("CommandLine"), intel.Text, fmt.Appendf(nil, "program --entry %d --event %d", entry, n))
	e.Add(w.names.Intern("ProcessId"), intel.Number, fmt.Append(nil, n*7))
	return e
}

// putPlain puts an entry of that many plain events.
func (w *world) putPlain(a *archive.Archive, class *intel.Class, entry uint64, events int) {
	b := a.NewBatch()
	for n := range events {
		b.Add(w.plain(class, entry, n))
	}
	a.Put(entry, b)
}

// flushed makes an archive with a segment for each entry.
func (w *world) flushed(t *testing.T, dir string, entries, events int) *archive.Archive {
	t.Helper()
	a := w.open(t, dir, nil)
	class := w.mappings.Class("")
	for entry := uint64(1); entry <= uint64(entries); entry++ {
		w.putPlain(a, class, entry, events)
		if err := errorsOf(commit(a, entry), a.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func segments(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "segments", "*.parquet"))
	if err != nil || len(found) == 0 {
		t.Fatalf("got segments %v, %v", found, err)
	}
	return found
}

func numbers(t *testing.T, a *archive.Archive, w *world) ([]uint64, archive.ScanStats) {
	t.Helper()
	got, stats := scan(t, a, archive.Query{}, w.names, func(r *archive.Row) uint64 { return r.Number })
	slices.Sort(got)
	return got, stats
}

func TestDamagedSegmentIsToldOfAndTheRestServes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	const entries, events = 4, 100
	a := w.flushed(t, dir, entries, events)
	want, _ := numbers(t, a, w)
	victim := segments(t, dir)[1]
	whole, err := os.ReadFile(victim)
	if err != nil {
		t.Fatal(err)
	}
	change := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(victim, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	harmless := 0
	const flips = 100
	for range flips {
		flipped := bytes.Clone(whole)
		flipped[random.IntN(len(flipped))] ^= 1 << random.IntN(8)
		change(flipped)
		got, stats := numbers(t, a, w)
		if len(stats.Damaged) == 0 {
			harmless++ // what readers of ours do not look at: Parquet's own page index
			if !slices.Equal(got, want) || stats.Partial {
				t.Fatal("a change goes unnoticed and other events come back")
			}
			continue
		}
		checkDamage(t, got, stats, filepath.Base(victim), (entries-1)*events)
	}
	if harmless > flips/3 {
		t.Errorf("%d of %d flipped bits went unnoticed", harmless, flips)
	}
	for name, content := range map[string][]byte{"cut short": whole[:len(whole)/2], "empty": nil, "longer": append(bytes.Clone(whole), 0)} {
		change(content)
		got, stats := numbers(t, a, w)
		if len(stats.Damaged) == 0 {
			t.Errorf("%s: not told of", name)
		}
		checkDamage(t, got, stats, filepath.Base(victim), (entries-1)*events)
	}
	if err := a.Compact(t.Context()); err == nil || !strings.Contains(err.Error(), filepath.Base(victim)) {
		t.Errorf("compaction of a damaged segment: got %v, want it named", err)
	}
	change(whole)
	if got, stats := numbers(t, a, w); !slices.Equal(got, want) || stats.Partial {
		t.Error("not all events are back with the file")
	}
}

func checkDamage(t *testing.T, got []uint64, stats archive.ScanStats, victim string, others int) {
	t.Helper()
	if len(stats.Damaged) != 1 || stats.Damaged[0].Segment != victim || stats.Damaged[0].Reason == "" || !stats.Partial {
		t.Fatalf("got %+v, want %s told of", stats, victim)
	}
	if len(got) < others {
		t.Fatalf("got %d events, want at least the %d of the other segments", len(got), others)
	}
}

func TestDamagedManifestIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	if err := w.flushed(t, dir, 2, 50).Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "manifest.json")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"digit":     func(b []byte) []byte { return bytes.Replace(b, []byte(`"rows":50`), []byte(`"rows":51`), 1) },
		"cut short": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
	} {
		if err := os.WriteFile(path, change(bytes.Clone(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Open(dir, w.config()); err == nil || !strings.Contains(err.Error(), "manifest.json") {
			t.Errorf("%s: got %v, want the file named", name, err)
		}
	}
}

func TestArchiveIsOpenedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	a := w.flushed(t, dir, 1, 50)
	if _, err := archive.Open(dir, w.config()); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v, want a conflict", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	w.open(t, dir, nil)
}

func TestWhatNoManifestListsIsSwept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	if err := w.flushed(t, dir, 1, 50).Close(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "segments", "2026-03-01T01_windows-sysmon_000000000009.parquet")
	for _, path := range []string{left, filepath.Join(dir, "manifest.json.new")} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := w.open(t, dir, nil)
	if got, _ := numbers(t, a, w); len(got) != 50 {
		t.Errorf("got %d events, want 50", len(got))
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a half-written segment is still there: %v", err)
	}
}

func TestScanSeesEveryEventOnceWhileSegmentsAreMerged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	const entries, events = 12, 40
	a := w.flushed(t, dir, entries, events)
	var merging sync.WaitGroup
	merging.Go(func() {
		if err := a.Compact(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for range 5 {
		if got, stats := numbers(t, a, w); len(got) != entries*events || stats.Partial || len(slices.Compact(got)) != entries*events {
			t.Errorf("got %d events, %+v, want %d", len(got), stats, entries*events)
		}
	}
	merging.Wait()
	if got := a.Stats(); got.Segments != 1 || got.Events != entries*events {
		t.Errorf("got %+v, want one segment", got)
	}
	if left := segments(t, dir); len(left) != 1 {
		t.Errorf("got files %v, want one", left)
	}
}

func TestScanThatIsEndedIsPartial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.flushed(t, t.TempDir(), 3, 100)
	stop := errors.New("enough")
	for _, workers := range []int{1, 2} {
		stats, err := a.Scan(t.Context(), archive.Query{Workers: workers}, w.names, func() func(*archive.Row) error {
			return func(*archive.Row) error { return stop }
		})
		if !errors.Is(err, stop) || !stats.Partial {
			t.Errorf("got %+v, %v, want partial and the visitor's error", stats, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		stats, err = a.Scan(ctx, archive.Query{Workers: workers}, w.names, func() func(*archive.Row) error {
			return func(*archive.Row) error { return nil }
		})
		if !errors.Is(err, context.Canceled) || !stats.Partial {
			t.Errorf("got %+v, %v, want partial and canceled", stats, err)
		}
	}
}

// FuzzIndex gives a segment any index, with the checksum that fits it.
func FuzzIndex(f *testing.F) {
	w := newWorld(f)
	dir := f.TempDir()
	a, err := archive.Open(dir, w.config())
	if err != nil {
		f.Fatal(err)
	}
	w.putPlain(a, w.mappings.Class(""), 1, 100)
	if err := errorsOf(commit(a, 1), a.Close()); err != nil {
		f.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "segments", "*.parquet"))
	if err != nil || len(found) != 1 {
		f.Fatal(found, err)
	}
	whole, err := os.ReadFile(found[0])
	if err != nil {
		f.Fatal(err)
	}
	listed := readEnvelope(f, dir)
	at, size := listed.Segments[0].int("index_at"), listed.Segments[0].int("index_size")
	f.Add(whole[at : at+size])
	f.Fuzz(func(t *testing.T, index []byte) {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "segments"), 0o700); err != nil {
			t.Fatal(err)
		}
		content := slices.Concat(whole[:at], index, whole[at+size:])
		if err := os.WriteFile(filepath.Join(dir, "segments", filepath.Base(found[0])), content, 0o600); err != nil {
			t.Fatal(err)
		}
		m := listed
		m.Segments = []segmentEntry{listed.Segments[0].with(map[string]any{
			"bytes": len(content), "index_size": len(index), "index_sum": castagnoli(index),
		})}
		m.write(t, dir)
		a, err := archive.Open(dir, w.config())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []archive.Query{{}, {Needles: []string{"program"}, Hosts: []string{"pc-1"}}} {
			_, stats := scan(t, a, q, w.names, func(*archive.Row) int { return 0 })
			if len(stats.Damaged) > 1 {
				t.Errorf("one segment is damaged %d times", len(stats.Damaged))
			}
		}
	})
}

// segmentEntry is a segment as the manifest's JSON has it.
type segmentEntry map[string]any

func (e segmentEntry) int(key string) int { n, _ := e[key].(float64); return int(n) }

func (e segmentEntry) with(changes map[string]any) segmentEntry {
	changed := maps.Clone(e)
	maps.Copy(changed, changes)
	return changed
}

type listing struct {
	Version  int            `json:"version"`
	Cursor   uint64         `json:"cursor"`
	Next     uint64         `json:"next"`
	Segments []segmentEntry `json:"segments"`
}

func readEnvelope(tb testing.TB, dir string) listing {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var whole struct {
		Manifest listing `json:"manifest"`
	}
	if err := json.Unmarshal(content, &whole); err != nil {
		tb.Fatal(err)
	}
	return whole.Manifest
}

func (l listing) write(tb testing.TB, dir string) {
	tb.Helper()
	inner, err := json.Marshal(l)
	if err != nil {
		tb.Fatal(err)
	}
	content := fmt.Sprintf(`{"sum":%d,"manifest":%s}`, castagnoli(inner), inner)
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}
