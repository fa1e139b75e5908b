package ledger

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

const (
	// HostsExact is up to how many hosts an observable has by name and exactly.
	// Whoever looks into a sighting looks at single machines up to about as
	// many; beyond, how many there are says more than which.
	HostsExact = 16
	// registers is the size of the estimate that follows: 1.04/√128 is 9 %
	// standard error, for 128 bytes in the few observables that need it.
	registers = 128
	// registerBits are the bits of a hash that choose a register.
	registerBits = 7
	hostBytes    = 4
)

// hostID stands for a host's name (names.go). It is a hash of it, so that
// sketches of several ledgers can be joined.
type hostID uint32

// hostSet is a set of hosts: the lowest HostsExact of them, in order, and once
// there are more a sketch of all (HyperLogLog; Flajolet, Fusy, Gandouet,
// Meunier 2007). A union is the same in any order and grouping: both parts are
// minima or maxima over all members, and there is a sketch exactly when there
// are more than HostsExact.
type hostSet struct {
	lowest []hostID
	sketch *[registers]byte
}

func (s *hostSet) add(id hostID) {
	at, found := slices.BinarySearch(s.lowest, id)
	if found {
		return
	}
	if len(s.lowest) < HostsExact {
		s.lowest = slices.Insert(s.lowest, at, id)
		return
	}
	s.overflow()
	sketchAdd(s.sketch, id)
	if at < HostsExact {
		copy(s.lowest[at+1:], s.lowest[at:HostsExact-1])
		s.lowest[at] = id
	}
}

// overflow begins the sketch, with what the set holds.
func (s *hostSet) overflow() {
	if s.sketch != nil {
		return
	}
	s.sketch = new([registers]byte)
	for _, id := range s.lowest {
		sketchAdd(s.sketch, id)
	}
}

// union adds the members of o, which it does not keep.
func (s *hostSet) union(o *hostSet) {
	if o.sketch != nil {
		s.overflow()
		for i, r := range o.sketch {
			s.sketch[i] = max(s.sketch[i], r)
		}
	}
	for _, id := range o.lowest {
		s.add(id)
	}
}

// number returns how many hosts there are, and whether that is an estimate.
func (s *hostSet) number() (n uint64, estimated bool) {
	if s.sketch == nil {
		return uint64(len(s.lowest)), false
	}
	return max(estimate(s.sketch[:]), HostsExact+1), true
}

func sketchAdd(sketch *[registers]byte, id hostID) {
	h := mix(uint64(id))
	r := &sketch[h>>(64-registerBits)]
	*r = max(*r, rank(h<<registerBits))
}

// rank is HyperLogLog's ρ: one more than the zeros a hash begins with.
func rank(h uint64) byte { return byte(min(bits.LeadingZeros64(h), 40) + 1) }

// mix spreads a number over 64 bits (the finaliser of SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// estimate returns about how many different members a sketch was given, with
// the correction for few that the paper calls linear counting.
func estimate(sketch []byte) uint64 {
	m := float64(len(sketch))
	sum, empty := 0.0, 0
	for _, r := range sketch {
		sum += math.Exp2(-float64(r))
		if r == 0 {
			empty++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && empty > 0 {
		e = m * math.Log(m/float64(empty))
	}
	return uint64(math.Round(e))
}

// append encodes the set: how many of the lowest, these, and the sketch where
// there is one (which the flags say).
func (s *hostSet) append(b []byte) []byte {
	b = append(b, byte(len(s.lowest)))
	for _, id := range s.lowest {
		b = binary.BigEndian.AppendUint32(b, uint32(id))
	}
	if s.sketch != nil {
		b = append(b, s.sketch[:]...)
	}
	return b
}

// decode reads what append wrote and returns what is left.
func (s *hostSet) decode(b []byte, sketched bool) ([]byte, error) {
	if len(b) < 1 || int(b[0]) > HostsExact || len(b) < 1+int(b[0])*hostBytes {
		return nil, errValue
	}
	n := int(b[0])
	b = b[1:]
	s.lowest = s.lowest[:0]
	for i := range n {
		id := hostID(binary.BigEndian.Uint32(b[i*hostBytes:]))
		if i > 0 && id <= s.lowest[i-1] {
			return nil, errValue
		}
		s.lowest = append(s.lowest, id)
	}
	b = b[n*hostBytes:]
	s.sketch = nil
	if !sketched {
		return b, nil
	}
	if n < HostsExact || len(b) < registers {
		return nil, errValue
	}
	s.sketch = (*[registers]byte)(slices.Clone(b[:registers]))
	return b[registers:], nil
}
