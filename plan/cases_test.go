package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/strict"
	"tocsin/plan"
	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// cases is one file of worked cases of a regime. docs/adding.md says how to write
// one.
type cases struct {
	Regime        string                    `yaml:"regime"`
	Organisations map[string]map[string]any `yaml:"organisations"`
	Binding       []struct {
		Organisation map[string]any `yaml:"organisation"`
		At           time.Time      `yaml:"at"`
		Verdict      plan.Verdict   `yaml:"verdict"`
	} `yaml:"binding"`
	Boundaries []boundary  `yaml:"boundaries"`
	Grading    []gradeCase `yaml:"grading"`
	Clocks     []clockCase `yaml:"clocks"`
}

// boundary is a threshold: graded just below, at, and just above it.
type boundary struct {
	Fact         string         `yaml:"fact"`
	Currency     string         `yaml:"currency"`
	At           float64        `yaml:"at"`
	Facts        map[string]any `yaml:"facts"`
	Categories   []string       `yaml:"categories"`
	Organisation string         `yaml:"organisation"`
	Below        string         `yaml:"below"`
	Exactly      string         `yaml:"exactly"`
	Above        string         `yaml:"above"`
}

type gradeCase struct {
	Name         string         `yaml:"name"`
	Facts        map[string]any `yaml:"facts"`
	Rates        []any          `yaml:"rates"`
	Categories   []string       `yaml:"categories"`
	Organisation string         `yaml:"organisation"`
	At           time.Time      `yaml:"at"`
	Level        string         `yaml:"level"`
	Fired        []string       `yaml:"fired"`
	CouldBe      []string       `yaml:"could_be"`
	// Open are criteria that may hold, at least.
	Open  []string `yaml:"open"`
	Ahead []struct {
		At    time.Time `yaml:"at"`
		Level string    `yaml:"level"`
		Sure  bool      `yaml:"sure"`
	} `yaml:"ahead"`
}

type clockCase struct {
	Name         string         `yaml:"name"`
	Facts        map[string]any `yaml:"facts"`
	Categories   []string       `yaml:"categories"`
	Organisation string         `yaml:"organisation"`
	Events       []struct {
		Event regime.Event `yaml:"event"`
		At    time.Time    `yaml:"at"`
		Ref   string       `yaml:"ref"`
	} `yaml:"events"`
	Grades []struct {
		Level string    `yaml:"level"`
		At    time.Time `yaml:"at"`
	} `yaml:"grades"`
	Sent []struct {
		Clock string    `yaml:"clock"`
		At    time.Time `yaml:"at"`
		Ref   string    `yaml:"ref"`
		To    []string  `yaml:"to"`
	} `yaml:"sent"`
	Suspensions []struct {
		Clock string    `yaml:"clock"`
		From  time.Time `yaml:"from"`
		Until time.Time `yaml:"until"`
		By    string    `yaml:"by"`
	} `yaml:"suspensions"`
	Now  time.Time `yaml:"now"`
	Want []wanted  `yaml:"want"`
}

// wanted is a clock as it should be. The list of a case is complete and in the
// order of the pack; Why is part of what the clock says it rests on.
type wanted struct {
	Clock   string     `yaml:"clock"`
	Ref     string     `yaml:"ref"`
	State   plan.State `yaml:"state"`
	Started time.Time  `yaml:"started"`
	Due     time.Time  `yaml:"due"`
	Target  time.Time  `yaml:"target"`
	Why     string     `yaml:"why"`
}

// worked reads every file of cases.
func worked(t *testing.T) map[string]*cases {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*cases{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := &cases{}
		if _, err := strict.Load(file, text, c); err != nil {
			t.Fatal(err)
		}
		if all[c.Regime] != nil {
			t.Fatalf("%s: regime %s has another file", file, c.Regime)
		}
		all[c.Regime] = c
	}
	return all
}

// loaded is the library that all tests share: reading it takes a while, and it
// does not change.
var loaded = sync.OnceValues(func() (*regime.Library, error) {
	l, err := regime.Builtin()
	if err != nil {
		return nil, err
	}
	return l.With(os.DirFS(filepath.Join("testdata", "pack")))
})

