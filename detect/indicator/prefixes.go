package indicator

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// prefixes finds the URLs in the set that another URL continues. They are
// sorted; what continues a text stands right after it, so of those that are the
// beginning of a URL the longest is the last one not after the URL or begins
// what is: every URL knows the next shorter one that it continues.
type prefixes struct {
	seed  maphash.Seed
	all   []urlPrefix
	hosts filter
}

type urlPrefix struct {
	key    []byte
	place  place
	parent int32
}

func newPrefixes(all []urlPrefix) *prefixes {
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b urlPrefix) int {
		if c := bytes.Compare(a.key, b.key); c != 0 {
			return c
		}
		return int(int64(a.place) - int64(b.place))
	})
	p := &prefixes{seed: maphash.MakeSeed(), all: all, hosts: newFilter(len(all))}
	open := []int32{}
	for i := range all {
		for len(open) > 0 && !bytes.HasPrefix(all[i].key, all[open[len(open)-1]].key) {
			open = open[:len(open)-1]
		}
		all[i].parent = noRange
		if len(open) > 0 {
			all[i].parent = open[len(open)-1]
		}
		open = append(open, int32(i))
		p.hosts.add(p.hostHash(all[i].key))
	}
	return p
}

func (p *prefixes) hostHash(key []byte) uint64 {
	host, _, _ := bytes.Cut(key, []byte("/"))
	return maphash.Bytes(p.seed, host)
}

// find appends the places of the prefixes of a URL's key.
func (p *prefixes) find(to []place, key []byte) []place {
	if !p.hosts.has(p.hostHash(key)) {
		return to
	}
	at, exact := slices.BinarySearchFunc(p.all, key, func(u urlPrefix, key []byte) int { return bytes.Compare(u.key, key) })
	if exact { // of several equal ones the last knows the others
		for at+1 < len(p.all) && bytes.Equal(p.all[at+1].key, key) {
			at++
		}
	} else {
		at--
	}
	for n := int32(at); n != noRange && n >= 0; n = p.all[n].parent {
		if continues(key, p.all[n].key) {
			to = append(to, p.all[n].place)
		}
	}
	return to
}

// continues reports whether a URL is another or goes on from it at a boundary
// (intel.MatchPrefix).
func continues(url, prefix []byte) bool {
	if !bytes.HasPrefix(url, prefix) {
		return false
	}
	return len(url) == len(prefix) || isBoundary(url[len(prefix)]) || isBoundary(prefix[len(prefix)-1])
}

func isBoundary(c byte) bool {
	switch c {
	case '/', '?', '&', '#', ';', '=':
		return true
	}
	return false
}

func (p *prefixes) memory() int {
	if p == nil {
		return 0
	}
	const prefixSize = 40
	return len(p.all)*prefixSize + 8*len(p.hosts.words)
}
