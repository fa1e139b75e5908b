package answer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// addUpAfter is how long answers that are added up are gathered: the moment of a
// sum is not to tell whose answer came just then.
const addUpAfter = 10 * time.Second

// addUp adds anonymous answers up, and sends the sums on where they may leave.
func (a *Answers) addUp(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	b, err := selectAsked(ctx, tx, t.Subject)
	if err != nil {
		return err
	}
	now, err := selectAnonymous(ctx, tx, b.Warning)
	if err != nil {
		return err
	}
	c, changed, err := updateCells(ctx, tx, b.Warning, now)
	if err != nil || !changed {
		return err
	}
	return a.sendTotals(ctx, tx, &b, c)
}

// updateCells takes contributions into the cells of a warning, and reports whether
// there is a new sum. Those for the author and those for peers have a name each.
func updateCells(ctx context.Context, tx *store.Tx, name string, now map[alliance.NodeID]contribution) (*cells, bool, error) {
	c, err := selectCells(ctx, tx, name)
	if err != nil {
		return nil, false, err
	}
	changed, placed := c.update(now)
	for _, sector := range placed {
		if err := insertSector(ctx, tx, name, sector, c.of[sector]); err != nil {
			return nil, false, err
		}
	}
	for _, cell := range changed {
		states := c.states[cell]
		if err := insertCell(ctx, tx, name, cell, len(states), states[len(states)-1]); err != nil {
			return nil, false, err
		}
	}
	return c, len(changed) > 0, nil
}

func (a *Answers) sendTotals(ctx context.Context, tx *store.Tx, b *sheet, c *cells) error {
	sequence, err := lastTotal(ctx, tx, b.Warning, a.config.Self())
	if err != nil {
		return err
	}
	totals := alliance.Totals{Warning: b.Warning, Revision: b.Revision, Sequence: sequence + 1, At: a.now()}
	totals.Members, totals.Sectors = c.sums()
	if err := upsertTotal(ctx, tx, a.config.Self(), &totals); err != nil {
		return err
	}
	body, err := json.Marshal(&totals)
	if err != nil || a.config.Send == nil || b.Uplink == "" {
		return err
	}
	to := []alliance.NodeID{b.Uplink}
	if b.Author != b.Uplink {
		to = append(to, b.Author)
	}
	e, err := a.config.Seal(envelope.Header{
		ID: a.ids.Next(totals.At), Kind: alliance.TotalsKind, Schema: answerSchema, Audience: alliance.To(to...), Marking: intel.TLPAmber,
		Issued: totals.At, Expires: totals.At.Add(keepAnswers), About: b.Message,
	}, body)
	if err != nil {
		return err
	}
	return a.config.Send(ctx, tx, e, b.Uplink)
}

// Totalled takes in what an association added up. It is the handler of
// alliance.TotalsKind.
func (a *Answers) Totalled(ctx context.Context, tx *store.Tx, in Received) error {
	var t alliance.Totals
	if err := json.Unmarshal(in.Body, &t); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	if err := t.Check(); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	b, err := selectAsked(ctx, tx, t.Warning)
	if errors.Is(err, fault.NotFound) || err == nil && b.Uplink != "" && in.From == b.Uplink {
		return fromAbove(ctx, tx, &in, &t)
	}
	if err != nil {
		return err
	}
	if _, err := selectPlace(ctx, tx, t.Warning, in.From); errors.Is(err, fault.NotFound) {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "it was not asked"}
	} else if err != nil {
		return err
	}
	last, err := lastTotal(ctx, tx, t.Warning, in.Header.Author)
	if err != nil || t.Sequence <= last {
		return err
	}
	if err := upsertTotal(ctx, tx, in.Header.Author, &t); err != nil {
		return err
	}
	if b.Uplink == "" || a.config.Forward == nil || !slices.Contains(in.Header.Audience.Members, b.Author) {
		return nil
	}
	return a.config.Forward(ctx, tx, in, b.Uplink)
}
