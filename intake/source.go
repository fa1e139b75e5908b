package intake

import (
	"maps"
	"slices"
	"sync"
	"time"

	"tocsin/telemetry"
)

// Health is how a source does.
type Health struct {
	Name string `json:"name"`
	// Worker is which of several workers says so.
	Worker string `json:"worker,omitempty"`
	// Kind is bulk, otlp, events, syslog or file; requests and listener are not
	// sources but where what was lost before its source was known is counted.
	Kind   string    `json:"kind"`
	Format string    `json:"format"` // of the last records
	First  time.Time `json:"first_seen,omitzero"`
	Last   time.Time `json:"last_seen,omitzero"`

	Records uint64  `json:"records"` // taken in
	Bytes   uint64  `json:"bytes"`
	Events  uint64  `json:"events"` // decoded, as Seen was told
	Rate1   float64 `json:"rate_1m"`
	Rate15  float64 `json:"rate_15m"` // records a second over the last 1 and 15 minutes

	// Limit is how many records a second the source may send; 0 is no limit.
	Limit float64 `json:"limit_per_second,omitempty"`

	Newest time.Time `json:"newest_event,omitzero"`
	// Lag is how far the newest event of the last batch was behind the clock
	// when it was decoded, in seconds; below zero when it came from the future.
	Lag float64 `json:"lag_seconds"`

	// Silent is set while the source has said nothing for longer than usual.
	Silent bool    `json:"silent"`
	Usual  float64 `json:"usual_pause_seconds"` // how long its longest pauses of late are
	Gaps   []Gap   `json:"gaps,omitempty"`      // the last ones

	Problems map[string]uint64 `json:"problems,omitempty"` // records that could not be read, by reason
	Samples  []Sample          `json:"samples,omitempty"`  // the last of them
	Refused  map[string]uint64 `json:"refused,omitempty"`  // records whose sender was told to come again, by reason
	Dropped  map[string]uint64 `json:"dropped,omitempty"`  // records lost, by reason
	// Repeated are records that came again because their sender was not told
	// that they were kept; they are kept once.
	Repeated uint64 `json:"repeated,omitempty"`
}

// Gap is a time in which a source said nothing for longer than usual.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// NodeOff is set when the node itself was not running for part of it.
	NodeOff bool `json:"node_off,omitempty"`
}

// Sample is a record that could not be read.
type Sample struct {
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Text   string    `json:"text"` // its beginning, escaped to printable ASCII
}

// source is one source while the node runs.
type source struct {
	name      string
	allowance allowance
	started   time.Time // of the node
	now       func() time.Time
	metrics   *kindMetrics

	mu     sync.Mutex
	state  Health // guarded by mu; rates, Silent and Usual are made on reading
	pauses pauses // guarded by mu
	rate   window // guarded by mu
	next   uint64 // number of the next record; guarded by mu
	offset int64  // of the next record; guarded by mu
	losses losses // guarded by mu
}

func newSource(name, kind string, r *registry) *source {
	return &source{
		name: name, allowance: newAllowance(r.limits.SourceEvents), started: r.started, now: r.now, next: 1,
		metrics: r.metrics.of(kind), state: Health{Name: name, Kind: kind},
	}
}

// restored is a source that an earlier run knew.
func restored(h Health, r *registry) *source {
	s := newSource(h.Name, h.Kind, r)
	s.state = h
	if !h.Last.IsZero() {
		s.pauses = pauses{usual: time.Duration(h.Usual * float64(time.Second)), at: h.Last, seen: learned}
	}
	s.next, s.offset = h.Records+1, int64(h.Bytes)
	return s
}

// place gives n records of so many bytes their place in the source.
func (s *source) place(n, size int) (number uint64, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, offset = s.next, s.offset
	s.next += uint64(n)
	s.offset += int64(size)
	return number, offset
}

// gapsKept and the like bound what is kept of a source.
const (
	gapsKept    = 20
	samplesKept = 5
	reasonsKept = 32
)

// arrived notes that n records were taken in.
func (s *source) arrived(now time.Time, format string, n, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &s.state
	if h.First.IsZero() {
		h.First = now.UTC()
	}
	if from, gap := s.pauses.arrival(now); gap {
		h.Gaps = append(h.Gaps, Gap{From: from.UTC(), To: now.UTC(), NodeOff: from.Before(s.started)})
		h.Gaps = h.Gaps[max(0, len(h.Gaps)-gapsKept):]
	}
	h.Last, h.Format = now.UTC(), format
	h.Records += uint64(n)
	h.Bytes += uint64(size)
	s.rate.add(now, n)
	s.metrics.records.Add(float64(n))
	s.metrics.bytes.Add(float64(size))
}

func (s *source) refuse(reason string, n int) {
	s.metrics.refused.WithLabelValues(reason).Add(float64(n))
	s.count(&s.state.Refused, reason, n)
	if !s.waits() {
		s.lost()
	}
}

func (s *source) repeat(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Repeated += uint64(n)
}

func (s *source) drop(reason string, n int) {
	if n > 0 {
		s.metrics.dropped.WithLabelValues(reason).Add(float64(n))
		s.count(&s.state.Dropped, reason, n)
		s.lost()
	}
}

// count adds to a reason, of which there are few: they are constants of ours or
// of a decoder.
func (s *source) count(reasons *map[string]uint64, reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addReason(reasons, reason, uint64(n))
}

func addReason(reasons *map[string]uint64, reason string, n uint64) {
	if *reasons == nil {
		*reasons = map[string]uint64{}
	}
	if _, known := (*reasons)[reason]; !known && len(*reasons) >= reasonsKept {
		reason = "other reasons"
	}
	(*reasons)[reason] += n
}

// sample keeps the beginning of a record that could not be read.
func (s *source) sample(now time.Time, reason string, raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Samples = append(s.state.Samples, Sample{At: now.UTC(), Reason: reason, Text: escaped(raw)})
	s.state.Samples = s.state.Samples[max(0, len(s.state.Samples)-samplesKept):]
}

// aheadLimit is how far ahead of ours a sender's clock may be.
const (
	aheadLimit  = 5 * time.Minute
	reasonAhead = "event time in the future"
)

// decoded notes what the pipeline made of records.
func (s *source) decoded(now time.Time, events uint64, newest time.Time, problems []telemetry.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Events += events
	s.metrics.events.Add(float64(events))
	for _, p := range problems {
		addReason(&s.state.Problems, p.Reason, p.Count)
		s.metrics.problems.Add(float64(p.Count))
	}
	if newest.IsZero() {
		return
	}
	lag := now.Sub(newest)
	s.state.Lag = lag.Seconds()
	switch {
	case lag < -aheadLimit:
		addReason(&s.state.Problems, reasonAhead, 1)
	case newest.After(s.state.Newest):
		s.state.Newest = newest.UTC()
	}
}

func (s *source) silent(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pauses.silent(now)
}

// health returns a copy.
func (s *source) health(now time.Time) Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.state
	h.Rate1, h.Rate15 = s.rate.per(now, time.Minute), s.rate.per(now, windowSpan)
	h.Silent = s.pauses.silent(now)
	h.Usual = s.pauses.usualAt(now).Seconds()
	h.Gaps, h.Samples = slices.Clone(h.Gaps), slices.Clone(h.Samples)
	h.Problems, h.Refused, h.Dropped = maps.Clone(h.Problems), maps.Clone(h.Refused), maps.Clone(h.Dropped)
	return h
}
