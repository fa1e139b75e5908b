package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/memory"
	"tocsin/memory/ledger"
	"tocsin/node"
)

// What the alliance must reach.
const (
	allianceFew      = 200
	allianceMany     = 10_000
	allianceSet      = 100_000
	allianceSetTo    = 100
	allianceP99      = 5 * time.Second
	allianceAll      = 90 * time.Second
	allianceAlone    = time.Second
	allianceHubBytes = 2e9
	allianceAPI      = 100 * time.Millisecond
)

// allianceSizes are how much the section about the alliance does.
type allianceSizes struct {
	members, own, canned int
	processes            int
	observables, alone   uint64
	parts, scratch       string
	child                string // this process holds members: its file
}

func (s *allianceSizes) flags() {
	flag.IntVar(&s.members, "alliance-members", 1000, "members that have all rooms of one")
	flag.IntVar(&s.own, "alliance-own", 20, "members with a ledger of their own; the others share one")
	// SQLite's cache has one lock a process: thousands of databases in one wait for it.
	flag.IntVar(&s.processes, "alliance-processes", 10, "processes that hold these members; their members share a ledger each")
	flag.Uint64Var(&s.observables, "alliance-observables", 1_000_000, "observables in each of these ledgers")
	flag.IntVar(&s.canned, "alliance-canned", 10_000, "members with canned answers")
	flag.Uint64Var(&s.alone, "alliance-keys", 10_000_000, "observables in the ledger of the member that is alone")
	flag.StringVar(&s.parts, "alliance-parts", "few,many,set,canned,alone", "what is measured")
	flag.StringVar(&s.scratch, "alliance-scratch", "/dev/shm", "where members keep their tables: a thousand machines have a thousand disks")
	flag.StringVar(&s.child, "alliance-child", "", "used by the benchmark itself")
}

// allianceBench is one run of the section.
type allianceBench struct {
	*bench
	r       *report
	scratch string
}

