package node_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/node"
	"tocsin/telemetry"
)

// filesWith returns which files below a folder hold a text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || (err == nil && entry.IsDir()) { // it may be removed just now
			return nil
		}
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && bytes.Contains(content, []byte(text)) {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The journal gives back what it has of what was erased, also on a node to which
// nothing comes any more.
func TestErasedIsGoneFromTheJournalToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := openNode(t, dir)
	stopped := false
	stop := running(t, n)
	defer func() {
		if !stopped {
			stop()
		}
	}()
	at := time.Now().AddDate(0, 0, -100)
	accept := func(name string) {
		t.Helper()
		block := telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(lookUp(at, "pc-1", name)))
		if err := n.Accept(t.Context(), block); err != nil {
			t.Fatal(err)
		}
	}
	accept("secret.example")
	if len(filesWith(t, dir, "secret.example")) == 0 {
		t.Fatal("the test would see nothing")
	}
	e := memory.Erasure{Kind: intel.Domain, Before: time.Now().AddDate(0, 0, -30), Reason: "as agreed", Dry: true}
	if act, err := n.Erase(t.Context(), e); err != nil || act.Observables != 1 || len(filesWith(t, dir, "secret.example")) == 0 {
		t.Errorf("a dry run: %+v, %v", act, err)
	}
	e.Dry = false
	act, err := n.Erase(t.Context(), e)
	if err != nil || !act.JournalGivenBack || act.Observables != 1 || act.Events != 1 {
		t.Errorf("%+v, %v", act, err)
	}
	if left := filesWith(t, dir, "secret.example"); len(left) > 0 {
		t.Errorf("it still stands in %q", left)
	}
	accept("next.example")
	if got := ask(t, n, domain("next.example"), domain("secret.example")); got[0].Count != 1 || got[1].Verdict != intel.Unknown {
		t.Errorf("%+v", got)
	}
	stop()
	stopped = true
	n = openNode(t, dir)
	defer running(t, n)()
	if got := ask(t, n, domain("next.example"), domain("secret.example")); got[0].Count != 1 || got[1].Count != 0 {
		t.Errorf("opened again: %+v", got)
	}
}

// Observables may be remembered longer than events: that no event matched then
// says nothing.
func TestRuleOverEventsThatWereRemovedIsUnknown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := openNode(t, dir)
	stop := running(t, n)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	block := telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(
		lookUp(at, "pc-1", "a.crash.example")+lookUp(at.Add(time.Hour), "pc-1", "other.example")))
	if err := n.Accept(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	hunt := func(q memory.Question, since time.Time) memory.Answer {
		t.Helper()
		told, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{q}, Since: since, Until: since.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return told.Answers[0]
	}
	rule := memory.Question{Text: "rule", Rule: lookUpRule}
	if first, second := hunt(rule, at), hunt(rule, at.Add(time.Hour)); first.Verdict != intel.Seen || second.Verdict != intel.NotSeen {
		t.Fatalf("%+v\n%+v", first, second)
	}
	stop()
	m := mappings(t)
	a, err := archive.Open(filepath.Join(dir, node.MemoryFolder, memory.ArchiveFolder), archive.Config{Names: intel.NewNames(m.Rewrite), Describe: m.Key, Class: m.Class})
	if err != nil {
		t.Fatal(err)
	}
	if pruned, err := a.Prune(t.Context(), at.Add(24*time.Hour), 0, nil); err != nil || pruned.Events != 2 {
		t.Fatalf("%+v, %v", pruned, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	n = openNode(t, dir)
	defer running(t, n)()
	if got := hunt(rule, at); got.Verdict != intel.Unknown || got.Count != 0 {
		t.Errorf("%+v", got)
	}
	if got := hunt(domain("crash.example"), at); got.Verdict != intel.Seen {
		t.Errorf("the ledger has forgotten it: %+v", got)
	}
}
