package link

import (
	"context"

	"tocsin/alliance"
)

// Carrier takes bytes to neighbours. It knows who is on the other end: what it
// hands to Links.Receive as a neighbour's was sent by that one. It is used
// concurrently.
type Carrier interface {
	// Publish returns nil once the carrier has the data where its own restart does
	// not lose it, or the neighbour has it. The id is the same when the same is
	// tried again because it is not known whether it arrived, and another when the
	// data is wanted again.
	Publish(ctx context.Context, to alliance.NodeID, id string, data []byte) error
	// Fetch returns a piece of a body that the neighbour named (Links.Chunk there).
	Fetch(ctx context.Context, from alliance.NodeID, digest string) ([]byte, error)
	// Generation names what keeps the data on the way to a neighbour; it is empty
	// where nothing leads there now (see Links.Wake). When it is another than before,
	// all that is unconfirmed is sent again.
	Generation(to alliance.NodeID) string
}

// MaxFrame is how many bytes a carrier must take at once: an envelope with a body
// of envelope.MaxInline, which is a third longer in JSON, and its header.
const MaxFrame = 512 << 10
