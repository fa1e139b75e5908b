package detect

import (
	"slices"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
)

// heldHits is how many matches of rules that correlations build on wait to be
// put in the order of time: about 60 MB, and more than a day of failed logons
// at a large site.
const heldHits = 200_000

// hit is what is kept of a match that a correlation builds on.
type hit struct {
	rule      *sigma.Rule
	time      time.Time
	values    []Value // of the fields that correlations ask for
	source    string
	record    uint64
	offset    int64
	host      string
	logSource intel.LogSource
}

// Sink takes findings in the order of the input and hands on what is to be
// told: the findings themselves, and what correlations make of them. It belongs
// to one goroutine.
type Sink struct {
	correlator *correlate.Correlator
	finite     bool
	held       []*hit
}

// NewSink returns a sink. Over finite input, whose files come one after the
// other whatever time they tell of, matches are put in the order of time before
// they are correlated; otherwise they are correlated as they come.
func (d *Detector) NewSink(finite bool) *Sink {
	correlator, _ := correlate.New(d.correlations, d.engine.Rules(), correlate.Limits{})
	return &Sink{correlator: correlator, finite: finite}
}

// Take returns what is to be told after one more finding.
func (s *Sink) Take(f *Finding) []*Finding {
	if f.Indicator != nil {
		return []*Finding{f} // no correlation builds on indicators
	}
	var told []*Finding
	if !s.correlator.Silent(f.Rule) {
		told = append(told, f)
	}
	if f.hit == nil {
		return told
	}
	if !s.finite {
		return s.correlate(f.hit, told)
	}
	s.held = append(s.held, f.hit)
	if len(s.held) >= heldHits {
		told = s.release(told)
	}
	return told
}

// Close returns what is still to be told at the end of the input.
func (s *Sink) Close() []*Finding { return s.release(nil) }

// Stats says what correlations could not take into account.
func (s *Sink) Stats() correlate.Stats { return s.correlator.Stats() }

// release correlates what is held, in the order of time.
func (s *Sink) release(told []*Finding) []*Finding {
	slices.SortStableFunc(s.held, func(a, b *hit) int { return a.time.Compare(b.time) })
	for _, h := range s.held {
		told = s.correlate(h, told)
	}
	clear(s.held)
	s.held = s.held[:0]
	return told
}

func (s *Sink) correlate(h *hit, told []*Finding) []*Finding {
	for _, reached := range s.correlator.Observe(correlate.Match{Rule: h.rule, Time: h.time, Value: h.value}) {
		told = append(told, h.finding(&reached))
	}
	return told
}

func (h *hit) value(field string) (string, bool) {
	for _, v := range h.values {
		if v.Name == field {
			return v.Value, true
		}
	}
	return "", false
}

// finding tells of a correlation that was reached with this match.
func (h *hit) finding(r *correlate.Reached) *Finding {
	f := &Finding{
		Correlation: r.Correlation, Count: r.Matches,
		Time: r.Time, Since: r.Since, Source: h.source, Record: h.record, Offset: h.offset, Host: h.host,
		LogSource: h.logSource, Fields: h.values,
	}
	for _, g := range r.Group {
		f.GroupBy = append(f.GroupBy, Value{Name: g.Field, Value: g.Value})
	}
	return f
}
