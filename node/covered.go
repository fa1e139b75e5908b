package node

import (
	"fmt"
	"slices"
	"time"

	"tocsin/detect"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
)

// covered adds up what a watch covered.
type covered struct {
	tally
	Accounts
	found        uint64
	unclassified uint64 // events of no known log source
	output       time.Duration
	correlations correlate.Stats
}

func newCovered() *covered { return &covered{tally: tally{classes: map[*intel.Class]uint64{}}} }

// add counts one piece's outcome.
func (c *covered) add(o *outcome) {
	c.events += o.events
	c.bytes += o.bytes
	c.withoutTime += o.withoutTime
	c.outside += o.outside
	c.decoding += o.decoding
	c.matching += o.matching
	for class, n := range o.classes {
		c.classes[class] += n
		if class.Product == "" && class.Service == "" && len(class.Categories) == 0 {
			c.unclassified += n
		}
	}
	c.Hear(Heard{Source: o.source, Events: o.events, Bytes: o.bytes, Problems: o.problems})
}

// take counts an outcome and hands its findings on.
func (w *watching) take(o outcome, sink *detect.Sink, found func(*detect.Finding) error) error {
	w.covered.add(&o)
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
	defer func() { w.covered.output += time.Since(started) }()
	for _, f := range list {
		w.covered.found++
		w.findingsTold.Add(1)
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}

// summary says what the watch covered.
func (w *watching) summary(started time.Time) Summary {
	c := w.covered
	s := Summary{
		Events: c.events, Bytes: c.bytes, Findings: c.found,
		WithoutTime: c.withoutTime, Unclassified: c.unclassified, OutsideWindow: c.outside,
		Rules:        len(w.Rules) + len(w.Correlations),
		NamesFull:    w.names.Full(),
		Elapsed:      time.Since(started),
		Correlations: c.correlations,
		Decoding:     c.decoding, Matching: c.matching, Output: c.output,
	}
	if w.Indicators != nil {
		if set := w.Indicators.Load(); set != nil {
			s.Indicators = set.Report().Kept
		}
	}
	s.Sources = c.summary.Sources
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
	for class := range w.covered.classes {
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
