package member

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
)

// ring holds the passports of all nodes that are known.
type ring struct {
	mu    sync.RWMutex
	known map[alliance.NodeID]*envelope.Passport // guarded by mu; passports are not changed
	// distrusts are replaced whole.
	distrusts atomic.Pointer[envelope.Distrusts]
}

// Distrusted implements envelope.Distruster.
func (r *ring) Distrusted(fingerprint string) (envelope.Distrust, bool) {
	all := r.distrusts.Load()
	if all == nil {
		return envelope.Distrust{}, false
	}
	return all.Distrusted(fingerprint)
}

func (r *ring) distrust(all envelope.Distrusts) { r.distrusts.Store(&all) }

func newRing() *ring { return &ring{known: map[alliance.NodeID]*envelope.Passport{}} }

// Passport implements envelope.Ring.
func (r *ring) Passport(node alliance.NodeID) (*envelope.Passport, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	p, ok := r.known[node]
	return p, ok
}

func (r *ring) put(all ...*envelope.Passport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range all {
		r.known[p.Node()] = p
	}
}

// nameOf is what a card calls its organisation: in English where it does, else in
// the first of its languages, else its node.
func nameOf(c *alliance.Card) string {
	if name := c.Names["en"]; name != "" {
		return name
	}
	for _, language := range slices.Sorted(maps.Keys(c.Names)) {
		if c.Names[language] != "" {
			return c.Names[language]
		}
	}
	return string(c.Node)
}

func sorted(nodes []alliance.NodeID) []alliance.NodeID {
	slices.Sort(nodes)
	return nodes
}

func holds(members []Member, node alliance.NodeID) bool {
	return slices.ContainsFunc(members, func(m Member) bool { return m.Node == node })
}
