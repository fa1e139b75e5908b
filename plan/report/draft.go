package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Ask says which report is wanted: for a clock, or by a form.
type Ask struct {
	Regime string
	// Clock and Ref are the clock that the report answers; Ref where several of the
	// kind run.
	Clock, Ref string
	// Form is asked for where no clock is, or another than the clock's.
	Form string
	// Kind is the clock's where it is empty, or follows from the incident's kind.
	Kind    regime.Kind
	Marking document.Marking
}

// Draft drafts a report of an incident from the case. Where one for the same is
// in work it is drawn anew: what people wrote stays. Change.Version is the
// incident's. The error is fault.Invalid for a regime, clock or form that there
// is not.
func (r *Reports) Draft(ctx context.Context, c incident.Change, a Ask) (Report, error) {
	whose, err := r.whose(ctx)
	if err != nil {
		return Report{}, err
	}
	var d *drawing
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, err = r.draw(ctx, tx, whose, c, a)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	var p Report
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, ok, err := selectInWork(ctx, tx, &d.summary)
		if err != nil {
			return err
		}
		if ok {
			p, err = r.redraw(ctx, tx, Change{Who: c.Who, Why: c.Why}, s, d)
			return err
		}
		p, err = r.begin(ctx, tx, c, d)
		return err
	})
	return p, err
}

// Redraft draws a report anew from the case as it is now. What people wrote
// stays; Report.MovedOn names the fields where the case moved on since. A redraft
// that says the same makes no version.
func (r *Reports) Redraft(ctx context.Context, c Change) (Report, error) {
	whose, err := r.whose(ctx)
	if err != nil {
		return Report{}, err
	}
	var d *drawing
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		d, err = r.drawAgain(ctx, tx, whose, c.Report)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	var p Report
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := r.seen(ctx, tx, c)
		if err != nil {
			return err
		}
		p, err = r.redraw(ctx, tx, c, s, d)
		return err
	})
	return p, err
}

// Moved is a field that the case would fill otherwise now than a report does.
type Moved struct {
	Field string     `json:"field"`
	Title fact.Title `json:"title"`
	// Was and Is are in English, as far as they are lines.
	Was string `json:"was"`
	Is  string `json:"is"`
	// Written says that a person's text counts, which the case does not change.
	Written bool `json:"written"`
}

// Moved says where the case moved on since the last version of a report was
// drawn.
func (r *Reports) Moved(ctx context.Context, word string) ([]Moved, error) {
	whose, err := r.whose(ctx)
	if err != nil {
		return nil, err
	}
	var d *drawing
	var p Report
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if p, err = r.get(ctx, tx, word); err != nil {
			return err
		}
		d, err = r.drawAgain(ctx, tx, whose, word)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := []Moved{}
	for k := range d.content.Fields {
		is := &d.content.Fields[k]
		was := p.Content.field(is.ID)
		if was == nil {
			all = append(all, Moved{is.ID, is.Title, "", is.plain("en"), false})
			continue
		}
		if was.over() != is.over() {
			all = append(all, Moved{is.ID, is.Title, was.plain("en"), is.plain("en"), was.Written != nil})
		}
	}
	return all, nil
}

// drawing is a report as the case would have it, before anybody wrote into it.
type drawing struct {
	summary Summary
	content Content
}

// whose is the organisation that reports.
type whose struct {
	*organisation.Organisation
	rates []fact.Rate
}

func (r *Reports) whose(ctx context.Context) (whose, error) {
	o, rates, err := r.config.Duties.Organisation(ctx)
	return whose{o, rates}, err
}

func (r *Reports) drawAgain(ctx context.Context, tx *store.Tx, o whose, word string) (*drawing, error) {
	p, err := r.get(ctx, tx, word)
	if err != nil {
		return nil, err
	}
	return r.draw(ctx, tx, o, incident.Change{Incident: p.Incident}, Ask{
		Regime: p.Regime, Clock: p.Clock, Ref: p.Ref, Form: p.Form, Kind: p.Kind, Marking: p.Content.Marking,
	})
}

// draw reads the case and fills the form from it.
func (r *Reports) draw(ctx context.Context, tx *store.Tx, o whose, c incident.Change, a Ask) (*drawing, error) {
	whole, err := r.config.Incidents.CaseIn(ctx, tx, c.Incident)
	if err != nil {
		return nil, err
	}
	if c.Version != 0 && c.Version != whole.Incident.Version {
		return nil, &incident.StaleError{Seen: c.Version, Present: whole.Incident}
	}
	pack, err := r.config.Library().Pack(a.Regime)
	if err != nil {
		return nil, err
	}
	clock, form, err := wanted(pack, a)
	if err != nil {
		return nil, err
	}
	s, err := r.source(ctx, tx, o, whole, pack)
	if err != nil {
		return nil, err
	}
	if a.Ref, err = s.whichClock(a); err != nil {
		return nil, err
	}
	d := &drawing{summary: Summary{
		Incident: whole.Incident.ID, Regime: pack.Regime, Clock: a.Clock, Ref: a.Ref, Form: form.ID,
		Kind: kindOf(a.Kind, clock, &whole.Incident),
	}}
	if !slices.Contains(kinds(), d.summary.Kind) {
		return nil, fmt.Errorf("kind of report %q: use one of %v: %w", a.Kind, kinds(), fault.Invalid)
	}
	d.content = s.content(&d.summary, clock, form)
	d.content.Marking = a.Marking
	return d, d.content.check()
}

