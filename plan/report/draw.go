package report

import (
	"slices"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// source is what the fields of a report are drawn from.
type source struct {
	whole        *incident.Case
	pack         *regime.Pack
	organisation *organisation.Organisation
	taxonomy     *organisation.Taxonomy
	sheet        *fact.Sheet
	grading      *plan.Grading
	standing     *Standing // nil where the regime does not bind
	previous     []sentBefore
	now          time.Time
	zone         *time.Location

	joined *fact.Sheet // with those of the organisation; see facts
}

// facts are those of the case with the organisation's and the categories.
func (s *source) facts() *fact.Sheet {
	if s.joined == nil {
		s.joined = s.pack.WithCategories(s.sheet).With(s.organisation.Stated())
	}
	return s.joined
}

func zoneOf(o *organisation.Organisation) *time.Location {
	if z := o.Location(); z != nil {
		return z
	}
	return time.UTC
}

// General is the form of reports for clocks that name none: ours, not any law's.
const General = "general"

func generalForm() *regime.Form {
	own := regime.Mark{regime.Own}
	field := func(id, en, zh, need string, from ...string) regime.Field {
		return regime.Field{ID: id, Title: both(en, zh), Need: need, From: from, Mark: own}
	}
	return &regime.Form{ID: General, Title: both("Report", "报告"), Mark: own, Fields: []regime.Field{
		field("organisation", "Organisation", "单位", "now", "organisation.name", "organisation.sectors", "organisation.regions"),
		field("what", "What happened", "事件简况", "now", "case.title", "case.description", "case.types"),
		field("when", "When", "时间", "now", "fact:times.occurred", "fact:times.detected"),
		field("level", "Level", "级别", "later", "case.level", "case.criteria"),
		field("impact", "Impact", "影响", "now", "case.impact", "case.assets"),
		field("measures", "Measures taken", "已采取的措施", "now", "case.measures_taken"),
		field("planned", "Measures planned", "拟采取的措施", "later", "case.measures_planned"),
		field("cause", "Cause", "原因", "later", "case.cause"),
		field("observables", "What others can look for", "可供排查的线索", "if_known", "case.observables"),
		field("previous", "Earlier reports", "此前报告", "if_known", "reports.previous"),
		field("other", "Other", "其他", "if_known", "text"),
	}}
}

// content fills a form.
func (s *source) content(of *Summary, clock *regime.Clock, form *regime.Form) Content {
	level := levelOf(s.standing, s.grading)
	c := Content{
		Incident: s.whole.Incident.Number, Regime: Named{s.pack.Regime, s.pack.Title}, Pack: s.pack.Version, Form: Named{form.ID, form.Title},
		Kind: of.Kind, Organisation: s.organisation.Name, Recipients: []Named{}, To: []string{},
		At: moment(s.now, s.zone), Case: s.whole.Incident.Version, Signers: signersOf(s.pack, level), Level: level, Fields: []Field{},
	}
	if clock != nil {
		c.Clock, c.To = Named{clock.ID, clock.Title}, slices.Clone(clock.To)
	}
	for _, r := range s.pack.Recipients {
		c.Recipients = append(c.Recipients, Named{r.ID, r.Title})
	}
	for _, asked := range plan.Fields(s.pack, form, s.organisation, s.sheet, "", s.now) {
		c.Fields = append(c.Fields, Field{
			ID: asked.ID, Title: asked.Title, Need: asked.Need, Unsure: asked.Unsure, Confirmed: asked.Mark.Confirmed(),
			From: asked.From, HiddenFrom: asked.HiddenFrom, Drawn: s.pieces(asked.From),
		})
	}
	return c
}

// pieces draws the parts that a field is filled from. A fact that a part has
// among others is not drawn again by itself.
func (s *source) pieces(from []string) []Piece {
	all := []Piece{}
	for _, part := range from {
		key, isFact := strings.CutPrefix(part, "fact:")
		if !isFact {
			all = append(all, bounded(s.part(part))...)
			continue
		}
		p, ok := s.fact(part, key, true)
		if !ok || slices.ContainsFunc(all, func(other Piece) bool { return other.Label == p.Label && other.Line == p.Line }) {
			continue
		}
		all = append(all, p)
	}
	return all
}

// mostRows is what a reader of a report reads at most of one list; the case has
// all of it.
const mostRows = 1000

// bounded cuts tables and timelines, and says how much more there is.
func bounded(all []Piece) []Piece {
	var out []Piece
	for _, p := range all {
		more := 0
		if p.Table != nil && len(p.Table.Rows) > mostRows {
			more = len(p.Table.Rows) - mostRows
			p.Table.Rows = p.Table.Rows[:mostRows]
		}
		if len(p.Timeline) > mostRows {
			more = len(p.Timeline) - mostRows
			p.Timeline = p.Timeline[:mostRows]
		}
		out = append(out, p)
		if more > 0 {
			n := number(float64(more))
			out = append(out, Piece{Part: p.Part, Line: ours("and "+n+" more, which the case has", "另有"+n+"项，见案件记录")})
		}
	}
	return out
}

// part draws one of regime.CaseParts. A part that the case cannot have, because
// only a person knows it, draws nothing.
func (s *source) part(part string) []Piece {
	i := &s.whole.Incident
	switch part {
	case "case.number":
		return line(part, said(i.Number))
	case "case.title":
		return line(part, said(i.Title))
	case "case.description":
		return line(part, said(i.Summary))
	case "case.cause":
		return line(part, said(i.Cause))
	case "case.lessons":
		return line(part, said(i.Lessons))
	case "case.contacts":
		return line(part, said(i.Owner))
	case "case.categories":
		return s.categories(part)
	case "case.types":
		return s.stated(part, "incident.types")
	case "case.level":
		return s.level(part)
	case "case.criteria":
		return s.criteria(part)
	case "case.impact":
		return s.factsUnder(part, impactFacts, true)
	case "case.trend":
		return s.trend(part)
	case "case.attribution":
		return s.factsUnder(part, []string{"malicious.", "incident.advanced_threat", "incident.crime", "incident.supply_chain", "unauthorised_access."}, false)
	case "case.recovered_by":
		return s.stated(part, "times.recovered")
	case "case.measures_taken":
		return s.tasks(part, incident.TaskDone)
	case "case.measures_planned":
		return s.tasks(part, incident.TaskOpen)
	case "case.timeline":
		return s.timeline(part)
	case "case.assets":
		return s.assets(part)
	case "case.observables":
		return s.observables(part)
	case "case.evidence", "case.scene":
		return s.evidence(part)
	case "case.links":
		return s.links(part)
	case "organisation.name":
		return line(part, said(s.organisation.Name))
	case "organisation.sectors":
		return s.sectors(part)
	case "organisation.regions":
		return line(part, said(strings.Join(s.organisation.Regions, ", ")))
	case "reports.previous":
		return s.earlier(part)
	case momentPart:
		return line(part, said(moment(s.now, s.zone).String()))
	}
	return nil
}

// personParts are the parts that no case holds: a person writes them. A test
// holds them against regime.CaseParts.
func personParts() []string {
	return []string{"case.requests", "case.accountability", "case.techniques", "case.drill", "organisation.contacts", "organisation.identifiers", "text"}
}

// line is a part of one line; none where it is empty.
func line(part string, w Words) []Piece {
	if w.IsZero() {
		return nil
	}
	return []Piece{{Part: part, Line: w}}
}

func (s *source) stated(part, key string) []Piece {
	if p, ok := s.fact(part, key, false); ok {
		return []Piece{p}
	}
	return nil
}

// plain is what a field has drawn as one text, for a person who compares.
func (f *Field) plain(l document.Language) string {
	var b strings.Builder
	for k := range f.Drawn {
		p := &f.Drawn[k]
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		if p.Label != (fact.Title{}) {
			b.WriteString(in(p.Label, l) + ": ")
		}
		b.WriteString(p.Line.in(l))
		for _, row := range p.rows() {
			for i, c := range row {
				if i > 0 {
					b.WriteString(" | ")
				}
				b.WriteString(c.in(l) + c.Number + c.At.String())
			}
			b.WriteByte('\n')
		}
		for _, e := range p.Timeline {
			b.WriteString(e.At.String() + " " + e.Text + "\n")
		}
	}
	return strings.TrimSpace(b.String())
}

func (p *Piece) rows() [][]Cell {
	if p.Table == nil {
		return nil
	}
	return p.Table.Rows
}
