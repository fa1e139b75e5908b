package duty

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Delivery is a report that left.
type Delivery struct {
	ID       string `json:"id"`
	Incident string `json:"incident"` // its ID or number when it is recorded
	// Regime and Clock say what asked for it; Clock is empty for one that no clock
	// asked for. Ref is the clock's.
	Regime string    `json:"regime"`
	Clock  string    `json:"clock,omitempty"`
	Ref    string    `json:"ref,omitempty"`
	At     time.Time `json:"at"` // when it left; zero is now
	// To are the recipients as the pack names them; empty is all of the clock's.
	To []string `json:"to,omitempty"`
	// Report names what was sent, such as a report and its version.
	Report  string `json:"report,omitempty"`
	Channel string `json:"channel,omitempty"` // telephone, portal, mail, …
	// Proof is what shows that it arrived: a receipt's number, who took the call.
	Proof    string       `json:"proof,omitempty"`
	Who      incident.Who `json:"-"`
	By       string       `json:"by"`
	Recorded time.Time    `json:"recorded"`
}

// Sent records in the caller's transaction that a report left: its clock is met
// if it left in time, and clocks that count from it start. The transaction must
// not be changing the incident itself. The error is fault.Invalid for a clock or
// recipient that the regime does not have, and where several clocks of the kind
// run and Ref names none of them.
func (o *Office) Sent(ctx context.Context, tx *store.Tx, d Delivery) error {
	_, err := o.register.AlterIn(ctx, tx, incident.Change{Who: d.Who, Incident: d.Incident}, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		if err := o.sent(ctx, tx, i, &d); err != nil {
			return err
		}
		return o.register.TellIn(ctx, tx, d.Who, i, incident.Entry{Kind: incident.EntryClock, At: d.At, Text: d.words(), Data: data(&d)})
	})
	return err
}

// SentIn is Sent inside the change of an incident that tells the timeline of the
// report itself, with an entry of the kind incident.EntryReport: what follows for
// the clocks follows from that entry.
func (o *Office) SentIn(ctx context.Context, tx *store.Tx, i *incident.Incident, d Delivery) error {
	return o.sent(ctx, tx, i, &d)
}

func (o *Office) sent(ctx context.Context, tx *store.Tx, i *incident.Incident, d *Delivery) error {
	if err := o.checkDelivery(d); err != nil {
		return err
	}
	if err := o.whichClock(ctx, tx, i, d); err != nil {
		return err
	}
	now := o.now()
	d.ID, d.Incident, d.By, d.Recorded = o.ids.Next(now), i.ID, d.Who.Name, now
	if err := insertDelivery(ctx, tx, d); err != nil {
		return err
	}
	return o.trail.Record(ctx, tx, d.Who, "duty.sent", audit.Subject{Kind: "incident", ID: i.ID}, nil, d)
}

// whichClock finds the clock that a delivery is for where several of the kind
// may run: a report that is recorded for none of them would meet none, and nobody
// would know before the deadline is missed.
func (o *Office) whichClock(ctx context.Context, tx *store.Tx, i *incident.Incident, d *Delivery) error {
	if d.Clock == "" {
		return nil
	}
	s, err := o.situation(ctx, tx, i)
	if err != nil {
		return err
	}
	var refs []string
	for _, b := range s.regimes() {
		if b.pack.Regime != d.Regime {
			continue
		}
		for _, c := range s.clocks(b) {
			if c.ID == d.Clock {
				refs = append(refs, c.Ref)
			}
		}
	}
	switch {
	case len(refs) == 0 || slices.Contains(refs, d.Ref):
		return nil
	case len(refs) == 1 && d.Ref == "":
		d.Ref = refs[0]
		return nil
	case len(refs) == 1 && refs[0] == "":
		return fmt.Errorf("incident %s has one clock %s/%s: leave the ref %.80q away: %w", i.Number, d.Regime, d.Clock, d.Ref, fault.Invalid)
	}
	return fmt.Errorf("incident %s has no clock %s: say which by its ref, one of %s: %w",
		i.Number, ClockID{d.Regime, d.Clock, clip(d.Ref, maxShort)}, strings.Join(refs, ", "), fault.Invalid)
}

// Deliver is Sent in a transaction of its own: for a report that left by another
// way, such as a telephone call. The error is also fault.Conflict for a version
// of the incident that is not the present one.
func (o *Office) Deliver(ctx context.Context, c incident.Change, d Delivery) error {
	d.Who, d.Incident = c.Who, c.Incident
	return o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := o.register.GetIn(ctx, tx, c.Incident)
		if err != nil {
			return err
		}
		if c.Version != 0 && c.Version != i.Version {
			return &incident.StaleError{Seen: c.Version, Present: i}
		}
		return o.Sent(ctx, tx, d)
	})
}

func (o *Office) checkDelivery(d *Delivery) error {
	pack, err := o.Library().Pack(d.Regime)
	if err != nil {
		return err
	}
	var to []string
	if d.Clock != "" {
		k := pack.Clock(d.Clock)
		if k == nil {
			return fmt.Errorf("%s has no clock %.80q: %w", d.Regime, d.Clock, fault.Invalid)
		}
		to = k.To
	}
	for _, recipient := range d.To {
		if pack.Recipient(recipient) == nil || d.Clock != "" && !slices.Contains(to, recipient) {
			return fmt.Errorf("%s/%s goes to %s, not to %.80q: %w", d.Regime, d.Clock, strings.Join(to, ", "), recipient, fault.Invalid)
		}
	}
	if d.At, err = o.past("a report", d.At); err != nil {
		return err
	}
	return firstOf(short("report", d.Report, maxShort), short("channel", d.Channel, maxShort), short("proof", d.Proof, maxText))
}

func (d *Delivery) words() string {
	words := "sent: " + ClockID{d.Regime, d.Clock, d.Ref}.String()
	if d.Clock == "" {
		words = "sent: a report under " + d.Regime
	}
	if len(d.To) > 0 {
		words += " to " + strings.Join(d.To, ", ")
	}
	if d.Channel != "" {
		words += " by " + d.Channel
	}
	if d.Proof != "" {
		words += " – " + d.Proof
	}
	return words
}