// whichClock finds the clock that is meant where several of the kind may run: a
// report that answers none of them would meet none.
func (s *source) whichClock(a Ask) (ref string, err error) {
	if a.Clock == "" || s.standing == nil {
		return a.Ref, nil
	}
	var refs []string
	for k := range s.standing.Clocks {
		if c := &s.standing.Clocks[k]; c.ID == a.Clock {
			refs = append(refs, c.Ref)
		}
	}
	switch {
	case len(refs) == 0 || slices.Contains(refs, a.Ref):
		return a.Ref, nil
	case len(refs) == 1 && a.Ref == "":
		return refs[0], nil
	case len(refs) == 1 && refs[0] == "":
		return "", fmt.Errorf("incident %s has one clock %s/%s: leave the ref %.80q away: %w", s.whole.Incident.Number, a.Regime, a.Clock, a.Ref, fault.Invalid)
	}
	return "", fmt.Errorf("incident %s has no clock %s/%s with the ref %.80q: say which, one of %s: %w",
		s.whole.Incident.Number, a.Regime, a.Clock, a.Ref, strings.Join(refs, ", "), fault.Invalid)
}

func kinds() []regime.Kind {
	return []regime.Kind{regime.Obligatory, regime.Voluntary, regime.NearMiss, regime.Threat}
}

// wanted finds the clock and the form that are asked for.
func wanted(p *regime.Pack, a Ask) (clock *regime.Clock, form *regime.Form, err error) {
	if a.Clock != "" {
		if clock = p.Clock(a.Clock); clock == nil {
			return nil, nil, fmt.Errorf("regime %s has no clock %.100q: %w", p.Regime, a.Clock, fault.Invalid)
		}
		a.Form = cmp.Or(a.Form, clock.Content, General)
	}
	switch a.Form {
	case "":
		return nil, nil, fmt.Errorf("a report is for a clock or by a form: name one: %w", fault.Invalid)
	case General:
		return clock, generalForm(), nil
	}
	if form = p.Form(a.Form); form == nil {
		names := []string{General}
		for k := range p.Forms {
			names = append(names, p.Forms[k].ID)
		}
		return nil, nil, fmt.Errorf("regime %s has no form %.100q, it has %v: %w", p.Regime, a.Form, names, fault.Invalid)
	}
	return clock, form, nil
}

// kindOf is the kind of a report: as asked, as its clock has it, or as it follows
// from what the incident is.
func kindOf(asked regime.Kind, clock *regime.Clock, i *incident.Incident) regime.Kind {
	switch {
	case asked != "":
		return asked
	case clock != nil && clock.Kind != "":
		return clock.Kind
	case i.Kind == incident.NearMissKind:
		return regime.NearMiss
	case i.Kind == incident.Threat || i.Kind == incident.Vulnerability:
		return regime.Threat
	case clock == nil:
		return regime.Voluntary
	}
	return regime.Obligatory
}

// begin makes a report with its first version.
func (r *Reports) begin(ctx context.Context, tx *store.Tx, c incident.Change, d *drawing) (Report, error) {
	s, now := d.summary, r.now()
	n, err := countReports(ctx, tx, s.Incident)
	if err != nil {
		return Report{}, err
	}
	s.ID, s.Number = r.ids.Next(now), fmt.Sprintf("%s-R%d", d.content.Incident, n+1)
	s.Version, s.MadeBy, s.Made, s.Changed = 1, c.Who.Name, now, now
	content := d.content
	content.Number = s.Number
	if err := insertReport(ctx, tx, &s); err != nil {
		return Report{}, err
	}
	if err := insertVersion(ctx, tx, &s, c.Who, c.Why, &content); err != nil {
		return Report{}, err
	}
	if err := r.config.Trail.Record(ctx, tx, c.Who, "report.draft", subject(&s), nil, s); err != nil {
		return Report{}, err
	}
	return r.whole(ctx, tx, s, s.Version)
}

