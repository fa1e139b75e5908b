package coverage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// What it takes for "not seen".
const (
	// TimePercent is how much of the time asked about a host must have been
	// watched: of a month a day and a half may be missing, for restarts and
	// updates.
	TimePercent = 95
	// HostPercent is how many of the known hosts must have been: some are
	// always being installed, repaired or switched off for good.
	HostPercent = 90
	// KnownDays is how long a host counts as there after it was last heard of.
	KnownDays = 30
	// sourcesLimit and blindLimit bound what a verdict names.
	sourcesLimit = 50
	blindLimit   = 20
)

// Question asks what it means that something was not seen: an observable of a
// kind, or a match of a Sigma rule with a log source. One of the two is set.
type Question struct {
	Kind      intel.ObservableKind
	LogSource intel.LogSource
	// Since and Until bound the time asked about and count in whole hours. A
	// zero Since is the first presence remembered; a zero Until, or one in the
	// future, is now.
	Since, Until time.Time
	// Seen says that something was seen, Problem why what was remembered could
	// not be searched in full, when it could not.
	Seen    bool
	Problem string
	// TimePercent and HostPercent ask for more than the constants of these names;
	// less changes nothing.
	TimePercent, HostPercent int
}

func (q *Question) timePercent() int { return max(q.TimePercent, TimePercent) }
func (q *Question) hostPercent() int { return max(q.HostPercent, HostPercent) }

func (q *Question) byRule() bool { return q.Kind == intel.NoObservable }

// kind is the kind that telemetry has of what is asked about.
func (q *Question) kind() intel.ObservableKind {
	if q.Kind == intel.IPRange {
		return intel.IPAddress
	}
	return q.Kind
}

// Verdict is what can be said, and why.
type Verdict struct {
	Verdict intel.Verdict `json:"verdict"`
	Reason  string        `json:"reason"`
	intel.Coverage
}

// Memory tells the presence of sources in the days from since to until, both
// included, in the log sources that want takes. A presence without host is of
// what a source says without naming one; without log source it is of the whole
// source.
type Memory interface {
	Presence(ctx context.Context, since, until time.Time, want func(intel.LogSource) bool, yield func(intel.Presence) error) error
}

// Decide gives the verdict on a question. It is the one function that does. The
// error is fault.Invalid for a question of neither or both, or what Memory
// returned.
func (r *Rules) Decide(ctx context.Context, m Memory, q Question, now time.Time) (Verdict, error) {
	if q.byRule() == (q.LogSource == intel.LogSource{}) {
		return Verdict{}, fmt.Errorf("ask about a kind of observable or about a log source: %w", fault.Invalid)
	}
	d := decision{rules: r, question: &q, now: hourAfter(now)}
	if err := d.setPeriod(ctx, m); err != nil {
		return Verdict{}, fmt.Errorf("coverage: %w", err)
	}
	if d.period.len() > 0 {
		if err := d.read(ctx, m); err != nil {
			return Verdict{}, fmt.Errorf("coverage: %w", err)
		}
		d.measure()
	}
	return d.verdict(), nil
}

// decision is one that is being made.
type decision struct {
	rules    *Rules
	question *Question
	now      hour
	period   span // asked about
	known    span // in which a host must have been heard of
	looked   span // in which carriers were looked at: the period and a gap on each side

	endpoints bool            // whether machines tell it about themselves
	spoken    bool            // whether anything spoke of any host
	hosts     map[string]bool // known ones that count
	streams   map[stream]*watch
	lost      map[string]*hourSet // by source: hours in which any of its events may have been lost
	lostHost  map[stream]*hourSet // the same, of one log source without a host

	covered map[string]*hourSet // by host
	result  intel.Coverage
}

// stream is what one source says of one host through one log source.
type stream struct {
	source string
	log    intel.LogSource
	host   string
}

// watch is when a stream had events and when it lost some.
type watch struct {
	seen, unhealthy *hourSet
	gap             int
}

