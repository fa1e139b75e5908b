package regime

import (
	"slices"
	"time"

	"tocsin/plan/calendar"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
)

// Status is where a regime stands in law.
type Status string

// The statuses.
const (
	InForce       Status = "in_force"
	NotYetInForce Status = "not_yet_in_force" // adopted, binds from a later day
	Proposed      Status = "proposed"         // a proposal of who makes the law
	Draft         Status = "draft"            // a text under discussion
	Repealed      Status = "repealed"
)

var statuses = []Status{InForce, NotYetInForce, Proposed, Draft, Repealed}

// Pack is one regime. It does not change once read and may be used by many at
// once.
type Pack struct {
	Regime       string     `yaml:"regime" json:"regime"`
	Version      int        `yaml:"version" json:"version"`
	Title        fact.Title `yaml:"title" json:"title"`
	Jurisdiction string     `yaml:"jurisdiction" json:"jurisdiction"`
	Status       Status     `yaml:"status" json:"status"`
	// Effective is when it binds: From that day, until but without To.
	Effective Period `yaml:"effective" json:"effective"`
	// VerifiedOn is when somebody last compared the pack with its sources.
	VerifiedOn Date `yaml:"verified_on" json:"verified_on"`
	// Replaces names the regime that this one takes the place of where both bind.
	Replaces string `yaml:"replaces" json:"replaces,omitempty"`
	// Note is what a reader must know; Beware lists wrong numbers that circulate.
	Note    string   `yaml:"note" json:"note,omitempty"`
	Beware  []string `yaml:"beware" json:"beware,omitempty"`
	Sources []Source `yaml:"sources" json:"sources"`

	Binds    Binds             `yaml:"binds" json:"binds"`
	Calendar Calendar          `yaml:"calendar" json:"calendar"`
	Facts    []fact.Definition `yaml:"facts" json:"facts,omitempty"`

	Categories []Category  `yaml:"categories" json:"categories,omitempty"`
	Levels     []Level     `yaml:"levels" json:"levels"`
	Responses  []Response  `yaml:"responses" json:"responses,omitempty"`
	Warnings   []Warning   `yaml:"warnings" json:"warnings,omitempty"`
	Standing   []Standing  `yaml:"standing" json:"standing,omitempty"`
	Recipients []Recipient `yaml:"recipients" json:"recipients,omitempty"`
	Clocks     []Clock     `yaml:"clocks" json:"clocks,omitempty"`
	Forms      []Form      `yaml:"forms" json:"forms,omitempty"`

	dictionary *fact.Dictionary
}

// Source is a text that the pack rests on.
type Source struct {
	ID    string `yaml:"id" json:"id"`
	Title string `yaml:"title" json:"title"`
	// Grade is official, secondary (a regulator's or lawyer's summary), press or
	// dataset.
	Grade string `yaml:"grade" json:"grade"`
	// Confirms says that the text itself was seen; else it is only named.
	Confirms bool `yaml:"confirms" json:"confirms"`
}

// Binds says whom the regime binds.
type Binds struct {
	// Who is a condition over the facts below "entity.".
	Who  Condition  `yaml:"who" json:"who"`
	Text fact.Title `yaml:"text" json:"text"`
	Mark Mark       `yaml:"mark" json:"mark"`
}

// Calendar is by which days the regime counts: a time zone and a table of
// holidays, or "organisation" for those of whom it binds.
type Calendar struct {
	Zone     string `yaml:"zone" json:"zone"`
	Holidays string `yaml:"holidays" json:"holidays,omitempty"`

	location *time.Location
	table    *calendar.Table
}

// OfOrganisation stands in a Calendar for what the organisation says.
const OfOrganisation = "organisation"

// Category is a kind of incident as the regime names it. RSIT lists the types
// that are it, so that a type chosen once proposes the category.
type Category struct {
	Code  string     `yaml:"code" json:"code"`
	Title fact.Title `yaml:"title" json:"title"`
	RSIT  []string   `yaml:"rsit" json:"rsit,omitempty"`
	Types []Category `yaml:"types" json:"types,omitempty"`
	Note  string     `yaml:"note" json:"note,omitempty"`
	Mark  Mark       `yaml:"mark" json:"mark,omitempty"`
}

// Level is what an incident can be graded as. Levels stand in a pack from the
// highest; the last is what an incident is of which no criterion holds.
type Level struct {
	Code  string     `yaml:"code" json:"code"`
	Title fact.Title `yaml:"title" json:"title"`
	// Colour is the name of the warning colour; empty where the regime has none.
	Colour   string      `yaml:"colour" json:"colour,omitempty"`
	Criteria []Criterion `yaml:"criteria" json:"criteria,omitempty"`
	Note     string      `yaml:"note" json:"note,omitempty"`
	Mark     Mark        `yaml:"mark" json:"mark"`
}

// Criterion is one reason for a level; one that holds is enough.
type Criterion struct {
	ID    string     `yaml:"id" json:"id"`
	Title fact.Title `yaml:"title" json:"title"`
	When  Condition  `yaml:"when" json:"when"`
	Note  string     `yaml:"note" json:"note,omitempty"`
	// Mark is the level's where it has none.
	Mark Mark `yaml:"mark" json:"mark"`
	// Judged says that it asks for a person's judgement: it is computed from the
	// facts in When.
	Judged bool `yaml:"-" json:"judged"`
}

