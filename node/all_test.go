package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tocsin/detect/sigma"
	"tocsin/internal/fault"
	"tocsin/memory/archive"
	"tocsin/memory/ledger"
	"tocsin/node"
	"tocsin/telemetry"
)

// asked asks nodes in this process; an error is one that does not answer.
func asked(nodes map[string]func(context.Context, []byte) ([]byte, error)) node.AskNodes {
	return func(ctx context.Context, question []byte) (told []node.Told, err error) {
		for name, answer := range nodes {
			t := node.Told{Node: name}
			t.Answer, t.Err = answer(ctx, question)
			told = append(told, t)
		}
		return told, nil
	}
}

func gone(context.Context, []byte) ([]byte, error) { return nil, errors.New("it is not connected") }

// Findings of several nodes are told once each, also when one is silent for a
// while.
func TestFindingsOfAllAreToldOnceEach(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rule.yml", []byte(lookUpRule))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	nodes, all := map[string]*node.Node{}, map[string]func(context.Context, []byte) ([]byte, error){}
	for _, name := range []string{"a", "b"} {
		n := openNode(t, t.TempDir())
		if err := n.Detect(&node.Rules{Rules: file.Rules}); err != nil {
			t.Fatal(err)
		}
		defer running(t, n)()
		nodes[name], all[name] = n, n.AnswerFindings(name)
	}
	find := func(name string, n int) {
		t.Helper()
		lines := strings.Repeat(lookUp(at, "pc-1", "a.crash.example"), n)
		if err := nodes[name].Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "at-" + name, Format: telemetry.JSON}, []byte(lines))); err != nil {
			t.Fatal(err)
		}
		if err := nodes[name].Remembered(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	position := ""
	check := func(want map[string]int, silent ...string) {
		t.Helper()
		told, err := node.FindingsOfAll(t.Context(), position, asked(all))
		if err != nil {
			t.Fatal(err)
		}
		position = told.Position
		got := map[string]int{}
		for line := range strings.Lines(string(told.Lines)) {
			for name := range nodes {
				if strings.Contains(line, "at-"+name+":") {
					got[name]++
				}
			}
		}
		if !maps.Equal(got, want) || strings.Join(told.Silent, " ") != strings.Join(silent, " ") || len(told.Partial) != len(silent) {
			t.Errorf("got %v, silent %v, %q, want %v, silent %v", got, told.Silent, told.Partial, want, silent)
		}
	}
	find("a", 2)
	find("b", 1)
	check(map[string]int{"a": 2, "b": 1})
	check(map[string]int{})
	find("a", 1)
	find("b", 1)
	answers := all["b"]
	all["b"] = gone
	check(map[string]int{"a": 1}, "b")
	all["b"] = answers
	check(map[string]int{"b": 1})
	all["a"], all["b"] = gone, gone
	if _, err := node.FindingsOfAll(t.Context(), position, asked(all)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("nobody answers: %v", err)
	}
	for _, bad := range []string{"7", "a", "a:", ":1", "a:1,a:2", "a:-1", "a:1,"} {
		if _, err := node.FindingsOfAll(t.Context(), bad, asked(all)); !errors.Is(err, fault.Invalid) {
			t.Errorf("after %q: %v", bad, err)
		}
	}
}

func TestFindingsSayWhichWorkerFoundThem(t *testing.T) {
	t.Parallel()
	says := func(lines string) func(context.Context, []byte) ([]byte, error) {
		return func(context.Context, []byte) ([]byte, error) {
			return json.Marshal(map[string]any{"position": 7, "lines": []byte(lines)})
		}
	}
	told, err := node.FindingsOfAll(t.Context(), "", asked(map[string]func(context.Context, []byte) ([]byte, error){"a": says(`{"rule":"x"}` + "\n" + "{}\n")}))
	if want := `{"worker":"a","rule":"x"}` + "\n" + `{"worker":"a"}` + "\n"; err != nil || string(told.Lines) != want || told.Position != "a:7" {
		t.Errorf("%s, %s, %v", told.Lines, told.Position, err)
	}
}

func TestStatesOfAllAreAddedUp(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	stats := func(events int, oldest, newest time.Time) node.Stats {
		return node.Stats{
			JournalBytes: 10, Waiting: 1,
			Ledger: ledger.Stats{
				Cursor: 3, DiskBytes: 100, Entries: 7, Hosts: 2, Cases: []string{"c"}, Damaged: []string{"1.sst"},
				Sources: []ledger.SourceStats{{Source: "s", Seen: 5, LastDay: newest, Different: 2}}, BytesByKind: map[string]uint64{"ip": 4},
			},
			Archive: archive.Stats{Segments: 1, Events: events, Oldest: oldest, Newest: newest, Cursor: 3, Partitions: []archive.PartitionStats{{Source: "windows", Events: events}}},
		}
	}
	nodes := map[string]func(context.Context, []byte) ([]byte, error){"gone": gone}
	for name, s := range map[string]node.Stats{"a": stats(10, day, day.AddDate(0, 0, 1)), "b": stats(20, day.AddDate(0, 0, -1), day)} {
		nodes[name] = func(context.Context, []byte) ([]byte, error) { return json.Marshal(node.State{Memory: s}) }
	}
	states, silence, err := node.StatesOfAll(t.Context(), asked(nodes))
	if err != nil || len(states) != 2 || states[0].Worker != "a" || fmt.Sprint(silence.Silent) != "[gone]" {
		t.Fatalf("%+v, %+v, %v", states, silence, err)
	}
	all := node.JoinStats(states, silence)
	l, a := all.Ledger, all.Archive
	if all.JournalBytes != 20 || all.Waiting != 2 || l.DiskBytes != 200 || l.Entries != 14 || l.Cursor != 0 || l.BytesByKind["ip"] != 8 ||
		len(l.Cases) != 1 || fmt.Sprint(l.Damaged) != "[worker a: 1.sst worker b: 1.sst]" || len(l.Sources) != 1 || l.Sources[0].Seen != 10 || l.Sources[0].Different != 2 {
		t.Errorf("%+v", all)
	}
	if a.Events != 30 || a.Segments != 2 || !a.Oldest.Equal(day.AddDate(0, 0, -1)) || !a.Newest.Equal(day.AddDate(0, 0, 1)) || len(a.Partitions) != 1 || a.Partitions[0].Events != 30 {
		t.Errorf("%+v", a)
	}
	if len(all.Workers) != 2 || all.Workers[1].Archive.Events != 20 || len(all.Partial) != 1 {
		t.Errorf("%+v", all)
	}
}
