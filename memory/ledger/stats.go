package ledger

import (
	"cmp"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
)

// Stats is what a ledger holds and how it is.
type Stats struct {
	// Cursor and Durable are what the methods of these names return.
	Cursor  uint64 `json:"cursor"`
	Durable uint64 `json:"durable"`
	// DiskBytes is what is used on disk, LogBytes the part of it that would be
	// read again after a crash.
	DiskBytes uint64 `json:"disk_bytes"`
	LogBytes  uint64 `json:"log_bytes"`
	// Entries is about how many observables and presences are kept: what was
	// written again since it was last put in order counts more than once.
	Entries uint64 `json:"entries"`
	// BytesByKind is how the room on disk is shared out.
	BytesByKind map[string]uint64 `json:"bytes_by_kind"`
	Hosts       int               `json:"hosts"`
	// Since is the day before which retention has forgotten what was not seen
	// again, zero when it has not.
	Since   time.Time     `json:"since,omitzero"`
	Sources []SourceStats `json:"sources"`
	// NewPerDay is how many new observables a source may bring a day; 0 is no limit.
	NewPerDay int64 `json:"new_per_day"`
	// Cases are the cases that hold observables.
	Cases []string `json:"cases,omitempty"`
	// Damaged are the files in which damage was found since the start.
	Damaged []string `json:"damaged,omitempty"`
}

// Join adds what another ledger holds; whose names the owner of its damaged files.
// The cursors are of no meaning then and zero, and hosts that both know count twice.
func (s *Stats) Join(o *Stats, whose string) {
	s.Cursor, s.Durable = 0, 0
	s.DiskBytes += o.DiskBytes
	s.LogBytes += o.LogBytes
	s.Entries += o.Entries
	s.Hosts += o.Hosts
	s.NewPerDay = max(s.NewPerDay, o.NewPerDay)
	if s.BytesByKind == nil {
		s.BytesByKind = map[string]uint64{}
	}
	for kind, n := range o.BytesByKind {
		s.BytesByKind[kind] += n
	}
	if o.Since.After(s.Since) {
		s.Since = o.Since
	}
	for i := range o.Sources {
		s.joinSource(&o.Sources[i])
	}
	slices.SortStableFunc(s.Sources, func(a, b SourceStats) int { return cmp.Compare(b.Seen, a.Seen) })
	s.Cases = append(s.Cases, o.Cases...)
	slices.Sort(s.Cases)
	s.Cases = slices.Compact(s.Cases)
	for _, file := range o.Damaged {
		s.Damaged = append(s.Damaged, whose+file)
	}
}

func (s *Stats) joinSource(o *SourceStats) {
	at := slices.IndexFunc(s.Sources, func(have SourceStats) bool { return have.Source == o.Source })
	if at < 0 {
		s.Sources = append(s.Sources, *o)
		return
	}
	have := &s.Sources[at]
	have.Seen += o.Seen
	have.Undated += o.Undated
	have.Refused += o.Refused
	switch {
	case o.LastDay.After(have.LastDay):
		have.LastDay, have.RefusedDay, have.Different = o.LastDay, o.RefusedDay, o.Different
	case o.LastDay.Equal(have.LastDay):
		have.RefusedDay += o.RefusedDay
		have.Different += o.Different
	}
}

// Stats returns what the ledger holds, sources by how much they brought. It
// waits for a Commit that is going on.
func (l *Ledger) Stats() (Stats, error) {
	db, done, err := l.use()
	if err != nil {
		return Stats{}, err
	}
	defer done()
	metrics := db.Metrics()
	s := Stats{
		Cursor: l.Cursor(), Durable: l.Durable(), DiskBytes: metrics.DiskSpaceUsage(), LogBytes: metrics.WAL.Size,
		BytesByKind: map[string]uint64{}, Hosts: l.hosts.len(), Damaged: l.damage.list(), NewPerDay: max(l.config.NewPerDay, 0),
	}
	tables, err := db.SSTables(pebble.WithProperties())
	if err != nil {
		return s, err
	}
	for _, level := range tables {
		for _, table := range level {
			s.Entries += table.Properties.NumEntries
		}
	}
	for _, kind := range intel.ObservableKinds() {
		r := prefixSpan([]byte{spaceObservable, byte(kind)})
		n, err := db.EstimateDiskUsage(r.from, r.to)
		if err != nil {
			return s, err
		}
		if n > 0 {
			s.BytesByKind[kind.String()] = n
		}
	}
	l.addCounts(&s)
	return s, nil
}

func (l *Ledger) addCounts(s *Stats) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.meta.since > 0 {
		s.Since = l.meta.since.time()
	}
	for name, c := range l.counts {
		s.Sources = append(s.Sources, SourceStats{
			Source: name, Seen: c.seen, Undated: c.undated, Refused: c.refused, RefusedDay: c.refusedDay,
			LastDay: c.day.time(), Different: c.different(),
		})
	}
	slices.SortFunc(s.Sources, func(a, b SourceStats) int {
		return cmp.Or(cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Source, b.Source))
	})
	for name := range l.holds.byCase {
		s.Cases = append(s.Cases, name)
	}
	slices.Sort(s.Cases)
}
