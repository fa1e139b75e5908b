package ledger

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"tocsin/intel"
)

// gaps is, for one kind, before which days what was last seen then is no longer
// found.
type gaps struct {
	erased, pseudonymised day
	// unlinked: pseudonymised, or erased by single values, with a key of pseudonyms
	// that is gone, so that nobody can say of a value whether it is among them.
	unlinked day
	// some: of single values only, which are known by their pseudonyms.
	some   day
	values map[string]day // those erased
	bits   map[int]bool   // the lengths of those that are ranges
}

// noteGaps notes what was removed of each kind, for Ask, which does not wait
// for writers.
func (l *Ledger) noteGaps() {
	all := map[intel.ObservableKind]gaps{}
	key := l.pseudonymKey()
	for i := range l.records {
		r := &l.records[i]
		g := all[r.Kind]
		g.note(r, key != "" && (r.Key == "" || r.Key == key)) // early records do not name their key
		all[r.Kind] = g
	}
	l.removed.Store(&all)
}

// note takes a record in; linked says that its pseudonyms can be made again.
func (g *gaps) note(r *Record, linked bool) {
	if !r.leavesGap() {
		return
	}
	before := momentOf(r.Before).day()
	if !linked && (r.What == Pseudonymised || len(r.Values) > 0) {
		g.unlinked = max(g.unlinked, before)
	}
	switch {
	case len(r.Values) > 0:
		g.some = max(g.some, before)
		if r.What == Erased {
			g.noteValues(r, before)
		}
	case r.What == Erased:
		g.erased = max(g.erased, before)
	default:
		g.pseudonymised = max(g.pseudonymised, before)
	}
}

func (g *gaps) noteValues(r *Record, before day) {
	if g.values == nil {
		g.values, g.bits = map[string]day{}, map[int]bool{}
	}
	for _, v := range r.Values {
		g.values[v] = max(g.values[v], before)
	}
	for _, n := range r.Bits {
		g.bits[n] = true
	}
}

// valueErased returns before which day an observable was erased as a single value,
// or by one that covers it.
func (l *Ledger) valueErased(g *gaps, o intel.Observable) (before day) {
	if len(g.values) == 0 || o.Kind == intel.IPRange {
		return 0
	}
	for _, c := range g.covering(o) {
		if pseudonym, ok := l.pseudonymOf(appendKey(nil, c.Kind, []byte(c.Value))); ok {
			before = max(before, g.values[pseudonymText(pseudonym)])
		}
	}
	return before
}

// covering returns an observable and those that mean it too.
func (g *gaps) covering(o intel.Observable) []intel.Observable {
	all := []intel.Observable{o}
	switch o.Kind {
	case intel.Domain:
		for _, parent, found := strings.Cut(o.Value, "."); found; _, parent, found = strings.Cut(parent, ".") {
			all = append(all, intel.Observable{Kind: intel.Domain, Value: parent})
		}
	case intel.IPAddress:
		addr, err := netip.ParseAddr(o.Value)
		if err != nil {
			break
		}
		for n := range g.bits {
			if prefix, err := addr.Prefix(n); err == nil {
				all = append(all, intel.Observable{Kind: intel.IPRange, Value: prefix.String()})
			}
		}
	}
	return all
}

// problem says why, for what was removed, a question may have missed something;
// empty when it cannot have.
func (l *Ledger) problem(q *Question) string {
	g, ok := (*l.removed.Load())[q.remembered()]
	if !ok {
		return ""
	}
	since := moment(0)
	if !q.Since.IsZero() {
		since = momentOf(q.Since)
	}
	last := func(d day, what string) string {
		return fmt.Sprintf("what was last seen before %s was %s", d.time().Format(time.DateOnly), what)
	}
	switch value := l.valueErased(&g, q.Observable); {
	case since < g.erased.start():
		return last(g.erased, "erased")
	case since < value.start():
		return last(value, "erased, this value among it")
	case since < g.unlinked.start():
		return last(g.unlinked, "removed or pseudonymised with a key of pseudonyms that is gone: nobody can say whether this is among it")
	case q.isRange() && since < g.pseudonymised.start():
		return last(g.pseudonymised, "pseudonymised: ask for single values")
	case q.isRange() && since < g.some.start():
		return fmt.Sprintf("single values of this kind that were last seen before %s were removed: ask for single values", g.some.time().Format(time.DateOnly))
	}
	return ""
}
