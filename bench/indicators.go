package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"tocsin/detect/indicator"
	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/knowledge"
	"tocsin/telemetry/logsource"
)

// manyIndicators is how many indicators are loaded: the real set and generated
// ones.
const manyIndicators = 10_000_000

// indicators measures what ten million indicators cost: to load, in memory, and
// for each event. The events are those of the other sections; what is compared
// is decoding them and finding their log source with and without matching.
func (b *bench) indicators(ctx context.Context, s *stream) (*report, error) {
	loaded, err := b.loadIndicators()
	if err != nil {
		return nil, err
	}
	mappings, err := logsource.Load()
	if err != nil {
		return nil, err
	}
	typed, text := &hunter{mappings: mappings, live: loaded.live}, &hunter{mappings: mappings, live: loaded.live, freeText: true}
	short := &stream{lines: s.lines, repeats: 1} // free text is slow
	medians, err := race(ctx, b.rounds, []contender{
		{"without", here(func() error { return resolveAll(mappings, s) })},
		{"typed fields", here(func() error { return typed.match(s) })},
		{"free text", here(func() error { return text.match(short) })},
	})
	if err != nil {
		return nil, err
	}
	r := &report{title: "Indicators", unit: "event", lines: []line{
		{"decode, find the log source", medians[0], s.events(), ""},
		{"the same, and indicators in typed fields", medians[1], s.events(), fmt.Sprintf("%d hits", typed.hits)},
		{"the same, and in free text", medians[2], short.events(), fmt.Sprintf("%d hits", text.hits)},
	}}
	n := float64(loaded.report.Kept)
	r.goals = []goal{
		{text: "indicators loaded, millions", got: n / 1e6, limit: 9.99, atLeast: true, measurement: loaded.note()},
		{text: "seconds of CPU to load them from the data directory", got: loaded.cpu.Seconds(), limit: 10, measurement: fmt.Sprintf("(%.2f s elapsed)", loaded.took.Seconds())},
		{text: "bytes of memory an indicator, everything included", got: float64(loaded.heap) / n, limit: 64, measurement: fmt.Sprintf("(%.1f by the set's own count)", float64(loaded.report.Memory)/n)},
		{text: "µs of CPU an event for typed fields", got: r.lines[1].each() - r.lines[0].each(), limit: 1},
	}
	return r, nil
}

// hunter matches indicators.
type hunter struct {
	mappings *logsource.Mappings
	live     *indicator.Live
	freeText bool
	hits     int
}

func (h *hunter) match(s *stream) error {
	names := intel.NewNames(h.mappings.Rewrite)
	matcher := indicator.NewMatcher(h.live, names, h.freeText)
	h.hits = 0
	hit := func(*indicator.Hit) { h.hits++ }
	return eachEvent(h.mappings, names, s, func(_ *intel.Class, rec *intel.Record) error {
		matcher.Match(rec, time.Time{}, hit)
		return nil
	})
}

// loadedIndicators is a set and what it took.
type loadedIndicators struct {
	live      *indicator.Live
	report    indicator.Report
	read      time.Duration // of CPU, from text
	took, cpu time.Duration // from the data directory
	heap      uint64
}

func (l *loadedIndicators) note() string {
	return fmt.Sprintf("(read from text in %.2f s of CPU)", l.read.Seconds())
}

// loadIndicators installs the sets in a data directory and loads them from
// there.
func (b *bench) loadIndicators() (*loadedIndicators, error) {
	listed, err := samples(b.data, "indicators", ".tsv")
	if err != nil {
		return nil, err
	}
	l := &loadedIndicators{}
	dir := filepath.Join(b.work, "indicators")
	count := 0
	for _, path := range listed {
		n, err := l.install(dir, path)
		if err != nil {
			return nil, err
		}
		count += n
	}
	path := filepath.Join(b.work, "generated.tsv")
	if err := generateIndicators(path, manyIndicators-count); err != nil {
		return nil, err
	}
	if _, err := l.install(dir, path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil {
		return nil, err
	}
	return l, l.load(dir)
}

func (l *loadedIndicators) install(dir, path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	start := used()
	p, _, err := exchange.ReadIndicators(f, exchange.IndicatorOptions{Origin: intel.Origin{Source: "bench"}})
	if err != nil {
		return 0, err
	}
	l.read += used() - start
	name := filepath.Base(path)
	name = name[:len(name)-len(filepath.Ext(name))]
	_, err = knowledge.OpenIndicators(dir).Add(knowledge.IndicatorSet{Name: name, Origin: path}, p, time.Now())
	return p.Len(), err
}

func (l *loadedIndicators) load(dir string) error {
	before := heap()
	start, cpu := time.Now(), used()
	set, err := compileAll(dir)
	if err != nil {
		return err
	}
	l.took, l.cpu = time.Since(start), used()-cpu
	l.heap = heap() - before
	l.live, l.report = &indicator.Live{}, set.Report()
	l.live.Store(set)
	runtime.KeepAlive(set)
	return nil
}

func compileAll(dir string) (*indicator.Set, error) {
	packs, err := knowledge.OpenIndicators(dir).Load()
	if err != nil {
		return nil, err
	}
	return compilePacks(packs)
}

func compilePacks(packs []*pack.Pack) (*indicator.Set, error) {
	compiler := indicator.Compiler{Now: time.Now()}
	return compiler.Compile(packs...)
}
