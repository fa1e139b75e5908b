package duty

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tocsin/incident"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/regime"
)

// firstLook is after how long an incident that is opened with facts is looked at
// for what they propose: short enough to be of use, and long enough that a surge
// of reports is not slowed by it.
const firstLook = time.Minute

// Opened is told of an incident inside the transaction that opens it, for
// incident.Config. What is known to have started clocks is recorded (that we are
// aware of it, at the time it was detected if that is stated, and that a report
// was received, if it came as one) and every regime's clocks run.
func (o *Office) Opened(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
	s := &situation{incident: i, at: i.Opened}
	var err error
	if s.view, err = o.view(ctx, tx, s.at); err != nil {
		return err
	}
	if s.stated, err = o.register.FactsIn(ctx, tx, i); err != nil {
		return err
	}
	s.moments = o.first(s)
	if err := insertMoments(ctx, tx, s.moments); err != nil {
		return err
	}
	r := s.reckon(false)
	if len(s.stated) > 0 && len(s.bound) > 0 {
		r.soon(s.at.Add(firstLook))
	}
	if err := upsertRows(ctx, tx, r.rows, true); err != nil || r.next.IsZero() && len(r.misses) == 0 {
		return err
	}
	if len(r.misses) > 0 { // it was detected long ago: the timer records what that missed
		r.next = s.at
	}
	return o.timers.Schedule(ctx, tx, incidentTimer(i.ID, r.next))
}

// first are the moments that the opening of an incident states.
func (o *Office) first(s *situation) []Moment {
	i := s.incident
	at, why := i.Opened, "the incident was opened"
	if detected, ok := s.moment(factDetected); ok && detected.Before(at) {
		at, why = detected, factDetected+" is stated"
	}
	events := []regime.Event{regime.Aware}
	if i.Origin == incident.ByReport {
		events = append(events, regime.ReportReceived)
	}
	if i.Kind == incident.Vulnerability {
		events = append(events, regime.VulnerabilityKnown)
	}
	var all []Moment
	for _, event := range events {
		m := Moment{ID: o.ids.Next(i.Opened), Incident: i.ID, Event: event, Ref: "1", At: at, Automatic: true, By: i.OpenedBy, Why: why, Recorded: i.Opened}
		if event == regime.ReportReceived {
			m.At, m.Why = i.Opened, "it was opened from a report"
		}
		all = append(all, m)
	}
	return all
}

// Changed is told of a change of an incident inside its transaction, for
// incident.Config. What follows from it for clocks is recorded, and they are
// reckoned anew; what has become due by it goes out just after.
func (o *Office) Changed(ctx context.Context, tx *store.Tx, i *incident.Incident, entries []incident.Entry) error {
	matters := func(kinds ...incident.EntryKind) bool {
		return slices.ContainsFunc(entries, func(e incident.Entry) bool { return slices.Contains(kinds, e.Kind) })
	}
	if !matters(incident.EntryState, incident.EntryFact, incident.EntryChange, incident.EntryClock, incident.EntryReport, incident.EntryLink) {
		return nil
	}
	entries = slices.Clone(entries) // what is told below is told of already
	for _, e := range entries {
		if err := o.takeOver(ctx, tx, i, &e); err != nil {
			return err
		}
	}
	s, err := o.situation(ctx, tx, i)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := o.follow(ctx, tx, s, &e); err != nil {
			return err
		}
	}
	r := s.reckon(false)
	if matters(incident.EntryFact, incident.EntryChange) && len(s.bound) > 0 {
		r.soon(s.at) // what the facts propose now is looked at once this is kept
	}
	return o.keep(ctx, tx, s, &r)
}

// follow records the moments that follow from a step or a fact.
func (o *Office) follow(ctx context.Context, tx *store.Tx, s *situation, e *incident.Entry) error {
	switch e.Kind {
	case incident.EntryFact:
		return o.followDetected(ctx, tx, s, e)
	case incident.EntryState:
		return o.followState(ctx, tx, s, e)
	}
	return nil
}

