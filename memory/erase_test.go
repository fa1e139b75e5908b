package memory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loaded are the mappings, which take longer to compile than most tests take.
var loaded = sync.OnceValues(func() (*logsource.Mappings, error) { return logsource.Load() })

// world is a memory with what it takes to fill it.
type world struct {
	*memory.Memory
	dir   string
	names *intel.Names
	class *intel.Class
	entry uint64
}

func open(t *testing.T, dir string) *world {
	t.Helper()
	mappings, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, names: intel.NewNames(mappings.Rewrite), class: mappings.Class("")}
	w.Memory, err = memory.Open(dir, memory.Config{Archive: archive.Config{Names: w.names, Describe: mappings.Key, Class: mappings.Class}})
	if err != nil {
		t.Fatal(err)
	}
	w.entry = w.Archive.Cursor()
	t.Cleanup(func() {
		if w.Memory != nil {
			w.close(t)
		}
	})
	return w
}

func (w *world) close(t *testing.T) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	w.Memory = nil
}

// event is an event of a test: its fields are pairs.
type event struct {
	at     time.Time
	host   string
	fields []string
}

// put remembers events as a node does.
func (w *world) put(t *testing.T, events ...event) {
	t.Helper()
	w.entry++
	seen, batch := w.Ledger.NewBatch(), w.Archive.NewBatch()
	extractor := observable.NewExtractor(w.names)
	for i, e := range events {
		one := telemetry.Event{Source: &telemetry.Source{Name: "live", Format: telemetry.JSON}, Number: w.entry*1000 + uint64(i), Time: e.at, Host: []byte(e.host), Class: w.class}
		for f := 0; f < len(e.fields); f += 2 {
			one.Add(w.names.Intern(e.fields[f]), intel.Text, []byte(e.fields[f+1]))
		}
		batch.Add(&one)
		extractor.Each(&one.Record, func(kind intel.ObservableKind, value []byte) { seen.See("live", kind, value, one.Host, one.Time) })
	}
	if err := w.Ledger.Commit(t.Context(), seen, w.entry); err != nil {
		t.Fatal(err)
	}
	w.Archive.Put(w.entry, batch)
	w.Archive.Commit(w.entry)
	if err := w.Archive.Flush(); err != nil {
		t.Fatal(err)
	}
}

