package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/memory/archive"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// archiving measures how small events become, what writing them costs, and how
// fast a rule is asked of many of them: one whose text is in few segments, and
// ones for which nothing can be skipped.
func (b *bench) archiving(ctx context.Context, s *stream) (r *report, err error) {
	r = &report{title: "The archive", unit: "event"}
	for _, set := range [...]string{"security-datasets", "zeek-samples/zeek-json"} {
		ratio, err := b.shrink(ctx, set)
		if err != nil {
			return nil, err
		}
		r.goals = append(r.goals, goal{text: set + ", once through, times smaller than its JSON", got: ratio, limit: 10, atLeast: true})
	}
	w, err := newArchiveWorld(filepath.Join(b.work, "archive"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.archive.Close()) }()
	written, err := here(func() error { return w.generate(ctx, b) })(ctx)
	if err != nil {
		return nil, err
	}
	hunts, err := w.hunts()
	if err != nil {
		return nil, err
	}
	contenders := []contender{{"JSON", here(func() error { return w.fromJSON(s, hunts[0].engine) })}}
	for _, h := range hunts {
		contenders = append(contenders, contender{h.name, here(func() error { return h.run(ctx, w) })})
	}
	medians, err := race(ctx, b.rounds, contenders)
	if err != nil {
		return nil, err
	}
	r.lines = append(r.lines, line{"the rule, asked of the events' JSON, 1 processor", medians[0], s.events(), ""})
	for i, h := range hunts {
		r.lines = append(r.lines, line{h.name, medians[i+1], float64(w.count), h.note()})
		r.goals = append(r.goals, goal{
			text: h.name + ", million events in a second of CPU on two processors",
			got:  processors * float64(w.count) / 1e6 / medians[i+1].cpu.Seconds(), limit: h.limit, atLeast: true,
		})
	}
	held := w.archive.Stats()
	note := fmt.Sprintf("%d segments, %.1f bytes an event", held.Segments, float64(held.Bytes)/float64(held.Events))
	r.lines = append(r.lines, line{"making the events and writing them", written, float64(w.count), note})
	return r, nil
}

// archiveWorld is an archive with what reading and asking needs.
type archiveWorld struct {
	mappings *logsource.Mappings
	names    *intel.Names
	archive  *archive.Archive
	count    int
}

func newArchiveWorld(dir string) (*archiveWorld, error) {
	mappings, err := logsource.Load()
	if err != nil {
		return nil, err
	}
	w := &archiveWorld{mappings: mappings, names: intel.NewNames(mappings.Rewrite)}
	w.archive, err = archive.Open(dir, archive.Config{Names: w.names, Describe: mappings.Key, Class: mappings.Class})
	return w, err
}

// read calls visit with every event below a path.
func (w *archiveWorld) read(ctx context.Context, path string, visit func(*telemetry.Event) error) error {
	reader := telemetry.Reader{Paths: []string{path}}
	decoder := telemetry.NewDecoder(w.mappings, w.names)
	return reader.Run(ctx, func(b *telemetry.Block) error {
		defer b.Release()
		_, err := decoder.Decode(b, visit)
		return err
	})
}

// processors is how many a hunt uses.
const processors = 2

// perEntry is how many events are put as one entry of a journal.
const perEntry = 1000

// fill archives what each hands to it.
func (w *archiveWorld) fill(each func(visit func(*telemetry.Event) error) error) error {
	entry := w.archive.Cursor() + 1
	batch := w.archive.NewBatch()
	next := func() error {
		w.archive.Put(entry, batch)
		entry, batch = entry+1, w.archive.NewBatch()
		w.archive.Commit(entry - 1)
		return w.archive.Settle()
	}
	err := each(func(e *telemetry.Event) error {
		if !batch.Add(e) {
			return errors.New("a batch is full")
		}
		w.count++
		if batch.Len() == perEntry {
			return next()
		}
		return nil
	})
	if err == nil {
		err = next()
	}
	return errors.Join(err, w.archive.Flush())
}

