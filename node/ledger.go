package node

import (
	"fmt"
	"slices"
	"time"

	"tocsin/detect"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
	"tocsin/telemetry"
)

// ledger adds up what a watch covered.
type ledger struct {
	tally
	found        uint64
	unclassified uint64 // events of no known log source
	output       time.Duration
	correlations correlate.Stats
	sources      []*SourceSummary
	bySource     map[*telemetry.Source]*SourceSummary
}

func newLedger() *ledger {
	return &ledger{tally: tally{classes: map[*intel.Class]uint64{}}, bySource: map[*telemetry.Source]*SourceSummary{}}
}

// add counts one piece's outcome.
func (l *ledger) add(o *outcome) {
	l.events += o.events
	l.bytes += o.bytes
	l.withoutTime += o.withoutTime
	l.outside += o.outside
	l.decoding += o.decoding
	l.matching += o.matching
	for class, n := range o.classes {
		l.classes[class] += n
		if class.Product == "" && class.Service == "" && len(class.Categories) == 0 {
			l.unclassified += n
		}
	}
	s := l.source(o.source)
	s.Events += o.events
	s.Bytes += o.bytes
	for _, p := range o.problems {
		s.skip(p)
	}
}

func (l *ledger) source(source *telemetry.Source) *SourceSummary {
	s, ok := l.bySource[source]
	if !ok {
		s = &SourceSummary{Name: source.Name, Format: source.Format}
		l.bySource[source] = s
		l.sources = append(l.sources, s)
	}
	return s
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

// take counts an outcome and hands its findings on.
func (w *watching) take(o outcome, sink *detect.Sink, found func(*detect.Finding) error) error {
	w.ledger.add(&o)
	for _, f := range o.findings {
		if err := w.deliver(sink.Take(f), found); err != nil {
			return err
		}
	}
	return nil
}

// deliver hands findings to the caller.
func (w *watching) deliver(list []*detect.Finding, found func(*detect.Finding) error) error {
	if len(list) == 0 {
		return nil
	}
	started := time.Now()
	defer func() { w.ledger.output += time.Since(started) }()
	for _, f := range list {
		w.ledger.found++
		w.findingsTold.Add(1)
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}

// summary says what the watch covered.
func (w *watching) summary(started time.Time) Summary {
	l := w.ledger
	s := Summary{
		Events: l.events, Bytes: l.bytes, Findings: l.found,
		WithoutTime: l.withoutTime, Unclassified: l.unclassified, OutsideWindow: l.outside,
		Rules:        len(w.Rules) + len(w.Correlations),
		NamesFull:    w.names.Full(),
		Elapsed:      time.Since(started),
		Correlations: l.correlations,
		Decoding:     l.decoding, Matching: l.matching, Output: l.output,
	}
	if w.Indicators != nil {
		if set := w.Indicators.Load(); set != nil {
			s.Indicators = set.Report().Kept
		}
	}
	for _, source := range l.sources {
		s.Sources = append(s.Sources, *source)
	}
	for _, p := range w.detector.Problems() {
		s.LeftOut = append(s.LeftOut, p.Error())
	}
	s.NoTelemetry, s.NotSeen = w.dead()
	return s
}

// dead tells which rules no event could have matched: those whose log source
// nothing that is read can ever be, by log source with the reason, and how many
// others whose log source was not in this input.
func (w *watching) dead() (noTelemetry []string, notSeen int) {
	asked := map[intel.LogSource]int{}
	for _, rule := range w.Rules {
		asked[rule.LogSource]++
	}
	for source, n := range asked {
		if w.seen(source) {
			continue
		}
		if _, ok := w.Mappings.Produces(source); ok {
			notSeen += n
			continue
		}
		noTelemetry = append(noTelemetry, fmt.Sprintf("%s (%d %s): %s", source, n, plural(n, "rule"), w.Mappings.WhyNot(source)))
	}
	slices.Sort(noTelemetry)
	return noTelemetry, notSeen
}

func (w *watching) seen(source intel.LogSource) bool {
	for class := range w.ledger.classes {
		if class.Takes(source) {
			return true
		}
	}
	return false
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
