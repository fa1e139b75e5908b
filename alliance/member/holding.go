package member

import (
	"net/netip"
	"strconv"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
)

// HoldingKind is what sort of thing a holding is.
type HoldingKind string

// The kinds of holdings.
const (
	Network HoldingKind = "network"
	ASN     HoldingKind = "asn"
	Domain  HoldingKind = "domain"
)

// Holding is a network, a number of an autonomous system or a domain.
type Holding struct {
	Kind  HoldingKind `json:"kind"`
	Value string      `json:"value"` // in normal form
}

// holdingsOf returns what a card claims, in normal form. The card was checked.
func holdingsOf(c *alliance.Card) []Holding {
	var all []Holding
	for _, p := range c.Networks {
		all = append(all, Holding{Network, normalNetwork(p).String()})
	}
	for _, n := range c.ASNs {
		all = append(all, Holding{ASN, strconv.FormatUint(uint64(n), 10)})
	}
	for _, d := range c.Domains {
		if o, err := observable.Parse(intel.Domain, d); err == nil {
			all = append(all, Holding{Domain, o.Value})
		}
	}
	return all
}

// normalNetwork is a network without bits of hosts, and an IPv4 one as such.
func normalNetwork(p netip.Prefix) netip.Prefix {
	if at := p.Addr(); at.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(at.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}
