package ledger

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"time"

	"tocsin/intel"
)

// Batch collects what was seen until Commit writes it: each observable once,
// however often it was seen. It is not safe for concurrent use; many may be
// filled at once.
type Batch struct {
	ledger *Ledger
	seed   maphash.Seed
	now    time.Time

	keys    []byte  // all keys, one behind the other
	entries []entry // in the order of their first sighting
	slots   []int32 // a hash table of entries by key; 0 is free, else index+1

	order []place // the entries by their keys, once sorted

	hours   map[presenceKey]hours
	sources []batchSource
	index   map[string]int // of sources, by name
	source  int            // the last one asked for
	host    remembered
	log     remembered
	seen    uint64
}

// entry is what a batch knows of an observable. Nearly all have been seen on
// one host and on at most two days; the few others have more.
type entry struct {
	hash        uint64
	at          uint32 // where the key begins
	length      uint16
	source      uint16
	count       uint32
	first, last moment
	host        hostID
	more        *sighting // all of it, instead of count, first, last and host
}

// batchSource is a source that a batch has something of.
type batchSource struct {
	name    string
	undated uint64 // sightings whose time could not be believed
	seen    uint64
}

// remembered is the last name and its number: neighbouring events often share
// them.
type remembered struct {
	name   []byte
	number uint32
}

// NewBatch returns an empty batch for this ledger.
func (l *Ledger) NewBatch() *Batch {
	b := &Batch{ledger: l, seed: l.seed, hours: map[presenceKey]hours{}, index: map[string]int{}}
	b.Reset()
	return b
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	b.now = b.ledger.now()
	b.keys, b.entries = b.keys[:0], b.entries[:0]
	if b.slots == nil {
		b.slots = make([]int32, firstSlots)
	}
	clear(b.slots)
	clear(b.hours)
	clear(b.index)
	b.sources, b.source, b.seen = b.sources[:0], 0, 0
}

// firstSlots is the size of the hash table at first, a power of two.
const firstSlots = 1 << 10

// Len returns how many different observables the batch holds; some ten
// thousand to a few hundred thousand make a good batch.
func (b *Batch) Len() int { return len(b.entries) }

// Seen returns how many sightings the batch holds.
func (b *Batch) Seen() uint64 { return b.seen }

// See adds a sighting: this source says that this value, in its kind's normal
// form, was seen on this host at this time. The host may be empty. A time that
// cannot be believed (before the year PastLimit, more than FutureLimit ahead of
// the clock, zero) is not kept: the sighting then counts as undated.
//
// An empty value and the kinds NoObservable and IPRange, which are never seen
// themselves, are passed over.
func (b *Batch) See(source string, kind intel.ObservableKind, value, host []byte, at time.Time) {
	if len(value) == 0 || kind == intel.NoObservable || kind == intel.IPRange {
		return
	}
	s := b.sourceOf(source)
	b.sources[s].seen++
	b.seen++
	e := b.entryOf(kind, value, s)
	id := hostID(b.host.of(b.ledger.hosts, host))
	if !believable(at, b.now) {
		b.sources[s].undated++
		b.grown(e).see(undatedSighting(b.now), id)
		return
	}
	e.see(momentOf(at), id, b)
}

func undatedSighting(now time.Time) sighting {
	return sighting{undated: 1, received: momentOf(now).day()}
}

// see joins one dated sighting.
func (e *entry) see(at moment, host hostID, b *Batch) {
	switch {
	case e.more == nil && e.count == 0:
		e.count, e.first, e.last, e.host = 1, at, at, host
	case e.more == nil && e.host == host && e.simple(at):
		e.count++
		e.first, e.last = min(e.first, at), max(e.last, at)
	default:
		var s sighting
		s.one(at)
		b.grown(e).see(s, host)
	}
}

// simple reports whether, with one more sighting at this moment, first and last
// still tell all days.
func (e *entry) simple(at moment) bool {
	first, last := e.first.day(), e.last.day()
	d := at.day()
	return d == first || d == last || first == last
}

// see joins one sighting on a host.
func (s *sighting) see(one sighting, host hostID) {
	if host != noName {
		one.hosts.add(host)
	}
	s.join(&one)
}

// grown returns the whole sighting of an entry.
func (b *Batch) grown(e *entry) *sighting {
	if e.more == nil {
		e.more = &sighting{}
		e.fill(e.more)
	}
	return e.more
}

// fill sets s to what the entry says.
func (e *entry) fill(s *sighting) {
	if e.count == 0 {
		*s = sighting{}
		return
	}
	s.one(e.first)
	s.count, s.last = uint64(e.count), e.last
	s.days.add(e.last.day())
	if e.host != noName {
		s.hosts.add(e.host)
	}
}

