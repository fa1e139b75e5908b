package correlate

import (
	"time"

	"tocsin/detect/sigma"
)

// Correlator keeps the state of correlations. It is told of every match of the
// rules they build on, and says which correlations were reached with it. It is
// not safe for concurrent use.
//
// # Windows
//
// Time is event time. With each match a correlation looks at the window that
// ends with it: all matches of its group no older than the timespan. A match
// that comes late (no more than Limits.Lateness behind its group's newest)
// counts in its own window and in those that end after it. Feed a Correlator
// in the order of time where that is possible, files that were read one after
// the other above all.
//
// Conditions are asked with every match, so one that only bounds from above
// ("lt: 5") holds from the first match on. Rules in order (temporal_ordered
// without a condition) are asked for with matches of the last of them.
//
// # Reached once
//
// A correlation that is reached is silent for that group until a timespan has
// passed since: a flood that lasts an hour is reported once each timespan, not
// with every event. Correlations that build on it are told accordingly, save
// the temporal ones: they take it to have matched each time it holds, as the
// last moment is what counts for them.
//
// # Groups
//
// Values are grouped as they are written, case included. A group-by field that
// a match does not have counts as empty; a match that has none of them belongs
// to no group and is left out, as is a match that lacks the condition's field
// or a time.
type Correlator struct {
	limits  Limits
	all     []*linked
	byRule  map[*sigma.Rule][]feed
	silent  map[*sigma.Rule]bool
	recent  groupList
	newest  int64
	memory  int
	stats   Stats
	reached []Reached
}

// Limits bound what a Correlator keeps. Zero values mean the defaults.
type Limits struct {
	// Groups is how many groups all correlations together may have. When there
	// are more, those are forgotten that were least recently added to.
	Groups int
	// Memory is about how many bytes groups and their matches may take; past it
	// groups are forgotten as above.
	Memory int
	// GroupMatches is how many matches one group keeps; past it the oldest are
	// forgotten. A correlation whose condition needs more keeps twice as many as
	// it needs.
	GroupMatches int
	// Lateness is how far a match may be behind its group's newest.
	Lateness time.Duration
}

// The default limits.
const (
	DefaultGroups       = 100_000         // as many users and hosts as a large site has, several times over
	DefaultMemory       = 64 << 20        // a third of what the whole program may take
	DefaultGroupMatches = 10_000          // ten times the largest count in public rules
	DefaultLateness     = 5 * time.Minute // clocks and forwarding differ by seconds, rarely by minutes
	valueKept           = 256             // bytes of a group's value that are kept to be shown
	groupMatchesLimit   = 1_000_000       // the most a condition may make a group keep
	groupCost           = 512             // bytes of a group beside its values, about
	observationCost     = 80              // bytes of a match beside its value, its part of the tally included
	never               = -1 << 63        // before all times
	maxChain            = 16              // correlations that build on one another
)

// Stats say what a Correlator could not take into account.
type Stats struct {
	Matches   uint64 // matches observed that some correlation builds on
	Reached   uint64 // reports
	Groups    int    // kept now
	Evicted   uint64 // groups forgotten for want of room while still in their window
	Dropped   uint64 // matches forgotten for want of room in their group
	Late      uint64 // matches left out since they came too late
	Timeless  uint64 // matches left out since their event has no time
	Ungrouped uint64 // matches left out since they had none of the group-by fields, or not the condition's field
}

// Match is one match of a rule, as a Correlator is told of it.
type Match struct {
	Rule *sigma.Rule
	Time time.Time
	// Value returns the value of a field of the matched event. It is asked only
	// during the call, for fields that Needs names.
	Value func(field string) (string, bool)
}

// Reached says that a correlation's condition has come to hold.
type Reached struct {
	Correlation *sigma.Correlation
	Time        time.Time // when the window ended with which it was reached
	Since       time.Time // the first match in that window
	Group       []GroupValue
	Value       float64 // what was counted, summed or computed
	Matches     int     // in the window
}

// GroupValue is the value of one group-by field; long values are cut.
type GroupValue struct{ Field, Value string }

// New links correlations with the rules they build on. Those that cannot work,
// since a rule is missing or they build on themselves, are left out and are
// Problems; so are all that build on these.
func New(correlations []*sigma.Correlation, rules []*sigma.Rule, limits Limits) (*Correlator, []*sigma.Problem) {
	c := &Correlator{
		limits: limits.withDefaults(),
		byRule: map[*sigma.Rule][]feed{},
		silent: map[*sigma.Rule]bool{},
		newest: never,
	}
	problems := c.link(correlations, rules)
	return c, problems
}

func (l Limits) withDefaults() Limits {
	if l.Groups <= 0 {
		l.Groups = DefaultGroups
	}
	if l.Memory <= 0 {
		l.Memory = DefaultMemory
	}
	if l.GroupMatches <= 0 {
		l.GroupMatches = DefaultGroupMatches
	}
	if l.Lateness <= 0 {
		l.Lateness = DefaultLateness
	}
	return l
}

// Builds reports whether some correlation builds on the rule, so that its
// matches must be observed.
func (c *Correlator) Builds(rule *sigma.Rule) bool { return len(c.byRule[rule]) > 0 }

// Silent reports whether a rule's matches are no findings of their own: some
// correlation builds on the rule, and none of those says "generate".
func (c *Correlator) Silent(rule *sigma.Rule) bool { return c.silent[rule] }

// Needs returns the fields whose values Observe asks of a rule's matches,
// sorted.
func (c *Correlator) Needs(rule *sigma.Rule) []string {
	fields := map[string]bool{}
	for _, f := range c.byRule[rule] {
		f.to.needs(f.source, fields, func(name string) string { return name })
	}
	return sortedKeys(fields)
}

// Stats returns what was counted so far.
func (c *Correlator) Stats() Stats {
	stats := c.stats
	stats.Groups = c.recent.length
	return stats
}

// Observe takes one match into account and returns the correlations that were
// reached with it, in the order they were given to New. The result is valid
// until the next call.
func (c *Correlator) Observe(m Match) []Reached {
	c.reached = c.reached[:0]
	feeds := c.byRule[m.Rule]
	if len(feeds) == 0 {
		return nil
	}
	c.stats.Matches++
	if m.Time.IsZero() {
		c.stats.Timeless++
		return nil
	}
	at := m.Time.UnixNano()
	c.newest = max(c.newest, at)
	c.forgetExpired()
	for _, f := range feeds {
		c.observe(f, at, m.Value)
	}
	c.forgetSurplus()
	return c.reached
}
