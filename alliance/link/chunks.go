package link

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// hasChunk reports whether a piece is on disk.
func (l *Links) hasChunk(digest string) bool {
	file, err := l.c.Blobs.Open(store.Sum(digest))
	if err != nil {
		return false
	}
	_ = file.Close()
	return true
}

// Chunk returns a piece of a body for a neighbour, to whom a message that names it
// goes. Carriers call it. The error is fault.NotFound for everything else.
func (l *Links) Chunk(ctx context.Context, to alliance.NodeID, digest string) ([]byte, error) {
	var may bool
	err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, active, err := l.c.Neighbour(ctx, tx, to)
		if err != nil || !active {
			return err
		}
		may, err = mayFetch(ctx, tx, digest, to)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("piece of a body: %w", err)
	}
	if !may {
		return nil, fmt.Errorf("piece %.64q: no message to node %s names it: %w", digest, to, fault.NotFound)
	}
	return l.readChunk(digest)
}

func (l *Links) readChunk(digest string) ([]byte, error) {
	file, err := l.c.Blobs.Open(store.Sum(digest))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, envelope.ChunkSize))
}

// fetchBody puts a large body together. Pieces that are here already, from a try
// that was broken off or another message, are not fetched.
func (l *Links) fetchBody(ctx context.Context, m *message) error {
	if !m.kept {
		if wanted, err := l.wanted(ctx, m); err != nil || !wanted {
			return err
		}
	}
	body := make([]byte, 0, m.h.Body.Size)
	for n, digest := range m.h.Body.Chunks {
		piece, err := l.piece(ctx, m, digest)
		if err != nil {
			return fmt.Errorf("piece %d of %d of message %s: %w", n+1, len(m.h.Body.Chunks), m.h.ID, err)
		}
		if int64(len(body)+len(piece)) > m.h.Body.Size {
			return &envelope.Refusal{Reason: envelope.BadBody, Detail: "its pieces are longer than its body"}
		}
		body = append(body, piece...)
	}
	if err := m.h.Body.Fits(body); err != nil {
		return err
	}
	m.e.Body = body
	return nil
}

// wanted reports whether the body is needed: the message is new and for this node.
func (l *Links) wanted(ctx context.Context, m *message) (fresh bool, err error) {
	err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		fresh, err = l.admit(ctx, tx, m)
		return err
	})
	return fresh, err
}

// piece returns one piece, from disk or from the neighbour, who is not believed.
func (l *Links) piece(ctx context.Context, m *message, digest string) ([]byte, error) {
	if l.hasChunk(digest) {
		return l.readChunk(digest)
	}
	if l.c.Carrier == nil {
		return nil, fmt.Errorf("it did not come with the file: %w", fault.NotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	piece, err := l.c.Carrier.Fetch(ctx, m.n.node, digest)
	if err != nil {
		return nil, notRefused(err)
	}
	if envelope.Sum(piece) != digest {
		return nil, &envelope.Refusal{Reason: envelope.BadBody, Detail: "a piece of its body is not the one that was signed"}
	}
	if _, _, err := l.c.Blobs.Put(ctx, bytes.NewReader(piece), envelope.ChunkSize); err != nil {
		return nil, err
	}
	m.fetched += int64(len(piece))
	return piece, nil
}

// notRefused takes from a carrier's error what would settle the message: that a
// piece is not to be had now does not mean that it never is.
func notRefused(err error) error {
	return fmt.Errorf("fetch: %s: %w", err.Error(), fault.Unavailable)
}
