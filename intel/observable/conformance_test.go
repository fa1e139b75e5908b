package observable_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// What is asked of Find.
const (
	wantPrecision = 0.99
	wantRecall    = 0.97
	fewestLines   = 500 // fewer say nothing
)

// rounds are the files below testdata/labels that Find is held to. Rules were
// made on the lines of the first; the others were drawn at random and measured
// once before anything was learnt from them.
var rounds = []string{"tuned", "held-out-1", "held-out-2"}

// score counts what was found of one kind.
type score struct{ right, wrong, missed int }

// scores are those of a round.
type scores map[intel.ObservableKind]*score

func newScores() scores {
	s := scores{}
	for _, kind := range intel.ObservableKinds() {
		s[kind] = &score{}
	}
	return s
}

func (s scores) total() (sum score) {
	for _, one := range s {
		sum.right, sum.wrong, sum.missed = sum.right+one.right, sum.wrong+one.wrong, sum.missed+one.missed
	}
	return sum
}

func (s scores) log(t *testing.T) {
	t.Helper()
	for _, kind := range intel.ObservableKinds() {
		if one := *s[kind]; one != (score{}) {
			t.Logf("%-15s %4d right, %2d wrong, %2d missed", kind, one.right, one.wrong, one.missed)
		}
	}
}

func (s score) precision() float64 { return float64(s.right) / float64(s.right+s.wrong) }
func (s score) recall() float64    { return float64(s.right) / float64(s.right+s.missed) }

func TestConformanceFind(t *testing.T) {
	t.Parallel()
	opened := sources{}
	var whole score
	lines := 0
	for _, round := range rounds {
		present, sum := measure(t, opened, round)
		whole.right, whole.wrong, whole.missed = whole.right+sum.right, whole.wrong+sum.wrong, whole.missed+sum.missed
		lines += present
	}
	measure(t, opened, "thin")
	t.Logf("whole: %d lines, precision %.4f, recall %.4f (without thin)", lines, whole.precision(), whole.recall())
	if lines < fewestLines {
		t.Skipf("only %d labelled lines are present", lines)
	}
	if whole.precision() < wantPrecision || whole.recall() < wantRecall {
		t.Errorf("want precision %.2f and recall %.2f", wantPrecision, wantRecall)
	}
}

// measure compares Find with the labels of a round. It returns how many of its
// lines are present.
func measure(t *testing.T, opened sources, round string) (lines int, sum score) {
	t.Helper()
	labels := readLabels(t, round)
	found, untold := newScores(), 0
	for _, l := range labels {
		text, ok := opened.text(t, l)
		if !ok {
			continue
		}
		lines++
		untold += compare(t, round, l, text, found)
	}
	sum = found.total()
	t.Logf("%s: %d of %d lines, precision %.4f, recall %.4f (%d right, %d wrong, %d missed); %d labels of kinds that text does not tell",
		round, lines, len(labels), sum.precision(), sum.recall(), sum.right, sum.wrong, sum.missed, untold)
	found.log(t)
	return lines, sum
}

// isUntold reports whether Find never reports a kind, which no form tells.
func isUntold(kind intel.ObservableKind) bool {
	switch kind {
	case intel.Mutex, intel.ServiceName, intel.UserAgent, intel.CommandLine:
		return true
	}
	return false
}

// compare counts what Find reports of a line, and returns how many labels are
// of kinds that text does not tell.
func compare(t *testing.T, round string, l labelled, text []byte, s scores) (untold int) {
	t.Helper()
	where := fmt.Sprintf("%s: %s %s:%d", round, l.set, l.file, l.line)
	left := slices.DeleteFunc(slices.Clone(l.spans), func(s span) bool { return isUntold(s.kind) })
	untold = len(l.spans) - len(left)
	observable.Find(text, func(o intel.Observable, start, end int) {
		if at := slices.Index(left, span{o.Kind, start, end}); at >= 0 {
			left = slices.Delete(left, at, at+1)
			s[o.Kind].right++
			return
		}
		s[o.Kind].wrong++
		t.Logf("%s: %s %q is none", where, o.Kind, text[start:end])
	})
	for _, one := range left {
		s[one.kind].missed++
		t.Logf("%s: %s %q is missed", where, one.kind, text[one.start:one.end])
	}
	return untold
}

// typedKinds are those that the labels of round "typed" are of.
var typedKinds = []intel.ObservableKind{
	intel.ImpHash, intel.RegistryKey, intel.Mutex, intel.ServiceName, intel.UserAgent, intel.JA3, intel.JA4, intel.Certificate, intel.ASN,
	intel.Cryptocurrency, intel.MACAddress, intel.CommandLine,
}

// TestConformanceTyped compares what an extractor takes from the typed fields
// of records with the labels of the fields that hold something of these kinds.
func TestConformanceTyped(t *testing.T) {
	t.Parallel()
	opened, found := sources{}, newScores()
	labels, lines := readLabels(t, "typed"), 0
	mappings, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(mappings.Rewrite)
	decoder, x := telemetry.NewDecoder(mappings, names), observable.NewExtractor(names)
	for _, l := range labels {
		text, ok := opened.text(t, l)
		if !ok {
			continue
		}
		lines++
		compareTyped(t, l, text, typedOf(t, text, decoder, x), found)
	}
	sum := found.total()
	t.Logf("typed: %d of %d records, precision %.4f, recall %.4f (%d right, %d wrong, %d missed)",
		lines, len(labels), sum.precision(), sum.recall(), sum.right, sum.wrong, sum.missed)
	found.log(t)
	if lines == 0 {
		t.Skip("no labelled record is present")
	}
	if sum.precision() < wantPrecision || sum.recall() < wantRecall {
		t.Errorf("want precision %.2f and recall %.2f", wantPrecision, wantRecall)
	}
}

func compareTyped(t *testing.T, l labelled, text []byte, typed []intel.Observable, s scores) {
	t.Helper()
	left := map[intel.Observable]bool{}
	for _, one := range l.spans {
		var value string
		if err := json.Unmarshal(slices.Concat([]byte(`"`), text[one.start:one.end], []byte(`"`)), &value); err != nil {
			t.Fatal(err)
		}
		o, err := observable.Parse(one.kind, value)
		if err != nil {
			t.Fatal(err)
		}
		left[o] = true
	}
	where := fmt.Sprintf("%s %s:%d", l.set, l.file, l.line)
	for _, o := range typed {
		switch {
		case left[o]:
			delete(left, o)
			s[o.Kind].right++
		case slices.Contains(typedKinds, o.Kind):
			s[o.Kind].wrong++
			t.Logf("%s: %s is none", where, o)
		}
	}
	for o := range left {
		s[o.Kind].missed++
		t.Logf("%s: %s is missed", where, o)
	}
}

// typedOf returns what an extractor takes from the typed fields of an event, a
// line of JSON that is read as from a file.
func typedOf(t *testing.T, line []byte, decoder *telemetry.Decoder, x *observable.Extractor) (list []intel.Observable) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(path, append(bytes.Clone(line), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	reader := telemetry.Reader{Paths: []string{path}}
	err := reader.Run(t.Context(), func(b *telemetry.Block) error {
		defer b.Release()
		_, err := decoder.Decode(b, func(e *telemetry.Event) error {
			x.Each(&e.Record, func(kind intel.ObservableKind, value []byte) {
				list = append(list, intel.Observable{Kind: kind, Value: string(value)})
			})
			return nil
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
