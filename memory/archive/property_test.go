package archive_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/memory/archive"
	"tocsin/telemetry"
)

// lines are events of several log sources, to have their classes.
const lines = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc-1"},"EventData":{"Image":"x"}}}
{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc-1"},"EventData":{"Image":"x"}}}
{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":4624,"Channel":"Security","Computer":"pc-2"},"EventData":{"TargetUserName":"x"}}}
{"nothing":"known"}
`

// classes returns the classes of lines.
func (w *world) classes(t *testing.T) []*intel.Class {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lines.json")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	var classes []*intel.Class
	w.read(t, func(e *telemetry.Event) { classes = append(classes, e.Class) }, path)
	if len(classes) != 4 {
		t.Fatalf("got %d classes, want 4", len(classes))
	}
	return classes
}

// drawing draws events that have all that is hard to keep: names with marks or
// none at all, names that come again, values that are not UTF-8, empty, null,
// or almost numbers, and times that are missing, early, late or fine.
type drawing struct {
	world   *world
	classes []*intel.Class
	sources []*telemetry.Source
}

var (
	hardNames  = []string{"Image", "host", "a,b", `a\b`, "n#", "q?", "x!", "~", "", "tocsin.time", "id.orig_h", "Ünï", "\xffbad", "tab\tname", "EventID", "ts"}
	hardValues = []string{"", "0", "-0", "00", "7", "-12", "9223372036854775807", "9223372036854775808", "1.50", "true", "\xff\xfe", "ſoK", "powershell -enc AAAA", "naïve", "C:\\Windows\\x.exe", "\x00"}
)

func (d *drawing) shape(t *rapid.T) []intel.Field {
	fields := make([]intel.Field, rapid.IntRange(0, 8).Draw(t, "fields"))
	for i := range fields {
		fields[i].Name = d.world.names.Intern(rapid.SampledFrom(hardNames).Draw(t, "name"))
		fields[i].Kind = rapid.SampledFrom([]intel.Kind{intel.Text, intel.Text, intel.Number, intel.Bool, intel.Null}).Draw(t, "kind")
	}
	return fields
}

func (d *drawing) event(t *rapid.T, shape []intel.Field, number uint64) *telemetry.Event {
	e := &telemetry.Event{
		Source: rapid.SampledFrom(d.sources).Draw(t, "source"),
		Class:  rapid.SampledFrom(d.classes).Draw(t, "class"),
		Host:   []byte(rapid.SampledFrom([]string{"", "pc-1", "pc-2"}).Draw(t, "host")),
		Number: number, Offset: int64(number) * 100,
	}
	if at := rapid.Int64Range(-1, 1<<40).Draw(t, "time"); at >= 0 {
		e.Time = time.Unix(at/100, at%100*10_000_100).UTC()
	}
	for _, f := range shape {
		value := ""
		if f.Kind != intel.Null {
			value = rapid.SampledFrom(hardValues).Draw(t, "value")
		}
		e.Add(f.Name, f.Kind, []byte(value))
	}
	return e
}

func newDrawing(t *testing.T, w *world) *drawing {
	t.Helper()
	return &drawing{w, w.classes(t), []*telemetry.Source{{Name: "a.json", Format: telemetry.JSON}, {Name: "b/ü.evtx", Format: telemetry.EVTX}}}
}

// model is what an archive must hold, by the journal's entries.
type model struct {
	entries [][]*telemetry.Event // entry 1 is the first
}

// TestEveryEventIsThereOnce puts, commits, compacts and opens again in any
// order, and finds every event once, as it was.
func TestEveryEventIsThereOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := newDrawing(t, w)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		c := w.config()
		c.FlushBytes, c.SegmentBytes = 1<<30, rapid.SampledFrom([]int64{100_000, 1 << 20}).Draw(rt, "size")
		a, err := archive.Open(dir, c)
		if err != nil {
			rt.Fatal(err)
		}
		m := &model{}
		put := func(entry int) {
			b := a.NewBatch()
			for _, e := range m.entries[entry-1] {
				b.Add(e)
			}
			a.Put(uint64(entry), b)
		}
		number := uint64(0)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			shapes := [][]intel.Field{d.shape(rt), d.shape(rt)}
			var events []*telemetry.Event
			for range rapid.IntRange(0, 60).Draw(rt, "events") {
				number++
				events = append(events, d.event(rt, rapid.SampledFrom(shapes).Draw(rt, "shape"), number))
			}
			m.entries = append(m.entries, events)
			put(len(m.entries))
			switch rapid.IntRange(0, 3).Draw(rt, "then") {
			case 0: // a crash: what is after the cursor is put again, and one too many
				crashed := dir + "'"
				if err := errorsOf(os.CopyFS(crashed, os.DirFS(dir)), a.Close()); err != nil {
					rt.Fatal(err)
				}
				dir = crashed
				if a, err = archive.Open(dir, c); err != nil {
					rt.Fatal(err)
				}
				for entry := max(1, int(a.Cursor())); entry <= len(m.entries); entry++ {
					put(entry)
				}
			case 1:
				if err := commit(a, uint64(len(m.entries))); err != nil {
					rt.Fatal(err)
				}
				if err := a.Flush(); err != nil {
					rt.Fatal(err)
				}
			case 2:
				if err := a.Compact(t.Context()); err != nil {
					rt.Fatal(err)
				}
			}
		}
		if err := commit(a, uint64(len(m.entries))); err != nil {
			rt.Fatal(err)
		}
		if err := errorsOf(a.Flush(), a.Compact(t.Context())); err != nil {
			rt.Fatal(err)
		}
		var want []string
		for _, e := range slices.Concat(m.entries...) {
			want = append(want, w.told(e))
		}
		got, _ := scan(t, a, archive.Query{}, w.names, func(r *archive.Row) string { return w.told(&r.Event) })
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			rt.Fatalf("got %d events, want %d\n%s", len(got), len(want), difference(got, want))
		}
		if err := a.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func errorsOf(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

// difference shows the first of two sorted lists that differs.
func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("got\n%s\nwant\n%s", got[i], want[i])
		}
	}
	return ""
}

// mixed is an archive of hard events, in many segments.
func mixed(t *testing.T, w *world) (*archive.Archive, []*telemetry.Event) {
	t.Helper()
	d := newDrawing(t, w)
	a := w.open(t, t.TempDir(), func(c *archive.Config) { c.SegmentBytes = 100_000 })
	b := a.NewBatch()
	var all []*telemetry.Event
	const shapes, each = 20, 50
	for i := range shapes {
		shape := rapid.Custom(d.shape).Example(i)
		for j := range each {
			number := i*each + j
			e := rapid.Custom(func(rt *rapid.T) *telemetry.Event { return d.event(rt, shape, uint64(number)) }).Example(number)
			all = append(all, e)
			b.Add(e)
		}
	}
	a.Put(1, b)
	if err := errorsOf(commit(a, 1), a.Flush()); err != nil {
		t.Fatal(err)
	}
	return a, all
}

// TestWhatHoldsANeedleIsNeverSkipped looks for any part of any value, in other
// letters, in everything, in its field, and with others that are nowhere.
func TestWhatHoldsANeedleIsNeverSkipped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, all := mixed(t, w)
	all = slices.DeleteFunc(slices.Clone(all), func(e *telemetry.Event) bool { return len(e.Fields) == 0 })
	rapid.Check(t, func(rt *rapid.T) {
		e := rapid.SampledFrom(all).Draw(rt, "event")
		f := rapid.SampledFrom(e.Fields).Draw(rt, "field")
		from := rapid.IntRange(0, len(f.Value)).Draw(rt, "from")
		part := string(f.Value[from:rapid.IntRange(from, len(f.Value)).Draw(rt, "to")])
		needle := rapid.SampledFrom([]func(string) string{strings.ToUpper, sigma.FoldString, strings.Clone}).Draw(rt, "letters")(part)
		finds := func(what string, q archive.Query) {
			got, _ := scan(t, a, q, w.names, func(r *archive.Row) uint64 {
				if err := r.Complete(); err != nil {
					rt.Fatal(err)
				}
				return r.Number
			})
			if !slices.Contains(got, e.Number) {
				rt.Errorf("%s: %q in %q of %q is skipped", what, needle, f.Value, w.names.Text(f.Name))
			}
		}
		finds("anywhere", archive.Query{Needles: []string{"nowhere at all", needle}})
		for what, fields := range map[string][]intel.Name{"clue": nil, "clue in its field": {w.names.Intern("none"), f.Name}} {
			finds(what, archive.Query{Ask: func(*intel.Class) archive.Interest {
				return archive.Interest{Clues: []archive.Clue{{Text: "nowhere at all"}, {Fields: fields, Text: sigma.FoldString(needle)}}}
			}})
		}
	})
}

// TestQueryHandsOnWhatItAsksFor compares every filter with the same said of the
// events themselves.
func TestQueryHandsOnWhatItAsksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, all := mixed(t, w)
	rapid.Check(t, func(rt *rapid.T) {
		var q archive.Query
		at := func(label string) time.Time {
			return rapid.SampledFrom([]time.Time{{}, rapid.SampledFrom(all).Draw(rt, label).Time}).Draw(rt, label)
		}
		q.Since, q.Until = at("since"), at("until")
		some := func(label string, from ...string) []string {
			return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(rt, label)
		}
		q.Hosts, q.Sources = some("hosts", "", "pc-1", "pc-3"), some("sources", "a.json", "b/ü.evtx", "c")
		q.LogSources = rapid.SliceOfN(rapid.SampledFrom([]intel.LogSource{{Product: "windows"}, {Product: "windows", Category: "process_creation"}, {Service: "security"}}), 0, 2).Draw(rt, "log sources")
		want := map[string]int{}
		for _, e := range all {
			if (e.Time.IsZero() || ((q.Since.IsZero() || !e.Time.Before(q.Since)) && (q.Until.IsZero() || e.Time.Before(q.Until)))) &&
				(len(q.Hosts) == 0 || slices.Contains(q.Hosts, string(e.Host))) &&
				(len(q.Sources) == 0 || slices.Contains(q.Sources, e.Source.Name)) &&
				(len(q.LogSources) == 0 || slices.ContainsFunc(q.LogSources, e.Class.Takes)) {
				want[w.told(e)]++
			}
		}
		rows, stats := scan(t, a, q, w.names, func(r *archive.Row) string { return w.told(&r.Event) })
		got := map[string]int{}
		for _, r := range rows {
			got[r]++
		}
		if !maps.Equal(got, want) {
			rt.Errorf("%+v: got %d events, want %d", q, len(rows), len(want))
		}
		if int(stats.Rows) != len(rows) || stats.Partial {
			rt.Errorf("got %+v, want %d rows, not partial", stats, len(rows))
		}
	})
}
