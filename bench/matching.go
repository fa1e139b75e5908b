package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

// matching compares what rules cost with what reading costs: the same events
// decoded; decoded and given their log source; and asked all rules, together,
// ten times as many together, and one by one.
func (b *bench) matching(ctx context.Context, s *stream) (*report, error) {
	rules, err := windowsRules(b.data)
	if err != nil {
		return nil, err
	}
	many, err := multiplied(rules, 10)
	if err != nil {
		return nil, err
	}
	mappings, err := logsource.Load()
	if err != nil {
		return nil, err
	}
	all, err := together(mappings, rules, s)
	if err != nil {
		return nil, err
	}
	tenfold, err := together(mappings, many, s)
	if err != nil {
		return nil, err
	}
	one := newOneByOne(mappings, rules)
	short := &stream{lines: s.lines, repeats: 1} // one by one is slow

	medians, err := race(ctx, b.rounds, []contender{
		{"decoding", here(func() error { return decodeAll(s) })},
		{"log source", here(func() error { return resolveAll(mappings, s) })},
		{"all rules", here(func() error { return all.inspect(s) })},
		{"ten times the rules", here(func() error { return tenfold.inspect(s) })},
		{"one by one", here(func() error { return one.inspect(short) })},
	})
	if err != nil {
		return nil, err
	}
	if all.matches != one.matches*s.repeats {
		return nil, fmt.Errorf("all rules together match %d times, one by one %d times %d", all.matches, s.repeats, one.matches)
	}
	r := &report{title: "Decoding and matching", unit: "event", lines: []line{
		{"decode", medians[0], s.events(), ""},
		{"decode, find the log source", medians[1], s.events(), ""},
		{fmt.Sprintf("the same, and %d rules", len(rules)), medians[2], s.events(), all.note()},
		{fmt.Sprintf("the same, and %d rules", len(many)), medians[3], s.events(), tenfold.note()},
		{fmt.Sprintf("the same, %d rules one by one", len(rules)), medians[4], short.events(), ""},
	}}
	decode, full, ten, naive := r.lines[0].each(), r.lines[2].each(), r.lines[3].each(), r.lines[4].each()
	r.goals = []goal{
		{text: "decoding and matching, µs of CPU an event", got: full, limit: 6},
		{text: "against decoding alone", got: full / decode, limit: 4},
		{text: "one by one against together", got: naive / full, limit: 80, atLeast: true},
		{text: "ten times the rules against once", got: ten / full, limit: 2},
		{text: "seconds of CPU to compile all rules, also for every class of the events", got: all.compiled.Seconds(), limit: 1},
	}
	return r, nil
}

// matcher is a compiled set of rules with what it takes to feed it.
type matcher struct {
	mappings *logsource.Mappings
	names    *intel.Names
	compiled time.Duration
	heap     uint64
	engine   *engine.Engine
	matches  int
}

// together compiles the rules, and at once for every class of the stream's
// events, which is else done when the first event of a class comes.
func together(mappings *logsource.Mappings, rules []*sigma.Rule, s *stream) (*matcher, error) {
	m := &matcher{mappings: mappings, names: intel.NewNames(mappings.Rewrite)}
	classes, err := m.classes(s)
	if err != nil {
		return nil, err
	}
	before, start := heap(), used()
	if m.engine, err = engine.Compile(rules, m.names); err != nil {
		return nil, err
	}
	for _, class := range classes {
		m.engine.Program(class)
	}
	m.compiled = used() - start
	m.heap = heap() - before
	return m, nil
}

func (m *matcher) classes(s *stream) ([]*intel.Class, error) {
	var all []*intel.Class
	once := &stream{lines: s.lines, repeats: 1}
	err := eachEvent(m.mappings, m.names, once, func(class *intel.Class, _ *intel.Record) error {
		if !slices.Contains(all, class) {
			all = append(all, class)
		}
		return nil
	})
	return all, err
}

func (m *matcher) note() string {
	return fmt.Sprintf("compiled in %.2f s of CPU, %.0f MB of heap, %d matches", m.compiled.Seconds(), float64(m.heap)/1e6, m.matches)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (m *matcher) inspect(s *stream) error {
	inspector := engine.NewInspector(m.engine)
	m.matches = 0
	return eachEvent(m.mappings, m.names, s, func(class *intel.Class, rec *intel.Record) error {
		m.matches += len(inspector.Inspect(class, rec))
		return nil
	})
}

func resolveAll(mappings *logsource.Mappings, s *stream) error {
	return eachEvent(mappings, intel.NewNames(mappings.Rewrite), s, func(*intel.Class, *intel.Record) error { return nil })
}

// eachEvent decodes the stream's events and finds their log source.
func eachEvent(mappings *logsource.Mappings, names *intel.Names, s *stream, visit func(*intel.Class, *intel.Record) error) error {
	decoder := flatjson.NewDecoder(names)
	resolver := logsource.NewResolver(mappings, names)
	hint := logsource.Hint{Format: "json", FileName: "events.jsonl"}
	var rec intel.Record
	return s.each(func(line []byte) error {
		rec.Reset()
		if _, err := decoder.Decode(line, &rec); err != nil {
			return err
		}
		return visit(resolver.Resolve(&rec, hint).Class, &rec)
	})
}

// oneByOne asks every rule whose log source fits, each by itself.
type oneByOne struct {
	mappings *logsource.Mappings
	rules    []*sigma.Rule
	names    *intel.Names
	byClass  map[*intel.Class][]*sigma.Naive
	matches  int
}

func newOneByOne(mappings *logsource.Mappings, rules []*sigma.Rule) *oneByOne {
	return &oneByOne{
		mappings: mappings, rules: rules, names: intel.NewNames(mappings.Rewrite),
		byClass: map[*intel.Class][]*sigma.Naive{},
	}
}

func (o *oneByOne) inspect(s *stream) error {
	o.matches = 0
	return eachEvent(o.mappings, o.names, s, func(class *intel.Class, rec *intel.Record) error {
		asked, err := o.of(class)
		for _, n := range asked {
			if n.Matches(rec) {
				o.matches++
			}
		}
		return err
	})
}

func (o *oneByOne) of(class *intel.Class) ([]*sigma.Naive, error) {
	if asked, ok := o.byClass[class]; ok {
		return asked, nil
	}
	asked := []*sigma.Naive{}
	for _, r := range o.rules {
		if !class.Takes(r.LogSource) {
			continue
		}
		n, err := sigma.NewNaive(r, o.names, class)
		if err != nil {
			return nil, err
		}
		asked = append(asked, n)
	}
	o.byClass[class] = asked
	return asked, nil
}
