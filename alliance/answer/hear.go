package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// answerer finds the place on the board that a message is for. Who was not asked,
// or speaks for another, is refused.
func (a *Answers) answerer(ctx context.Context, tx *store.Tx, in *Received, warning string, member alliance.NodeID) (b sheet, p place, err error) {
	if member != in.Header.Author {
		return b, p, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("node %s answers for %s", in.Header.Author, member)}
	}
	if b, err = selectAsked(ctx, tx, warning); errors.Is(err, fault.NotFound) {
		return b, p, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "no such warning asked anybody here"}
	}
	if err != nil {
		return b, p, err
	}
	p, err = selectPlace(ctx, tx, warning, member)
	switch {
	case err == nil && p.Via == "" && in.From != member, err == nil && p.Via != "" && in.From != p.Via:
		return b, p, &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("what %s says does not come through %s", member, in.From)}
	case errors.Is(err, fault.NotFound):
		p, err = a.admit(ctx, tx, in, &b, member)
	}
	return b, p, err
}

// admit gives a place to a member that is known only by answering through an
// association that was asked.
func (a *Answers) admit(ctx context.Context, tx *store.Tx, in *Received, b *sheet, member alliance.NodeID) (place, error) {
	refused := &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "it was not asked"}
	if in.From == member || a.config.Describe == nil {
		return place{}, refused
	}
	e, err := a.config.Describe(ctx, tx, member)
	if errors.Is(err, fault.NotFound) {
		return place{}, refused
	}
	if err != nil {
		return place{}, err
	}
	if e.Via != in.From { // who only passes a warning on has no place itself
		if _, err := selectPlace(ctx, tx, b.Warning, in.From); errors.Is(err, fault.NotFound) {
			return place{}, refused
		} else if err != nil {
			return place{}, err
		}
	}
	e.Member, e.Via, e.Linked = member, in.From, true
	added, err := insertPlaces(ctx, tx, b.Warning, []Expected{e}, a.now())
	if err != nil {
		return place{}, err
	}
	if err := a.expect(ctx, tx, b, nil, added); err != nil {
		return place{}, err
	}
	return selectPlace(ctx, tx, b.Warning, member)
}

// Answered takes in a member's answer. It is the handler of alliance.AnswerKind.
func (a *Answers) Answered(ctx context.Context, tx *store.Tx, in Received) error {
	var answer alliance.Answer
	if err := json.Unmarshal(in.Body, &answer); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	answer.Told = nil // a node measures
	if err := answer.Check(nil); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	b, p, err := a.answerer(ctx, tx, &in, answer.Warning, answer.Member)
	if err != nil {
		return err
	}
	if err := a.pass(ctx, tx, &b, &p, &in, &answer); err != nil {
		return err
	}
	if err := a.place(ctx, tx, &p, &answer, in.Header.ID); err != nil || !b.Peers {
		return err
	}
	return a.peersLater(ctx, tx, b.Warning)
}

// pass passes an answer on to where the warning came from. One that its author is
// not to see is added up instead.
func (a *Answers) pass(ctx context.Context, tx *store.Tx, b *sheet, p *place, in *Received, answer *alliance.Answer) error {
	if b.Uplink == "" || answer.Sequence <= p.Sequence && !p.Told {
		return nil
	}
	if slices.Contains(in.Header.Audience.Members, b.Author) {
		if err := deleteAnonymous(ctx, tx, b.Warning, p.Member); err != nil {
			return err
		}
		if a.config.Forward == nil {
			return nil
		}
		return a.config.Forward(ctx, tx, *in, b.Uplink)
	}
	if err := upsertAnonymous(ctx, tx, b.Warning, p.Member, p.Sector, answer.Verdict); err != nil {
		return err
	}
	return a.timers.Schedule(ctx, tx, timer.Timer{ID: totalsKind + ":" + b.Warning, Kind: totalsKind, Subject: b.Warning, Due: a.now().Add(addUpAfter)})
}

// place puts an answer on the board, and keeps it. One that was overtaken is kept
// only. What a node measured replaces what was told.
func (a *Answers) place(ctx context.Context, tx *store.Tx, p *place, answer *alliance.Answer, message string) error {
	now := a.now()
	if err := insertReceived(ctx, tx, answer, p.Member, message, now); err != nil {
		return err
	}
	told := answer.Told != nil
	if !p.First.IsZero() && p.Told == told && answer.Sequence <= p.Sequence {
		return nil
	}
	before := *p
	p.State, p.Sequence, p.Revision, p.Partial, p.Told, p.Last = State(answer.Verdict), answer.Sequence, answer.Revision, answer.Partial, told, now
	var sums counts
	if before.State != p.State {
		sums.add(&p.Expected, before.State, -1)
		sums.add(&p.Expected, p.State, 1)
	}
	if before.First.IsZero() {
		p.First = now
		took := max(now.Sub(p.Asked), 0)
		if sums == nil {
			sums = counts{}
		}
		sums[countKey{partTime, bucketOf(took), ""}]++
		if err := addFirstAnswer(ctx, tx, p.Member, took); err != nil {
			return err
		}
	}
	if err := addCounts(ctx, tx, p.Warning, sums); err != nil {
		return err
	}
	return updatePlace(ctx, tx, p)
}

// MeasureReported takes in how far a member is with a measure. It is the handler of
// alliance.MeasureKind.
func (a *Answers) MeasureReported(ctx context.Context, tx *store.Tx, in Received) error {
	var r alliance.MeasureReport
	if err := json.Unmarshal(in.Body, &r); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	if err := r.Check(nil); err != nil {
		return &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	b, p, err := a.answerer(ctx, tx, &in, r.Warning, in.Header.Author)
	if err != nil {
		return err
	}
	known, err := reportMeasure(ctx, tx, p.Member, &r)
	if err != nil {
		return err
	}
	if !known {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("measure %.80q is not demanded of it", r.Measure)}
	}
	if b.Uplink == "" || a.config.Forward == nil || !slices.Contains(in.Header.Audience.Members, b.Author) {
		return nil
	}
	return a.config.Forward(ctx, tx, in, b.Uplink)
}

// membersOverdue marks the measures of members whose time ran out, and says so once
// a measure.
func (a *Answers) membersOverdue(ctx context.Context, tx *store.Tx, warning string, now time.Time) error {
	late, err := markMembersOverdue(ctx, tx, warning, now)
	if err != nil || len(late) == 0 {
		return err
	}
	b, err := selectAsked(ctx, tx, warning)
	if err != nil {
		return err
	}
	for _, m := range late {
		n := Notice{
			Kind: MeasureOverdue, Warning: warning, Number: b.Number, Title: b.Title, Colour: b.Colour, Measure: m.measure, Due: m.due,
			Name: fmt.Sprintf("%d members", m.members),
		}
		if err := a.notify(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}
