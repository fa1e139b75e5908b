package archive

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Stats says what an archive holds.
type Stats struct {
	Segments int   `json:"segments"`
	Events   int   `json:"events"`
	Bytes    int64 `json:"bytes"` // on disk
	// Oldest and Newest are the times of events; zero when none says any.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`
	// Cursor is the journal's entry up to which all events are on disk.
	Cursor uint64 `json:"cursor"`
	// Waiting are events put and not yet written, WaitingBytes what they take in
	// memory.
	Waiting      int   `json:"waiting"`
	WaitingBytes int64 `json:"waiting_bytes"`
	// Partitions adds up segments by log source, the largest first.
	Partitions []PartitionStats `json:"log_sources"`
}

// PartitionStats says what is held of a log source.
type PartitionStats struct {
	Source   string `json:"log_source"` // "windows/sysmon"; empty: segments that several share
	Segments int    `json:"segments"`
	Events   int    `json:"events"`
	Bytes    int64  `json:"bytes"`
}

// Join adds what another archive holds. The cursor is of no meaning then and zero.
func (s *Stats) Join(o *Stats) {
	s.Cursor = 0
	s.Segments += o.Segments
	s.Events += o.Events
	s.Bytes += o.Bytes
	s.Waiting += o.Waiting
	s.WaitingBytes += o.WaitingBytes
	if !o.Oldest.IsZero() && (s.Oldest.IsZero() || o.Oldest.Before(s.Oldest)) {
		s.Oldest = o.Oldest
	}
	if o.Newest.After(s.Newest) {
		s.Newest = o.Newest
	}
	for _, p := range o.Partitions {
		at := slices.IndexFunc(s.Partitions, func(have PartitionStats) bool { return have.Source == p.Source })
		if at < 0 {
			s.Partitions = append(s.Partitions, p)
			continue
		}
		have := &s.Partitions[at]
		have.Segments, have.Events, have.Bytes = have.Segments+p.Segments, have.Events+p.Events, have.Bytes+p.Bytes
	}
	slices.SortFunc(s.Partitions, func(x, y PartitionStats) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Source, y.Source))
	})
}

// Stats adds up what is held. It reads nothing from disk.
func (a *Archive) Stats() Stats {
	m := a.current.Load()
	s := Stats{Segments: len(m.Segments), Cursor: m.Cursor}
	span := noTime()
	parts := map[string]*PartitionStats{}
	for i := range m.Segments {
		e := &m.Segments[i]
		s.Events += e.Rows
		s.Bytes += e.Bytes
		span.min, span.max = min(span.min, e.Min), max(span.max, e.Max)
		if parts[e.Source] == nil {
			parts[e.Source] = &PartitionStats{Source: e.Source}
		}
		p := parts[e.Source]
		p.Segments, p.Events, p.Bytes = p.Segments+1, p.Events+e.Rows, p.Bytes+e.Bytes
	}
	if span.min <= span.max {
		s.Oldest, s.Newest = microTime(span.min), microTime(span.max)
	}
	for _, p := range slices.SortedFunc(maps.Values(parts), func(x, y *PartitionStats) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(x.Source, y.Source))
	}) {
		s.Partitions = append(s.Partitions, *p)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pending {
		s.Waiting += p.batch.Len()
	}
	s.WaitingBytes = a.held
	return s
}
