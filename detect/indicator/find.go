package indicator

import (
	"bytes"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
)

// scratch is one goroutine's memory for finding.
type scratch struct {
	absent []uint64 // hashes known to be absent, each at its lower bits
	key    []byte
	places []place
}

// absentSlots is how many answers are remembered: 32 KB, what fits beside the
// rest into the second cache. Events repeat most of their values.
const absentSlots = 1 << 12

func newScratch() scratch {
	s := scratch{absent: make([]uint64, absentSlots)}
	s.forget()
	return s
}

// forget is called when the set changes: hashes are the set's own.
func (s *scratch) forget() {
	for i := range s.absent {
		s.absent[i] = ^uint64(i) // belongs elsewhere, so it is no answer here
	}
}

// exact appends the places of entries with just that key that take the key
// itself, not one that it continues or holds.
func (s *Set) exact(c *scratch, kind intel.ObservableKind, key []byte) {
	hash := s.hash(kind, key)
	slot := &c.absent[hash%absentSlots]
	if *slot == hash {
		return // true of the hash, whatever key has it: see table.absent
	}
	if s.absent(hash) {
		*slot = hash
		return
	}
	c.places = s.find(c.places, hash, kind, key)
}

// wants reports whether observables of a kind can be hits.
func (s *Set) wants(kind intel.ObservableKind) bool {
	return s.kinds[kind] || (kind == intel.IPAddress && s.ranges != nil)
}

// lookup finds the indicators that mean an observable in normal form, into
// c.places. Ports and validity are for the caller to look at.
func (s *Set) lookup(c *scratch, kind intel.ObservableKind, value []byte) {
	c.places = c.places[:0]
	switch kind {
	case intel.Domain:
		s.domain(c, value)
	case intel.IPAddress:
		s.address(c, value)
	case intel.URL:
		s.url(c, value)
	case intel.FilePath:
		s.path(c, value)
	default:
		s.value(c, kind, value)
	}
	if texts := s.substrings[kind]; texts != nil {
		c.places = texts.find(c.places, value)
	}
}

func (s *Set) value(c *scratch, kind intel.ObservableKind, value []byte) {
	if !s.kinds[kind] {
		return
	}
	key, _, ok := pack.Key(c.key[:0], kind, value)
	c.key = key
	if ok {
		s.exact(c, kind, key)
		s.keep(c, func(e *pack.Entry) bool { return e.Match < intel.MatchPrefix })
	}
}

// domain looks for a domain and for all above it.
func (s *Set) domain(c *scratch, value []byte) {
	if !s.kinds[intel.Domain] {
		return
	}
	s.exact(c, intel.Domain, value)
	if len(c.places) > 0 {
		s.keep(c, func(e *pack.Entry) bool { return e.Match < intel.MatchPrefix })
	}
	for {
		dot := bytes.IndexByte(value, '.')
		if dot < 0 {
			return
		}
		value = value[dot+1:]
		before := len(c.places)
		s.exact(c, intel.Domain, value)
		if len(c.places) > before {
			s.keepFrom(c, before, func(e *pack.Entry) bool { return e.Match == intel.MatchOrdinary })
		}
	}
}

func (s *Set) address(c *scratch, value []byte) {
	if !s.kinds[intel.IPAddress] && s.ranges == nil {
		return
	}
	key, _, ok := pack.Key(c.key[:0], intel.IPAddress, value)
	c.key = key
	if !ok {
		return
	}
	if s.kinds[intel.IPAddress] {
		s.exact(c, intel.IPAddress, key)
		s.keep(c, func(e *pack.Entry) bool { return e.Match < intel.MatchPrefix })
	}
	if s.ranges != nil {
		c.places = s.ranges.find(c.places, key)
	}
}

// url looks for a URL and for those that it continues. Where both state their
// scheme it must be the same.
func (s *Set) url(c *scratch, value []byte) {
	if !s.kinds[intel.URL] {
		return
	}
	key, scheme, ok := pack.Key(c.key[:0], intel.URL, value)
	c.key = key
	if !ok {
		return
	}
	s.exact(c, intel.URL, key)
	s.keep(c, func(e *pack.Entry) bool { return e.Match < intel.MatchPrefix })
	if s.prefixes != nil {
		c.places = s.prefixes.find(c.places, key)
	}
	if len(c.places) > 0 && scheme != pack.AnyScheme {
		s.keep(c, func(e *pack.Entry) bool { return e.Scheme == scheme || e.Scheme == pack.AnyScheme })
	}
}

// path looks for a path and, since logs name devices where lists name drives
// and the other way round, for what follows the drive.
func (s *Set) path(c *scratch, value []byte) {
	s.value(c, intel.FilePath, value)
	if rest := observable.WithoutDrive(value); len(rest) < len(value) && s.kinds[intel.FilePath] {
		before := len(c.places)
		s.exact(c, intel.FilePath, rest)
		s.keepFrom(c, before, func(e *pack.Entry) bool { return e.Match < intel.MatchPrefix })
	}
}

// keep leaves of the places found those whose entries are wanted.
func (s *Set) keep(c *scratch, wanted func(*pack.Entry) bool) { s.keepFrom(c, 0, wanted) }

func (s *Set) keepFrom(c *scratch, from int, wanted func(*pack.Entry) bool) {
	kept := c.places[:from]
	for _, p := range c.places[from:] {
		if e, _ := s.entry(p); wanted(&e) {
			kept = append(kept, p)
		}
	}
	c.places = kept
}
