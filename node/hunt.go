package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tocsin/detect"
	"tocsin/detect/indicator"
	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/memory/archive"
)

// Hunt is what is asked of the past.
type Hunt struct {
	Questions    []memory.Question `json:"questions"`
	Since, Until time.Time         // where zero, that side is open
	// Examples is how many events are shown for each question that was seen.
	Examples int `json:"examples"`
	// TimePercent and HostPercent ask for more coverage than "not seen" needs anyway
	// (memory/coverage); 0 asks for no more.
	TimePercent int `json:"time_percent,omitempty"`
	HostPercent int `json:"host_percent,omitempty"`
	// Progress is told how many of the archive's segments were gone through, of
	// how many; may be nil.
	Progress func(done, total int) `json:"-"`
}

// Hunted is the answers to a hunt.
type Hunted struct {
	Answers []memory.Answer `json:"answers"`
	// Partial says why the answers rest on less than all that is remembered;
	// empty when they do not.
	Partial []string `json:"partial,omitempty"`
}

const (
	// huntQuestions is how many questions may be asked at once: each takes some
	// hundred bytes, and a million some seconds.
	huntQuestions = 1_000_000
	// huntRules is how many of them may be rules: all there are.
	huntRules = 10_000
	// huntExamples is how many events may be shown for a question.
	huntExamples = 100
	// freshFor is how long a hunt waits for what has been acknowledged to be
	// remembered.
	freshFor = 5 * time.Second
)

// Hunt answers questions about the past: observables from the ledger, rules from
// the archive by the engine that watches. It fails as a whole only when nothing
// can be answered; a question that cannot be is fault.Invalid.
func (n *Node) Hunt(ctx context.Context, h Hunt) (Hunted, error) {
	hunt, err := n.search(ctx, h)
	if err == nil {
		err = hunt.judge(ctx)
	}
	if err != nil {
		return Hunted{}, err
	}
	return Hunted{Answers: hunt.answers, Partial: hunt.partial}, nil
}

// search answers questions but for the verdict; the reason of an answer is what
// could not be searched.
func (n *Node) search(ctx context.Context, h Hunt) (*hunting, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	hunt := &hunting{Hunt: h, node: n, answers: make([]memory.Answer, len(h.Questions))}
	for _, step := range [...]func(context.Context) error{hunt.fresh, hunt.observables, hunt.events, hunt.examples} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	hunt.doubtRules()
	return hunt, nil
}

func (h *Hunt) check() error {
	rules := 0
	for _, q := range h.Questions {
		if q.Rule != "" {
			rules++
		}
	}
	switch {
	case len(h.Questions) == 0:
		return fmt.Errorf("hunt: nothing is asked: %w", fault.Invalid)
	case len(h.Questions) > huntQuestions || rules > huntRules:
		return fmt.Errorf("hunt: %d questions, %d of them rules; at most %d and %d may be asked at once: %w", len(h.Questions), rules, huntQuestions, huntRules, fault.Invalid)
	case h.Examples < 0 || h.Examples > huntExamples:
		return fmt.Errorf("hunt: %d examples; from 0 to %d may be asked for: %w", h.Examples, huntExamples, fault.Invalid)
	case !h.Since.IsZero() && !h.Until.IsZero() && !h.Since.Before(h.Until):
		return fmt.Errorf("hunt: since is not before until: %w", fault.Invalid)
	}
	return nil
}

// hunting is one hunt under way.
type hunting struct {
	Hunt
	node    *Node
	answers []memory.Answer
	sources map[int]intel.LogSource // of what the archive is asked, by question; none for an observable
	partial []string
}

// fresh waits for what was acknowledged before the hunt.
func (h *hunting) fresh(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	if h.node.Remembered(waiting) != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		h.partial = append(h.partial, "what came last is not remembered yet: ask again in a while")
	}
	return nil
}