// followState records what a step means for clocks: handling ends with recovery,
// the response with the closing, and neither did when the incident is taken up
// again. To be contained starts no clock of any regime.
func (o *Office) followState(ctx context.Context, tx *store.Tx, s *situation, e *incident.Entry) error {
	switch {
	case s.incident.State == incident.Recovered:
		at, ok := s.moment(factRecovered)
		if !ok || at.After(s.at) {
			at = s.at
		}
		return o.automatic(ctx, tx, s, e, &Moment{Event: regime.HandlingEnded, At: at, Why: "the incident is recovered"})
	case s.incident.State == incident.Closed && s.incident.Resolution == incident.Resolved:
		if slices.ContainsFunc(s.moments, func(m Moment) bool { return m.Event == regime.ResponseEnded }) {
			return nil // somebody ended it before
		}
		return o.automatic(ctx, tx, s, e, &Moment{Event: regime.ResponseEnded, At: s.at, Why: "the incident is closed"})
	case s.incident.State == incident.Responding || s.incident.State == incident.Reported:
		for _, m := range slices.Clone(s.moments) {
			if !m.Automatic || m.Event != regime.HandlingEnded && m.Event != regime.ResponseEnded {
				continue
			}
			m.Corrects, m.Withdrawn, m.Why = m.ID, true, "the incident was taken up again"
			if err := o.automatic(ctx, tx, s, e, &m); err != nil {
				return err
			}
		}
	}
	return nil
}

// followDetected keeps the moment at which we became aware with the fact that
// states it, unless a person said when that was.
func (o *Office) followDetected(ctx context.Context, tx *store.Tx, s *situation, e *incident.Entry) error {
	detected, ok := s.moment(factDetected)
	if !ok || detected.After(s.incident.Opened) {
		return nil
	}
	var aware []Moment
	for _, m := range s.moments {
		if m.Event == regime.Aware {
			aware = append(aware, m)
		}
	}
	if len(aware) != 1 || !aware[0].Automatic || aware[0].At.Equal(detected) {
		return nil
	}
	m := aware[0]
	m.Corrects, m.At, m.Why = m.ID, detected, factDetected+" was stated"
	return o.automatic(ctx, tx, s, e, &m)
}

// automatic records a moment that follows from what somebody did.
func (o *Office) automatic(ctx context.Context, tx *store.Tx, s *situation, e *incident.Entry, m *Moment) error {
	m.Automatic = true
	if err := o.addMoment(ctx, tx, incident.Who{ID: node.ID, Name: e.By, From: node.From}, s.incident, s.moments, m); err != nil {
		return err
	}
	if m.Corrects != "" {
		s.moments = slices.DeleteFunc(s.moments, func(old Moment) bool { return old.ID == m.Corrects })
	}
	if !m.Withdrawn {
		s.moments = append(s.moments, *m)
	}
	return nil
}

// takeOver takes over what started clocks in an incident that is merged into
// this one, and what was sent for it: the first awareness counts, and a report
// is not owed twice.
func (o *Office) takeOver(ctx context.Context, tx *store.Tx, i *incident.Incident, e *incident.Entry) error {
	var link struct {
		Kind incident.LinkKind `json:"kind"`
		From string            `json:"from"`
	}
	if e.Kind != incident.EntryLink || json.Unmarshal(e.Data, &link) != nil || link.Kind != incident.MergedInto || link.From == "" {
		return nil
	}
	from, err := o.register.GetIn(ctx, tx, link.From)
	if err != nil {
		return err
	}
	moments, err := selectMoments(ctx, tx, from.ID)
	if err != nil {
		return err
	}
	var taken []Moment
	for _, m := range moments {
		if m.Withdrawn || m.CorrectedBy != "" {
			continue
		}
		m.ID, m.Incident, m.Corrects, m.Ref = o.ids.Next(o.now()), i.ID, "", from.Number+"."+m.Ref
		m.Why, m.Recorded = clip("taken over from "+from.Number+": "+m.Why, maxText), o.now()
		taken = append(taken, m)
	}
	if err := insertMoments(ctx, tx, taken); err != nil {
		return err
	}
	deliveries, err := selectDeliveries(ctx, tx, from.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		d.ID, d.Incident, d.Recorded = o.ids.Next(o.now()), i.ID, o.now()
		if d.Ref != "" {
			d.Ref = from.Number + "." + d.Ref
		}
		if err := insertDelivery(ctx, tx, &d); err != nil {
			return err
		}
	}
	return o.takeOverGrades(ctx, tx, i, &from)
}

