package pack

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// Builder makes a Pack. Its parts may be filled concurrently.
type Builder struct {
	mu      sync.Mutex
	numbers map[intel.Origin]uint32
	origins []intel.Origin
	parts   []*Part
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder { return &Builder{numbers: map[intel.Origin]uint32{}} }

// Part takes indicators for one piece of the source. It belongs to one
// goroutine.
type Part struct {
	builder *Builder
	order   int
	chunks  []Chunk
	buf     []byte
	key     []byte
	count   int
	last    intel.Origin // neighbours mostly share theirs
	number  uint32
	known   bool
}

// Part returns the part that comes at that place in the source's order.
func (b *Builder) Part(order int) *Part { return &Part{builder: b, order: order} }

// number returns the number of an origin.
func (b *Builder) number(o intel.Origin) uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, ok := b.numbers[o]
	if !ok {
		n = uint32(len(b.origins))
		b.numbers[o] = n
		b.origins = append(b.origins, o)
	}
	return n
}

// Add takes an indicator. It fails (fault.Invalid) for one that cannot be
// stored: a value that is not in normal form, or one that is too long.
func (p *Part) Add(in *intel.Indicator) error {
	e := Entry{Kind: in.Kind, Match: in.Match, Port: in.Port, ID: []byte(in.ID)}
	ok := len(in.Value) > 0
	if in.Match == intel.MatchSubstring {
		p.key = append(p.key[:0], in.Value...)
	} else {
		p.key, e.Scheme, ok = Key(p.key[:0], in.Kind, []byte(in.Value))
	}
	switch {
	case !ok:
		return fmt.Errorf("%q is not the normal form of kind %s: %w", in.Value, in.Kind, fault.Invalid)
	case len(p.key) > MaxKey:
		return fmt.Errorf("a value of %d bytes; %d are kept: %w", len(p.key), MaxKey, fault.Invalid)
	case len(e.ID) > MaxID:
		return fmt.Errorf("an ID of %d bytes; %d are kept: %w", len(e.ID), MaxID, fault.Invalid)
	}
	e.Key = p.key
	if !p.known || p.last != in.Origin {
		p.last, p.number, p.known = in.Origin, p.builder.number(in.Origin), true
	}
	e.Origin = p.number
	const most = MaxKey + MaxID + 32
	if len(p.buf)+most > MaxChunk {
		p.flush()
	}
	p.buf = e.append(p.buf)
	p.count++
	return nil
}

// flush keeps what was gathered, in memory of just that size.
func (p *Part) flush() {
	if len(p.buf) > 0 {
		p.chunks = append(p.chunks, bytes.Clone(p.buf))
		p.buf = p.buf[:0]
	}
}

// Close hands the part to the pack.
func (p *Part) Close() {
	p.flush()
	p.buf = nil
	p.builder.mu.Lock()
	defer p.builder.mu.Unlock()
	p.builder.parts = append(p.builder.parts, p)
}

// Pack returns everything in the parts that were closed. The builder must not
// be used afterwards.
func (b *Builder) Pack() *Pack {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.SortStableFunc(b.parts, func(a, c *Part) int { return a.order - c.order })
	p := &Pack{origins: b.origins}
	for _, part := range b.parts {
		p.chunks = append(p.chunks, part.chunks...)
		p.count += part.count
	}
	return p
}

// Of returns a pack of few indicators.
func Of(indicators ...intel.Indicator) (*Pack, error) {
	b := NewBuilder()
	part := b.Part(0)
	for i := range indicators {
		if err := part.Add(&indicators[i]); err != nil {
			return nil, err
		}
	}
	part.Close()
	return b.Pack(), nil
}