// observables asks the ledger.
func (h *hunting) observables(ctx context.Context) error {
	var asked []memory.Question
	var of []int
	for i, q := range h.Questions {
		if !q.ByArchive() {
			asked, of = append(asked, q), append(of, i)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	answers, err := h.node.memory.Recall(ctx, asked, h.Since, h.Until)
	for i := range answers {
		h.answers[of[i]] = answers[i]
	}
	return err
}

// archived goes through the archive, what was remembered last included. A hunt
// that is broken off keeps what was found until then.
func (h *hunting) archived(ctx context.Context, q archive.Query, worker func() func(*archive.Row) error) error {
	if err := h.node.memory.Archive.Flush(); err != nil {
		h.partial = append(h.partial, "the newest events could not be archived: "+err.Error())
	}
	q.Since, q.Until, q.Workers, q.Progress = h.Since, h.Until, h.node.workers(), h.Progress
	stats, err := h.node.memory.Archive.Scan(ctx, q, h.node.names, worker)
	for _, d := range stats.Damaged {
		h.partial = append(h.partial, fmt.Sprintf("a damaged part of the archive with %d events was passed over: %s", d.Events, d.Reason))
	}
	switch {
	case errors.Is(err, errEnough):
		return nil
	case ctx.Err() != nil:
		h.partial = append(h.partial, "the hunt was broken off: not all of the archive was gone through")
		return nil
	}
	return err
}

// errEnough ends a scan that has found what it looks for.
var errEnough = errors.New("enough was found")

// events asks the archive's events the rules, and for the observables that the
// ledger cannot look up.
func (h *hunting) events(ctx context.Context) error {
	var rules []*sigma.Rule
	var patterns []intel.Indicator
	of := map[*sigma.Rule]int{}
	h.sources = map[int]intel.LogSource{}
	for i := range h.Questions {
		q := &h.Questions[i]
		if !q.ByArchive() {
			continue
		}
		h.answers[i] = memory.Answer{Question: q.Text, Kind: q.Kind(), Value: q.Observable.Value, Hosts: []string{}}
		if q.Rule == "" {
			patterns, h.sources[i] = append(patterns, q.Indicator(strconv.Itoa(i))), intel.LogSource{}
			continue
		}
		rule, err := huntedRule(*q)
		if err != nil {
			return err
		}
		rules = append(rules, rule)
		of[rule], h.sources[i] = i, rule.LogSource
	}
	if len(h.sources) == 0 {
		return nil
	}
	detector, err := detect.New(rules, nil, h.node.names)
	if err != nil {
		return fmt.Errorf("hunt: %w: %w", err, fault.Invalid)
	}
	ask := asks(detector.Engine())
	if len(patterns) > 0 {
		live, err := h.compiled(patterns)
		if err != nil {
			return err
		}
		detector, ask = detector.WithIndicators(live, false), everything
	}
	hits := &ruleHits{hunt: h, of: of, hosts: map[int]map[string]struct{}{}, patterns: len(patterns) > 0}
	err = h.archived(ctx, archive.Query{Ask: ask}, func() func(*archive.Row) error {
		return hits.visitor(detector)
	})
	hits.finish()
	return err
}

// everything asks an archive for all fields of all events.
func everything(*intel.Class) archive.Interest { return archive.Interest{All: true} }

// compiled makes observables ready to be looked for in events. Of those that
// cannot be, the answer says why.
func (h *hunting) compiled(patterns []intel.Indicator) (*indicator.Live, error) {
	b := pack.NewBuilder()
	part := b.Part(0)
	for i := range patterns {
		if err := part.Add(&patterns[i]); err != nil {
			h.cannotAsk(&patterns[i], err.Error())
		}
	}
	part.Close()
	compiler := indicator.Compiler{Removed: func(in intel.Indicator, reason string) { h.cannotAsk(&in, reason) }}
	set, err := compiler.Compile(b.Pack())
	if err != nil {
		return nil, fmt.Errorf("hunt: %w", err)
	}
	live := &indicator.Live{}
	live.Store(set)
	return live, nil
}

func (h *hunting) cannotAsk(in *intel.Indicator, reason string) {
	if i, err := strconv.Atoi(in.Label); err == nil {
		h.answers[i].Reason = "it cannot be looked for: " + reason
	}
}

// asks returns what an archive is to hand on for compiled rules.
func asks(e *engine.Engine) func(*intel.Class) archive.Interest {
	return func(class *intel.Class) (i archive.Interest) {
		if len(e.Program(class).Rules()) == 0 {
			return archive.Interest{None: true}
		}
		i.Fields, i.All = e.Fields(class)
		if clues, ok := e.Clues(class); ok {
			for _, c := range clues {
				i.Clues = append(i.Clues, archive.Clue{Fields: c.Fields, Text: c.Text})
			}
		}
		return i
	}
}

// huntedRule reads a question's rule. Placeholders cannot be asked for.
func huntedRule(q memory.Question) (*sigma.Rule, error) {
	file, err := sigma.Parse("rule", []byte(q.Rule))
	switch {
	case err != nil:
		return nil, fmt.Errorf("hunt: rule %q: %w: %w", q.Text, err, fault.Invalid)
	case len(file.Rules) != 1:
		return nil, fmt.Errorf("hunt: %q holds %d rules; ask one a question: %w", q.Text, len(file.Rules), fault.Invalid)
	case len(file.Rules[0].Placeholders()) > 0:
		return nil, fmt.Errorf("hunt: rule %q needs placeholders %q: %w", q.Text, file.Rules[0].Placeholders(), fault.Invalid)
	}
	return file.Rules[0], nil
}

// ruleHits collects what rules matched in the archive.
type ruleHits struct {
	hunt *hunting
	of   map[*sigma.Rule]int
	// patterns: observables are looked for too, in events whole.
	patterns bool

	mu    sync.Mutex
	hosts map[int]map[string]struct{} // guarded by mu, as are the hunt's answers
}

// visitor returns what asks rows the rules, first of the fields that they name
// alone.
func (r *ruleHits) visitor(detector *detect.Detector) func(*archive.Row) error {
	matching, inspector := engine.NewInspector(detector.Engine()), detector.NewInspector(false)
	var findings []*detect.Finding
	return func(row *archive.Row) error {
		if !r.patterns && len(matching.Inspect(row.Class, &row.Record)) == 0 {
			return nil
		}
		if err := row.Complete(); err != nil {
			return err
		}
		findings = inspector.Inspect(&row.Event, findings[:0])
		for _, f := range findings {
			r.add(f)
		}
		return nil
	}
}

func (r *ruleHits) add(f *detect.Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.of[f.Rule]
	if f.Indicator != nil {
		i, _ = strconv.Atoi(f.Indicator.Label) // made by events
	}
	a := &r.hunt.answers[i]
	a.Count++
	if f.Time.IsZero() {
		a.Undated++
	} else {
		spread(a, f.Time)
	}
	if f.Host != "" {
		if r.hosts[i] == nil {
			r.hosts[i] = map[string]struct{}{}
		}
		r.hosts[i][f.Host] = struct{}{}
	}
	if len(a.Examples) < r.hunt.Examples {
		fields := map[string]string{}
		for _, v := range f.Fields {
			fields[v.Name] = v.Value
		}
		a.Examples = append(a.Examples, example(f.Time, f.Host, f.Source, f.Record, fields))
	}
}

// spread makes an answer's first and last take a time in.
func spread(a *memory.Answer, at time.Time) {
	if a.First == nil || at.Before(*a.First) {
		a.First = &at
	}
	if a.Last == nil || at.After(*a.Last) {
		a.Last = &at
	}
}

func example(at time.Time, host, source string, record uint64, fields map[string]string) memory.Example {
	e := memory.Example{Host: host, Source: source, Record: record, Fields: fields}
	if !at.IsZero() {
		e.Time = &at
	}
	return e
}

// finish lists the hosts in order.
func (r *ruleHits) finish() {
	for i, hosts := range r.hosts {
		a := &r.hunt.answers[i]
		a.HostCount = uint64(len(hosts))
		a.Hosts = sorted(hosts, hostsNamed)
	}
}

// hostsNamed is how many hosts an answer names; it counts the others.
const hostsNamed = 100

// examples looks for events that observables stand in.
func (h *hunting) examples(ctx context.Context) error {
	wanted := newWanted(h)
	if len(wanted.needles) == 0 {
		return nil
	}
	return h.archived(ctx, archive.Query{Needles: wanted.needles}, func() func(*archive.Row) error {
		extractor := observable.NewExtractor(h.node.names)
		return func(row *archive.Row) error {
			extractor.Each(&row.Record, func(kind intel.ObservableKind, value []byte) {
				wanted.take(kind, value, row)
			})
			return wanted.enough()
		}
	})
}
