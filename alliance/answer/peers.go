package answer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// peersEvery is how often members are told how their peers answered, at most.
const peersEvery = 30 * time.Second

// peersLater has members told of what has just changed, together with what else
// changes soon.
func (a *Answers) peersLater(ctx context.Context, tx *store.Tx, warning string) error {
	waiting, err := a.timers.Of(ctx, tx, peersSubject(warning))
	if err != nil || len(waiting) > 0 {
		return err
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: peersKind + ":" + warning, Kind: peersKind, Subject: peersSubject(warning), Due: a.now().Add(peersEvery)})
}

// peersSubject is what the timer belongs to: looking for it finds no other.
func peersSubject(warning string) string { return "peers:" + warning }

// tellPeers tells the members with a node how all answered, in sums that keep to the
// rule of cells.
func (a *Answers) tellPeers(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	warning := t.ID[len(peersKind)+1:]
	b, err := selectAsked(ctx, tx, warning)
	if err != nil || !b.Open || !b.Peers {
		return err
	}
	now, members, err := selectAnswered(ctx, tx, warning)
	if err != nil || len(members) == 0 || a.config.Send == nil {
		return err
	}
	c, changed, err := updateCells(ctx, tx, peersSubject(warning), now)
	if err != nil || !changed {
		return err
	}
	totals := alliance.Totals{Warning: b.Warning, Revision: b.Revision, At: a.now()}
	totals.Members, totals.Sectors = c.sums()
	for _, states := range c.states {
		totals.Sequence += len(states) // grows with every sum
	}
	body, err := json.Marshal(&totals)
	if err != nil {
		return err
	}
	e, err := a.config.Seal(envelope.Header{
		ID: a.ids.Next(totals.At), Kind: alliance.TotalsKind, Schema: answerSchema, Audience: alliance.To(members...), Marking: intel.TLPAmber,
		Issued: totals.At, Expires: totals.At.Add(keepAnswers), About: b.Message,
	}, body)
	if err != nil {
		return err
	}
	return a.config.Send(ctx, tx, e, members...)
}

// fromAbove takes in how our peers answered, as the hub tells that asked us.
func fromAbove(ctx context.Context, tx *store.Tx, in *Received, t *alliance.Totals) error {
	refused := &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "no such warning asked anybody here"}
	w, err := selectWarned(ctx, tx, t.Warning)
	switch {
	case errors.Is(err, fault.NotFound):
		return refused
	case err != nil:
		return err
	case w.Uplink != in.From || in.Header.Author != in.From:
		return refused
	}
	last, err := lastTotal(ctx, tx, t.Warning, in.From)
	if err != nil || t.Sequence <= last {
		return err
	}
	return upsertTotal(ctx, tx, in.From, t)
}
