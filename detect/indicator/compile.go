package indicator

import (
	"cmp"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
	"tocsin/internal/fault"
)

// Compiler makes sets. Its zero value is ready.
type Compiler struct {
	// Warnings name what is no sign of anything; an indicator on one of them is
	// removed. May be nil.
	Warnings *Warnings
	// Now, where set, removes indicators that were valid until before.
	Now time.Time
	// Removed is told of every indicator that is removed, one at a time and in no
	// order; may be nil.
	Removed func(in intel.Indicator, reason string)
	// Workers is how many goroutines compile; 0 means one a processor.
	Workers int
}

// The reasons for removing indicators, beside the names of warninglists.
const (
	reasonExpired = "no longer valid"
	reasonSuffix  = "a public suffix: every name below it would match"
	reasonShort   = "a substring of fewer than 4 bytes"
	reasonBad     = "not what its kind asks for"
)

// Compile makes a set of packs. Packs stay in use by the set. It fails
// (fault.Invalid) only when there are too many.
func (c *Compiler) Compile(packs ...*pack.Pack) (*Set, error) { return c.compile(false, packs...) }

// compile makes a set; a plain one keeps what it is given, as warninglists need.
func (c *Compiler) compile(plain bool, packs ...*pack.Pack) (*Set, error) {
	b := &build{Compiler: c, plain: plain, reasons: map[string]int{}, substrings: map[intel.ObservableKind][]substring{}}
	chunks := []chunk{{}}
	for _, p := range packs {
		b.given += p.Len()
		for _, each := range p.Chunks() {
			chunks = append(chunks, chunk{each, p})
		}
	}
	if len(chunks) > maxChunks {
		return nil, fmt.Errorf("indicators in %d pieces; a set takes %d: %w", len(chunks), maxChunks, fault.Invalid)
	}
	b.table = newTable(b.given, chunks)
	b.fill()
	return b.set(), nil
}

// build is a set in the making.
type build struct {
	*Compiler
	*table
	plain    bool
	given    int
	kept     atomic.Int64
	repeated atomic.Int64

	mu         sync.Mutex // guards what follows
	kinds      [256]bool
	reasons    map[string]int
	ranges     []addressRange
	prefixes   []urlPrefix
	substrings map[intel.ObservableKind][]substring
}

// fill has the chunks put in by several goroutines.
func (b *build) fill() {
	workers := b.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var next atomic.Int64
	var working sync.WaitGroup
	for range min(workers, len(b.chunks)) {
		working.Go(func() {
			f := filler{build: b, scratch: warningScratch{scratch: newScratch()}}
			for {
				n := int(next.Add(1)) // [0] is empty
				if n >= len(b.chunks) {
					break
				}
				f.chunk(n)
			}
			f.close()
		})
	}
	working.Wait()
}

// filler is one goroutine's part in a build.
type filler struct {
	*build
	kinds          [256]bool
	kept, repeated int
	scratch        warningScratch
}

func (f *filler) close() {
	f.build.kept.Add(int64(f.kept))
	f.build.repeated.Add(int64(f.repeated))
	f.mu.Lock()
	defer f.mu.Unlock()
	for kind, has := range f.kinds {
		f.build.kinds[kind] = f.build.kinds[kind] || has
	}
}

func (f *filler) chunk(n int) {
	c := &f.chunks[n]
	for at := 0; ; {
		e, next, ok := c.At(at)
		if !ok {
			return
		}
		if reason := f.reasonAgainst(&e, c.of); reason != "" {
			f.remove(&e, c.of, reason)
		} else {
			f.entry(&e, place(n)<<offsetBits|place(at))
		}
		at = next
	}
}

// reasonAgainst says why an indicator is removed, "" when it stays.
func (f *filler) reasonAgainst(e *pack.Entry, of *pack.Pack) string {
	if until := of.Origin(e).Until; !until.IsZero() && !f.Now.IsZero() && !f.Now.Before(until) {
		return reasonExpired
	}
	if e.Match == intel.MatchSubstring {
		if len(e.Key) < shortest {
			return reasonShort
		}
	} else if !f.plain && e.Kind == intel.Domain && e.Match == intel.MatchOrdinary && observable.Registered(string(e.Key)) == "" {
		return reasonSuffix
	}
	return f.Warnings.names(e, &f.scratch)
}

func (f *filler) remove(e *pack.Entry, of *pack.Pack, reason string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reasons[reason]++
	if f.Removed != nil {
		f.Removed(of.Indicator(e), reason)
	}
}

// entry puts an indicator where it is looked for. Those that are looked for
// elsewhere are in the table too, so that what is said twice is known for all.
func (f *filler) entry(e *pack.Entry, p place) {
	var prefix netip.Prefix
	if e.Kind == intel.IPRange {
		var ok bool
		if prefix, ok = keyPrefix(e.Key); !ok {
			_, of := f.table.entry(p)
			f.remove(e, of, reasonBad)
			return
		}
	}
	if !f.add(e, p) {
		f.repeated++
		return
	}
	f.kept++
	f.kinds[e.Kind] = true
	if e.Kind != intel.IPRange && e.Match != intel.MatchSubstring && e.Match != intel.MatchPrefix {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case e.Match == intel.MatchSubstring:
		f.substrings[e.Kind] = append(f.substrings[e.Kind], substring{text: e.Key, place: p})
	case e.Kind == intel.IPRange:
		f.ranges = append(f.ranges, addressRange{prefix: prefix, place: p})
	case e.Kind == intel.URL:
		f.prefixes = append(f.prefixes, urlPrefix{key: e.Key, place: p})
	}
}

func keyPrefix(key []byte) (netip.Prefix, bool) {
	if len(key) < 2 {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(key[:len(key)-1])
	if !ok {
		return netip.Prefix{}, false
	}
	p, err := addr.Prefix(int(key[len(key)-1]))
	return p, err == nil
}

// set joins what was filled.
func (b *build) set() *Set {
	s := &Set{
		table: b.table, kinds: b.kinds,
		ranges: newRanges(b.ranges), prefixes: newPrefixes(b.prefixes),
	}
	s.report = Report{Given: b.given, Kept: int(b.kept.Load()), Repeated: int(b.repeated.Load())}
	s.report.Memory = s.memory() + s.ranges.memory() + s.prefixes.memory()
	for kind, texts := range b.substrings {
		s.substrings[kind] = newSubstrings(texts)
		s.report.Memory += s.substrings[kind].memory()
	}
	for _, c := range b.chunks {
		s.report.Memory += len(c.Chunk)
	}
	for reason, n := range b.reasons {
		s.report.Removed = append(s.report.Removed, Removal{reason, n})
	}
	slices.SortFunc(s.report.Removed, func(a, b Removal) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Reason, b.Reason))
	})
	return s
}
