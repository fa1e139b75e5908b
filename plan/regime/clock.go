package regime

import (
	"tocsin/plan/calendar"
	"tocsin/plan/fact"
)

// Kind is what sort of report a clock asks for.
type Kind string

// The kinds of report.
const (
	Obligatory Kind = "obligatory"
	// Voluntary is nobody's duty: such a clock is there once what it depends on
	// is known to hold, not while it may.
	Voluntary Kind = "voluntary"
	NearMiss  Kind = "near_miss"
	Threat    Kind = "threat"
)

var kinds = []Kind{Obligatory, Voluntary, NearMiss, Threat}

// Event is what starts a clock.
type Event string

// The events. Who is bound records when each happened, and by whom and on what
// grounds that is known.
const (
	Aware                 Event = "aware"                     // discovered or learned of
	Noticed               Event = "noticed"                   // noticed, or told of
	ReasonableBelief      Event = "reasonable_belief"         // it is reasonably believed to have happened
	Classified            Event = "classified"                // graded under the regime
	MaterialityDetermined Event = "materiality_determined"    // found to be material
	AssessedNotifiable    Event = "assessed_notifiable"       // found to be notifiable
	ReportReceived        Event = "report_received"           // an authority received a report
	PreviousSubmitted     Event = "previous_report_submitted" // the report of the clock named by After was sent
	PaymentMade           Event = "payment_made"              // a ransom was paid; by another: it was learned of
	MeasureAvailable      Event = "measure_available"         // a corrective measure can be had
	HandlingEnded         Event = "handling_ended"            // the incident is dealt with
	ResponseEnded         Event = "response_ended"            // the response was declared ended
	VulnerabilityKnown    Event = "vulnerability_known"       // a vulnerability was found or learned of
	Requested             Event = "requested"                 // an authority asked for a report
	NewFacts              Event = "new_facts"                 // something important became known after a report
)

// Events returns every event that can start a clock.
func Events() []Event {
	return []Event{
		Aware, Noticed, ReasonableBelief, Classified, MaterialityDetermined, AssessedNotifiable, ReportReceived,
		PreviousSubmitted, PaymentMade, MeasureAvailable, HandlingEnded, ResponseEnded, VulnerabilityKnown, Requested, NewFacts,
	}
}

// Clock is a duty to report, or to do something else, within a time.
type Clock struct {
	ID    string     `yaml:"id" json:"id"`
	Title fact.Title `yaml:"title" json:"title"`
	Kind  Kind       `yaml:"kind" json:"kind"` // obligatory when it is not given
	// Words is the limit as the law puts it: "at once, at the latest within 1 h".
	Words fact.Title `yaml:"words" json:"words"`

	// From says who owes it, for people; Who is a condition over "entity." facts
	// that says so of an organisation.
	From fact.Title `yaml:"from" json:"from"`
	Who  Condition  `yaml:"who" json:"who,omitzero"`
	// When is a condition over facts of the incident; AtLeast the lowest level
	// from which the duty exists, empty when it does not depend on the level.
	When    Condition `yaml:"when" json:"when,omitzero"`
	AtLeast string    `yaml:"at_least" json:"at_least,omitempty"`

	// Start is the event that starts it. Which is "first" (also when it is not
	// given) or "last" of several. Each runs a clock for every such event.
	Start Event  `yaml:"start" json:"start"`
	Which string `yaml:"which" json:"which,omitempty"`
	Each  bool   `yaml:"each" json:"each,omitempty"`
	// After is the clock whose report is the previous one.
	After string `yaml:"after" json:"after,omitempty"`
	// AlsoAfter are clocks whose reports start it as well as that one's: updates of
	// it, or what others owe in its place.
	AlsoAfter []string `yaml:"also_after" json:"also_after,omitempty"`

	Limit calendar.Limit `yaml:"limit" json:"limit"`
	// Moment counts days and months from the moment itself; else a period ends
	// with its last day. By is a time of that day.
	Moment bool           `yaml:"moment" json:"moment,omitempty"`
	By     calendar.Clock `yaml:"by" json:"by,omitzero"`
	Outer  *Outer         `yaml:"outer" json:"outer,omitempty"`
	Roll   *Roll          `yaml:"roll" json:"roll,omitempty"`
	// Rise says from when it counts for an incident that was graded below AtLeast
	// and later is not: "level" (also when it is not given) from when the level
	// was reached, "start" from the event as ever.
	Rise    string   `yaml:"rise" json:"rise,omitempty"`
	Suspend *Suspend `yaml:"suspend" json:"suspend,omitempty"`
	// Until is an event before which it has to run out to be owed at all: a report
	// on progress is not, once handling has ended. Anew is what takes the place of
	// its limit when an event has not come by then.
	Until Event `yaml:"until" json:"until,omitempty"`
	Anew  *Anew `yaml:"anew" json:"anew,omitempty"`

	To      []string `yaml:"to" json:"to"`
	Content string   `yaml:"content" json:"content,omitempty"` // a form
	Note    string   `yaml:"note" json:"note,omitempty"`
	Mark    Mark     `yaml:"mark" json:"mark"`
}

