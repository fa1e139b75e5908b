package link

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const (
	// receiptLasts is how long a receipt is good for: it may travel by file.
	receiptLasts = 30 * 24 * time.Hour
	// maxRefused is how many refusals one receipt tells of.
	maxRefused = 200
	// maxLoose is how many of what had no position are told of.
	maxLoose = 10
	// receiptRetry is how soon a receipt that the carrier did not take is made anew,
	// the first time; it is needed only where nothing is sent again.
	receiptRetry     = 2 * time.Second
	lastReceiptRetry = 10 * time.Minute
)

// owed is what a neighbour is to be told with the next receipt.
type owed struct {
	due           bool
	again, forked bool
	loose         []refused
}

// oweReceipt has a receipt sent soon.
func (l *Links) oweReceipt(n *inLine, o owed) {
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	n.stand = n.at
	n.owe.due, n.owe.again, n.owe.forked = true, n.owe.again || o.again, n.owe.forked || o.forked
	if len(n.owe.loose) < maxLoose {
		n.owe.loose = append(n.owe.loose, o.loose...)
	}
	l.in.owes()
}

func (in *incoming) owes() {
	select {
	case in.owed <- struct{}{}:
	default:
	}
}

// takeUp owes a receipt to whom the last one may not have been sent before this
// node stopped.
func (l *Links) takeUp(ctx context.Context) error {
	var all map[alliance.NodeID]standing
	err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = owing(ctx, tx)
		return err
	})
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	for node, s := range all {
		n := l.in.line(node, &l.c.Limits)
		n.stand, n.owe.due = s, true
		l.in.owes()
	}
	return err
}

// answer sends the receipts that are owed until the context ends: one for all that
// came within a moment.
func (l *Links) answer(ctx context.Context) {
	if l.c.Carrier == nil {
		return
	}
	slots := make(chan struct{}, publishers)
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case <-l.in.owed:
		case <-ctx.Done():
			return
		}
		pause(ctx, l.c.Limits.ReceiptEvery)
		for n, s := range l.in.collect() {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				l.sendReceipt(ctx, n, s)
			})
		}
	}
}

// owing is what one receipt tells.
type telling struct {
	standing
	owed
}

func (in *incoming) collect() map[*inLine]telling {
	in.mu.Lock()
	defer in.mu.Unlock()
	all := map[*inLine]telling{}
	for _, n := range in.lines {
		if n.owe.due {
			all[n] = telling{n.stand, n.owe}
			n.owe = owed{}
		}
	}
	return all
}

// sendReceipt sends one receipt. Where the carrier does not take it, it is owed
// again.
func (l *Links) sendReceipt(ctx context.Context, n *inLine, t telling) {
	upTo, data, err := l.receipt(ctx, n.node, t)
	if err == nil {
		err = l.put(ctx, n.node, "receipt."+l.ids.Next(l.now()), data)
	}
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	if err == nil {
		n.untold = 0
		if n.stand.epoch == t.epoch {
			n.toldUpTo = max(n.toldUpTo, upTo)
		}
		if upTo < t.received {
			n.owe.due = true
			l.in.owes()
		}
		return
	}
	l.log.DebugContext(ctx, "a receipt was not taken, and is made anew", slog.String("neighbour", string(n.node)), slog.Any("error", err))
	n.owe.again, n.owe.forked, n.owe.loose = n.owe.again || t.again, n.owe.forked || t.forked, append(t.loose, n.owe.loose...)
	wait := min(receiptRetry<<min(n.untold, 10), lastReceiptRetry)
	n.untold++
	time.AfterFunc(wait, func() {
		l.in.mu.Lock()
		defer l.in.mu.Unlock()
		n.owe.due = true
		l.in.owes()
	})
}

// receipt makes the frame of a receipt, and says up to which position it tells.
func (l *Links) receipt(ctx context.Context, node alliance.NodeID, t telling) (int64, []byte, error) {
	r := receipt{Epoch: t.epoch, After: t.there, UpTo: t.received, Again: t.again, Forked: t.forked}
	err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		r.Refused, err = refusedBetween(ctx, tx, node, t.standing, maxRefused)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	if len(r.Refused) == maxRefused {
		r.UpTo = r.Refused[maxRefused-1].Position
	}
	r.Refused = append(r.Refused, t.loose...)
	body, err := json.Marshal(r)
	if err != nil {
		return 0, nil, err
	}
	now := l.now()
	e, err := l.c.Identity.Seal(envelope.Header{
		ID: l.ids.Next(now), Kind: receiptKind, Schema: 1, Audience: alliance.To(node),
		Marking: intel.TLPAmber, Issued: now, Expires: now.Add(receiptLasts),
	}, body)
	if err != nil {
		return 0, nil, err
	}
	text, err := e.Bytes()
	if err != nil {
		return 0, nil, err
	}
	data, err := frame(place{}, text)
	return r.UpTo, data, err
}

// hear takes in a receipt.
func (l *Links) hear(ctx context.Context, from alliance.NodeID, text []byte) error {
	l.in.mu.Lock()
	running := l.in.running != nil
	n := l.in.line(from, &l.c.Limits)
	n.heard = l.now()
	l.in.mu.Unlock()
	if !running || !n.told.Allow() {
		return errBusy
	}
	r, err := l.readReceipt(from, text)
	if err != nil {
		l.log.WarnContext(ctx, "a receipt was refused", slog.String("neighbour", string(from)), slog.Any("error", err))
		return l.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			reason := refused{Reason: envelope.Malformed, Detail: "receipt: " + err.Error()}
			if known := refusalOf(err); known != nil {
				reason.Reason = known.Reason
			}
			return count(ctx, tx, from, "here", reason, l.now())
		})
	}
	l.out.tell(told{from, r})
	return nil
}

// readReceipt verifies that the neighbour says this, to this node.
func (l *Links) readReceipt(from alliance.NodeID, text []byte) (r receipt, err error) {
	e, err := envelope.Parse(text)
	if err != nil {
		return r, err
	}
	h, err := e.Verify(l.c.Ring, l.now())
	if err != nil {
		return r, err
	}
	if h.Kind != receiptKind || h.Author != from || len(e.Signatures) != 1 || !h.Audience.Means(&alliance.Card{Node: l.self}) {
		return r, &envelope.Refusal{Reason: envelope.WrongAudience, Detail: fmt.Sprintf("a %s of node %s is no receipt for this node", h.Kind, h.Author)}
	}
	if err := json.Unmarshal(e.Body, &r); err != nil {
		return r, fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	if r.After < 0 || r.UpTo < r.After && !r.Again || len(r.Refused) > maxRefused+2*maxLoose {
		return r, fmt.Errorf("positions after %d up to %d: %w", r.After, r.UpTo, fault.Invalid)
	}
	for i, one := range r.Refused {
		r.Refused[i].Reason, r.Refused[i].Detail = envelope.Reason(clean(string(one.Reason))), clean(one.Detail)
	}
	return r, nil
}
