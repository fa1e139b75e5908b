package sigma

import (
	"time"

	"tocsin/intel"
)

// Correlation is one Sigma correlation rule (correlation rules specification
// 2.1): it holds when what other rules matched, grouped by the values of some
// fields, reaches a count, a sum or an order within a span of time.
type Correlation struct {
	ID, Name, Title  string
	Status           string
	Description      string
	Author, License  string
	Date, Modified   string
	Level            intel.Severity
	References, Tags []string
	FalsePositives   []string

	Kind     CorrelationKind
	Rules    []string // IDs, names or titles of the rules or correlations it builds on
	GroupBy  []string
	Aliases  map[string]map[string]string // alias → rule → the rule's field
	Timespan time.Duration
	// Fields are what value_count, value_sum, value_avg and value_percentile look
	// at; only value_count may have several, whose values count together.
	Fields []string
	// Percentile is which one value_percentile computes. The specification gives
	// a condition no key for it; a condition without "percentile" means the
	// median.
	Percentile float64
	Bounds     []Bound // all must hold
	Generate   bool    // the rules it builds on make findings of their own too

	Path string
	Line int
}

// Bound is one side of a correlation's condition, "gte: 10".
type Bound struct {
	Op    Op
	Value float64
}

// CorrelationKind is how a correlation combines events.
type CorrelationKind uint8

// The kinds of correlation.
const (
	EventCount CorrelationKind = iota
	ValueCount
	ValueSum
	ValueAvg
	ValuePercentile
	Temporal
	TemporalOrdered
)
