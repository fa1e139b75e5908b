package indicator

import (
	"cmp"
	"net/netip"
	"slices"
)

// ranges finds the ranges that hold an address. Ranges in CIDR form nest and
// never cross, so they cut the addresses into stretches: every stretch belongs
// to the narrowest range over it, and every range knows the next wider one.
type ranges struct {
	all    []addressRange
	starts []stretch       // sorted
	four   [1 << 10]uint64 // a bit for each IPv4 /16 that some range touches
}

type addressRange struct {
	prefix netip.Prefix
	place  place
	parent int32 // the next wider range, noRange when none is
}

// stretch is the addresses from one on to the next stretch.
type stretch struct {
	from  netip.Addr
	owner int32
}

const noRange = -1

func newRanges(all []addressRange) *ranges {
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b addressRange) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), cmp.Compare(a.place, b.place))
	})
	r := &ranges{all: all}
	open := []int32{}
	for i := range all {
		open = r.closeBefore(open, all[i].prefix.Addr())
		all[i].parent = noRange
		if len(open) > 0 {
			all[i].parent = open[len(open)-1]
		}
		open = append(open, int32(i))
		r.begin(all[i].prefix.Addr(), int32(i))
		r.touch(all[i].prefix)
	}
	r.closeBefore(open, netip.Addr{})
	return r
}

// closeBefore ends the open ranges that do not reach an address; the zero
// address is after all.
func (r *ranges) closeBefore(open []int32, addr netip.Addr) []int32 {
	for len(open) > 0 {
		ends := &r.all[open[len(open)-1]]
		if addr.IsValid() && ends.prefix.Contains(addr) {
			break
		}
		open = open[:len(open)-1]
		if after := last(ends.prefix).Next(); after.IsValid() {
			owner := int32(noRange)
			if len(open) > 0 {
				owner = open[len(open)-1]
			}
			r.begin(after, owner)
		}
	}
	return open
}

// begin starts a stretch; a later one with the same start replaces it.
func (r *ranges) begin(from netip.Addr, owner int32) {
	if n := len(r.starts); n > 0 && r.starts[n-1].from == from {
		r.starts[n-1].owner = owner
		return
	}
	r.starts = append(r.starts, stretch{from, owner})
}

// last returns the last address of a range.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(bytes)
	return addr
}

// touch marks the /16s that an IPv4 range covers or lies in.
func (r *ranges) touch(p netip.Prefix) {
	if !p.Addr().Is4() {
		return
	}
	from, to := p.Addr().As4(), last(p).As4()
	for n := sixteen(from); n <= sixteen(to); n++ {
		r.four[n/64] |= 1 << (n % 64)
	}
}

func sixteen(four [4]byte) int { return int(four[0])<<8 | int(four[1]) }

// find appends the places of the ranges that hold an address, the narrowest
// first.
func (r *ranges) find(to []place, key []byte) []place {
	addr, ok := netip.AddrFromSlice(key)
	if !ok {
		return to
	}
	if len(key) == 4 {
		if n := sixteen([4]byte(key)); r.four[n/64]&(1<<(n%64)) == 0 {
			return to
		}
	}
	at, exact := slices.BinarySearchFunc(r.starts, addr, func(s stretch, a netip.Addr) int { return s.from.Compare(a) })
	if !exact {
		at--
	}
	if at < 0 {
		return to
	}
	for owner := r.starts[at].owner; owner != noRange; owner = r.all[owner].parent {
		if r.all[owner].prefix.Contains(addr) {
			to = append(to, r.all[owner].place)
		}
	}
	return to
}

func (r *ranges) memory() int {
	if r == nil {
		return 0
	}
	const rangeSize, stretchSize = 48, 32
	return len(r.all)*rangeSize + len(r.starts)*stretchSize + 8*len(r.four)
}
