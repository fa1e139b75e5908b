package pack

import (
	"tocsin/intel"
)

// Pack is what one source says, ready to be looked through. It does not change
// and may be used concurrently.
type Pack struct {
	origins []intel.Origin
	chunks  []Chunk
	count   int
}

// Len returns how many indicators there are.
func (p *Pack) Len() int { return p.count }

// Chunks returns the memory that holds the entries, in the source's order.
func (p *Pack) Chunks() []Chunk { return p.chunks }

// Origins returns what is said of the entries, by their Origin.
func (p *Pack) Origins() []intel.Origin { return p.origins }

// Origin returns what is said of an entry of this pack. It must not be changed.
func (p *Pack) Origin(e *Entry) *intel.Origin { return &p.origins[e.Origin] }

// Indicator returns an entry of this pack as a value that lives on its own.
func (p *Pack) Indicator(e *Entry) intel.Indicator {
	var value []byte
	if e.Match == intel.MatchSubstring {
		value = e.Key
	} else {
		value = Value(nil, e.Kind, e.Key, e.Scheme)
	}
	return intel.Indicator{
		Observable: intel.Observable{Kind: e.Kind, Value: string(value)},
		Match:      e.Match, Port: e.Port, ID: string(e.ID), Origin: p.origins[e.Origin],
	}
}

// All calls visit with every indicator, in the source's order, until it returns
// false.
func (p *Pack) All(visit func(intel.Indicator) bool) {
	for _, chunk := range p.chunks {
		for place := 0; ; {
			e, next, ok := chunk.At(place)
			if !ok {
				break
			}
			if !visit(p.Indicator(&e)) {
				return
			}
			place = next
		}
	}
}

// Memory returns how many bytes the entries take.
func (p *Pack) Memory() int {
	n := 0
	for _, chunk := range p.chunks {
		n += len(chunk)
	}
	return n
}
