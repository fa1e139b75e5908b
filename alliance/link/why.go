package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Delivery is where a message is on its way to a neighbour.
type Delivery struct {
	Neighbour alliance.NodeID `json:"neighbour"`
	Author    alliance.NodeID `json:"author"`
	Message   string          `json:"message"`
	Kind      string          `json:"kind"`
	Position  int64           `json:"position"`
	State     string          `json:"state"`
	Reason    envelope.Reason `json:"reason,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	Queued    time.Time       `json:"queued"`
	// Settled is when it was received, refused or withdrawn, or expired.
	Settled time.Time `json:"settled,omitzero"`
	Expires time.Time `json:"expires"`
}

// maxDeliveries is how many deliveries a list returns.
const maxDeliveries = 20000

// Deliveries returns where a message is on its way to each neighbour, in the order
// of their IDs.
func (l *Links) Deliveries(ctx context.Context, tx *store.Tx, author alliance.NodeID, id string) ([]Delivery, error) {
	return deliveriesOf(ctx, tx, author, id, "", maxDeliveries)
}

// Why says in words where a message is: why the neighbour does not have it, or why
// this node does not have it of the neighbour.
func (l *Links) Why(ctx context.Context, id string, node alliance.NodeID) (string, error) {
	var said []string
	err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err := l.whyOut(ctx, tx, id, node)
		if err != nil {
			return err
		}
		in, err := l.whyIn(ctx, tx, id, node)
		said = slices.Concat(out, in)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("why: %w", err)
	}
	if len(said) == 0 {
		said = []string{fmt.Sprintf("No message %s was ever sent to node %s, and none came from it: nobody here handed it to the link, or it was so long ago that it is forgotten.", id, node)}
	}
	return strings.Join(said, "\n"), nil
}

// whyOut says where messages of the ID are on their way to the neighbour.
func (l *Links) whyOut(ctx context.Context, tx *store.Tx, id string, node alliance.NodeID) ([]string, error) {
	all, err := deliveriesOf(ctx, tx, "", id, node, 10)
	if err != nil {
		return nil, err
	}
	var said []string
	for i := range all {
		text, err := l.whyDelivery(ctx, tx, &all[i])
		if err != nil {
			return nil, err
		}
		said = append(said, text)
	}
	if len(said) > 0 {
		return said, nil
	}
	others, err := countDeliveries(ctx, tx, id)
	if err != nil || others == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("The message was sent to %d neighbours, and node %s is not one of them: it was not among the recipients.", others, node)}, nil
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (l *Links) whyDelivery(ctx context.Context, tx *store.Tx, d *Delivery) (string, error) {
	head := fmt.Sprintf("The message, a %s, was queued for node %s at %s as number %d", d.Kind, d.Neighbour, moment(d.Queued), d.Position)
	switch d.State {
	case Delivered:
		if d.Reason == envelope.NewerVersion {
			return fmt.Sprintf("%s. It is there since %s, but is kept and not acted on: %s. It is acted on once that node is upgraded.", head, moment(d.Settled), d.Detail), nil
		}
		return fmt.Sprintf("%s, and was received by %s.", head, moment(d.Settled)), nil
	case Refused:
		return fmt.Sprintf("%s. The node refused it at %s, %s: %s. When the cause is removed, send it again.", head, moment(d.Settled), d.Reason, d.Detail), nil
	case Expired:
		return fmt.Sprintf("%s. It expired at %s before its receipt came.", head, moment(d.Expires)), nil
	case Withdrawn:
		return fmt.Sprintf("%s. It was withdrawn at %s before its receipt came.", head, moment(d.Settled)), nil
	}
	h := Health{Neighbour: d.Neighbour}
	var err error
	if h.Role, h.Active, err = l.c.Neighbour(ctx, tx, d.Neighbour); err != nil {
		return "", err
	}
	if err := readHealth(ctx, tx, &h, l.now()); err != nil {
		return "", err
	}
	l.addPresent(&h)
	return head + l.whyUnsettled(d, &h), nil
}

// whyUnsettled continues the sentence on a message that waits, or has no receipt.
func (l *Links) whyUnsettled(d *Delivery, h *Health) string {
	switch {
	case !h.Active && h.Role == "":
		return ". It waits: that node is no neighbour any more."
	case !h.Active:
		return ". It waits: the link is not in use, since the neighbour is suspended or has left."
	case d.State == Sent:
		text := ", and is on its way: the carrier has it, and no receipt has come."
		if h.Out.ConfirmedAt.IsZero() {
			return text + " None ever came from there: the node is off, or has not connected yet."
		}
		return fmt.Sprintf("%s The last receipt came at %s, up to number %d: the node is off, or %d messages before it are not handled there yet.",
			text, moment(h.Out.ConfirmedAt), h.Out.Confirmed, d.Position-1-h.Out.Confirmed)
	case h.Out.Trouble != "":
		return fmt.Sprintf(". It waits, with %d before it: the carrier does not take it since %s: %s.", max(d.Position-1-h.Out.Sent, 0), moment(h.Out.TroubleSince), h.Out.Trouble)
	case l.c.Carrier == nil:
		return ". It waits: this node has no connection; export it as a file."
	}
	return fmt.Sprintf(". It waits, with %d before it; nothing is known to be in its way.", max(d.Position-1-h.Out.Sent, 0))
}

// whyIn says what became of a message of the ID that came from the neighbour.
func (l *Links) whyIn(ctx context.Context, tx *store.Tx, id string, node alliance.NodeID) ([]string, error) {
	came, err := cameBy(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, c := range came {
		from := "from that neighbour"
		if c.neighbour != node {
			from = fmt.Sprintf("from node %s", c.neighbour)
		}
		text := fmt.Sprintf("The message, a %s by node %s, came here at %s %s and was %s.", c.kind, c.author, moment(c.at), from, c.state)
		if c.state == "kept" {
			text += " This program does not understand it yet: it is acted on after an upgrade."
		}
		said = append(said, text)
	}
	refused, err := refusedBy(ctx, tx, id, node)
	if err != nil {
		return nil, err
	}
	for _, r := range refused {
		said = append(said, fmt.Sprintf("The message came here at %s and was refused, %s: %s. The neighbour was told.", moment(r.At), r.Reason, r.Detail))
	}
	if len(said) > 0 {
		return said, nil
	}
	return l.whyNotCome(ctx, tx, id, node)
}

// whyNotCome says what may be in the way of a message that never came.
func (l *Links) whyNotCome(ctx context.Context, tx *store.Tx, id string, node alliance.NodeID) ([]string, error) {
	h := Health{Neighbour: node}
	if err := readInward(ctx, tx, &h); errors.Is(err, fault.NotFound) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	l.addPresent(&h)
	if h.In.Trouble != "" {
		return []string{fmt.Sprintf("No message %s of node %s was handled here. What comes from there is held up since %s: %s.", id, node, moment(h.In.TroubleSince), h.In.Trouble)}, nil
	}
	return []string{fmt.Sprintf("No message %s of node %s came here. What comes from there was handled up to number %d, last heard of at %s; what that node sent later is on its way, or it did not send it here.",
		id, node, h.In.Position, moment(h.In.Heard))}, nil
}
