package indicator

import (
	"bytes"
	"net/netip"
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
		m.texts(rec)
	}
	m.rec, m.visit = nil, nil
}

// begin prepares for a record; false when no indicator is in force.
func (m *Matcher) begin(rec *intel.Record, at time.Time, visit func(*Hit)) bool {
	set := m.live.Load()
	if set != m.set {
		m.set = set
		m.scratch.forget()
	}
	if set == nil {
		return false
	}
	m.rec, m.at, m.visit, m.hit = rec, at, visit, m.hit[:0]
	return true
}

// shortestText is the shortest text that is looked through: no observable is
// shorter ("a.io").
const shortestText = 4

// texts looks for observables in texts.
func (m *Matcher) texts(rec *intel.Record) {
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if f.Kind != intel.Text || len(f.Value) < shortestText {
			continue
		}
		observable.Find(f.Value, func(o intel.Observable, _, _ int) {
			m.found(o)
		})
	}
}

// found is told of an observable in a text. What typed fields give beside a
// value itself is looked for too: the host of a URL, the domain of an e-mail
// address, the name of a file.
func (m *Matcher) found(o intel.Observable) {
	value := []byte(o.Value)
	m.look(o.Kind, value)
	switch o.Kind {
	case intel.URL:
		host := observable.URLHost(value)
		m.look(hostKind(host), host)
	case intel.EmailAddress:
		if _, domain, ok := bytes.Cut(value, []byte("@")); ok {
			m.look(intel.Domain, domain)
		}
	case intel.FilePath:
		if at := bytes.LastIndexAny(value, `/\`); at >= 0 {
			m.look(intel.FileName, bytes.ToLower(value[at+1:]))
		}
	}
}

// hostKind tells the kind of a URL's host.
func hostKind(host []byte) intel.ObservableKind {
	if _, err := netip.ParseAddr(string(host)); err == nil {
		return intel.IPAddress
	}
	return intel.Domain
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
