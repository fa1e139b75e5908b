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
	"tocsin/plan"
	"tocsin/plan/regime"
)

// Decision is what a person decides about the level of an incident under one
// regime.
type Decision struct {
	Regime string `json:"regime"`
	Level  string `json:"level"`
	// Why is the reason. It may be left out with Accept.
	Why string `json:"why,omitempty"`
	// Accept takes what the facts propose, which must be Level. It needs no reason
	// where nothing but numbers and stated facts decides; where a criterion asks
	// for a judgement, or facts that are not known could still raise the level
	// above one that no criterion gives, a person says why.
	Accept bool `json:"accept,omitempty"`
	// Since is when the level was reached; zero is now.
	Since time.Time `json:"since,omitzero"`
	// Respond activates the response to the level, if the regime has one.
	Respond bool `json:"respond,omitempty"`
}

// Grade grades an incident. A level that rises starts the clocks that it
// obliges to; one that falls cancels nothing that was owed already. The incident
// itself gets the highest grade of all regimes. The error is fault.Conflict
// where what is accepted is not what the facts propose now.
func (o *Office) Grade(ctx context.Context, c incident.Change, d Decision) (incident.Incident, error) {
	since, err := o.past("a grade", d.Since)
	if err != nil {
		return incident.Incident{}, err
	}
	pack, err := o.Library().Pack(d.Regime)
	if err != nil {
		return incident.Incident{}, err
	}
	if pack.Level(d.Level) == nil {
		return incident.Incident{}, fmt.Errorf("%s has no level %.80q: use one of %s: %w", d.Regime, d.Level, levels(pack), fault.Invalid)
	}
	if d.Why == "" {
		d.Why = c.Why
	}
	if err := short("why", d.Why, maxText); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		s, err := o.situation(ctx, tx, i)
		if err != nil {
			return err
		}
		return o.grade(ctx, tx, c.Who, s, pack, d, since)
	})
}

func (o *Office) grade(ctx context.Context, tx *store.Tx, who incident.Who, s *situation, pack *regime.Pack, d Decision, since time.Time) error {
	proposal := plan.Grade(pack, s.organisation(), s.facts(), s.at)
	why, err := reason(proposal, d)
	if err != nil {
		return err
	}
	now := o.now()
	g := Grade{
		ID: o.ids.Next(now), Incident: s.incident.ID, Regime: d.Regime, Level: d.Level, Since: since, Accepted: d.Accept,
		Proposal: data(proposal), By: who.Name, Why: why, Recorded: now,
	}
	if before := s.grade(d.Regime); before != nil {
		g.Was = before.Level
	}
	if err := insertGrade(ctx, tx, &g); err != nil {
		return err
	}
	if err := deleteProposal(ctx, tx, g.Incident, g.Regime); err != nil {
		return err
	}
	if err := o.register.TellIn(ctx, tx, who, s.incident, incident.Entry{Kind: incident.EntryClock, At: since, Text: g.words(), Data: data(&g)}); err != nil {
		return err
	}
	if err := o.trail.Record(ctx, tx, who, "duty.grade", audit.Subject{Kind: "incident", ID: g.Incident}, nil, &g); err != nil {
		return err
	}
	s.grades = append(s.grades, g)
	if err := o.raise(ctx, tx, who, s); err != nil || !d.Respond {
		return err
	}
	return o.activate(ctx, tx, who, s, pack, d.Level)
}

func (g *Grade) words() string {
	words := fmt.Sprintf("%s: %s since %s, because %s", g.Regime, g.Level, g.Since.Format(time.RFC3339), g.Why)
	if g.Was != "" {
		words += "; was " + g.Was
	}
	return words
}

// reason is why a level is decided: what the person says, and of a proposal that
// is accepted the criteria and facts.
func reason(p *plan.Grading, d Decision) (string, error) {
	if !d.Accept {
		return d.Why, wanted("why", d.Why, maxText)
	}
	if p.Level != d.Level {
		return "", fmt.Errorf("the facts propose %s under %s, not %s: %w", p.Level, p.Regime, d.Level, fault.Conflict)
	}
	judged := slices.ContainsFunc(p.Fired, func(r plan.Reason) bool { return r.Judged })
	open := len(p.Fired) == 0 && len(p.CouldBe) > 0
	switch {
	case judged && d.Why == "":
		return "", fmt.Errorf("%s rests on a judgement: say why it is accepted: %w", d.Level, fault.Invalid)
	case open && d.Why == "":
		return "", fmt.Errorf("no criterion gives %s, and facts that are not known could raise it to %s: say why: %w", d.Level, p.CouldBe[0].Level, fault.Invalid)
	}
	return clip(strings.Join(slices.DeleteFunc([]string{d.Why, criteria(p)}, func(t string) bool { return t == "" }), "; "), maxText), nil
}

// criteria says which criteria hold and on which facts they rest.
func criteria(p *plan.Grading) string {
	if len(p.Fired) == 0 {
		return "no criterion of a higher level holds"
	}
	var all []string
	for _, r := range p.Fired {
		var facts []string
		for _, f := range r.Facts {
			facts = append(facts, f.Key+" "+f.Shown)
		}
		all = append(all, r.Criterion+" ("+strings.Join(facts, ", ")+")")
	}
	return strings.Join(all, "; ")
}

