package member

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/store"
)

// Ownership is whose things are.
type Ownership struct {
	ByMember map[alliance.NodeID][]intel.Observable
	Unowned  []intel.Observable
}

// Owners splits observables by whose they are, by what was confirmed here: an
// address by the longest network that holds it, else by the autonomous system that
// announces it where Config.Origins knows; a domain, URL or mail address by the
// nearest domain at or above it, down to the one that was registered.
func (r *Register) Owners(ctx context.Context, tx *store.Tx, all []intel.Observable) (Ownership, error) {
	h := &holders{networks: map[netip.Prefix]alliance.NodeID{}, names: map[Holding]alliance.NodeID{}, origins: r.Origins}
	if err := eachConfirmed(ctx, tx, h.add); err != nil {
		return Ownership{}, err
	}
	h.sort()
	split := Ownership{ByMember: map[alliance.NodeID][]intel.Observable{}}
	for _, o := range all {
		if owner := h.of(o); owner != "" {
			split.ByMember[owner] = append(split.ByMember[owner], o)
		} else {
			split.Unowned = append(split.Unowned, o)
		}
	}
	return split, nil
}

// holders is who holds what.
type holders struct {
	networks map[netip.Prefix]alliance.NodeID
	names    map[Holding]alliance.NodeID // domains and AS numbers
	v4, v6   []int                       // lengths of networks, the longest first
	origins  func(netip.Addr) []uint32
}

func (h *holders) add(node alliance.NodeID, held Holding) {
	if held.Kind != Network {
		h.names[held] = node
		return
	}
	p, err := netip.ParsePrefix(held.Value)
	if err != nil {
		return // it was checked when it was written
	}
	h.networks[p] = node
	if p.Addr().Is4() {
		h.v4 = append(h.v4, p.Bits())
	} else {
		h.v6 = append(h.v6, p.Bits())
	}
}

func (h *holders) sort() {
	for _, lengths := range []*[]int{&h.v4, &h.v6} {
		slices.Sort(*lengths)
		*lengths = slices.Compact(*lengths)
		slices.Reverse(*lengths)
	}
}

// of returns whose an observable is, or "".
func (h *holders) of(o intel.Observable) alliance.NodeID {
	switch o.Kind {
	case intel.IPAddress:
		at, err := netip.ParseAddr(o.Value)
		if err != nil {
			return ""
		}
		return h.ofAddress(at.WithZone(""), 0)
	case intel.IPRange:
		p, err := netip.ParsePrefix(o.Value)
		if err != nil {
			return ""
		}
		p = normalNetwork(p)
		return h.ofAddress(p.Addr(), p.Addr().BitLen()-p.Bits())
	case intel.Domain:
		return h.ofDomain(o.Value)
	case intel.EmailAddress:
		return h.ofHost(o.Value[strings.LastIndexByte(o.Value, '@')+1:])
	case intel.URL:
		return h.ofHost(string(observable.URLHost([]byte(o.Value))))
	default:
		return ""
	}
}

// ofHost is for what is an address or a name.
func (h *holders) ofHost(host string) alliance.NodeID {
	host = strings.Trim(host, "[]")
	if at, err := netip.ParseAddr(host); err == nil {
		return h.ofAddress(at.WithZone(""), 0)
	}
	o, err := observable.Parse(intel.Domain, host)
	if err != nil {
		return ""
	}
	return h.ofDomain(o.Value)
}

// ofAddress returns who has the longest network that holds an address, or a range
// of so many bits from it on.
func (h *holders) ofAddress(at netip.Addr, free int) alliance.NodeID {
	at = at.Unmap()
	lengths := h.v6
	if at.Is4() {
		lengths = h.v4
	}
	for _, bits := range lengths {
		if bits > at.BitLen()-free {
			continue
		}
		if owner := h.networks[netip.PrefixFrom(at, bits).Masked()]; owner != "" {
			return owner
		}
	}
	if h.origins == nil || free > 0 {
		return ""
	}
	for _, n := range h.origins(at) {
		if owner := h.names[Holding{ASN, strconv.FormatUint(uint64(n), 10)}]; owner != "" {
			return owner
		}
	}
	return ""
}

func (h *holders) ofDomain(name string) alliance.NodeID {
	owner := h.names[Holding{Domain, name}]
	if owner != "" {
		return owner
	}
	observable.Parents(name, func(parent string) bool {
		owner = h.names[Holding{Domain, parent}]
		return owner == ""
	})
	return owner
}