// setPeriod finds out which hours are asked about.
func (d *decision) setPeriod(ctx context.Context, m Memory) error {
	until := d.now
	if u := d.question.Until; !u.IsZero() {
		until = min(until, hourAfter(u))
	}
	since := hourOf(d.question.Since)
	if d.question.Since.IsZero() {
		first, err := firstPresence(ctx, m, until)
		if err != nil {
			return err
		}
		since = first
	}
	d.period = span{min(since, until), until}
	d.known = span{max(until-KnownDays*24, 0), until}
	d.looked = span{max(d.period.from-gapLimit, 0), min(until+gapLimit, d.now)}
	d.result.Since, d.result.Until = d.period.from.time(), d.period.to.time()
	return nil
}

// firstPresence returns the hour from which on anything is remembered.
func firstPresence(ctx context.Context, m Memory, until hour) (hour, error) {
	first := until
	err := m.Presence(ctx, time.Time{}, until.time(), nil, func(p intel.Presence) error {
		if p.Seen != 0 && hourOf(p.Day) < first {
			s := newHourSet(span{hourOf(p.Day), first})
			s.addDay(p.Day, p.Seen)
			found := false
			s.each(func(h hour) {
				if !found {
					first, found = h, true
				}
			})
		}
		return nil
	})
	return first, err
}

// read asks memory for the known hosts and for what carriers said.
func (d *decision) read(ctx context.Context, m Memory) error {
	d.hosts = map[string]bool{}
	d.endpoints = d.rules.endpointsTell(d.question)
	err := m.Presence(ctx, d.known.from.time(), d.known.to.time(), nil, func(p intel.Presence) error {
		d.know(&p)
		return nil
	})
	if err != nil {
		return err
	}
	d.streams, d.lost, d.lostHost = map[stream]*watch{}, map[string]*hourSet{}, map[stream]*hourSet{}
	want := func(l intel.LogSource) bool {
		_, ok := d.rules.gapOf(d.question, l)
		return ok || l == intel.LogSource{}
	}
	return m.Presence(ctx, d.looked.from.time(), d.looked.to.time(), want, func(p intel.Presence) error {
		d.add(&p)
		return nil
	})
}

// know takes in that a source spoke of a host. What is said of a whole source
// says that something was lost, and of no host.
func (d *decision) know(p *intel.Presence) {
	if p.LogSource == (intel.LogSource{}) {
		return
	}
	s := newHourSet(d.known)
	if s.addDay(p.Day, p.Seen); s.within(d.known) == 0 {
		return
	}
	d.spoken = true
	if d.counts(p.LogSource) {
		d.hosts[d.rules.hostOf(p)] = true
	}
}

func (d *decision) add(p *intel.Presence) {
	if p.LogSource == (intel.LogSource{}) {
		addTo(d.lost, p.Source, d.looked).addDay(p.Day, p.Unhealthy)
		return
	}
	if p.Host == "" {
		addTo(d.lostHost, stream{source: p.Source, log: p.LogSource}, d.looked).addDay(p.Day, p.Unhealthy)
	}
	k := stream{p.Source, p.LogSource, d.rules.hostOf(p)}
	w := d.streams[k]
	if w == nil {
		gap, _ := d.rules.gapOf(d.question, p.LogSource)
		w = &watch{newHourSet(d.looked), newHourSet(d.looked), gap}
		d.streams[k] = w
	}
	w.seen.addDay(p.Day, p.Seen)
	w.unhealthy.addDay(p.Day, p.Unhealthy)
}

func addTo[K comparable](sets map[K]*hourSet, key K, s span) *hourSet {
	set := sets[key]
	if set == nil {
		set = newHourSet(s)
		sets[key] = set
	}
	return set
}