// events returns what is in the archive, a line an event.
func (w *world) events(t *testing.T) []string {
	t.Helper()
	var all []string
	_, err := w.Archive.Scan(t.Context(), archive.Query{}, w.names, func() func(*archive.Row) error {
		return func(r *archive.Row) error {
			line := fmt.Appendf(nil, "%d %s", r.Number, r.Host)
			for _, f := range r.Fields {
				line = fmt.Appendf(line, " %s=%s", w.names.Text(f.Name), f.Value)
			}
			all = append(all, string(line))
			return nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func (w *world) seen(t *testing.T, o intel.Observable) (bool, string) {
	t.Helper()
	answers, err := w.Recall(t.Context(), []memory.Question{{Observable: o}}, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return answers[0].Count > 0, answers[0].Reason
}

func domain(name string) intel.Observable { return intel.Observable{Kind: intel.Domain, Value: name} }

func held(o intel.Observable) memory.HeldObservable {
	return memory.HeldObservable(o)
}

var (
	today = time.Now().UTC().Truncate(24 * time.Hour)
	old   = today.AddDate(0, 0, -100)
	since = today.AddDate(0, 0, -30) // what was seen before is old
)

func TestErasedIsGoneFromLedgerAndEventsAndHeldStays(t *testing.T) {
	t.Parallel()
	for _, pseudonymise := range []bool{false, true} {
		dir := t.TempDir()
		w := open(t, dir)
		w.put(t,
			event{old, "pc-1", []string{"QueryName", "a.gone.example", "Image", `C:\a.exe`}},
			event{old, "pc-2", []string{"QueryName", "A.gone.example.", "Image", `C:\a.exe`}},
			event{old, "pc-1", []string{"QueryName", "x.held.example"}},
			event{old, "pc-held", []string{"QueryName", "b.gone.example"}},
			event{today, "pc-1", []string{"QueryName", "new.example"}},
		)
		for _, h := range []memory.Hold{
			{Case: "case-1", By: "ann", Observables: []memory.HeldObservable{held(domain("held.example"))}},
			{Case: "case-2", By: "ann", Events: &memory.Selection{Hosts: []string{"PC-HELD"}}},
		} {
			if err := w.Hold(t.Context(), h); err != nil {
				t.Fatal(err)
			}
		}
		before := w.events(t)
		e := memory.Erasure{Kind: intel.Domain, Before: since, By: "bob", Reason: "as agreed", Pseudonymise: pseudonymise, Dry: true}
		dry, err := w.Erase(t.Context(), e, nil)
		if err != nil || !slices.Equal(w.events(t), before) || len(w.Acts()) != 2 {
			t.Errorf("a dry run changes things: %v, %+v", err, w.Acts())
		}
		e.Dry = false
		act, err := w.Erase(t.Context(), e, nil)
		want := memory.Removed{Observables: 2, HeldObservables: 1, Segments: 1, Events: 2, HeldEvents: 2}
		if err != nil || act.Removed != want || dry.Removed != want || act.By != "bob" || act.Finished.IsZero() {
			t.Errorf("%+v, %+v, %v, want %+v", act, dry.Removed, err, want)
		}
		w.close(t)
		w = open(t, dir)
		got := strings.Join(w.events(t), "\n")
		if strings.Contains(strings.ToLower(got), "a.gone.example") || !strings.Contains(got, "x.held.example") || !strings.Contains(got, "b.gone.example") ||
			!strings.Contains(got, "new.example") || strings.Count(got, `Image=C:\a.exe`) != 2 {
			t.Errorf("events:\n%s", got)
		}
		gone, reason := w.seen(t, domain("a.gone.example"))
		if pseudonymise {
			lines := w.events(t)
			first, second := strings.Fields(lines[0])[2], strings.Fields(lines[1])[2]
			if first != second || !strings.HasPrefix(first, "QueryName=pseudonym-") {
				t.Errorf("the same value is no longer the same: %s, %s", first, second)
			}
		} else if gone || !strings.Contains(reason, "erased") || !strings.Contains(got, "QueryName=[erased]") {
			t.Errorf("seen: %v, %q", gone, reason)
		}
		for _, name := range []string{"x.held.example", "new.example"} {
			if seen, _ := w.seen(t, domain(name)); !seen {
				t.Errorf("%s is gone", name)
			}
		}
		if acts := w.Acts(); len(acts) != 3 || acts[2].Reason != "as agreed" || acts[2].Removed != want || w.Redacted(old) == "" || w.Redacted(since) != "" {
			t.Errorf("acts: %+v", acts)
		}
		if again, err := w.Erase(t.Context(), e, nil); err != nil || again.Observables != 0 || again.Events != 0 {
			t.Errorf("again: %+v, %v", again, err)
		}
	}
}

func TestSingleValueIsErasedAlsoWhereNobodySaysWhatAFieldHolds(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	w.put(t,
		event{old, "pc", []string{"note", "from ann@gone.example, by phone", "CommandLine", "mail ann@gone.example bob@stays.example"}},
		event{old, "pc", []string{"note", "joann@gone.example and ann@gone.example.org"}},
	)
	ann := held(intel.Observable{Kind: intel.EmailAddress, Value: "ann@gone.example"})
	e := memory.Erasure{Kind: intel.EmailAddress, Before: since, Reason: "asked for by ann", Only: []memory.HeldObservable{ann}}
	if err := w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{ann}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(t.Context(), e, nil); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "held for c") {
		t.Errorf("held: %v", err)
	}
	if err := w.Release(t.Context(), "c", "ann", ""); err != nil {
		t.Fatal(err)
	}
	act, err := w.Erase(t.Context(), e, nil)
	if err != nil || act.Events != 1 {
		t.Errorf("%+v, %v", act, err)
	}
	want := []string{
		"1000 pc note=from [erased], by phone CommandLine=mail [erased] bob@stays.example",
		"1001 pc note=joann@gone.example and ann@gone.example.org",
	}
	if got := w.events(t); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	text, err := os.ReadFile(filepath.Join(w.dir, memory.ActsFile))
	if err != nil || strings.Contains(string(text), "ann@gone") || !strings.Contains(string(text), "pseudonym-") {
		t.Errorf("the record names the value, or nothing: %s, %v", text, err)
	}
}

func TestHeldEventsSurviveRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	for day := range 4 {
		w.put(t, event{old.AddDate(0, 0, day), "pc-1", []string{"n", strconv.Itoa(day)}}, event{old.AddDate(0, 0, day), "pc-2", []string{"n", strconv.Itoa(day)}})
	}
	hold := memory.Hold{Case: "c", Events: &memory.Selection{Hosts: []string{"pc-1"}, Since: old.AddDate(0, 0, 1), Until: old.AddDate(0, 0, 3)}}
	if err := w.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	w.close(t)
	w = open(t, dir) // holds survive
	prune := func(want ...string) {
		t.Helper()
		// The clock that archives is today's: nothing is older than that to size.
		if _, err := w.Prune(t.Context(), since, 0); err != nil {
			t.Fatal(err)
		}
		if got := w.events(t); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	kept := []string{"2000 pc-1 n=1", "3000 pc-1 n=2"}
	prune(kept...)
	prune(kept...)
	if err := w.Release(t.Context(), "c", "ann", "closed"); err != nil {
		t.Fatal(err)
	}
	prune()
	if err := w.Release(t.Context(), "c", "ann", ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("released twice: %v", err)
	}
	if acts := w.Acts(); len(acts) != 2 || acts[0].What != memory.Held || acts[1].Reason != "closed" {
		t.Errorf("%+v", acts)
	}
}

func TestHoldsAndErasuresThatCannotBe(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	for name, err := range map[string]error{
		"nothing":        w.Hold(t.Context(), memory.Hold{Case: "c"}),
		"no time":        w.Hold(t.Context(), memory.Hold{Case: "c", Events: &memory.Selection{}}),
		"backwards":      w.Hold(t.Context(), memory.Hold{Case: "c", Events: &memory.Selection{Since: today, Until: old}}),
		"without a name": w.Hold(t.Context(), memory.Hold{Observables: []memory.HeldObservable{held(domain("a.example"))}}),
		"no kind":        erase(t, w, memory.Erasure{Before: since, Reason: "x"}),
		"no day":         erase(t, w, memory.Erasure{Kind: intel.Domain, Reason: "x"}),
		"the future":     erase(t, w, memory.Erasure{Kind: intel.Domain, Before: today.AddDate(0, 0, 2), Reason: "x"}),
		"no reason":      erase(t, w, memory.Erasure{Kind: intel.Domain, Before: since}),
		"another kind":   erase(t, w, memory.Erasure{Kind: intel.URL, Before: since, Reason: "x", Only: []memory.HeldObservable{held(domain("a.example"))}}),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.Acts())+len(w.Holds()) > 0 {
		t.Errorf("%+v, %+v", w.Acts(), w.Holds())
	}
}

func erase(t *testing.T, w *world, e memory.Erasure) error {
	t.Helper()
	_, err := w.Erase(t.Context(), e, nil)
	return err
}

// A crash between the two lines of an erasure, or within one, leaves a record
// that says so.
func TestRecordOfActsSurvivesACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.put(t, event{old, "pc", []string{"QueryName", "a.example"}})
	if err := erase(t, w, memory.Erasure{Kind: intel.Domain, Before: since, Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	w.close(t)
	path := filepath.Join(dir, memory.ActsFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for _, cut := range []int{first - 5, first, first + 20, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		w = open(t, dir)
		acts := w.Acts()
		if begun := cut >= first; (len(acts) == 1) != begun || (begun && !acts[0].Finished.IsZero()) {
			t.Errorf("cut at %d: %+v", cut, acts)
		}
		if err := w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{held(domain("b.example"))}}); err != nil {
			t.Fatal(err)
		}
		w.close(t)
		w = open(t, dir)
		if got := w.Acts(); len(got) != len(acts)+1 || got[len(got)-1].What != memory.Held {
			t.Errorf("cut at %d, and one more: %+v", cut, got)
		}
		if err := w.Release(t.Context(), "c", "", ""); err != nil {
			t.Fatal(err)
		}
		w.close(t)
	}
	if err := os.WriteFile(path, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := memory.Open(dir, memory.Config{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a damaged record: %v", err)
	}
}

// However a value is spelt, and wherever it stands, nothing of its kind is found
// afterwards, and events without one are as they were.
func TestNothingOfAKindIsFoundInARedactedEvent(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	extractor := observable.NewExtractor(w.names)
	fields := []string{
		"QueryName", "QueryResults", "CommandLine", "Image", "DestinationIp", "TargetObject", "Hashes", "c-uri", "cs-host", "cs-method",
		"r-dns", "message", "note", "ServiceName", "ImagePath", "UserAgent", "c-useragent", "id.orig_h",
	}
	values := []string{
		"Mail.Example.COM.", "192.0.2.7", "2001:DB8:0:0::1", "::ffff:192.0.2.7", "192.0.2.7;mail.example.com;2001:db8::1", `C:\Users\Ann\a.exe`,
		`"C:\Users\Ann\a.exe" --to ann@example.com http://mail.example.com/x?y`, `HKLM\Software\Ann\Run`, "MD5=0123456789ABCDEF0123456789ABCDEF,SHA1=0123456789abcdef0123456789abcdef01234567",
		"/path?q=1", "http://mail.example.com:80/path", "mail.example.com", "seen ann@example.com and hxxp://mail[.]example[.]com/x", "Mozilla/5.0 (X11)", "-", "",
	}
	kinds := intel.ObservableKinds()
	rapid.Check(t, func(rt *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
		if kind == intel.IPRange {
			return
		}
		e := memory.Erasure{Kind: kind, Pseudonymise: rapid.Bool().Draw(rt, "pseudonymise")}
		var row archive.Row
		row.Source = &telemetry.Source{Name: "live"}
		for range rapid.IntRange(1, 6).Draw(rt, "fields") {
			row.Add(w.names.Intern(rapid.SampledFrom(fields).Draw(rt, "field")), intel.Text, []byte(rapid.SampledFrom(values).Draw(rt, "value")))
		}
		count := func() (found []string) {
			visit := func(k intel.ObservableKind, value []byte) {
				if k == kind && string(value) != memory.ErasedText && !strings.HasPrefix(string(value), "pseudonym-") {
					found = append(found, string(value))
				}
			}
			extractor.Each(&row.Record, visit)
			extractor.EachText(&row.Record, visit)
			return found
		}
		had, was := count(), shown(&row)
		changed := w.Editor(&e, w.names)(&row)
		if left := count(); changed != (len(had) > 0) || len(left) > 0 {
			rt.Fatalf("%s: had %q, changed %v, left %q:\n%s\n%s", kind, had, changed, left, was, shown(&row))
		}
		if !changed && shown(&row) != was {
			rt.Fatalf("nothing was to be changed:\n%s\n%s", was, shown(&row))
		}
	})
}

// shown writes a row's values.
func shown(row *archive.Row) string {
	var text []byte
	for _, f := range row.Fields {
		text = fmt.Appendf(text, "%d=%q ", f.Name, f.Value)
	}
	return string(text)
}

// A hold is found under the normal form alone, whoever named it.
func TestHoldsAndErasuresTakeValuesAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	w.put(t, event{old, "pc", []string{"QueryName", "x.held.example"}}, event{old, "pc", []string{"QueryName", "gone.example"}})
	if err := w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{{Kind: intel.Domain, Value: "HELD.Example."}}}); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Ledger.Prune(t.Context(), since, 0); err != nil || r.Observables != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if seen, _ := w.seen(t, domain("x.held.example")); !seen {
		t.Error("what is held is gone")
	}
	only := []memory.HeldObservable{{Kind: intel.Domain, Value: "Gone.Example"}}
	act, err := w.Erase(t.Context(), memory.Erasure{Kind: intel.Domain, Before: since, Reason: "x", Only: only}, nil)
	if err != nil || act.Events != 1 {
		t.Errorf("%+v, %v", act, err)
	}
	for name, err := range map[string]error{
		"hold":  w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{{Kind: intel.IPAddress, Value: "nonsense"}}}),
		"erase": erase(t, w, memory.Erasure{Kind: intel.IPAddress, Before: since, Reason: "x", Only: []memory.HeldObservable{{Kind: intel.IPAddress, Value: "nonsense"}}}),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The ledger may be older than the list of holds, as in a backup: all that is
// listed holds again, also where it knew a part of a case.
func TestAllThatIsListedHoldsInALedgerThatWasPutBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.put(t, event{old, "pc", []string{"QueryName", "first.example"}}, event{old, "pc", []string{"QueryName", "second.example"}})
	hold := func(name string) {
		t.Helper()
		if err := w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{held(domain(name))}}); err != nil {
			t.Fatal(err)
		}
	}
	hold("first.example")
	earlier := filepath.Join(t.TempDir(), "earlier")
	if _, err := w.Ledger.Checkpoint(t.Context(), earlier); err != nil {
		t.Fatal(err)
	}
	hold("second.example")
	w.close(t)
	folder := filepath.Join(dir, memory.LedgerFolder)
	if err := errors.Join(os.RemoveAll(folder), os.Rename(earlier, folder)); err != nil {
		t.Fatal(err)
	}
	w = open(t, dir)
	if err := w.RestoreHolds(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := w.Ledger.Prune(t.Context(), since, 0); err != nil || r.Observables != 0 {
		t.Errorf("what is held is forgotten: %+v, %v", r, err)
	}
}

// A release that a crash breaks off between the list and the ledger holds on in
// the ledger: that is shown, and can be ended.
func TestWhatTheLedgerAloneHoldsIsShownAndReleased(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, dir)
	w.put(t, event{old, "pc", []string{"QueryName", "a.example"}})
	if err := w.Hold(t.Context(), memory.Hold{Case: "c", Observables: []memory.HeldObservable{held(domain("a.example"))}}); err != nil {
		t.Fatal(err)
	}
	w.close(t)
	if err := os.WriteFile(filepath.Join(dir, memory.HoldsFile), []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	w = open(t, dir)
	if list := w.Holds(); len(list) != 1 || list[0].Case != "c" || list[0].Reason != memory.LedgerOnly {
		t.Errorf("%+v", list)
	}
	if err := w.Release(t.Context(), "c", "ann", ""); err != nil || len(w.Holds()) != 0 {
		t.Errorf("%v, %+v", err, w.Holds())
	}
}

func TestJoinedHostsThatAreNotAllNamedAreAnEstimate(t *testing.T) {
	t.Parallel()
	a := memory.Answer{Hosts: []string{"pc-1"}, HostCount: 1}
	b := memory.Answer{Hosts: []string{"pc-1", "pc-2"}, HostCount: 200}
	a.Join(&b)
	if a.HostCount != 200 || a.HostsEstimated {
		t.Errorf("one names all: %+v", a)
	}
	c := memory.Answer{Hosts: []string{"pc-2", "pc-3"}, HostCount: 150}
	a.Join(&c)
	if a.HostCount != 349 || !a.HostsEstimated {
		t.Errorf("neither names all: %+v", a)
	}
}

// An erasure is done when the journal has given back what came before; one that
// cannot is not.
func TestErasureIsDoneWhenTheJournalHasGivenBack(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir())
	w.put(t, event{old, "pc", []string{"QueryName", "a.example"}})
	e := memory.Erasure{Kind: intel.Domain, Before: since, Reason: "x"}
	full := errors.New("the disk is full")
	act, err := w.Erase(t.Context(), e, func(context.Context) error { return full })
	if !errors.Is(err, full) || act.JournalGivenBack || !act.Finished.IsZero() || act.Events != 1 || w.Acts()[0].Failed == "" {
		t.Errorf("%+v, %v", act, err)
	}
	act, err = w.Erase(t.Context(), e, func(context.Context) error { return nil })
	if err != nil || !act.JournalGivenBack || act.Finished.IsZero() || len(act.Kept) != 2 {
		t.Errorf("%+v, %v", act, err)
	}
}
