package ledger

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A source may bring NewPerDay observables in a day that the ledger has not
// seen. To ask the ledger of each whether it is new would cost more than
// remembering it, so at first a source's different observables are only
// estimated, by a sketch of 2 KiB. Only when these, known or new, may be half of
// the limit is each looked up, and what is new counted; when that is the other
// half, what is new is refused, and what is known still counts.

// sourceRegisters is the size of the sketch: 2.3 % standard error.
const (
	sourceRegisters    = 1 << sourceRegisterBits
	sourceRegisterBits = 11
)

// SourceStats is what a source has brought.
type SourceStats struct {
	Source string `json:"source"`
	Seen   uint64 `json:"seen"`
	// Undated are sightings whose time could not be believed.
	Undated uint64 `json:"undated"`
	// Refused are sightings of observables new to the ledger that came after
	// the source's limit for the day, in all and on the last such day.
	Refused    uint64    `json:"refused"`
	RefusedDay uint64    `json:"refused_on_last_day"`
	LastDay    time.Time `json:"last_day"`
	// Different is about how many different observables it brought on LastDay.
	Different uint64 `json:"different_on_last_day"`
}

// sourceCount is what is counted of a source. It is owned by whoever holds
// Ledger.writing.
type sourceCount struct {
	number                 uint32
	seen, undated, refused uint64

	day        day
	refusedDay uint64
	fresh      uint64 // new observables counted one by one on that day
	before     uint64 // different observables of that day before this process started
	sketch     []byte // of those since
}

// today begins a new day's counts when it is one.
func (c *sourceCount) today(d day) {
	if c.day != d {
		c.day, c.refusedDay, c.fresh, c.before = d, 0, 0, 0
		clear(c.sketch)
	}
}

func (c *sourceCount) sawKey(hash uint64) {
	if c.sketch == nil {
		c.sketch = make([]byte, sourceRegisters)
	}
	hash = mix(hash)
	r := &c.sketch[hash>>(64-sourceRegisterBits)]
	*r = max(*r, rank(hash<<sourceRegisterBits))
}

// different is about how many different observables came on the day.
func (c *sourceCount) different() uint64 {
	if c.sketch == nil {
		return c.before
	}
	return c.before + estimate(c.sketch)
}

func (c *sourceCount) key() []byte {
	return binary.BigEndian.AppendUint32([]byte{spaceSource}, c.number)
}

func (c *sourceCount) append(b []byte) []byte {
	for _, n := range [...]uint64{c.seen, c.undated, c.refused, uint64(c.day), c.refusedDay, c.fresh, c.different()} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func (c *sourceCount) decode(b []byte) error {
	var today uint64
	for _, n := range [...]*uint64{&c.seen, &c.undated, &c.refused, &today, &c.refusedDay, &c.fresh, &c.before} {
		value, k := binary.Uvarint(b)
		if k <= 0 {
			return errValue
		}
		*n, b = value, b[k:]
	}
	c.day = day(today)
	return nil
}

func (l *Ledger) loadCounts() error {
	return scan(l.db, prefixSpan([]byte{spaceSource}), func(key, value []byte) error {
		if len(key) != 5 {
			return fmt.Errorf("source %x: %w", key, errValue)
		}
		c := &sourceCount{number: binary.BigEndian.Uint32(key[1:])}
		l.counts[l.sources.text(c.number)] = c
		return c.decode(value)
	})
}

// countOf returns what is counted of a source. What is beyond NamesLimit is
// counted as one, nameless source.
func (l *Ledger) countOf(name string) *sourceCount {
	number := l.sources.number([]byte(name))
	name = l.sources.text(number)
	c := l.counts[name]
	if c == nil {
		c = &sourceCount{number: number}
		l.counts[name] = c
	}
	return c
}

// quota decides for one batch which of its entries are refused.
type quota struct {
	half    uint64 // of what a source may bring; 0 is no limit
	counts  []*sourceCount
	guarded []bool // by source: each entry is looked up
	known   *pebble.Iterator
}

// newQuota counts what a batch brings.
func (l *Ledger) newQuota(b *Batch) *quota {
	q := &quota{half: uint64(max(l.config.NewPerDay, 0)) / 2, guarded: make([]bool, len(b.sources))}
	if l.config.NewPerDay > 0 {
		q.half = max(q.half, 1)
	}
	today := momentOf(b.now).day()
	for _, s := range b.sources {
		c := l.countOf(s.name)
		c.today(today)
		c.seen += s.seen
		c.undated += s.undated
		q.counts = append(q.counts, c)
	}
	if q.half == 0 {
		return q
	}
	for i := range b.entries {
		q.counts[b.entries[i].source].sawKey(b.entries[i].hash)
	}
	for i, c := range q.counts {
		q.guarded[i] = c.different() > q.half
	}
	return q
}

// refuses reports whether an entry is one too many. Entries come in the order
// of their keys.
func (q *quota) refuses(db *pebble.DB, key []byte, e *entry) (bool, error) {
	if !q.guarded[e.source] {
		return false, nil
	}
	if q.known == nil {
		it, err := db.NewIter(nil)
		if err != nil {
			return false, err
		}
		q.known = it
	}
	if q.known.SeekPrefixGE(key) {
		return false, nil
	}
	if err := q.known.Error(); err != nil {
		return false, err
	}
	c := q.counts[e.source]
	if c.fresh < q.half {
		c.fresh++
		return false, nil
	}
	return true, nil
}

func (q *quota) refused(e *entry) {
	n := uint64(e.count)
	if e.more != nil {
		n = e.more.count + e.more.undated
	}
	c := q.counts[e.source]
	c.refused += n
	c.refusedDay += n
}

func (q *quota) close() error {
	if q.known == nil {
		return nil
	}
	return q.known.Close()
}
