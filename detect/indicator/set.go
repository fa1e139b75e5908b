package indicator

import (
	"sync/atomic"

	"tocsin/intel"
	"tocsin/intel/pack"
)

// Set is indicators made ready to be matched. It does not change and may be
// used concurrently.
type Set struct {
	*table
	kinds      [256]bool // that any indicator is of, so that others cost nothing
	ranges     *ranges
	prefixes   *prefixes
	substrings [256]*substrings
	report     Report
}

// Report says what became of the indicators.
func (s *Set) Report() Report { return s.report }

// Report counts what became of the indicators of a set.
type Report struct {
	Given    int // in the packs
	Kept     int
	Repeated int // said twice by one source, or by too many of one value
	Removed  []Removal
	Memory   int // bytes, those of the packs included
}

// Removal counts what was removed for one reason.
type Removal struct {
	Reason string
	Count  int
}

// Live is the set in force. It is replaced whole, while others match: adding or
// removing any number of indicators is one step. The zero value holds nothing.
type Live struct{ current atomic.Pointer[Set] }

// Store puts a set in force; nil means none.
func (l *Live) Store(s *Set) { l.current.Store(s) }

// Load returns the set in force, nil when there is none.
func (l *Live) Load() *Set { return l.current.Load() }

// Hit is an indicator that was seen.
type Hit struct {
	entry pack.Entry
	of    *pack.Pack
	// Seen is what the event holds: the indicator's value, a domain below it, an
	// address in it. Its value is valid during the call only.
	Kind  intel.ObservableKind
	Value []byte
}

// Origin returns what is said of the indicator. It must not be changed.
func (h *Hit) Origin() *intel.Origin { return h.of.Origin(&h.entry) }

// Indicator returns the indicator, which lives on its own.
func (h *Hit) Indicator() intel.Indicator { return h.of.Indicator(&h.entry) }

// Seen returns what the event holds, which lives on its own.
func (h *Hit) Seen() intel.Observable { return intel.Observable{Kind: h.Kind, Value: string(h.Value)} }
