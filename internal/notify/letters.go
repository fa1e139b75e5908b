package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// MaxList is how many deliveries List returns at most.
const MaxList = 1000

// List returns deliveries of a state, of all when it is empty; the last posted
// first. Before is empty, or the ID of the last one of the page before.
func (n *Notify) List(ctx context.Context, state State, before string, limit int) (list []Delivery, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list, err = selectDeliveries(ctx, tx, state, before, max(1, min(limit, MaxList)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// Count returns how many deliveries are in a state.
func (n *Notify) Count(ctx context.Context, state State) (count int, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		count, err = countDeliveries(ctx, tx, state)
		return err
	})
	return count, err
}

// Retry has a delivery tried now, as if it had never failed: a dead letter, or one
// that waits. The error is fault.NotFound, or fault.Conflict for one that was sent
// or discarded.
func (n *Notify) Retry(ctx context.Context, by audit.Actor, id string) error {
	return n.settle(ctx, by, id, "notify.retry", func(ctx context.Context, tx *store.Tx, d *Delivery, now time.Time) error {
		d.State, d.Attempts, d.Error = Waiting, 0, ""
		return n.schedule(ctx, tx, d.ID, now)
	})
}

// Discard lets a delivery be: it is not tried again. Errors are as for Retry.
func (n *Notify) Discard(ctx context.Context, by audit.Actor, id string) error {
	return n.settle(ctx, by, id, "notify.discard", func(ctx context.Context, tx *store.Tx, d *Delivery, _ time.Time) error {
		d.State = Discarded
		return n.timers.Cancel(ctx, tx, timerID(d.ID))
	})
}

// settle changes a delivery that is neither sent nor discarded, on record.
func (n *Notify) settle(ctx context.Context, by audit.Actor, id, action string, change func(context.Context, *store.Tx, *Delivery, time.Time) error) error {
	err := n.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		d, _, err := loadDelivery(ctx, tx, id)
		if err != nil {
			return err
		}
		if d.State != Waiting && d.State != Dead {
			return fmt.Errorf("it is %s already: %w", d.State, fault.Conflict)
		}
		before := d.shown()
		now := n.config.Now()
		if err := change(ctx, tx, &d, now); err != nil {
			return err
		}
		d.Changed = now
		if err := updateDelivery(ctx, tx, d); err != nil {
			return err
		}
		return n.trail.Record(ctx, tx, by, action, audit.Subject{Kind: "delivery", ID: d.ID}, before, d.shown())
	})
	if err != nil {
		return fmt.Errorf("delivery %.64q: %w", id, err)
	}
	return nil
}

// shown is what the audit trail keeps of a delivery.
func (d *Delivery) shown() map[string]any {
	return map[string]any{
		"message": d.Message, "event": d.Event, "channel": d.Channel, "address": d.Address, "recipient": d.Recipient,
		"state": d.State, "attempts": d.Attempts, "error": d.Error,
	}
}

// Disabled is a webhook whose receiver said that it wants nothing more.
type Disabled struct {
	Name   string    `json:"name"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// Disabled returns the webhooks that are disabled, of those configured.
func (n *Notify) Disabled(ctx context.Context) (list []Disabled, err error) {
	err = n.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		list = nil
		for _, w := range n.webhooks {
			one, err := selectDisabled(ctx, tx, w.target())
			if errors.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			one.Name = w.Name
			list = append(list, one)
		}
		return nil
	})
	return list, err
}

// Enable has a webhook told again that was disabled. What became a dead letter
// meanwhile stays one. The error is fault.NotFound when there is no such webhook,
// or it is not disabled.
func (n *Notify) Enable(ctx context.Context, by audit.Actor, name string) error {
	w := n.webhook(name)
	if w == nil {
		return fmt.Errorf("no webhook is named %q in the configuration: %w", name, fault.NotFound)
	}
	err := n.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := enable(ctx, tx, w.target())
		if err != nil {
			return err
		}
		return n.trail.Record(ctx, tx, by, "notify.webhook.enable", audit.Subject{Kind: "webhook", ID: w.Name}, before, nil)
	})
	if errors.Is(err, fault.NotFound) {
		return fmt.Errorf("webhook %s is not disabled: %w", name, fault.NotFound)
	}
	return err
}
