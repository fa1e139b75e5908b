package output

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"

	"tocsin/detect"
	"tocsin/intel"
)

// maxHosts bounds the hosts that are told apart. Findings on further ones still
// count; they are reported as being on further hosts. (32 KiB a rule at most.)
const maxHosts = 1 << 14

// Host is what was found on one machine.
type Host struct {
	Name     string
	ByLevel  [intel.Critical + 1]uint64
	Findings uint64
	Rules    int
	first    [intel.Critical + 1]time.Time // of the findings of each level
	index    int
}

// First returns when the first of the gravest findings on the host happened;
// zero when no event said when. Sorted by it, hosts stand in the order in which
// an attack reached them.
func (h *Host) First() time.Time { return h.first[h.Highest()] }

// Highest returns the gravest level found on the host.
func (h *Host) Highest() intel.Severity {
	for level := intel.Critical; level > intel.Unrated; level-- {
		if h.ByLevel[level] > 0 {
			return level
		}
	}
	return intel.Unrated
}

// hostTable numbers hosts, so that a rule's hosts are a set of bits.
type hostTable struct {
	byName  map[string]*Host
	inOrder []*Host
	further uint64 // findings on hosts past maxHosts
	unnamed uint64 // findings whose events name no host
}

func newHostTable() *hostTable { return &hostTable{byName: map[string]*Host{}} }

func (t *hostTable) add(f *detect.Finding, g *Group, level intel.Severity) {
	if f.Host == "" {
		t.unnamed++
		return
	}
	name := f.Host
	if len(name) > maxValueBytes {
		name = clip(name)
	}
	h := t.byName[name]
	if h == nil {
		if len(t.inOrder) == maxHosts {
			t.further++
			return
		}
		name = strings.Clone(name)
		h = &Host{Name: name, index: len(t.inOrder)}
		t.byName[name] = h
		t.inOrder = append(t.inOrder, h)
	}
	h.Findings++
	h.ByLevel[level]++
	if !f.Time.IsZero() && (h.first[level].IsZero() || f.Time.Before(h.first[level])) {
		h.first[level] = f.Time
	}
	if g.hosts.add(h.index) {
		h.Rules++
	}
}

// hostSet is a set of hosts by their number.
type hostSet []uint64

// add reports whether the host is new to the set.
func (s *hostSet) add(i int) bool {
	for len(*s) <= i/64 {
		*s = append(*s, 0)
	}
	word, bit := &(*s)[i/64], uint64(1)<<(i%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

func (s hostSet) len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// HostCount returns on how many hosts something was found, counting those
// that could be told apart.
func (o *Overview) HostCount() int { return len(o.hosts.inOrder) }

// Hosts returns the hosts on which something was found, the gravest first, and
// among those the one that was hit first; those without a time come last.
func (o *Overview) Hosts() []*Host {
	hosts := slices.Clone(o.hosts.inOrder)
	slices.SortFunc(hosts, func(a, b *Host) int {
		return cmp.Or(
			cmp.Compare(b.Highest(), a.Highest()),
			compareTimes(a.First(), b.First()),
			cmp.Compare(b.Rules, a.Rules),
			strings.Compare(a.Name, b.Name),
		)
	})
	return hosts
}

// compareTimes puts times in order, unknown ones last.
func compareTimes(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return compareBool(a.IsZero(), b.IsZero())
	}
	return a.Compare(b)
}

// GroupHosts returns the first few names of the hosts a rule found something
// on, in the order they were met, and how many there are in all.
func (o *Overview) GroupHosts(g *Group, limit int) (names []string, all int) {
	all = g.hosts.len()
	for i := 0; i < len(o.hosts.inOrder) && len(names) < min(limit, all); i++ {
		if i/64 < len(g.hosts) && g.hosts[i/64]&(1<<(i%64)) != 0 {
			names = append(names, o.hosts.inOrder[i].Name)
		}
	}
	return names, all
}