// alliances measures warnings and their answers: a hub that is the product's own
// process, and members on real connections.
func (b *bench) alliances(ctx context.Context, _ *stream) (r *report, err error) {
	a := &allianceBench{bench: b, r: &report{title: "The alliance", unit: "member"}}
	if a.scratch, err = os.MkdirTemp(b.alliance.scratch, "tocsin-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(a.scratch)) }()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{{"many", a.many}, {"set", a.set}, {"canned", a.canned}, {"alone", a.alone}} {
		if !contains(b.alliance.parts, part.name) && (part.name != "many" || !contains(b.alliance.parts, "few")) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return a.r, nil
}

// many has a thousand members answer warnings of few indicators and of many.
func (a *allianceBench) many(ctx context.Context) error {
	s := &shape{dir: filepath.Join(a.scratch, "many"), own: a.alliance.own, counts: evenly(a.alliance.members, a.alliance.processes)}
	var err error
	if s.memories, err = a.memories(ctx, s.own+len(s.counts)); err != nil {
		return err
	}
	h, g, err := a.assemble(ctx, "many", s)
	if err != nil {
		return err
	}
	defer h.kill()
	defer g.stop()
	const first = 20 // indicators: what a node makes at its first warning is there then
	if _, err := a.warn(ctx, h, g, "first", first, time.Minute); err != nil {
		return err
	}
	return errors.Join(a.few(ctx, h, g), a.long(ctx, h, g))
}

// few is the warning that is to be answered within seconds.
func (a *allianceBench) few(ctx context.Context, h *allianceHub, g *group) error {
	if !contains(a.alliance.parts, "few") {
		return nil
	}
	w, err := a.warn(ctx, h, g, "few", allianceFew, time.Minute)
	if err != nil {
		return err
	}
	a.r.goals = append(a.r.goals, goal{
		text: fmt.Sprintf("seconds from issue to recorded answer, 99 %% of %d members, %d indicators", g.members, allianceFew),
		got:  w.p99.Seconds(), limit: allianceP99.Seconds(), measurement: w.String(),
	})
	return a.steps(g, allianceFew)
}

// long is the warning that all are to answer in the end.
func (a *allianceBench) long(ctx context.Context, h *allianceHub, g *group) error {
	if !contains(a.alliance.parts, "many") {
		return nil
	}
	w, err := a.warn(ctx, h, g, "many", allianceMany, 10*time.Minute)
	if err != nil {
		return err
	}
	a.r.goals = append(a.r.goals, goal{
		text: fmt.Sprintf("seconds until all answers are recorded, %d members, %d indicators", g.members, allianceMany),
		got:  w.last.Seconds(), limit: allianceAll.Seconds(), measurement: w.String(),
	})
	return a.steps(g, allianceMany)
}

// evenly shares a number out.
func evenly(all, parts int) []int {
	shares := make([]int, parts)
	for k := range shares {
		shares[k] = (k+1)*all/parts - k*all/parts
	}
	return shares
}

// steps has a member measure what each step costs it.
func (a *allianceBench) steps(g *group, indicators int) error {
	var steps []step
	if err := g.processes[0].ask("steps", &steps); err != nil {
		return err
	}
	for _, s := range steps {
		took := time.Duration(s.Micro * float64(time.Microsecond))
		a.r.lines = append(a.r.lines, line{fmt.Sprintf("%d indicators, a member's step: %s", indicators, s.Name), cost{cpu: took, wall: took}, 1, ""})
	}
	return nil
}

// assemble makes a hub and members, all connected.
func (a *allianceBench) assemble(ctx context.Context, name string, s *shape) (h *allianceHub, g *group, err error) {
	if h, err = newAllianceHub(ctx, a.product, filepath.Join(a.work, "hub-"+name)); err != nil {
		return nil, nil, err
	}
	a.say("%s: admitting", name)
	files, err := s.prepare(ctx, h)
	if err != nil {
		return nil, nil, err
	}
	if err := h.open(ctx); err != nil {
		return nil, nil, err
	}
	a.say("%s: connecting", name)
	if g, err = s.start(ctx, files); err != nil {
		h.kill()
		if g != nil {
			g.stop()
		}
		return nil, nil, err
	}
	a.say("%s: all of %d members are connected", name, g.members)
	return h, g, nil
}

func (a *allianceBench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "alliance: %s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// warned is how a warning was answered.
type warned struct {
	p50, p99, last time.Duration // from issue to recorded answer
	api            time.Duration // the 95th of a hundred of what people asked the API meanwhile
	asked          int
	hub, members   time.Duration // CPU
	peak           int64         // of the hub's memory
	board          answer.Board
}

func (w *warned) String() string {
	return fmt.Sprintf("(half after %.2f, 99 %% after %.2f, all after %.2f s; %d hit, %d clear, %d cannot tell, %d silent; the API's p95 meanwhile %.0f ms of %d requests)",
		w.p50.Seconds(), w.p99.Seconds(), w.last.Seconds(), w.board.Sum.Hit, w.board.Sum.Clear, w.board.Sum.CannotTell, w.board.Sum.Silent+w.board.Sum.Blind, float64(w.api)/float64(time.Millisecond), w.asked)
}

// warn issues a warning and waits until all have answered.
func (a *allianceBench) warn(ctx context.Context, h *allianceHub, g *group, name string, indicators int, patience time.Duration) (w *warned, err error) {
	w = &warned{}
	hub, members := processCPU(h.cmd.Process.Pid), g.used()
	began := time.Now()
	id, at, err := h.issue(ctx, allianceDraft(indicators))
	if err != nil {
		return nil, err
	}
	a.say("%s: issued with %d indicators (drafted and issued within %s)", name, indicators, time.Since(began).Round(time.Millisecond))
	var took []time.Duration
	for {
		asked := time.Now()
		if w.board, err = h.board(ctx, id); err != nil {
			return nil, err
		}
		took = append(took, time.Since(asked))
		asked = time.Now()
		if err := h.person.Get(ctx, "/api/v1/incidents?limit=50", nil); err != nil {
			return nil, err
		}
		took = append(took, time.Since(asked))
		if w.board.Sum.Members == g.members && w.board.Sum.Silent == 0 {
			break
		}
		if time.Since(at) > patience {
			a.say("%s: not all answered: %+v", name, w.board.Sum)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.hub, w.members = processCPU(h.cmd.Process.Pid)-hub, g.used()-members
	w.peak = residentPeak(h.cmd.Process.Pid)
	w.api, w.asked = quantileOf(took, 95), len(took)
	places, err := h.places(ctx, id)
	if err != nil {
		return nil, err
	}
	var answers []time.Duration
	for i := range places {
		if !places[i].First.IsZero() {
			answers = append(answers, places[i].First.Sub(at))
		}
	}
	if len(answers) == 0 {
		return nil, errors.New("nobody answered")
	}
	w.p50, w.p99, w.last = quantileOf(answers, 50), quantileOf(answers, 99), slices.Max(answers)
	n := float64(g.members)
	a.r.lines = append(a.r.lines,
		line{fmt.Sprintf("%d members, %d indicators: the hub, to send, receive and record", g.members, indicators), cost{cpu: w.hub, wall: w.last, memory: w.peak}, n, ""},
		line{fmt.Sprintf("%d members, %d indicators: the members", g.members, indicators), cost{cpu: w.members, wall: w.last}, n, fmt.Sprintf("%d of %d answered", len(answers), g.members)})
	a.say("%s: %s", name, w)
	return w, nil
}

// quantileOf is the smallest that so many of a hundred are not above.
func quantileOf(all []time.Duration, percent int) time.Duration {
	all = slices.Clone(all)
	slices.Sort(all)
	return all[max(0, (len(all)*percent+99)/100-1)]
}

// allianceSeen is that one of so many indicators is in the ledgers.
const allianceSeen = 20

// allianceDraft asks for domains and files, of which the ledgers have some.
func allianceDraft(indicators int) *warning.Draft {
	detect := intel.Detect
	d := &warning.Draft{
		Category: "MI", Colour: alliance.Yellow, Marking: intel.TLPGreen,
		Texts: []alliance.Text{{Language: "en", Title: "A worm that encrypts " + strconv.Itoa(indicators), Body: "It spreads over SMB 1 without anybody's doing."}},
	}
	for id := uint64(0); len(d.Asked) < indicators; id++ {
		n := id
		if id%allianceSeen > 0 {
			n += 1 << 50 // which no ledger has
		}
		kind, value := observableOf(nil, n)
		if kind == intel.Domain || kind == intel.SHA256 {
			d.Asked = append(d.Asked, warning.Indicator{Kind: kind, Value: string(value), Action: &detect, Label: "worm"})
		}
	}
	return d
}

// memories fills ledgers, each below a data directory of a node.
func (a *allianceBench) memories(ctx context.Context, count int) (dirs []string, err error) {
	a.say("filling %d ledgers with %d observables each", count, a.alliance.observables)
	for n := range count {
		dir := filepath.Join(a.work, "memory-"+strconv.Itoa(n))
		dirs = append(dirs, dir)
		if n > 0 { // as good as another: it is opened apart
			if err := os.CopyFS(dir, os.DirFS(dirs[0])); err != nil {
				return nil, err
			}
			continue
		}
		if err := fillMemory(ctx, dir, a.alliance.observables, a.ledger.fresh); err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

func fillMemory(ctx context.Context, dir string, keys uint64, fresh float64) (err error) {
	dir = filepath.Join(dir, node.MemoryFolder, memory.LedgerFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	l, err := ledger.Open(dir, ledger.Config{NewPerDay: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	f := filler{ledger: l}
	if err := f.fill(ctx, newTraffic(fresh, uint64(float64(keys)/fresh)), keys, func(uint64) {}); err != nil {
		return err
	}
	return l.Compact(ctx)
}