// Response is a level of response with what it obliges to.
type Response struct {
	Code  string     `yaml:"code" json:"code"`
	Title fact.Title `yaml:"title" json:"title"`
	// Levels are those of incidents that it answers.
	Levels    []string   `yaml:"levels" json:"levels"`
	DecidedBy fact.Title `yaml:"decided_by" json:"decided_by"`
	Duties    []Duty     `yaml:"duties" json:"duties"`
	// End says who ends it and how.
	End  fact.Title `yaml:"end" json:"end"`
	Mark Mark       `yaml:"mark" json:"mark"`
}

// Duty is one thing that somebody must do. It becomes a task.
type Duty struct {
	ID   string     `yaml:"id" json:"id"`
	Who  fact.Title `yaml:"who" json:"who"`
	Text fact.Title `yaml:"text" json:"text"`
	// When is a condition under which it is owed; empty is always.
	When Condition `yaml:"when" json:"when,omitzero"`
	// Roster says that it asks for duty around the clock.
	Roster bool `yaml:"roster" json:"roster,omitempty"`
	Mark   Mark `yaml:"mark" json:"mark,omitempty"`
}

// Warning is what an authority issues of what may happen.
type Warning struct {
	Colour string     `yaml:"colour" json:"colour"`
	Title  fact.Title `yaml:"title" json:"title"`
	// Level is the level of incident that has happened or may happen.
	Level    string     `yaml:"level" json:"level"`
	IssuedBy fact.Title `yaml:"issued_by" json:"issued_by"`
	// May is IssuedBy as a condition over the facts below "entity."; empty where the
	// regime leaves it open.
	May      Condition  `yaml:"may" json:"may,omitzero"`
	LiftedBy fact.Title `yaml:"lifted_by" json:"lifted_by"`
	// Contents is what the warning must hold.
	Contents []fact.Title `yaml:"contents" json:"contents"`
	Duties   []Duty       `yaml:"duties" json:"duties"`
	Mark     Mark         `yaml:"mark" json:"mark"`
}

// Standing is a duty that comes back, or holds in a special period, without any
// incident.
type Standing struct {
	ID   string     `yaml:"id" json:"id"`
	Who  fact.Title `yaml:"who" json:"who"`
	Text fact.Title `yaml:"text" json:"text"`
	// EveryMonths is how often; 0 is always, or while the special period lasts.
	EveryMonths   int  `yaml:"every_months" json:"every_months,omitempty"`
	SpecialPeriod bool `yaml:"special_period" json:"special_period,omitempty"`
	Mark          Mark `yaml:"mark" json:"mark"`
}

// Recipient is whom a report goes to.
type Recipient struct {
	ID      string     `yaml:"id" json:"id"`
	Title   fact.Title `yaml:"title" json:"title"`
	Channel fact.Title `yaml:"channel" json:"channel"`
}

// Dictionary is every fact that the pack's conditions may ask for, its own and
// its categories included.
func (p *Pack) Dictionary() *fact.Dictionary { return p.dictionary }

// Level returns a level by its code, or nil.
func (p *Pack) Level(code string) *Level {
	if at := p.Rank(code); at >= 0 {
		return &p.Levels[at]
	}
	return nil
}

// Rank is the place of a level, 0 for the highest; -1 when there is none.
func (p *Pack) Rank(code string) int {
	return slices.IndexFunc(p.Levels, func(l Level) bool { return l.Code == code })
}

// Floor is the level of an incident of which no criterion holds.
func (p *Pack) Floor() *Level { return &p.Levels[len(p.Levels)-1] }

// Clock returns a clock by its ID, or nil.
func (p *Pack) Clock(id string) *Clock {
	for i := range p.Clocks {
		if p.Clocks[i].ID == id {
			return &p.Clocks[i]
		}
	}
	return nil
}

// Form returns a form by its ID, or nil.
func (p *Pack) Form(id string) *Form {
	for i := range p.Forms {
		if p.Forms[i].ID == id {
			return &p.Forms[i]
		}
	}
	return nil
}

// Recipient returns a recipient by its ID, or nil.
func (p *Pack) Recipient(id string) *Recipient {
	for i := range p.Recipients {
		if p.Recipients[i].ID == id {
			return &p.Recipients[i]
		}
	}
	return nil
}

// ResponseTo returns the responses that answer a level.
func (p *Pack) ResponseTo(level string) []*Response {
	var all []*Response
	for i := range p.Responses {
		if slices.Contains(p.Responses[i].Levels, level) {
			all = append(all, &p.Responses[i])
		}
	}
	return all
}

// InForce reports whether the regime binds anybody on a day, by its status and
// dates.
func (p *Pack) InForce(at time.Time) bool {
	if p.Status != InForce && (p.Status != NotYetInForce || p.Effective.From.IsZero()) {
		return false
	}
	zone := p.Calendar.location
	if zone == nil {
		zone = at.Location()
	}
	day := Date{at.In(zone).Format(time.DateOnly)}
	return !day.Before(p.Effective.From) && (p.Effective.To.IsZero() || day.Before(p.Effective.To))
}

// CalendarFor is the calendar by which the regime counts for an organisation.
func (p *Pack) CalendarFor(o *organisation.Organisation) *calendar.Calendar {
	c := &calendar.Calendar{Zone: p.Calendar.location, Table: p.Calendar.table}
	if c.Zone == nil {
		c.Zone = o.Location()
	}
	if p.Calendar.Holidays == OfOrganisation {
		c.Table = o.Table()
	}
	return c
}