// library has the packs of the program and one made up for the tests.
func library(t testing.TB) *regime.Library {
	t.Helper()
	l, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// bench is what the cases of one regime are tried on.
type bench struct {
	*testing.T
	library       *regime.Library
	pack          *regime.Pack
	organisations map[string]map[string]any
}

func (b *bench) sheet(facts map[string]any, rates []any, categories []string) *fact.Sheet {
	b.Helper()
	if facts == nil {
		facts = map[string]any{}
	}
	if rates == nil {
		rates = []any{}
	}
	text, err := json.Marshal(map[string]any{"facts": facts, "rates": rates, "categories": map[string]any{b.pack.Regime: categories}})
	if err != nil {
		b.Fatal(err)
	}
	s, err := b.library.Dictionary().ReadSheet(text)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func (b *bench) organisation(name string) *organisation.Organisation {
	b.Helper()
	if name == "" {
		return b.read(map[string]any{"name": "Somebody", "kind": "enterprise"})
	}
	description := b.organisations[name]
	if description == nil {
		b.Fatalf("no organisation %q in the file", name)
	}
	return b.read(description)
}

func (b *bench) read(description map[string]any) *organisation.Organisation {
	b.Helper()
	text, err := json.Marshal(description)
	if err != nil {
		b.Fatal(err)
	}
	o, err := b.library.ReadOrganisation(text)
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// somewhen is when a case is graded that does not care.
var somewhen = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func TestWorkedCases(t *testing.T) {
	t.Parallel()
	l := library(t)
	all := worked(t)
	for _, p := range l.Packs() {
		if all[p.Regime] == nil {
			t.Errorf("regime %s has no worked cases: write testdata/%s.yaml", p.Regime, p.Regime)
		}
	}
	for name, c := range all {
		p, err := l.Pack(name)
		if err != nil {
			t.Errorf("testdata: %v", err)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t, l, p, c.Organisations}
			b.bindings(c)
			fired := map[string]bool{}
			b.boundaries(c.Boundaries, fired)
			for _, g := range c.Grading {
				b.grading(g, fired)
			}
			for _, k := range c.Clocks {
				b.clocks(k)
			}
			b.complete(c, fired)
		})
	}
}

func (b *bench) bindings(c *cases) {
	for _, k := range c.Binding {
		at := k.At
		if at.IsZero() {
			at = somewhen
		}
		k.Organisation["name"] = "Somebody"
		if k.Organisation["kind"] == nil {
			k.Organisation["kind"] = "enterprise"
		}
		for _, got := range plan.Bindings(b.library, b.read(k.Organisation), at) {
			if got.Regime == c.Regime && got.Verdict != k.Verdict {
				b.Errorf("binding of %v: %s, want %s", k.Organisation, got.Verdict, k.Verdict)
			}
		}
	}
	if len(c.Binding) == 0 {
		b.Error("no case says whom it binds")
	}
}

func (b *bench) boundaries(all []boundary, fired map[string]bool) {
	for _, k := range all {
		for _, side := range []struct {
			name  string
			value float64
			want  string
		}{
			{"just below", math.Nextafter(k.At, 0), k.Below},
			{"at", k.At, k.Exactly},
			{"just above", math.Nextafter(k.At, math.Inf(1)), k.Above},
		} {
			facts := maps.Clone(k.Facts)
			if facts == nil {
				facts = map[string]any{}
			}
			value := map[string]any{"value": side.value}
			if k.Currency != "" {
				value["currency"] = k.Currency
			}
			facts[k.Fact] = value
			if d := b.pack.Dictionary().Definition(k.Fact); d == nil || d.Max > 0 && side.value > d.Max {
				if d == nil {
					b.Errorf("no fact %q", k.Fact)
				}
				continue
			}
			g := plan.Grade(b.pack, b.organisation(k.Organisation), b.sheet(facts, nil, k.Categories), somewhen)
			if g.Level != side.want {
				b.Errorf("%s %s %v: %s, want %s", k.Fact, side.name, k.At, g.Level, side.want)
			}
			note(g, fired)
		}
	}
}

func note(g *plan.Grading, fired map[string]bool) {
	for _, r := range g.Fired {
		fired[r.Criterion] = true
	}
}

func (b *bench) grading(k gradeCase, fired map[string]bool) {
	if k.At.IsZero() {
		k.At = somewhen
	}
	g := plan.Grade(b.pack, b.organisation(k.Organisation), b.sheet(k.Facts, k.Rates, k.Categories), k.At)
	note(g, fired)
	if g.Level != k.Level {
		b.Errorf("%s: %s, want %s", k.Name, g.Level, k.Level)
	}
	var got, could, open []string
	for _, r := range g.Fired {
		got = append(got, r.Criterion)
	}
	for _, p := range g.CouldBe {
		could = append(could, p.Level)
		for _, r := range p.Criteria {
			open = append(open, r.Criterion)
		}
	}
	if k.Fired != nil && !slices.Equal(got, k.Fired) {
		b.Errorf("%s: fired %v, want %v", k.Name, got, k.Fired)
	}
	if k.CouldBe != nil && !slices.Equal(could, k.CouldBe) {
		b.Errorf("%s: could be %v, want %v", k.Name, could, k.CouldBe)
	}
	for _, id := range k.Open {
		if !slices.Contains(open, id) {
			b.Errorf("%s: %s is not open, only %v", k.Name, id, open)
		}
	}
	if k.Ahead == nil {
		return
	}
	var ahead, want []string
	for _, c := range g.Ahead {
		ahead = append(ahead, fmt.Sprint(c.At.UTC().Format(time.RFC3339), " ", c.Level, " ", c.Sure))
	}
	for _, c := range k.Ahead {
		want = append(want, fmt.Sprint(c.At.UTC().Format(time.RFC3339), " ", c.Level, " ", c.Sure))
	}
	if diff := cmp.Diff(want, ahead); diff != "" {
		b.Errorf("%s: ahead (-want +got):\n%s", k.Name, diff)
	}
}

// shown is a clock as a case compares it.
func shown(clock, ref string, state plan.State, started, due, target time.Time) string {
	parts := []string{clock, ref, string(state)}
	for _, m := range []struct {
		name string
		at   time.Time
	}{{"started", started}, {"due", due}, {"target", target}} {
		if !m.at.IsZero() {
			parts = append(parts, m.name, m.at.UTC().Format(time.RFC3339))
		}
	}
	return strings.Join(parts, " ")
}

func (b *bench) clocks(k clockCase) {
	course := &plan.Course{Facts: b.sheet(k.Facts, nil, k.Categories)}
	for _, e := range k.Events {
		if !slices.Contains(regime.Events(), e.Event) {
			b.Errorf("%s: no event %q", k.Name, e.Event)
		}
		course.Events = append(course.Events, plan.Moment{Event: e.Event, At: e.At, Ref: e.Ref})
	}
	for _, g := range k.Grades {
		if b.pack.Level(g.Level) == nil {
			b.Errorf("%s: no level %q", k.Name, g.Level)
		}
		course.Grades = append(course.Grades, plan.Graded{Level: g.Level, At: g.At})
	}
	for _, s := range k.Sent {
		course.Sent = append(course.Sent, plan.Sent{Clock: s.Clock, At: s.At, Ref: s.Ref, To: s.To})
	}
	for _, s := range k.Suspensions {
		course.Suspensions = append(course.Suspensions, plan.Suspension{Clock: s.Clock, From: s.From, Until: s.Until, By: s.By})
	}
	var got, want []string
	all := plan.Clocks(b.pack, b.organisation(k.Organisation), course, k.Now)
	for _, c := range all {
		got = append(got, shown(c.ID, c.Ref, c.State, c.Started, c.Due, c.Target))
	}
	for i, w := range k.Want {
		want = append(want, shown(w.Clock, w.Ref, w.State, w.Started, w.Due, w.Target))
		if w.Why != "" && i < len(all) && !strings.Contains(strings.Join(all[i].Why, "; "), w.Why) {
			b.Errorf("%s: %s: because %q, want %q in it", k.Name, w.Clock, all[i].Why, w.Why)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.Errorf("%s (-want +got):\n%s", k.Name, diff)
	}
}

// complete takes care that the cases leave nothing of the pack untried: every
// threshold has its boundary, of criteria and of whom it binds, every criterion
// fires, every clock is asked for.
func (b *bench) complete(c *cases, fired map[string]bool) {
	for _, l := range b.pack.Levels {
		for _, k := range l.Criteria {
			if !fired[k.ID] {
				b.Errorf("no case fires %s", k.ID)
			}
			for _, threshold := range k.When.Criterion().Thresholds() {
				if !slices.ContainsFunc(c.Boundaries, func(x boundary) bool {
					return x.Fact == threshold.Fact && x.At == threshold.Value && x.Currency == threshold.Currency
				}) {
					b.Errorf("%s: no boundary %s at %v %s", k.ID, threshold.Fact, threshold.Value, threshold.Currency)
				}
			}
		}
	}
	for _, threshold := range b.pack.Binds.Who.Criterion().Thresholds() {
		b.bindsAround(c, threshold)
	}
	for _, k := range b.pack.Clocks {
		if !slices.ContainsFunc(c.Clocks, func(x clockCase) bool {
			return slices.ContainsFunc(x.Want, func(w wanted) bool {
				return w.Clock == k.ID && (w.State == plan.Running || w.State == plan.Met || w.State == plan.Missed)
			})
		}) {
			b.Errorf("no case has clock %s running, met or missed", k.ID)
		}
	}
}

// bindsAround takes care that the cases say whom a regime binds below, at and
// above a number that it asks of organisations.
func (b *bench) bindsAround(c *cases, threshold criterion.Threshold) {
	var below, exactly, above bool
	for _, k := range c.Binding {
		facts, _ := k.Organisation["facts"].(map[string]any)
		stated, _ := facts[threshold.Fact].(map[string]any)
		var value float64
		switch v := stated["value"].(type) {
		case int:
			value = float64(v)
		case float64:
			value = v
		default:
			continue
		}
		if currency, _ := stated["currency"].(string); currency == threshold.Currency {
			below, exactly, above = below || value < threshold.Value, exactly || value == threshold.Value, above || value > threshold.Value
		}
	}
	if !below || !exactly || !above {
		b.Errorf("binding: no cases below, at and above %s %v %s", threshold.Fact, threshold.Value, threshold.Currency)
	}
}
