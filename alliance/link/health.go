package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Health is how a link is.
type Health struct {
	Neighbour alliance.NodeID `json:"neighbour"`
	Role      Role            `json:"role,omitempty"`
	Active    bool            `json:"active"`

	// Out is what goes to the neighbour, In what comes from it.
	Out Outward `json:"out"`
	In  Inward  `json:"in"`

	// RefusedHere is what this node refused of the neighbour's, RefusedThere what the
	// neighbour refused of this node's.
	RefusedHere  []Count `json:"refused_here,omitempty"`
	RefusedThere []Count `json:"refused_there,omitempty"`
	Kept         int64   `json:"kept"` // what came and is not understood yet
}

// Outward is how far the log of what goes to a neighbour is.
type Outward struct {
	Position   int64 `json:"position"`    // of the last message there is
	Sent       int64 `json:"sent"`        // up to where the carrier has it
	Confirmed  int64 `json:"confirmed"`   // up to where the neighbour has it
	Backlog    int64 `json:"backlog"`     // messages that are not confirmed
	Waiting    int64 `json:"waiting"`     // of them those that the carrier does not have
	LagSeconds int64 `json:"lag_seconds"` // since when the oldest of the backlog waits

	SentAt      time.Time `json:"sent_at,omitzero"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	// Trouble is why nothing goes out, since TroubleSince; of this process only.
	Trouble      string    `json:"trouble,omitempty"`
	TroubleSince time.Time `json:"trouble_since,omitzero"`
}

// Inward is how far the neighbour's log was handled.
type Inward struct {
	Position int64 `json:"position"`
	Accepted int64 `json:"accepted"`
	// Heard is when anything came last, Issued when what was handled last was issued.
	Heard  time.Time `json:"heard,omitzero"`
	Issued time.Time `json:"issued,omitzero"`
	// Queued is what came and waits to be handled.
	Queued int `json:"queued"`
	// Trouble is what holds the line up, since TroubleSince.
	Trouble      string    `json:"trouble,omitempty"`
	TroubleSince time.Time `json:"trouble_since,omitzero"`
}

// Count is how often something was refused for a reason, with the last sample.
type Count struct {
	Reason  envelope.Reason `json:"reason"`
	Number  int64           `json:"number"`
	Last    time.Time       `json:"last"`
	Message string          `json:"message,omitempty"`
	Detail  string          `json:"detail,omitempty"`
}

// RefusedMessage is one message of a neighbour's that was refused here.
type RefusedMessage struct {
	Author  alliance.NodeID `json:"author,omitempty"`
	Message string          `json:"message,omitempty"`
	Kind    string          `json:"kind,omitempty"`
	Reason  envelope.Reason `json:"reason"`
	Detail  string          `json:"detail,omitempty"`
	At      time.Time       `json:"at"`
}

// Health returns how each link is over which something went, in the order of the
// neighbours' IDs, after a neighbour and at most so many. It may be called while
// Run does not run; then troubles are not known.
func (l *Links) Health(ctx context.Context, after alliance.NodeID, most int) (all []Health, err error) {
	err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		nodes, err := nodesAfter(ctx, tx, after, most)
		if err != nil {
			return err
		}
		all, err = l.healthOf(ctx, tx, nodes)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("links: %w", err)
	}
	return all, nil
}

// maxSamples is how many refused messages are shown.
const maxSamples = 20

// Link returns how one link is, and the messages that were refused last. The error
// is fault.NotFound when nothing ever went over it and it is no neighbour.
func (l *Links) Link(ctx context.Context, node alliance.NodeID) (h Health, samples []RefusedMessage, err error) {
	err = l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err := l.healthOf(ctx, tx, []alliance.NodeID{node})
		if err != nil {
			return err
		}
		h = all[0]
		known, err := isKnown(ctx, tx, node)
		if err != nil {
			return err
		}
		if !known && h.Role == "" {
			return fmt.Errorf("node %s is no neighbour: %w", node, fault.NotFound)
		}
		samples, err = lastRefused(ctx, tx, node, maxSamples)
		return err
	})
	if err != nil {
		return h, nil, fmt.Errorf("link: %w", err)
	}
	return h, samples, nil
}

func (l *Links) healthOf(ctx context.Context, tx *store.Tx, nodes []alliance.NodeID) ([]Health, error) {
	all := make([]Health, len(nodes))
	for i, node := range nodes {
		h := &all[i]
		h.Neighbour = node
		var err error
		if h.Role, h.Active, err = l.c.Neighbour(ctx, tx, node); err != nil {
			return nil, err
		}
		if err := readHealth(ctx, tx, h, l.now()); err != nil {
			return nil, err
		}
		l.addPresent(h)
	}
	return all, nil
}

// addPresent adds what only this process knows.
func (l *Links) addPresent(h *Health) {
	l.out.mu.Lock()
	t := l.out.state[h.Neighbour]
	l.out.mu.Unlock()
	h.Out.Trouble, h.Out.TroubleSince = t.reason, t.since
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	if n := l.in.lines[h.Neighbour]; n != nil {
		h.In.Heard = later(h.In.Heard, n.heard)
		h.In.Queued = len(n.queue)
		h.In.Trouble, h.In.TroubleSince = n.stuck.reason, n.stuck.since
	}
}

// readHealth reads what the database knows.
func readHealth(ctx context.Context, tx *store.Tx, h *Health, now time.Time) (err error) {
	if err := readOutward(ctx, tx, h, now); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if err := readInward(ctx, tx, h); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if h.RefusedHere, err = counts(ctx, tx, h.Neighbour, "here"); err != nil {
		return err
	}
	if h.RefusedThere, err = counts(ctx, tx, h.Neighbour, "there"); err != nil {
		return err
	}
	h.Kept, err = countKept(ctx, tx, h.Neighbour)
	return err
}
