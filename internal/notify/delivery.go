package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Channel is a way to somebody.
type Channel string

// The channels.
const (
	ByMail    Channel = "mail"
	ByWebhook Channel = "webhook"
)

// State is how a delivery stands.
type State string

// The states.
const (
	Waiting   State = "waiting"   // to be sent, or to be tried again
	Sent      State = "sent"      // the mail server or the receiver took it
	Dead      State = "dead"      // failed for good: somebody has to look
	Discarded State = "discarded" // somebody looked, and let it be
)

// Delivery is one way of one message to one recipient.
type Delivery struct {
	ID      string  `json:"id"`
	Message string  `json:"message"`
	Channel Channel `json:"channel"`
	// Address is whom the message was posted to; empty for webhooks.
	Address Address `json:"address,omitempty"`
	// Recipient is the mail address, or the webhook's name; empty while nobody was
	// found for the address.
	Recipient string    `json:"recipient,omitempty"`
	Name      string    `json:"name,omitempty"`
	Note      string    `json:"note,omitempty"`
	State     State     `json:"state"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error,omitempty"` // of the last attempt
	Changed   time.Time `json:"changed"`
	// Event, About, Title and Posted are the message's.
	Event  string    `json:"event"`
	About  string    `json:"about,omitempty"`
	Title  string    `json:"title"`
	Posted time.Time `json:"posted"`
}

// How deliveries are tried again.
const (
	firstRetry = 10 * time.Second
	lastRetry  = time.Hour
	// With these a delivery is tried for three days, a weekend's worth.
	defaultAttempts = 80
	// busyFor is how long a delivery waits for others of its channel, and busyMore
	// by how much it may be more, so that they do not all come back at once.
	busyFor  = time.Second
	busyMore = 3 * time.Second
)

// outcome is how one attempt went; without an error it was sent.
type outcome struct {
	err error
	// found is who the address leads to.
	found []Recipient
	// busy says that nothing was tried: others are at work.
	busy bool
	// wait is what the receiver asks for.
	wait time.Duration
	// gone says that the receiver wants nothing more, ever.
	gone *webhook
}

// deliver is what happens when a delivery is due: the attempt, and the effect
// that writes down how it went.
func (n *Notify) deliver(ctx context.Context, t timer.Timer) (timer.Effect, error) {
	var id string
	if err := json.Unmarshal(t.Payload, &id); err != nil {
		return nil, fmt.Errorf("timer %s: %w: %w", t.ID, err, timer.ErrHopeless)
	}
	var d Delivery
	var m Message
	err := n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, m, err = loadDelivery(ctx, tx, id)
		return err
	})
	if errors.Is(err, fault.NotFound) || err == nil && d.State != Waiting {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	done := n.attempt(ctx, d, m)
	if done.err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, ctx.Err() // the node ends, and goes on at its next start
	}
	return func(ctx context.Context, tx *store.Tx) error { return n.record(ctx, tx, d, done) }, nil
}

// errNoServer is said once at the start of a node; that it befell a message is no
// news then.
var errNoServer = errors.New("no mail server is configured, see mail.server")

func (n *Notify) attempt(ctx context.Context, d Delivery, m Message) outcome {
	if d.Channel == ByWebhook {
		return n.attemptWebhook(ctx, d, m)
	}
	if n.mail == nil {
		return outcome{err: hopelessError{errNoServer}}
	}
	// Who was found is asked for again after a failure: somebody else may be on
	// duty by now, who has to know too.
	var found []Recipient
	if d.Recipient == "" || d.Attempts > 0 {
		var err error
		if found, err = n.resolve(ctx, d.Address); d.Recipient == "" {
			return outcome{err: err, found: found}
		}
	}
	done := n.mail.attempt(ctx, d, m)
	done.found = found
	return done
}

// record writes down how an attempt went.
func (n *Notify) record(ctx context.Context, tx *store.Tx, d Delivery, done outcome) error {
	now := n.config.Now()
	if done.busy {
		return n.schedule(ctx, tx, d.ID, now.Add(busyFor+rand.N(busyMore)))
	}
	for _, one := range done.found {
		way := Delivery{Message: d.Message, Channel: ByMail, Address: d.Address, Recipient: one.Mail, Name: oneLine(one.Name, maxTitle), Note: keepable(one.Note)}
		if err := n.add(ctx, tx, way, now); err != nil {
			return err
		}
	}
	if d.Recipient == "" && done.err == nil {
		return deleteDelivery(ctx, tx, d.ID) // its recipients are in its place
	}
	d.Attempts, d.Changed, d.Error = d.Attempts+1, now, ""
	if done.err == nil {
		d.State = Sent
		tx.Committed(func() { n.log(d).Info("a message was sent") })
		return updateDelivery(ctx, tx, d)
	}
	d.Error = short(done.err)
	if done.gone != nil {
		if err := disable(ctx, tx, done.gone.target(), done.gone.Name, now, d.Error); err != nil {
			return err
		}
	}
	if d.Attempts >= n.config.Attempts || hopeless(done.err) {
		d.State = Dead
		tx.Committed(func() {
			level := slog.LevelError
			if errors.Is(done.err, errNoServer) {
				level = slog.LevelInfo
			}
			n.log(d).Log(ctx, level, "a message could not be sent; see 'tocsin notify list'", slog.String("error", d.Error))
		})
		return updateDelivery(ctx, tx, d)
	}
	next := now.Add(max(retryAfter(d.Attempts), done.wait))
	tx.Committed(func() {
		n.log(d).Warn("a message could not be sent, and is tried again", slog.String("error", d.Error), slog.Time("next", next))
	})
	if err := updateDelivery(ctx, tx, d); err != nil {
		return err
	}
	return n.schedule(ctx, tx, d.ID, next)
}

// undeliverable makes a delivery a dead letter whose timer died: its attempts did
// not end, in whatever way, or how they ended could not be written down.
func (n *Notify) undeliverable(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	var id string
	if err := json.Unmarshal(t.Payload, &id); err != nil {
		return nil // the timer's own dead letter is all there is
	}
	d, _, err := loadDelivery(ctx, tx, id)
	if errors.Is(err, fault.NotFound) || err == nil && d.State != Waiting {
		return nil
	}
	if err != nil {
		return err
	}
	d.State, d.Error, d.Changed = Dead, t.Error, n.config.Now()
	return updateDelivery(ctx, tx, d)
}

// log says which delivery it is about; not whom it is for nor what it says.
func (n *Notify) log(d Delivery) *slog.Logger {
	return n.config.Log.With(slog.String("delivery", d.ID), slog.String("message", d.Message), slog.String("channel", string(d.Channel)),
		slog.String("event", d.Event), slog.Int("attempts", d.Attempts))
}

// retryAfter doubles with each failure, from seconds to an hour; up to a fifth
// less at random, so that what failed together is not tried together.
func retryAfter(failures int) time.Duration {
	wait := firstRetry
	for range failures - 1 {
		if wait *= 2; wait >= lastRetry {
			wait = lastRetry
			break
		}
	}
	const spread = 5
	return wait - rand.N(wait/spread)
}

// maxError is how much of an error is kept.
const maxError = 500

func short(err error) string { return oneLine(err.Error(), maxError) }