// shrink archives a set of JSON files once through and returns how many times
// smaller it became.
func (b *bench) shrink(ctx context.Context, set string) (float64, error) {
	name, below := filepath.Split(set)
	if name == "" {
		name, below = set, ""
	}
	dir, err := testdata.Unpack(filepath.Join(b.data, "detect", filepath.Clean(name)+".tar.zst"))
	if err != nil {
		return 0, err
	}
	source, place := filepath.Join(dir, below), filepath.Join(b.work, "shrink-"+filepath.Base(set))
	w, err := newArchiveWorld(place)
	if err != nil {
		return 0, err
	}
	err = w.fill(func(visit func(*telemetry.Event) error) error { return w.read(ctx, source, visit) })
	if err = errors.Join(err, w.archive.Close()); err != nil {
		return 0, err
	}
	before, err := sizeBelow(source)
	if err != nil {
		return 0, err
	}
	after, err := sizeBelow(place)
	return float64(before) / float64(after), err
}

func sizeBelow(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// asked is a rule asked of the archive, in one of several ways.
type asked struct {
	name     string
	limit    float64 // million events a second
	engine   *engine.Engine
	skipping bool
	stats    archive.ScanStats
	matches  int64
}

const ruleHead = `
title: t
id: 11111111-1111-4111-8111-11111111111%d
logsource: {product: %s}
detection:
  selection: %s
  condition: selection
`

// hunts are the rules: one field's text, with skipping and without, and a text
// anywhere, for which every field of every event has to be read.
func (w *archiveWorld) hunts() ([]*asked, error) {
	field, err := w.compile("{CommandLine|contains: '" + needle + "'}")
	if err != nil {
		return nil, err
	}
	anywhere, err := w.compile("['" + needle + "']")
	if err != nil {
		return nil, err
	}
	return []*asked{
		{name: "a text in one field, in few segments", limit: 1, engine: field, skipping: true},
		{name: "the same, nothing skipped", limit: 0.15, engine: field},
		{name: "a text in any field, nothing skipped", limit: 0.15, engine: anywhere},
	}, nil
}

// compile makes one rule for each of the events' products.
func (w *archiveWorld) compile(selection string) (*engine.Engine, error) {
	var rules []*sigma.Rule
	for i, product := range [...]string{"windows", "zeek"} {
		file, err := sigma.Parse("rule.yml", fmt.Appendf(nil, ruleHead, i, product, selection))
		if err != nil {
			return nil, err
		}
		rules = append(rules, file.Rules...)
	}
	return engine.Compile(rules, w.names)
}

func (a *asked) note() string {
	read := a.stats.Segments - a.stats.Skipped
	return fmt.Sprintf("%d matches, %d of %d segments read, %.0f MB", a.matches, read, a.stats.Segments, float64(a.stats.Bytes)/1e6)
}

// ask says what is wanted of a class.
func (a *asked) ask(class *intel.Class) (i archive.Interest) {
	i.Fields, i.All = a.engine.Fields(class)
	if !a.skipping {
		return i
	}
	if len(a.engine.Program(class).Rules()) == 0 {
		return archive.Interest{None: true}
	}
	if clues, ok := a.engine.Clues(class); ok {
		for _, c := range clues {
			i.Clues = append(i.Clues, archive.Clue{Fields: c.Fields, Text: c.Text})
		}
	}
	return i
}

func (a *asked) run(ctx context.Context, w *archiveWorld) (err error) {
	var matches atomic.Int64
	a.stats, err = w.archive.Scan(ctx, archive.Query{Ask: a.ask, Workers: processors}, w.names, func() func(*archive.Row) error {
		inspector := engine.NewInspector(a.engine)
		return func(r *archive.Row) error {
			n := len(inspector.Inspect(r.Class, &r.Record))
			if n == 0 {
				return nil
			}
			matches.Add(int64(n))
			return r.Complete()
		}
	})
	a.matches = matches.Load()
	return err
}

// fromJSON asks the rule of events as they came, one goroutine: what a hunt
// without an archive does.
func (w *archiveWorld) fromJSON(s *stream, e *engine.Engine) error {
	m := &matcher{mappings: w.mappings, names: w.names, engine: e}
	return m.inspect(s)
}
