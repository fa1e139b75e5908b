package carrier

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

// The first byte of what is carried says what it is.
const (
	frameKind byte = iota + 1 // of the links
	wishKind                  // a hub's for a piece: its digest
	pieceKind                 // that piece
	lackKind                  // why there is none: lack
)

// wishes are the pieces that a hub waits for.
type wishes struct {
	mu      sync.Mutex
	waiting map[string][]chan got // by node and digest; guarded by mu
}

type got struct {
	piece []byte
	err   error
}

// lack is why a piece is not given.
type lack struct {
	Digest string `json:"digest"`
	Reason string `json:"reason"`
}

// fetchWithin bounds the waiting for one piece.
const fetchWithin = 2 * time.Minute

// Fetch implements link.Carrier.
func (k *Carrier) Fetch(ctx context.Context, from alliance.NodeID, digest string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	if u := k.uplink(from); u != nil {
		return u.member.Request(ctx, []byte(digest))
	}
	come, leave := k.wishes.wait(from, digest)
	defer leave()
	// Each wish has an id of its own: one that was answered may be wished again.
	id := fmt.Sprintf("wish-%.16s-%d", digest, time.Now().UnixNano())
	if err := k.publish(ctx, from, id, wishKind, []byte(digest)); err != nil {
		return nil, err
	}
	select {
	case g := <-come:
		return g.piece, g.err
	case <-ctx.Done():
		return nil, fmt.Errorf("piece %.16s of node %s did not come: %w: %w", digest, from, ctx.Err(), fault.Unavailable)
	}
}

func (w *wishes) wait(from alliance.NodeID, digest string) (come chan got, leave func()) {
	key := string(from) + digest
	come = make(chan got, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string][]chan got{}
	}
	w.waiting[key] = append(w.waiting[key], come)
	return come, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		left := w.waiting[key][:0]
		for _, other := range w.waiting[key] {
			if other != come {
				left = append(left, other)
			}
		}
		if w.waiting[key] = left; len(left) == 0 {
			delete(w.waiting, key)
		}
	}
}

// come hands a piece to who waits for it; what nobody waits for is dropped.
func (w *wishes) come(from alliance.NodeID, digest string, g got) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waits := range w.waiting[string(from)+digest] {
		select {
		case waits <- g:
		default: // it has one
		}
	}
}

// arrived takes what a neighbour sent.
func (k *Carrier) arrived(ctx context.Context, from alliance.NodeID, data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("nothing was sent: %w", fault.Invalid)
	}
	kind, data := data[0], data[1:]
	switch kind {
	case frameKind:
		return k.peer.Receive(ctx, from, data)
	case wishKind:
		k.grant(ctx, from, string(data))
		return nil
	case pieceKind:
		k.wishes.come(from, envelope.Sum(data), got{piece: append([]byte(nil), data...)})
		return nil
	case lackKind:
		var l lack
		if err := json.Unmarshal(data, &l); err != nil {
			return fmt.Errorf("why a piece is not given: %w: %w", err, fault.Invalid)
		}
		k.wishes.come(from, l.Digest, got{err: fmt.Errorf("node %s does not give piece %.16s: %.200q: %w", from, l.Digest, l.Reason, fault.Forbidden)})
		return nil
	}
	return fmt.Errorf("what was sent is of kind %d, which this program does not know: %w", kind, fault.Invalid)
}

// grant sends a piece that a hub wishes for, or why not. When that does not reach
// the hub, it wishes again.
func (k *Carrier) grant(ctx context.Context, hub alliance.NodeID, digest string) {
	id := fmt.Sprintf("piece-%.16s-%d", digest, time.Now().UnixNano())
	kind := pieceKind
	piece, err := k.peer.Chunk(ctx, hub, digest)
	if err != nil {
		kind = lackKind
		if piece, err = json.Marshal(lack{digest, err.Error()}); err != nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	_ = k.publish(ctx, hub, id, kind, piece) // see above
}