// sourceOf returns the index of a source in the batch.
func (b *Batch) sourceOf(name string) int {
	if b.source < len(b.sources) && b.sources[b.source].name == name {
		return b.source
	}
	at, ok := b.index[name]
	if !ok {
		at = min(len(b.sources), sourcesLimit-1)
		if at == len(b.sources) {
			b.sources = append(b.sources, batchSource{name: name})
			b.index[name] = at
		}
	}
	b.source = at
	return at
}

// sourcesLimit is how many sources one batch tells apart, all that fit in an
// entry; what more there are count as the last.
const sourcesLimit = 1 << 16

func (r *remembered) of(n *names, name []byte) uint32 {
	if r.name == nil || !bytes.Equal(r.name, name) {
		r.name, r.number = append(r.name[:0], name...), n.number(name)
	}
	return r.number
}

// entryOf returns the entry of a value, made where there is none.
func (b *Batch) entryOf(kind intel.ObservableKind, value []byte, source int) *entry {
	start := len(b.keys)
	b.keys = appendKey(b.keys, kind, value)
	key := b.keys[start:]
	hash := maphash.Bytes(b.seed, key)
	mask := len(b.slots) - 1
	slot := int(hash) & mask
	for ; b.slots[slot] != 0; slot = (slot + 1) & mask {
		e := &b.entries[b.slots[slot]-1]
		if e.hash == hash && bytes.Equal(b.key(e), key) {
			b.keys = b.keys[:start]
			return e
		}
	}
	b.entries = append(b.entries, entry{hash: hash, at: uint32(start), length: uint16(len(key)), source: uint16(source)})
	b.slots[slot] = int32(len(b.entries))
	if len(b.entries)*2 > len(b.slots) {
		b.rehash()
	}
	return &b.entries[len(b.entries)-1]
}

func (b *Batch) rehash() {
	b.slots = make([]int32, 2*len(b.slots))
	mask := len(b.slots) - 1
	for i := range b.entries {
		slot := int(b.entries[i].hash) & mask
		for b.slots[slot] != 0 {
			slot = (slot + 1) & mask
		}
		b.slots[slot] = int32(i + 1)
	}
}

func (b *Batch) key(e *entry) []byte { return b.keys[e.at : e.at+uint32(e.length)] }

// place is an entry with the beginning of its key, which mostly decides its
// order: looking at the keys themselves is what sorting would spend its time on.
type place struct {
	begins uint64
	entry  int32
}

// sorted returns the entries in the order of their keys, which is how the
// database takes them fastest. It is valid until the next call.
func (b *Batch) sorted() []place {
	b.order = b.order[:0]
	for i := range b.entries {
		b.order = append(b.order, place{beginning(b.key(&b.entries[i])), int32(i)})
	}
	slices.SortFunc(b.order, func(x, y place) int {
		if x.begins != y.begins {
			return cmp.Compare(x.begins, y.begins)
		}
		return bytes.Compare(b.key(&b.entries[x.entry]), b.key(&b.entries[y.entry]))
	})
	return b.order
}

// beginning is a number that orders keys as their first bytes do: kind, form
// and seven more.
func beginning(key []byte) uint64 {
	var first [8]byte
	copy(first[1:], key[keyHead:])
	return uint64(key[1])<<59 | uint64(key[2])<<56 | binary.BigEndian.Uint64(first[:])
}

// sortedHours returns the keys of the hours in order.
func (b *Batch) sortedHours() []presenceKey {
	keys := make([]presenceKey, 0, len(b.hours))
	for k := range b.hours {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, presenceKey.compare)
	return keys
}

// Present adds that a source spoke of a host at this time, in events of this
// log source: what "not seen" rests on. Unhealthy says that something was lost
// or could not be read in that hour, so that it does not count as watched. A
// time that cannot be believed is passed over.
func (b *Batch) Present(source string, log intel.LogSource, host []byte, at time.Time, unhealthy bool) {
	if !believable(at, b.now) {
		return
	}
	m := momentOf(at)
	k := presenceKey{
		log: b.logOf(log), source: b.ledger.sources.number([]byte(source)),
		day: m.day(), host: hostID(b.host.of(b.ledger.hosts, host)),
	}
	bit := uint32(1) << (m % secondsPerDay / 3600)
	h := b.hours[k]
	h.seen |= bit
	if unhealthy {
		h.unhealthy |= bit
	}
	b.hours[k] = h
}

func (b *Batch) logOf(log intel.LogSource) uint32 {
	name := appendLog(make([]byte, 0, 128), log)
	return b.log.of(b.ledger.logs, name)
}

// presenceKey is where the hours of a day are kept.
type presenceKey struct {
	log, source uint32
	day         day
	host        hostID
}

func (k presenceKey) compare(o presenceKey) int {
	return cmp.Or(cmp.Compare(k.log, o.log), cmp.Compare(k.source, o.source), cmp.Compare(k.day, o.day), cmp.Compare(k.host, o.host))
}
