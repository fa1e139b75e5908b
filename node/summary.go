package node

import (
	"time"

	"tocsin/detect/sigma/correlate"
	"tocsin/telemetry"
)

// Summary says what a watch covered and what it did not.
type Summary struct {
	Sources       []SourceSummary // in the order they were read
	Events        uint64
	Bytes         uint64 // of unpacked content
	Findings      uint64
	WithoutTime   uint64   // events that do not say when they happened
	Unclassified  uint64   // events of no known log source: only rules without one were asked
	OutsideWindow uint64   // events left out by --since and --until
	Rules         int      // rules and correlations asked
	Indicators    int      // indicators in force at the end
	NoTelemetry   []string // log sources that rules need and no input of any kind can produce, "product=… (3 rules): why"
	NotSeen       int      // rules whose log source could come but did not in this input
	NamesFull     bool     // fields past the first intel.NamesLimit that no rule uses went without a name
	LeftOut       []string // correlations that could not work, and why
	// Correlations says what correlations could not take into account.
	Correlations correlate.Stats
	Elapsed      time.Duration
	Decoding     time.Duration // CPU time over all workers
	Matching     time.Duration
	Output       time.Duration
}

// SourceSummary is what was read of one source, and what was not.
type SourceSummary struct {
	Name    string
	Format  telemetry.Format // empty when not recognised
	Events  uint64
	Bytes   uint64
	Skipped []Skip // what could not be read, by reason
}

// Skip counts what could not be read for one reason.
type Skip struct {
	Reason string
	Count  uint64
	First  int64 // offset of the first in the source's unpacked content
}

// Progress is how far a watch has come, for a progress bar.
type Progress struct {
	Done, Total uint64 // bytes of the inputs as stored; Total is 0 when not known (standard input, --follow)
	Events      uint64
	Findings    uint64
}

// Accounts adds up what was heard of sources: a summary of what came, as far as
// it can be told without rules. Its zero value is ready; it belongs to one
// goroutine.
type Accounts struct {
	summary  Summary
	bySource map[sourceKey]int
}

// sourceKey tells sources apart: a file that was replaced by one of another
// format is another source.
type sourceKey struct {
	name   string
	format telemetry.Format
}

// Hear adds a run of events.
func (a *Accounts) Hear(h Heard) {
	s := a.source(h.Source)
	s.Events += h.Events
	s.Bytes += h.Bytes
	a.summary.Events += h.Events
	a.summary.Bytes += h.Bytes
	for _, p := range h.Problems {
		s.skip(p)
	}
}

// Skip adds what of a source could not be read at all.
func (a *Accounts) Skip(p SourceProblem) {
	a.source(&telemetry.Source{Name: p.Source}).skip(p.Problem)
}

func (a *Accounts) source(source *telemetry.Source) *SourceSummary {
	if a.bySource == nil {
		a.bySource = map[sourceKey]int{}
	}
	key := sourceKey{source.Name, source.Format}
	at, ok := a.bySource[key]
	if !ok {
		at = len(a.summary.Sources)
		a.bySource[key] = at
		a.summary.Sources = append(a.summary.Sources, SourceSummary{Name: source.Name, Format: source.Format})
	}
	return &a.summary.Sources[at]
}

// Summary returns what was heard so far.
func (a *Accounts) Summary(elapsed time.Duration) Summary {
	a.summary.Elapsed = elapsed
	return a.summary
}

func (s *SourceSummary) skip(p telemetry.Problem) {
	reason := p.Reason
	if p.Detail != "" {
		reason += ": " + p.Detail
	}
	for i := range s.Skipped {
		if s.Skipped[i].Reason == reason {
			s.Skipped[i].Count += p.Count
			return
		}
	}
	s.Skipped = append(s.Skipped, Skip{Reason: reason, Count: p.Count, First: p.Offset})
}
