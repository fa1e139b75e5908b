package detect

import (
	"time"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// Finding says that one rule matched one event, that a correlation's count or
// order was reached with this event, or that the event holds an indicator. It
// holds copies and lives on its own.
type Finding struct {
	// Rule is the rule that matched; nil for a correlation or an indicator.
	Rule *sigma.Rule
	// Indicator is set instead of Rule for an indicator; Fields then holds what
	// was seen.
	Indicator *intel.Indicator
	// Correlation is set instead of Rule when several findings together are
	// what a correlation rule describes; GroupBy then says of whom.
	Correlation *sigma.Correlation
	GroupBy     []Value
	// Count is how many events the finding stands for: 1 for a rule; what was
	// counted for a correlation.
	Count int

	Time      time.Time // of the event, UTC; zero when the event does not say
	Since     time.Time // of the first event that a correlation counted
	Source    string    // the file or stream, as telemetry.Source.Name
	Record    uint64    // the record's number in it
	Offset    int64     // where the record begins in it
	Host      string    // empty when the event does not say
	Channel   string    // Windows channel, else empty
	Provider  string    // Windows provider, else empty
	EventID   string    // Windows event ID, else empty
	LogSource intel.LogSource
	// Fields are the values that made the rule match, those of every test that
	// held, in the order of the rule; then those of the fields that the rule says
	// are worth showing.
	Fields []Value
	// Event is every field of the event, in the order of the source; empty for
	// a correlation, and where the inspector is brief. An event's findings share
	// it.
	Event []Value

	hit *hit // what correlations need of it; nil when none builds on the rule
}

// Value is a field's name and its value as text.
type Value struct{ Name, Value string }

// Meta is what a finding's rule, correlation or indicator says about itself.
type Meta struct {
	ID, Title, Description, Status, Author, License string
	Level                                           intel.Severity
	Tags, References, FalsePositives                []string
}

// Meta returns what the rule or correlation says about itself, or what is said
// of the indicator.
func (f *Finding) Meta() Meta {
	if f.Indicator != nil {
		return indicatorMeta(f)
	}
	if c := f.Correlation; c != nil {
		return Meta{
			ID: c.ID, Title: c.Title, Description: c.Description, Status: c.Status, Author: c.Author, License: c.License,
			Level: c.Level, Tags: c.Tags, References: c.References, FalsePositives: c.FalsePositives,
		}
	}
	r := f.Rule
	return Meta{
		ID: r.ID, Title: r.Title, Description: r.Description, Status: r.Status, Author: r.Author, License: r.License,
		Level: r.Level, Tags: r.Tags, References: r.References, FalsePositives: r.FalsePositives,
	}
}
