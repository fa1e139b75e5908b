package duty

import (
	"context"
	"fmt"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan/fact"
)

// Miss is a deadline that passed before the report left. It stays whatever
// happens afterwards.
type Miss struct {
	ClockID
	Incident string `json:"incident"`
	// Due is when it was missed, Recorded when the node noticed.
	Due       time.Time `json:"due"`
	Recorded  time.Time `json:"recorded"`
	Reason    string    `json:"reason,omitempty"`
	By        string    `json:"by,omitempty"` // who gave the reason
	Explained time.Time `json:"explained,omitzero"`

	Title fact.Title `json:"-"` // of a new one
}

// Explain says why a deadline was missed, for all misses of a clock that nobody
// explained yet. The error is fault.NotFound where there is none.
func (o *Office) Explain(ctx context.Context, c incident.Change, clock ClockID, reason string) (incident.Incident, error) {
	if err := wanted("reason", reason, maxText); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		explained, err := explainMisses(ctx, tx, i.ID, clock, reason, c.Who.Name, o.now())
		if err != nil {
			return err
		}
		if !explained {
			return fmt.Errorf("incident %s has no miss of %s without a reason: %w", i.Number, clock, fault.NotFound)
		}
		what := map[string]any{"clock": clock, "reason": reason}
		entry := incident.Entry{Kind: incident.EntryDeadline, Text: fmt.Sprintf("why %s was missed: %s", clock, reason), Data: data(what)}
		if err := o.register.TellIn(ctx, tx, c.Who, i, entry); err != nil {
			return err
		}
		return o.trail.Record(ctx, tx, c.Who, "duty.explain", audit.Subject{Kind: "incident", ID: i.ID}, nil, what)
	})
}
