package report

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Sending is that a report was handed over.
type Sending struct {
	// To are recipients of the regime by their IDs.
	To []string
	// At is when they had it.
	At time.Time
	// Proof is what shows that it arrived: a receipt, a number, who took the call.
	Proof string
}

// aheadAllowed is by how much two clocks may differ.
const aheadAllowed = 5 * time.Minute

// Submitted records that the last version of a report reached recipients: in one
// transaction the delivery, the entry in the incident's timeline, the audit trail
// and whatever Config.Sent does, such as meeting the clock. Only a version that
// is signed by all who must can be submitted; it can again, to others.
func (r *Reports) Submitted(ctx context.Context, c Change, s Sending) (p Report, err error) {
	if err := s.check(r.now()); err != nil {
		return Report{}, err
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		of, err := r.seen(ctx, tx, c)
		if err != nil {
			return err
		}
		p, err = r.submit(ctx, tx, c, s, of, of.Version)
		return err
	})
	return p, err
}

// SubmittedIn is Submitted inside a transaction, which must not be changing the
// incident already, for a version that was on its way while others may have been
// written: Change.Version says which.
func (r *Reports) SubmittedIn(ctx context.Context, tx *store.Tx, c Change, s Sending) error {
	if err := s.check(r.now()); err != nil {
		return err
	}
	of, err := r.seen(ctx, tx, Change{Who: c.Who, Report: c.Report})
	if err != nil {
		return err
	}
	_, err = r.submit(ctx, tx, c, s, of, c.Version)
	return err
}

func (s *Sending) check(now time.Time) error {
	s.Proof = strings.TrimSpace(s.Proof)
	s.At = s.At.UTC().Truncate(time.Microsecond)
	s.To = slices.Compact(slices.Sorted(slices.Values(s.To)))
	switch {
	case len(s.To) == 0:
		return fmt.Errorf("a report is submitted to somebody: name the recipients: %w", fault.Invalid)
	case s.At.IsZero() || s.At.After(now.Add(aheadAllowed)):
		return fmt.Errorf("submitted at %s: say when they had it, not later than now: %w", s.At.Format(time.RFC3339), fault.Invalid)
	case s.Proof == "":
		return fmt.Errorf("a report is submitted with a proof: a receipt, a number, who took the call: %w", fault.Invalid)
	case len(s.Proof) > maxNote || !utf8.ValidString(s.Proof) || strings.ContainsRune(s.Proof, 0):
		return fmt.Errorf("the proof has %d bytes or is not UTF-8; at most %d: %w", len(s.Proof), maxNote, fault.Invalid)
	}
	return nil
}

func (r *Reports) submit(ctx context.Context, tx *store.Tx, c Change, s Sending, of Summary, version int64) (Report, error) {
	p, err := r.whole(ctx, tx, of, version)
	if err != nil {
		return Report{}, err
	}
	if p.Status == Submitted { // again, to others: the level may have risen since
		p.Signers = p.Content.Signers
	} else if p.Signers, err = r.signersNow(ctx, tx, &p); err != nil {
		return Report{}, err
	}
	if n := len(p.signers()); n < p.Signers {
		return Report{}, fmt.Errorf("version %d of report %s is signed by %d of %d people who must: %w", p.Version, p.Number, n, p.Signers, fault.Conflict)
	}
	var names []string
	for _, to := range s.To {
		title, ok := p.Content.recipient(to)
		switch {
		case !ok:
			return Report{}, fmt.Errorf("regime %s has no recipient %.100q: %w", p.Regime, to, fault.Invalid)
		case len(p.Content.To) > 0 && !slices.Contains(p.Content.To, to):
			return Report{}, fmt.Errorf("%s is owed to %v, not to %s; draft a report by its form for others: %w", p.Clock, p.Content.To, to, fault.Invalid)
		}
		names = append(names, title.EN)
	}
	d := Delivery{
		ID: r.ids.Next(r.now()), Recipients: s.To, At: s.At, Recorded: r.now(), By: c.Who, Report: p.ID, Version: p.Version, Proof: s.Proof,
	}
	d.complete(&p.Summary)
	if err := insertDelivery(ctx, tx, &d); err != nil {
		return Report{}, err
	}
	if err := markSubmitted(ctx, tx, p.ID); err != nil {
		return Report{}, err
	}
	words := fmt.Sprintf("report %s, version %d (%s, %s) submitted to %s; proof: %s", p.Number, p.Version, p.Content.Regime.Title.EN,
		p.Content.Form.Title.EN, strings.Join(names, ", "), s.Proof)
	data, err := json.Marshal(map[string]any{"report": p.ID, "version": p.Version, "delivery": d.ID, "regime": d.Regime, "clock": d.Clock, "ref": d.Ref, "to": d.Recipients})
	if err != nil {
		return Report{}, err
	}
	change := incident.Change{Who: c.Who, Incident: p.Incident, Why: c.Why}
	// The clock is met in the same change: one entry tells of both.
	sent := func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		if r.config.Sent == nil {
			return nil
		}
		return r.config.Sent(ctx, tx, i, d)
	}
	if _, err := r.config.Incidents.ReportIn(ctx, tx, change, s.At, words, data, sent); err != nil {
		return Report{}, err
	}
	if err := r.config.Trail.Record(ctx, tx, c.Who, "report.submit", subject(&of), nil, d); err != nil {
		return Report{}, err
	}
	return r.get(ctx, tx, p.ID)
}
