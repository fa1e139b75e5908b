package report

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Statistics are the incidents of a year, by when they were opened in the
// organisation's zone.
type Statistics struct {
	Year         int    `json:"year"`
	Zone         string `json:"zone"`
	Organisation string `json:"organisation"`
	// Incidents is how many there were, without those that turned out to be none of
	// their own.
	Incidents int64 `json:"incidents"`
	// LeftOut are false alarms, duplicates and merged ones.
	LeftOut    []Count `json:"left_out"`
	Kinds      []Count `json:"kinds"`
	Categories []Count `json:"categories"`
	Causes     []Count `json:"causes"`
	Sectors    []Count `json:"sectors"` // one incident may be in several
	Levels     []Count `json:"levels"`
	Months     []Count `json:"months"`
	// Clocks is how many reports were in time, by regime and clock.
	Clocks []InTime `json:"clocks"`
	// Detect is from when an incident occurred until it was detected, Contain and
	// Recover from then on.
	Detect  Times `json:"detect"`
	Contain Times `json:"contain"`
	Recover Times `json:"recover"`
}

// Count is how many incidents there are of something.
type Count struct {
	Code  string     `json:"code"` // empty where it is not known
	Title fact.Title `json:"title"`
	Count int64      `json:"count"`
}

// InTime is how many reports for one kind of clock were in time.
type InTime struct {
	Regime string     `json:"regime"`
	Clock  string     `json:"clock"`
	Title  fact.Title `json:"title"`
	Met    int64      `json:"met"`
	Missed int64      `json:"missed"`
	Open   int64      `json:"open"` // whose time has not run out
	// Share is what of those that were met or missed was met, in hundredths of a
	// percent; -1 where there is none.
	Share int64 `json:"share"`
}

// Times are durations of which half and nine tenths are not longer.
type Times struct {
	Counted int64 `json:"counted"` // incidents of which both moments are known
	Median  int64 `json:"median_minutes"`
	P90     int64 `json:"p90_minutes"`
}

// firstYear is the first that makes sense: before it there were no incidents of
// this kind. The last is the one that a year has four digits.
const firstYear, lastYear = 1970, 9999

// The facts that statistics ask for.
var countedFacts = []string{"times.occurred", "times.detected", "times.contained", "times.recovered", "entity.sectors", "incident.types"}

// Statistics counts the incidents of a year. It reads them as one stream, so that
// a million take no more memory than a thousand: causes beyond the first 2,000
// different ones are counted together, and durations to the minute.
func (r *Reports) Statistics(ctx context.Context, year int) (*Statistics, error) {
	if year < firstYear || year > lastYear {
		return nil, fmt.Errorf("year %d: use one from %d to %d: %w", year, firstYear, lastYear, fault.Invalid)
	}
	o, _, err := r.config.Duties.Organisation(ctx)
	if err != nil {
		return nil, err
	}
	var out *Statistics
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		k := &counting{library: r.config.Library(), organisation: o, zone: zoneOf(o), by: map[string]map[string]int64{}}
		since := time.Date(year, 1, 1, 0, 0, 0, 0, k.zone)
		until := time.Date(year+1, 1, 1, 0, 0, 0, 0, k.zone)
		if err := r.config.Incidents.CountIn(ctx, tx, since, until, countedFacts, k.count); err != nil {
			return err
		}
		clocks := map[[2]string]*InTime{}
		if err := r.config.Duties.Outcomes(ctx, tx, since, until, func(o Outcome) error { inTime(clocks, o); return nil }); err != nil {
			return err
		}
		out = k.statistics(year, clocks)
		return nil
	})
	return out, err
}

// counting is statistics in the making.
type counting struct {
	library      *regime.Library
	organisation *organisation.Organisation
	zone         *time.Location
	by           map[string]map[string]int64 // of a dimension, by code
	incidents    int64
	months       [12]int64
	detect       spans
	contain      spans
	recover      spans
}

// The dimensions by which incidents are counted.
const (
	leftOut    = "left_out"
	kind       = "kind"
	category   = "category"
	cause      = "cause"
	sector     = "sector"
	level      = "level"
	maxCodes   = 2000 // of one dimension
	otherCodes = "\x00other"
)

func (k *counting) add(dimension, code string) {
	m := k.by[dimension]
	if m == nil {
		m = map[string]int64{}
		k.by[dimension] = m
	}
	if _, ok := m[code]; !ok && len(m) >= maxCodes {
		code = otherCodes
	}
	m[code]++
}

func (k *counting) count(i *incident.Counted) error {
	switch i.Resolution {
	case incident.FalseAlarm, incident.Duplicate, incident.Merged:
		k.add(leftOut, string(i.Resolution))
		return nil
	}
	k.incidents++
	k.add(kind, string(i.Kind))
	k.add(cause, firstLine(i.Cause))
	k.add(level, i.Level)
	k.months[i.Opened.In(k.zone).Month()-1]++
	for _, code := range k.categories(i) {
		k.add(category, code)
	}
	for _, code := range k.sectors(i) {
		k.add(sector, code)
	}
	occurred, detected := k.at(i, "times.occurred"), k.at(i, "times.detected")
	k.detect.add(occurred, detected)
	k.contain.add(detected, k.at(i, "times.contained"))
	k.recover.add(detected, k.at(i, "times.recovered"))
	return nil
}

