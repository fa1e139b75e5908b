package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"tocsin/internal/bus"
	"tocsin/telemetry"
)

// Accept publishes a block for the worker that has its source, and returns
// once the server keeps it. The error is fault.Invalid when the block is too
// large, and fault.Unavailable when the stream is full or no server answers:
// the sender is told to wait and send the same again.
func (c *Cluster) Accept(ctx context.Context, block *telemetry.Block) error {
	text, err := block.AppendBinary(nil)
	if err != nil {
		return err
	}
	wire, err := c.encode(text)
	if err != nil {
		return err
	}
	content := sha256.Sum256(text)
	id := c.doubts.id(content)
	if err := c.stream.Publish(ctx, block.Source.Name, id, wire); err != nil {
		c.doubts.add(content, id)
		return err
	}
	c.published.Add(1)
	return nil
}

// doubts remembers blocks of which it is not known whether the server keeps
// them: when one comes again, it is published under the same id, and the server
// keeps it once. What was kept for certain and comes again was logged twice,
// and counts twice.
type doubts struct {
	mu   sync.Mutex
	list map[[sha256.Size]byte][]doubt // guarded by mu
	n    int                           // guarded by mu: doubts in list
}

type doubt struct {
	id    string
	until time.Time
}

// maxDoubts bounds what is remembered while no server answers; senders that
// are pushed back send the same again, so it is reached by many senders only.
const maxDoubts = 10_000

func newDoubts() *doubts { return &doubts{list: map[[sha256.Size]byte][]doubt{}} }

// id returns the id of a block that is in doubt, which it no longer is, or one
// that nothing else has.
func (d *doubts) id(content [sha256.Size]byte) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.list[content]
	d.n -= len(list)
	for len(list) > 0 && time.Now().After(list[0].until) {
		list = list[1:]
	}
	if len(list) == 0 {
		delete(d.list, content)
		return hex.EncodeToString(content[:16]) + "." + rand.Text()
	}
	d.list[content] = list[1:]
	d.n += len(list) - 1
	return list[0].id
}

func (d *doubts) add(content [sha256.Size]byte, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n >= maxDoubts {
		d.forget()
	}
	if d.n < maxDoubts {
		d.list[content] = append(d.list[content], doubt{id: id, until: time.Now().Add(bus.DuplicateWindow)})
		d.n++
	}
}

// forget drops what the server does not remember any more either.
func (d *doubts) forget() {
	for content, list := range d.list {
		if last := list[len(list)-1]; time.Now().After(last.until) {
			d.n -= len(list)
			delete(d.list, content)
		}
	}
}