// redraw puts what the case has now into a report, and keeps what people wrote.
func (r *Reports) redraw(ctx context.Context, tx *store.Tx, c Change, s Summary, d *drawing) (Report, error) {
	return r.revise(ctx, tx, c, s, "report.redraft", func(old *Content) (Content, error) {
		next := d.content
		next.Number = s.Number
		if next.Marking == "" {
			next.Marking = old.Marking
		}
		next.Fields = slices.Clone(next.Fields)
		for k := range next.Fields {
			if before := old.field(next.Fields[k].ID); before != nil {
				next.Fields[k].Written = before.Written
			}
		}
		// A text that somebody wrote is not dropped because its condition no longer
		// holds: it stays, behind the others, for a person to take out.
		for _, f := range old.Fields {
			if f.Written != nil && next.field(f.ID) == nil {
				f.Drawn, f.Unsure = nil, true
				next.Fields = append(next.Fields, f)
			}
		}
		return next, nil
	})
}

// revise makes the next version of a report, unless it would say the same.
func (r *Reports) revise(ctx context.Context, tx *store.Tx, c Change, s Summary, action string, change func(*Content) (Content, error)) (Report, error) {
	old, _, ok, err := selectContent(ctx, tx, s.ID, s.Version)
	if err != nil {
		return Report{}, err
	}
	if !ok {
		return Report{}, fmt.Errorf("report %s: version %d: %w", s.Number, s.Version, fault.NotFound)
	}
	next, err := change(&old)
	if err != nil {
		return Report{}, err
	}
	if err := next.check(); err != nil {
		return Report{}, err
	}
	if old.says() == next.says() {
		return r.whole(ctx, tx, s, s.Version)
	}
	before := s
	s.Version, s.Changed = s.Version+1, r.now()
	if err := updateReport(ctx, tx, &s); err != nil {
		return Report{}, err
	}
	if err := insertVersion(ctx, tx, &s, c.Who, c.Why, &next); err != nil {
		return Report{}, err
	}
	if err := r.config.Trail.Record(ctx, tx, c.Who, action, subject(&s), before, s); err != nil {
		return Report{}, err
	}
	return r.whole(ctx, tx, s, s.Version)
}

// seen finds a report that is to be changed, and refuses a version that is not
// the last.
func (r *Reports) seen(ctx context.Context, tx *store.Tx, c Change) (Summary, error) {
	s, ok, err := selectReport(ctx, tx, c.Report)
	switch {
	case err != nil:
		return s, err
	case !ok:
		return s, fmt.Errorf("report %.80q: %w", c.Report, fault.NotFound)
	case c.Version != 0 && c.Version != s.Version:
		return s, &StaleError{Seen: c.Version, Present: s.Version, Number: s.Number}
	}
	return s, nil
}

func subject(s *Summary) audit.Subject { return audit.Subject{Kind: "report", ID: s.ID} }

// signersOf says how many different people sign a report under a regime: two
// where the level is one of its two highest that a criterion gives, as the
// design of Tocsin demands for levels I and II.
func signersOf(p *regime.Pack, level string) int {
	rank := p.Rank(level)
	if rank >= 0 && rank < 2 && rank < len(p.Levels)-1 {
		return 2
	}
	return 1
}

// levelOf is the level that counts for who must sign: the one in force, or while
// nobody graded the one that facts prove.
func levelOf(s *Standing, g *plan.Grading) string {
	if s != nil && len(s.Levels) > 0 {
		return s.Levels[len(s.Levels)-1].Level
	}
	return g.Level
}

// source is what a report of a case is drawn from.
func (r *Reports) source(ctx context.Context, tx *store.Tx, o whose, c *incident.Case, p *regime.Pack) (*source, error) {
	standings, err := r.config.Duties.Standings(ctx, tx, c.Incident.ID)
	if err != nil {
		return nil, err
	}
	s := &source{whole: c, pack: p, organisation: o.Organisation, taxonomy: r.config.Library().Taxonomy(), zone: zoneOf(o.Organisation), now: r.now()}
	for k := range standings {
		if standings[k].Regime == p.Regime {
			s.standing = &standings[k]
		}
	}
	if s.sheet, err = sheetOf(p.Dictionary(), c, p); err != nil {
		return nil, err
	}
	s.sheet.Rates = o.rates
	s.grading = plan.Grade(p, o.Organisation, s.sheet, s.now)
	s.previous, err = selectSentBefore(ctx, tx, c.Incident.ID, p.Regime)
	return s, err
}

// sheetOf is the facts of a case, with the category that somebody gave it where
// the regime knows it.
func sheetOf(d *fact.Dictionary, c *incident.Case, p *regime.Pack) (*fact.Sheet, error) {
	sheet := &fact.Sheet{Facts: fact.Facts{}}
	for key, stated := range c.Facts {
		if d.Definition(key) == nil {
			continue // of a pack that was taken out
		}
		f, err := d.Read(key, stated[len(stated)-1].Statement)
		if err != nil {
			return nil, fmt.Errorf("incident %s: %w", c.Incident.Number, err)
		}
		sheet.Facts[key] = f
	}
	if c.Incident.Category != "" && categoryOf(p, c.Incident.Category) != nil {
		sheet.Categories = map[string][]string{p.Regime: {c.Incident.Category}}
	}
	return sheet, nil
}
