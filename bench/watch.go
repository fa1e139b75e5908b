package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"tocsin/telemetry/logsource"
)

// longer is how many times the stream is given to whole programs: starting them
// and compiling rules is not what is measured.
const longer = 3

// watching compares the product as a whole with rsigma, on the same rules and
// the same events, both writing their matches as JSON lines.
//
// rsigma is given flat events under Sigma's own field names, the form it reads
// without further work, and its own pipeline that asks for the event IDs of
// Sysmon's categories. It also runs with log sources written into every event
// by us, its fastest way, which a real source does not offer.
func (b *bench) watching(ctx context.Context, s *stream) (*report, error) {
	s = &stream{lines: s.lines, repeats: longer * s.repeats}
	in, err := b.prepareWatch(s)
	if err != nil {
		return nil, err
	}
	rsigma := func(events string, more ...string) func(context.Context) (cost, error) {
		args := append([]string{"engine", "eval", "--quiet", "--input-format", "json", "--output-format", "ndjson", "-r", in.rules, "-e", "@" + events}, more...)
		return process(b.peer("bin/rsigma"), args...)
	}
	medians, err := race(ctx, b.rounds, []contender{
		{"rsigma", rsigma(in.flat, "-p", "sysmon")},
		{"rsigma, routed", rsigma(in.routed, "--logsource-routing")},
		{"watch, flat", b.watch(in, 1, in.flat)},
		{"watch, 1 worker", b.watch(in, 1, in.nested)},
		{"watch, 2 workers", b.watch(in, 2, in.nested)},
		{"watch, a quarter", b.watch(in, 2, in.quarter)},
	})
	if err != nil {
		return nil, err
	}
	r := &report{title: "The whole program", unit: "event"}
	for i, l := range []line{
		{name: "rsigma engine eval -p sysmon, flat events", units: s.events()},
		{name: "rsigma engine eval --logsource-routing, log source given in every event", units: s.events()},
		{name: "tocsin watch, 1 worker, the flat events", units: s.events()},
		{name: "tocsin watch, 1 worker, events as evtx_dump writes them", units: s.events()},
		{name: "tocsin watch, 2 workers, the same", units: s.events()},
		{name: "tocsin watch, 2 workers, a quarter of them", units: in.quarterEvents},
	} {
		l.cost, l.note = medians[i], fmt.Sprintf("%d matches", medians[i].lines)
		r.lines = append(r.lines, l)
	}
	each := func(i int) float64 { return r.lines[i].each() }
	r.goals = []goal{
		{text: "rsigma against watch, CPU", got: each(0) / each(2), limit: 5, atLeast: true},
		{text: "elapsed with 1 worker against 2", got: medians[3].wall.Seconds() / medians[4].wall.Seconds(), limit: 1.8, atLeast: true},
		{text: "peak memory, MB", got: float64(medians[4].memory) / 1e6, limit: 200},
		{text: "peak memory for all events against a quarter", got: float64(medians[4].memory) / float64(medians[5].memory), limit: 1.25},
	}
	return r, nil
}

// watch runs the product on that many workers and as many processors: with one
// of each, reading and output do not hide on another processor.
func (b *bench) watch(in watchInput, workers int, events string) func(context.Context) (cost, error) {
	n := strconv.Itoa(workers)
	return process("env", "GOMAXPROCS="+n, b.product, "watch", "--no-progress", "--format", "jsonl", "--workers", n, "--data", b.work, "--rules", in.rules, events)
}

// watchInput is the files that the programs read.
type watchInput struct {
	rules                         string // a folder
	flat, routed, nested, quarter string // the stream in each form
	quarterEvents                 float64
}

func (b *bench) prepareWatch(s *stream) (in watchInput, err error) {
	rules, err := windowsRules(b.data)
	if err != nil {
		return in, err
	}
	in.rules = filepath.Join(b.work, "rules")
	if err := os.Mkdir(in.rules, 0o700); err != nil {
		return in, err
	}
	if err := copyRules(rules, in.rules); err != nil {
		return in, err
	}
	mappings, err := logsource.Load()
	if err != nil {
		return in, err
	}
	quarter := &stream{lines: s.lines, repeats: max(1, s.repeats/4)}
	in.quarterEvents = quarter.events()
	flat := newFlattener(mappings)
	for _, f := range []struct {
		place *string
		name  string
		s     *stream
		edit  func([]byte) ([]byte, error)
	}{
		{&in.nested, "nested.jsonl", s, nil},
		{&in.quarter, "quarter.jsonl", quarter, nil},
		{&in.flat, "flat.jsonl", s, func(line []byte) ([]byte, error) { return flat.line(line, false) }},
		{&in.routed, "routed.jsonl", s, func(line []byte) ([]byte, error) { return flat.line(line, true) }},
	} {
		*f.place = filepath.Join(b.work, f.name)
		if err := f.s.write(*f.place, f.edit); err != nil {
			return in, err
		}
	}
	return in, nil
}
