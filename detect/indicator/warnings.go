package indicator

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
)

// Warninglist names what is ordinary though someone may list it: addresses of
// public resolvers, domains of large sites.
type Warninglist struct {
	Name   string
	Rule   WarningRule
	Kinds  []intel.ObservableKind // of the indicators that it is asked about
	Values []string
}

// WarningRule says how a warninglist's values are compared, by the names that
// MISP gives them ("type", MISP Warninglist Format §2.3).
type WarningRule string

// The rules.
const (
	WarnString    WarningRule = "string"    // the same
	WarnSubstring WarningRule = "substring" // the indicator holds the value
	WarnHostname  WarningRule = "hostname"  // the same domain or one below it; of a URL its host
	WarnCIDR      WarningRule = "cidr"      // within the range; of a URL its host
	WarnRegex     WarningRule = "regex"     // matches
)

// Warnings is warninglists made ready to be asked. It does not change and may
// be used concurrently.
type Warnings struct {
	set     *Set
	kinds   map[string]map[intel.ObservableKind]bool // by list
	regexes []warningRegex
	skipped map[string]int
}

type warningRegex struct {
	list    string
	kinds   map[intel.ObservableKind]bool
	pattern *regexp.Regexp
}

// NewWarnings makes warninglists ready. Values that are not what their list's
// rule takes are passed over; Skipped counts them.
func NewWarnings(lists []Warninglist) (*Warnings, error) {
	w := &Warnings{kinds: map[string]map[intel.ObservableKind]bool{}, skipped: map[string]int{}}
	b := pack.NewBuilder()
	part := b.Part(0)
	for i := range lists {
		w.add(&lists[i], part)
	}
	part.Close()
	compiler := Compiler{}
	var err error
	w.set, err = compiler.compile(true, b.Pack())
	return w, err
}

// Skipped counts, by list, the values that could not be used.
func (w *Warnings) Skipped() map[string]int { return w.skipped }

// Has reports whether there is a warninglist of that name; nil has none.
func (w *Warnings) Has(name string) bool {
	return w != nil && w.kinds[name] != nil
}

// Names returns for each observable the name of a list that has it, "" where none
// does; nil has none.
func (w *Warnings) Names(all []intel.Observable) ([]string, error) {
	names := make([]string, len(all))
	if w == nil || len(all) == 0 {
		return names, nil
	}
	b := pack.NewBuilder()
	part := b.Part(0)
	for i, o := range all {
		_ = part.Add(&intel.Indicator{Observable: o, Origin: intel.Origin{Label: strconv.Itoa(i)}}) // what cannot be kept is on no list
	}
	part.Close()
	compiler := Compiler{Warnings: w, Removed: func(in intel.Indicator, reason string) {
		if i, err := strconv.Atoi(in.Label); err == nil && w.Has(reason) {
			names[i] = reason
		}
	}}
	_, err := compiler.compile(true, b.Pack())
	return names, err
}

func (w *Warnings) add(l *Warninglist, part *pack.Part) {
	kinds := map[intel.ObservableKind]bool{}
	for _, kind := range l.Kinds {
		kinds[kind] = true
	}
	w.kinds[l.Name] = kinds
	for _, value := range l.Values {
		if !w.value(l, kinds, value, part) {
			w.skipped[l.Name]++
		}
	}
}

// value adds one value of a list, once for each kind that it may be of.
func (w *Warnings) value(l *Warninglist, kinds map[intel.ObservableKind]bool, value string, part *pack.Part) bool {
	put := func(kind intel.ObservableKind, match intel.Match, text string) bool {
		return part.Add(&intel.Indicator{Observable: intel.Observable{Kind: kind, Value: text}, Match: match, Origin: intel.Origin{Source: l.Name}}) == nil
	}
	normal := func(kind intel.ObservableKind, match intel.Match) bool {
		o, err := observable.Parse(kind, value)
		return err == nil && put(kind, match, o.Value)
	}
	switch l.Rule {
	case WarnHostname:
		return normal(intel.Domain, intel.MatchOrdinary)
	case WarnCIDR:
		return normal(intel.IPRange, intel.MatchOrdinary)
	case WarnRegex:
		pattern, err := regexp.Compile(value)
		if err == nil {
			w.regexes = append(w.regexes, warningRegex{l.Name, kinds, pattern})
		}
		return err == nil
	}
	used := false
	for _, kind := range l.Kinds {
		if l.Rule == WarnSubstring {
			used = put(kind, intel.MatchSubstring, value) || used
		} else {
			used = normal(kind, intel.MatchExactly) || used
		}
	}
	return used
}

// names returns the list that names an indicator, "" when none does.
func (w *Warnings) names(e *pack.Entry, c *warningScratch) string {
	if w == nil {
		return ""
	}
	c.value = c.value[:0]
	if e.Match == intel.MatchSubstring {
		c.value = append(c.value, e.Key...)
	} else {
		c.value = pack.Value(c.value, e.Kind, e.Key, e.Scheme)
	}
	if name := w.known(e, c); name != "" {
		return name
	}
	for i := range w.regexes {
		if r := &w.regexes[i]; r.kinds[e.Kind] && r.pattern.Match(c.value) {
			return r.list
		}
	}
	return ""
}

// known asks the lists of values.
func (w *Warnings) known(e *pack.Entry, c *warningScratch) string {
	switch e.Kind {
	case intel.IPRange:
		return w.rangeKnown(e, c)
	case intel.URL:
		w.set.lookup(&c.scratch, intel.URL, c.value)
		if name := w.listOf(intel.URL, c, nil); name != "" || e.Match == intel.MatchSubstring {
			return name
		}
		host := observable.URLHost(c.value)
		w.set.lookup(&c.scratch, hostKind(host), host)
		return w.listOf(intel.URL, c, func(rule *pack.Entry) bool { return rule.Match == intel.MatchOrdinary })
	}
	w.set.lookup(&c.scratch, e.Kind, c.value)
	return w.listOf(e.Kind, c, nil)
}

// hostKind tells the kind of a URL's host.
func hostKind(host []byte) intel.ObservableKind {
	if _, err := netip.ParseAddr(string(host)); err == nil {
		return intel.IPAddress
	}
	return intel.Domain
}

// rangeKnown looks for a list's range that holds a whole range.
func (w *Warnings) rangeKnown(e *pack.Entry, c *warningScratch) string {
	if w.set.ranges == nil || len(e.Key) < 2 {
		return ""
	}
	bits := e.Key[len(e.Key)-1]
	c.places = w.set.ranges.find(c.places[:0], e.Key[:len(e.Key)-1])
	return w.listOf(intel.IPAddress, c, func(rule *pack.Entry) bool { return rule.Key[len(rule.Key)-1] <= bits })
}

// listOf returns the first list of those found that is asked about a kind.
func (w *Warnings) listOf(kind intel.ObservableKind, c *warningScratch, wanted func(*pack.Entry) bool) string {
	slices.Sort(c.places)
	for _, p := range c.places {
		rule, of := w.set.entry(p)
		if list := of.Origin(&rule).Source; w.kinds[list][kind] && (wanted == nil || wanted(&rule)) {
			return list
		}
	}
	return ""
}

// warningScratch is one goroutine's memory for asking.
type warningScratch struct {
	scratch
	value []byte
}
