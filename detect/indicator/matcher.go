package indicator

import (
	"slices"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// Matcher asks the set in force of records. It belongs to one goroutine.
type Matcher struct {
	live      *Live
	extractor *observable.Extractor
	ports     *ports
	freeText  bool
	set       *Set
	scratch   scratch
	seen      observable.Visit

	// What follows belongs to the record at hand.
	rec   *intel.Record
	at    time.Time
	visit func(*Hit)
	hit   []place
}

// NewMatcher returns a matcher of the set in force in live, for records whose
// fields are named in names. With freeText it also looks through the texts of
// every record for what has no field of its own.
func NewMatcher(live *Live, names *intel.Names, freeText bool) *Matcher {
	m := &Matcher{live: live, freeText: freeText, extractor: observable.NewExtractor(names), ports: newPorts(names), scratch: newScratch()}
	m.seen = m.look // made once: a method value allocates
	return m
}

// Match calls visit for each indicator that the record's typed fields hold, each
// once, in the order of the fields. at is when the event happened, zero when it
// does not say: an indicator that no longer held then is no hit. Without a hit
// nothing is allocated.
func (m *Matcher) Match(rec *intel.Record, at time.Time, visit func(*Hit)) {
	if !m.begin(rec, at, visit) {
		return
	}
	m.extractor.Each(rec, m.seen)
	if m.freeText {
		m.extractor.EachText(rec, m.seen)
	}
	m.rec, m.visit = nil, nil
}

// begin prepares for a record; false when no indicator is in force.
func (m *Matcher) begin(rec *intel.Record, at time.Time, visit func(*Hit)) bool {
	set := m.live.Load()
	if set != m.set {
		m.set = set
		m.scratch.forget()
		if set != nil {
			m.extractor.Only(set.wants)
		}
	}
	if set == nil {
		return false
	}
	m.rec, m.at, m.visit, m.hit = rec, at, visit, m.hit[:0]
	return true
}

// look is told of an observable in the record.
func (m *Matcher) look(kind intel.ObservableKind, value []byte) {
	m.set.lookup(&m.scratch, kind, value)
	if len(m.scratch.places) == 0 {
		return
	}
	slices.Sort(m.scratch.places)
	for _, p := range m.scratch.places {
		if slices.Contains(m.hit, p) {
			continue
		}
		h := Hit{Kind: kind, Value: value}
		h.entry, h.of = m.set.entry(p)
		if !h.Origin().ValidAt(m.at) || (h.entry.Port != 0 && !m.ports.hold(m.rec, value, h.entry.Port)) {
			continue
		}
		m.hit = append(m.hit, p)
		m.visit(&h)
	}
}