// measure finds out which hours were covered.
func (d *decision) measure() {
	d.covered = map[string]*hourSet{}
	sources := map[stream]*intel.SourceCoverage{}
	for k, w := range d.streams {
		hours := w.seen.bridged(w.gap, d.now)
		hours.without(w.unhealthy)
		for _, lost := range [...]*hourSet{d.lost[k.source], d.lostHost[stream{source: k.source, log: k.log}]} {
			if lost != nil {
				hours.without(lost)
			}
		}
		n := hours.within(d.period)
		if n == 0 {
			continue
		}
		addTo(d.covered, k.host, d.looked).union(hours)
		of := stream{source: k.source, log: k.log}
		if sources[of] == nil {
			sources[of] = &intel.SourceCoverage{Source: k.source, LogSource: k.log.String()}
		}
		sources[of].Hosts++
		sources[of].Share += float64(n) / float64(d.period.len())
	}
	d.count()
	for _, s := range sources {
		s.Share /= float64(s.Hosts)
		d.result.Sources = append(d.result.Sources, *s)
	}
	slices.SortFunc(d.result.Sources, func(a, b intel.SourceCoverage) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), cmp.Compare(a.Source, b.Source), cmp.Compare(a.LogSource, b.LogSource))
	})
	d.result.Sources = d.result.Sources[:min(len(d.result.Sources), sourcesLimit)]
}

// count finds out which of the known hosts were covered.
func (d *decision) count() {
	total := 0
	for _, host := range slices.Sorted(maps.Keys(d.hosts)) {
		n := 0
		if hours := d.covered[host]; hours != nil {
			n = hours.within(d.period)
		}
		total += n
		if n*100 >= d.question.timePercent()*d.period.len() {
			d.result.HostsCovered++
		} else if len(d.result.Blind) < blindLimit {
			d.result.Blind = append(d.result.Blind, host)
		}
	}
	d.result.HostsKnown = len(d.hosts)
	if d.result.HostsKnown > 0 {
		d.result.Share = float64(total) / float64(d.period.len()*d.result.HostsKnown)
	}
}

// verdict draws the conclusion.
func (d *decision) verdict() Verdict {
	v := Verdict{Coverage: d.result}
	if v.Sources == nil {
		v.Sources = []intel.SourceCoverage{}
	}
	if d.question.Seen {
		v.Verdict, v.Reason = intel.Seen, "it was seen"
		return v
	}
	if err := d.doubt(); err != nil {
		v.Reason = err.Error()
		return v
	}
	v.Verdict = intel.NotSeen
	v.Reason = d.watched() + ", and it was not seen"
	return v
}

// doubt returns why not seen would say nothing, nil when it says something.
func (d *decision) doubt() error {
	carriers := d.rules.carriersOf(d.question)
	c := &d.result
	switch {
	case len(carriers) == 0:
		return fmt.Errorf("no log source tells every %s, so that none was seen means nothing", d.question.Kind)
	case d.question.Problem != "":
		return errors.New(d.question.Problem)
	case d.period.len() <= 0:
		return errors.New("the time asked about is empty or in the future, or nothing is remembered")
	case !d.spoken:
		return fmt.Errorf("no source spoke of any host in the %d days up to %s", KnownDays, c.Until.Format(time.DateTime))
	case len(c.Sources) == 0:
		return fmt.Errorf("no healthy source of what tells it was watching: %s", strings.Join(carriers, "; "))
	case c.HostsKnown == 0:
		return fmt.Errorf("no source of what tells it spoke in the %d days up to %s", KnownDays, c.Until.Format(time.DateTime))
	case c.HostsCovered*100 < d.question.hostPercent()*c.HostsKnown:
		return fmt.Errorf("%s; it takes %d %%", d.watched(), d.question.hostPercent())
	default:
		return nil
	}
}

// watched says how much was.
func (d *decision) watched() string {
	c, what := &d.result, "hosts"
	if !d.endpoints {
		what = "sensors"
	}
	return fmt.Sprintf("%d of %d known %s (%.1f %%) were watched for at least %d %% of the time",
		c.HostsCovered, c.HostsKnown, what, float64(c.HostsCovered)*100/float64(c.HostsKnown), d.question.timePercent())
}