// takeOverGrades takes over how an incident was graded that is merged into this
// one, but for what would make this one's level fall: what was owed stays owed.
func (o *Office) takeOverGrades(ctx context.Context, tx *store.Tx, i, from *incident.Incident) error {
	theirs, err := selectGrades(ctx, tx, from.ID)
	if err != nil || len(theirs) == 0 && from.Rank <= i.Rank {
		return err
	}
	ours, err := selectGrades(ctx, tx, i.ID)
	if err != nil {
		return err
	}
	own := situation{grades: ours}
	for _, g := range theirs {
		if last := own.grade(g.Regime); last != nil && !g.Since.Before(last.Since) {
			pack, err := o.Library().Pack(g.Regime)
			if err != nil || rank(pack, g.Level) <= rank(pack, last.Level) {
				continue // without its pack nobody can tell
			}
		}
		g.ID, g.Incident, g.Recorded = o.ids.Next(o.now()), i.ID, o.now()
		g.Why = clip("taken over from "+from.Number+": "+g.Why, maxText)
		if err := insertGrade(ctx, tx, &g); err != nil {
			return err
		}
	}
	if from.Rank <= i.Rank {
		return nil
	}
	return o.register.GradeIn(ctx, tx, node, i, incident.Level{Name: from.Level, Rank: from.Rank, Why: "it was taken over from " + from.Number})
}

// Lacking says what an incident lacks for a step as far as the plan knows, for
// incident.Config: grades, reports that are owed, and reasons for misses.
func (o *Office) Lacking(ctx context.Context, tx *store.Tx, i *incident.Incident, a incident.Advance) ([]string, error) {
	if a.To != incident.Graded && a.To != incident.Closed && a.To != incident.Reviewed {
		return nil, nil
	}
	s, err := o.situation(ctx, tx, i)
	if err != nil {
		return nil, err
	}
	switch {
	case a.To == incident.Graded:
		return s.ungraded(), nil
	case a.To == incident.Closed && a.Resolution != incident.Resolved:
		return s.unexplained(), nil
	}
	return append(s.owing(), s.unexplained()...), nil
}

// ungraded are the regimes that bind, whose lowest level the facts rule out, and
// under which nobody graded. What facts that are not known could still prove does
// not hold the case up: the regime's clocks stay provisional.
func (s *situation) ungraded() (lacks []string) {
	for _, b := range s.bound {
		if !b.sure || s.grade(b.pack.Regime) != nil {
			continue
		}
		if proves := plan.Grade(b.pack, s.organisation(), s.facts(), s.at).Level; proves != b.pack.Floor().Code {
			lacks = append(lacks, fmt.Sprintf("a grade under %s: the facts prove %s", b.pack.Regime, proves))
		}
	}
	return lacks
}

// owing are the reports that are owed and were not sent. What is owed only by a
// later moment does not keep an incident from being closed.
func (s *situation) owing() (lacks []string) {
	for _, b := range s.regimes() {
		for _, c := range s.clocks(b) {
			unsent := c.State == plan.Running || c.State == plan.Suspended || c.State == plan.Missed && c.Sent.IsZero()
			if c.Kind == regime.Voluntary || !unsent {
				continue
			}
			lacks = append(lacks, fmt.Sprintf("the report %q (%s)", c.Title.EN, ClockID{c.Regime, c.ID, c.Ref}))
		}
	}
	return lacks
}

// unexplained are the misses for which nobody gave a reason.
func (s *situation) unexplained() (lacks []string) {
	for _, m := range s.misses {
		if m.Reason == "" {
			lacks = append(lacks, fmt.Sprintf("the reason why %s was missed on %s", m.ClockID, m.Due.Format(time.RFC3339)))
		}
	}
	return lacks
}