// raise gives the incident the highest grade in force.
func (o *Office) raise(ctx context.Context, tx *store.Tx, who incident.Who, s *situation) error {
	var top incident.Level
	for _, b := range s.regimes() {
		g := s.grade(b.pack.Regime)
		if g == nil {
			continue
		}
		if rank := rank(b.pack, g.Level); rank > top.Rank {
			top = incident.Level{Name: g.Level, Rank: rank, Why: g.Why + " (" + g.Regime + ")"}
		}
	}
	if top.Rank == 0 {
		return nil
	}
	return o.register.GradeIn(ctx, tx, who, s.incident, top)
}

// most levels that an incident's rank tells apart.
const mostRanks = 9

// rank is the place of a level counted from the regime's lowest, which is 1: the
// regimes we know have two to four.
func rank(p *regime.Pack, level string) int {
	at := p.Rank(level)
	if at < 0 {
		return 0
	}
	return min(len(p.Levels)-at, mostRanks)
}

func levels(p *regime.Pack) string {
	codes := make([]string, len(p.Levels))
	for k, l := range p.Levels {
		codes[k] = l.Code
	}
	return strings.Join(codes, ", ")
}

// Activate activates the response to the level in force under a regime: its
// duties become tasks of the incident, each once. The error is fault.Conflict
// while the incident is not graded under the regime and fault.NotFound where the
// regime has no response to the level.
func (o *Office) Activate(ctx context.Context, c incident.Change, name string) (incident.Incident, error) {
	pack, err := o.Library().Pack(name)
	if err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		s, err := o.situation(ctx, tx, i)
		if err != nil {
			return err
		}
		g := s.grade(name)
		switch {
		case g == nil:
			return fmt.Errorf("incident %s is not graded under %s: grade it first: %w", i.Number, name, fault.Conflict)
		case len(pack.ResponseTo(g.Level)) == 0:
			return fmt.Errorf("%s has no response to %s: %w", name, g.Level, fault.NotFound)
		}
		return o.activate(ctx, tx, c.Who, s, pack, g.Level)
	})
}

func (o *Office) activate(ctx context.Context, tx *store.Tx, who incident.Who, s *situation, pack *regime.Pack, level string) error {
	now := o.now()
	for _, r := range pack.ResponseTo(level) {
		response := Response{Incident: s.incident.ID, Regime: pack.Regime, Code: r.Code, Level: level, By: who.Name, At: now}
		added, err := insertResponse(ctx, tx, &response)
		if err != nil {
			return err
		}
		if !added {
			continue
		}
		words := fmt.Sprintf("%s: %s activated", pack.Regime, r.Title.EN)
		if err := o.register.TellIn(ctx, tx, who, s.incident, incident.Entry{Kind: incident.EntryClock, Text: words, Data: data(&response)}); err != nil {
			return err
		}
		if err := o.trail.Record(ctx, tx, who, "duty.response", audit.Subject{Kind: "incident", ID: s.incident.ID}, nil, &response); err != nil {
			return err
		}
	}
	for _, t := range plan.Tasks(pack, level, s.organisation(), s.facts(), s.at) {
		if err := o.register.AddTaskIn(ctx, tx, who, s.incident, task(pack, &t)); err != nil {
			return err
		}
	}
	return nil
}

// maxTitle is how long the title of a task may be.
const maxTitle = 200

// task is a duty as something to be done.
func task(pack *regime.Pack, t *plan.Task) incident.Task {
	detail := t.Who.EN + ": " + t.Text.EN
	if t.Text.ZH != "" {
		detail += "\n\n" + t.Who.ZH + "：" + t.Text.ZH
	}
	if t.Unsure {
		detail += "\n\nOwed only if " + t.When.String() + ", which is not known."
	}
	return incident.Task{Title: clip(t.Text.EN, maxTitle), Detail: detail, Duty: pack.Regime + "/" + t.ID}
}

// EndResponse says that the response under a regime ended, which starts the
// clocks that count from its end; Change.Why says who decided. The error is
// fault.Conflict where none is active.
func (o *Office) EndResponse(ctx context.Context, c incident.Change, name string) (incident.Incident, error) {
	if err := wanted("why", c.Why, maxText); err != nil {
		return incident.Incident{}, err
	}
	return o.register.Alter(ctx, c, func(ctx context.Context, tx *store.Tx, i *incident.Incident) error {
		ended, err := endResponses(ctx, tx, i.ID, name, c.Who.Name, c.Why, o.now())
		if err != nil {
			return err
		}
		if !ended {
			return fmt.Errorf("incident %s has no response under %.80q that is active: %w", i.Number, name, fault.Conflict)
		}
		all, err := selectMoments(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		return o.addMoment(ctx, tx, c.Who, i, all, &Moment{Regime: name, Event: regime.ResponseEnded, At: o.now(), Why: c.Why})
	})
}
