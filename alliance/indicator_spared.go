package alliance

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// checkSpared checks that no indicator to be blocked is, or covers, or lies in, one
// that must not be: the same value, a domain above it, a range of addresses, a URL on
// it.
func (w *Warning) checkSpared(k *check, spared map[intel.Observable]int) {
	ranges := sparedRanges(spared)
	blocked := map[string]int{} // domains, with all below them
	for n := range w.Indicators {
		i := &w.Indicators[n]
		if i.Action != intel.Block {
			continue
		}
		of, hit := spared[intel.Observable{Kind: i.Kind, Value: i.Value}]
		switch {
		case hit:
		case i.Kind == intel.Domain && i.Match == intel.MatchOrdinary:
			blocked[i.Value] = n
		case i.Kind == intel.IPRange || i.Kind == intel.IPAddress:
			of, hit = ranges.meets(i.Value)
		case i.Kind == intel.URL && i.Match != intel.MatchSubstring:
			of, hit = sparedHost(spared, ranges, i.Value)
		}
		if hit {
			w.contradicts(k, n, of)
		}
		if k.full() {
			return
		}
	}
	if len(blocked) == 0 {
		return
	}
	for o, of := range spared {
		if o.Kind == intel.Domain {
			above(o.Value, func(domain string) bool {
				n, hit := blocked[domain]
				if hit {
					w.contradicts(k, n, of)
				}
				return !hit
			})
		}
	}
}

func (w *Warning) contradicts(k *check, blocked, spared int) {
	i := &w.Indicators[blocked]
	k.wrong(fmt.Sprintf("/indicators/%d", blocked), "%s %.80q is to be blocked, and with it %.80q, which must not be: see number %d",
		i.Kind, i.Value, w.Indicators[spared].Value, spared)
}

// above calls visit with each domain above one, the nearest first, until it returns
// false.
func above(domain string, visit func(string) bool) {
	for {
		_, parent, ok := strings.Cut(domain, ".")
		if !ok || !visit(parent) {
			return
		}
		domain = parent
	}
}

// sparedHost finds what is spared of a URL's host.
func sparedHost(spared map[intel.Observable]int, ranges addresses, url string) (of int, hit bool) {
	host := string(observable.URLHost([]byte(url)))
	if of, hit = ranges.meets(host); hit {
		return of, true
	}
	if of, hit = spared[intel.Observable{Kind: intel.Domain, Value: host}]; hit {
		return of, true
	}
	above(host, func(domain string) bool {
		of, hit = spared[intel.Observable{Kind: intel.Domain, Value: domain}]
		return !hit
	})
	return of, hit
}

// addresses are ranges that are spared, single addresses among them, ascending. None
// lies in another, so that the one an address may be in is found by halving.
type addresses []sparedRange

type sparedRange struct {
	netip.Prefix
	of int
}

func sparedRanges(spared map[intel.Observable]int) addresses {
	var all addresses
	for o, n := range spared {
		if p, ok := prefixOf(o.Value); ok && (o.Kind == intel.IPAddress || o.Kind == intel.IPRange) {
			all = append(all, sparedRange{p, n})
		}
	}
	slices.SortFunc(all, func(a, b sparedRange) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits())
	})
	outermost := all[:0]
	for _, r := range all {
		if last := len(outermost) - 1; last < 0 || !outermost[last].Overlaps(r.Prefix) {
			outermost = append(outermost, r)
		}
	}
	return outermost
}

// meets finds a spared range that has an address in common with another, or with an
// address.
func (a addresses) meets(text string) (int, bool) {
	p, ok := prefixOf(text)
	if !ok {
		return 0, false
	}
	// The first that begins behind p's first address lies in p, or nothing after it
	// does; what begins before may hold p.
	at := sort.Search(len(a), func(i int) bool { return a[i].Addr().Compare(p.Addr()) > 0 })
	for _, i := range []int{at - 1, at} {
		if i >= 0 && i < len(a) && a[i].Overlaps(p) {
			return a[i].of, true
		}
	}
	return 0, false
}

func prefixOf(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, true
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