// firstLine is what tells a cause from others: causes are free text.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

// categories are what somebody called the incident, else its types.
func (k *counting) categories(i *incident.Counted) []string {
	if i.Category != "" {
		return []string{i.Category}
	}
	return k.words(i, "incident.types")
}

// sectors are those stated of the incident, as of a member's, else the
// organisation's own.
func (k *counting) sectors(i *incident.Counted) []string {
	if stated := k.words(i, "entity.sectors"); stated[0] != "" {
		return stated
	}
	if len(k.organisation.Sectors) > 0 {
		return k.organisation.Sectors
	}
	return []string{""}
}

// words are a fact's codes; one that is empty where nothing is known.
func (k *counting) words(i *incident.Counted, key string) []string {
	if f, ok := k.fact(i, key); ok && f.State == fact.Known && len(f.Words) > 0 {
		return f.Words
	}
	return []string{""}
}

func (k *counting) at(i *incident.Counted, key string) time.Time {
	f, ok := k.fact(i, key)
	if !ok || f.State != fact.Known {
		return time.Time{} // a range is no moment
	}
	return f.From
}

// fact reads a statement; one that the dictionary does not know any more counts
// as not stated.
func (k *counting) fact(i *incident.Counted, key string) (fact.Fact, bool) {
	statement, ok := i.Facts[key]
	if !ok {
		return fact.Fact{}, false
	}
	f, err := k.library.Dictionary().Read(key, statement)
	return f, err == nil
}

func inTime(all map[[2]string]*InTime, o Outcome) {
	one := all[[2]string{o.Regime, o.Clock}]
	if one == nil {
		one = &InTime{Regime: o.Regime, Clock: o.Clock}
		all[[2]string{o.Regime, o.Clock}] = one
	}
	switch o.State {
	case plan.Met:
		one.Met += o.Count
	case plan.Missed:
		one.Missed += o.Count
	case plan.Running, plan.Suspended, plan.Provisional:
		one.Open += o.Count
	case plan.Waiting, plan.Cancelled: // nothing was owed yet or any more
	}
}

func (k *counting) statistics(year int, clocks map[[2]string]*InTime) *Statistics {
	s := &Statistics{
		Year: year, Zone: k.zone.String(), Organisation: k.organisation.Name, Incidents: k.incidents,
		LeftOut:    k.counts(leftOut, func(code string) fact.Title { return resolutionTitle(incident.Resolution(code)) }),
		Kinds:      k.counts(kind, func(code string) fact.Title { return incidentTitle(incident.Kind(code)) }),
		Categories: k.counts(category, k.categoryTitle),
		Causes:     k.counts(cause, same),
		Sectors:    k.counts(sector, func(code string) fact.Title { return sectorTitle(k.library.Taxonomy().Sectors, code) }),
		Levels:     k.counts(level, k.levelTitle),
		Months:     []Count{}, Clocks: []InTime{},
		Detect: k.detect.times(), Contain: k.contain.times(), Recover: k.recover.times(),
	}
	for m, n := range k.months {
		month := fmt.Sprintf("%04d-%02d", year, m+1)
		s.Months = append(s.Months, Count{month, same(month), n})
	}
	for _, c := range clocks {
		c.Share, c.Title = -1, same(c.Clock)
		if c.Met+c.Missed > 0 {
			c.Share = c.Met * 10_000 / (c.Met + c.Missed)
		}
		if p, err := k.library.Pack(c.Regime); err == nil && p.Clock(c.Clock) != nil {
			c.Title = p.Clock(c.Clock).Title
		}
		s.Clocks = append(s.Clocks, *c)
	}
	slices.SortFunc(s.Clocks, func(a, b InTime) int { return cmp.Or(cmp.Compare(a.Regime, b.Regime), cmp.Compare(a.Clock, b.Clock)) })
	return s
}

// counts are a dimension's, the most first.
func (k *counting) counts(dimension string, title func(string) fact.Title) []Count {
	all := []Count{}
	m := k.by[dimension]
	for _, code := range slices.Sorted(maps.Keys(m)) {
		one := Count{code, title(code), m[code]}
		switch code {
		case "":
			one.Title = both("not known", "未知")
		case otherCodes:
			one.Code, one.Title = "other", both("all others", "其他")
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b Count) int { return cmp.Compare(b.Count, a.Count) })
	return all
}

// categoryTitle is what the first regime that knows a code calls it.
func (k *counting) categoryTitle(code string) fact.Title {
	for _, p := range k.library.Packs() {
		if t := categoryOf(p, code); t != nil {
			return *t
		}
	}
	if d := k.library.Dictionary().Definition("incident.types"); d != nil {
		return words(d, []string{code})
	}
	return same(code)
}

func (k *counting) levelTitle(code string) fact.Title {
	for _, p := range k.library.Packs() {
		if l := p.Level(code); l != nil {
			return l.Title
		}
	}
	return same(code)
}
