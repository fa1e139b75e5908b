package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"tocsin/telemetry"
)

// A block is in doubt when it is kept and its sender was never told so. A sender
// that goes by the book sends it again, and it is here already. So the next
// equal block of that source is taken for it: it is acknowledged and not kept
// again. Every acknowledgement is still backed by a block of its own, so this
// never loses what was acknowledged, however alike two batches are.

// contentID names a block by its source and what it holds.
type contentID [16]byte

func contentOf(source string, format telemetry.Format, data []byte) contentID {
	h := sha256.New()
	var length [8]byte
	for _, text := range [...]string{source, string(format)} {
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	h.Write(data)
	return contentID(h.Sum(nil))
}

const (
	// doubtFor is how long a sender may be away before it sends again: over
	// night, and while a node is being mended.
	doubtFor = 24 * time.Hour
	// doubtsKept bounds what is remembered of them; there are as many as
	// requests were cut off.
	doubtsKept = 10_000
)

// doubts are the blocks in doubt. They are safe for concurrent use.
type doubts struct {
	mu   sync.Mutex
	list map[contentID][]doubt // guarded by mu
	n    int                   // guarded by mu: doubts in list
}

type doubt struct {
	entry uint64 // of the journal; 0 where there is none
	until time.Time
}

func newDoubts() *doubts { return &doubts{list: map[contentID][]doubt{}} }

// add puts a block in doubt. Where there are too many it is left: sent again it
// counts twice.
func (d *doubts) add(id contentID, one doubt, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n >= doubtsKept {
		d.forget(now)
	}
	if d.n < doubtsKept {
		d.list[id] = append(d.list[id], one)
		d.n++
	}
}

// none says that nothing is in doubt, as is usual.
func (d *doubts) none() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n == 0
}

// take returns a block in doubt, which it no longer is.
func (d *doubts) take(id contentID, now time.Time) (doubt, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.list[id]) > 0 {
		one := d.list[id][0]
		d.n--
		if d.list[id] = d.list[id][1:]; len(d.list[id]) == 0 {
			delete(d.list, id)
		}
		if now.Before(one.until) {
			return one, true
		}
	}
	return doubt{}, false
}

// forget drops what is too old.
func (d *doubts) forget(now time.Time) {
	for id, list := range d.list {
		if last := list[len(list)-1]; !now.Before(last.until) {
			d.n -= len(list)
			delete(d.list, id)
		}
	}
}