// Rule is how the end of its limit is found.
func (c *Clock) Rule() calendar.Rule {
	return calendar.Rule{Limit: c.Limit, Moment: c.Moment, By: c.By}
}

// Previous are the clocks whose reports start it.
func (c *Clock) Previous() []string {
	if c.After == "" {
		return nil
	}
	return append([]string{c.After}, c.AlsoAfter...)
}

// Outer is a second limit with a start of its own; the earlier of both binds.
type Outer struct {
	Start Event          `yaml:"start" json:"start"`
	Limit calendar.Limit `yaml:"limit" json:"limit"`
	// WaivedWhenLater drops it when the clock's own start comes after it has run
	// out already.
	WaivedWhenLater bool `yaml:"waived_when_later" json:"waived_when_later,omitempty"`
	Mark            Mark `yaml:"mark" json:"mark,omitempty"`
}

// Roll moves what falls on a day off to the next business day.
type Roll struct {
	By     calendar.Clock `yaml:"by" json:"by,omitzero"`
	Unless Condition      `yaml:"unless" json:"unless,omitzero"`
	Mark   Mark           `yaml:"mark" json:"mark,omitempty"`
}

// Suspend is a lawful delay that an authority grants.
type Suspend struct {
	By fact.Title `yaml:"by" json:"by"`
	// Effect is "pause" when the time does not count, "extend" when the report is
	// due at the end of the delay at the earliest, "restart" when the whole limit
	// counts anew from that end.
	Effect string `yaml:"effect" json:"effect"`
	Mark   Mark   `yaml:"mark" json:"mark,omitempty"`
}

// Anew counts a limit from an event that comes only after the clock would have
// run out; until it comes the clock waits.
type Anew struct {
	Start Event          `yaml:"start" json:"start"`
	Limit calendar.Limit `yaml:"limit" json:"limit"`
	Mark  Mark           `yaml:"mark" json:"mark,omitempty"`
}

// Form is what a report must hold.
type Form struct {
	ID     string     `yaml:"id" json:"id"`
	Title  fact.Title `yaml:"title" json:"title"`
	Fields []Field    `yaml:"fields" json:"fields"`
	Mark   Mark       `yaml:"mark" json:"mark"`
}

// Field is one thing that a report must say.
type Field struct {
	ID    string     `yaml:"id" json:"id"`
	Title fact.Title `yaml:"title" json:"title"`
	// From is the parts of the case that it is filled from: "fact:" and a key, or
	// one of CaseParts.
	From []string `yaml:"from" json:"from"`
	// Need is "now" when the report is incomplete without it, "later" when it may
	// follow, "if_known" when it is owed only then.
	Need string `yaml:"need" json:"need"`
	// When is a condition under which it is asked for at all.
	When Condition `yaml:"when" json:"when,omitzero"`
	// HiddenFrom are recipients that must not see it.
	HiddenFrom []string `yaml:"hidden_from" json:"hidden_from,omitempty"`
	Mark       Mark     `yaml:"mark" json:"mark,omitempty"`
}

// CaseParts are the parts of a case that a field can be filled from, beside
// facts.
func CaseParts() []string {
	return []string{
		"case.number", "case.title", "case.description", "case.categories", "case.types", "case.cause", "case.trend",
		"case.impact", "case.measures_taken", "case.measures_planned", "case.requests", "case.scene", "case.attribution",
		"case.lessons", "case.accountability", "case.contacts", "case.timeline", "case.assets", "case.observables",
		"case.techniques", "case.evidence", "case.links", "case.level", "case.criteria", "case.drill", "case.recovered_by",
		"organisation.name", "organisation.sectors", "organisation.contacts", "organisation.regions", "organisation.identifiers",
		"reports.previous", "moment", "text",
	}
}
