package archive

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/intel"
	"tocsin/telemetry"
)

// Scan hands every event that the query wants to what worker returns, which it
// calls once for each goroutine that reads; names are those of the rows'
// fields. Rows of a segment come together, by class, host and time, but
// segments come in no order. A segment that is damaged is told of in the
// statistics and the rest is read on. Scan fails with the error of a visitor or
// of ctx; what it says of what was read holds then too.
func (a *Archive) Scan(ctx context.Context, q Query, names *intel.Names, worker func() func(*Row) error) (stats ScanStats, err error) {
	m := a.pin()
	defer a.release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s := &scanning{archive: a, query: newFilterQuery(q), names: names, classes: map[string]wanted{}}
	s.stats.Segments = len(m.Segments)
	work := make(chan entry)
	var working sync.WaitGroup
	for range max(1, q.Workers) {
		working.Go(func() {
			w := newScanWorker(s, worker())
			for e := range work {
				if ctx.Err() != nil {
					continue
				}
				if err := w.segment(ctx, e); err != nil {
					cancel(err)
				}
			}
		})
	}
	chosen := s.choose(m.Segments)
	for i, e := range chosen {
		select {
		case work <- e:
		case <-ctx.Done():
		}
		if q.Progress != nil {
			q.Progress(i+1, len(chosen))
		}
	}
	close(work)
	working.Wait()
	err = context.Cause(ctx)
	s.stats.Partial = err != nil || len(s.stats.Damaged) > 0
	slices.SortFunc(s.stats.Damaged, func(a, b Damage) int { return strings.Compare(a.Segment, b.Segment) })
	return s.stats, err
}

// filterQuery is a query made ready.
type filterQuery struct {
	Query
	since, until int64 // in microseconds, until rounded up
	hosts        map[string]bool
	sources      map[string]bool
}

func newFilterQuery(q Query) filterQuery {
	f := filterQuery{Query: q, since: math.MinInt64, until: math.MaxInt64, hosts: textSet(q.Hosts), sources: textSet(q.Sources)}
	if !q.Since.IsZero() {
		f.since = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		f.until = q.Until.Add(time.Microsecond - 1).UnixMicro()
	}
	return f
}

func textSet(list []string) map[string]bool {
	if len(list) == 0 {
		return nil
	}
	s := map[string]bool{}
	for _, text := range list {
		s[text] = true
	}
	return s
}

// during reports whether events of those times can be wanted.
func (q *filterQuery) during(s timeSpan) bool {
	return s.timeless || (s.min < q.until && s.max >= q.since)
}

// all reports whether no event of those times is left out.
func (q *filterQuery) all(s timeSpan) bool {
	return s.min > s.max ||
		((q.Since.IsZero() || !time.UnixMicro(s.min).Before(q.Since)) &&
			(q.Until.IsZero() || time.UnixMicro(s.max+1).Before(q.Until)))
}

// wants reports whether an event of that time is wanted.
func (q *filterQuery) wants(t time.Time) bool {
	return t.IsZero() || ((q.Since.IsZero() || !t.Before(q.Since)) && (q.Until.IsZero() || t.Before(q.Until)))
}

// scanning is a scan under way.
type scanning struct {
	archive *Archive
	query   filterQuery
	names   *intel.Names
	// unbounded: the names are for this scan alone, and none may be lost.
	unbounded bool

	mu      sync.Mutex
	stats   ScanStats         // guarded by mu
	classes map[string]wanted // guarded by mu: what is asked of a kind, by its key
}

// choose leaves out the segments that the manifest alone says hold nothing
// wanted.
func (s *scanning) choose(all []entry) []entry {
	var chosen []entry
	for _, e := range all {
		if s.query.during(timeSpan{e.Min, e.Max, e.Timeless}) {
			chosen = append(chosen, e)
		}
	}
	s.stats.Skipped += len(all) - len(chosen)
	return chosen
}

// wanted says what is asked of a kind.
func (s *scanning) wanted(k *kind) wanted {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.classes[k.key]
	if !ok {
		w = s.newWanted(s.archive.kinds.class(s.archive.kinds.intern(*k)))
		s.classes[k.key] = w
	}
	return w
}

func (s *scanning) newWanted(class *intel.Class) wanted {
	w := wanted{class: class, all: true}
	if l := s.query.LogSources; len(l) > 0 && !slices.ContainsFunc(l, class.Takes) {
		w.none = true
		return w
	}
	if s.query.Ask == nil {
		return w
	}
	asked := s.query.Ask(class)
	w.none, w.all, w.clues = asked.None, asked.All, asked.Clues
	w.fields = map[string]intel.Name{}
	for _, name := range asked.Fields {
		w.fields[s.names.Text(name)] = name
	}
	return w
}

// scanWorker is one goroutine of a scan.
type scanWorker struct {
	*scanning
	visit  func(*Row) error
	reader groupReader
	row    Row
	stats  ScanStats // of the segment at hand
}

func newScanWorker(s *scanning, visit func(*Row) error) *scanWorker {
	return &scanWorker{scanning: s, visit: visit}
}

// segment reads one segment. Its error is what ends the scan.
func (w *scanWorker) segment(ctx context.Context, e entry) error {
	w.stats = ScanStats{}
	read, err := w.readSegment(ctx, e)
	w.mu.Lock()
	defer w.mu.Unlock()
	total := &w.scanning.stats
	total.Groups += w.stats.Groups
	total.Passed += w.stats.Passed
	total.Events += w.stats.Events
	total.Rows += w.stats.Rows
	total.Bytes += read
	if w.stats.Groups > 0 && w.stats.Groups == w.stats.Passed {
		total.Skipped++
		total.Groups -= w.stats.Groups
		total.Passed -= w.stats.Passed
	}
	if errors.Is(err, errDamaged) {
		total.Damaged = append(total.Damaged, Damage{Segment: e.File, Reason: err.Error(), Events: e.Rows})
		return nil
	}
	return err
}

func (w *scanWorker) readSegment(ctx context.Context, e entry) (read int64, err error) {
	s, err := openIndex(w.archive.path(e.File), e)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	w.reader = groupReader{segment: s, names: w.names, unbounded: w.unbounded, columnAt: map[string]int{}, sourceCopies: map[source]*telemetry.Source{}}
	for i, name := range s.names {
		w.reader.columnAt[name] = i
	}
	for i := range s.kinds {
		w.reader.wanted = append(w.reader.wanted, w.wanted(&s.kinds[i]))
	}
	var failed error
	for i := range s.groups {
		w.stats.Groups++
		if !w.mayHold(s, i) {
			w.stats.Passed++
			continue
		}
		if err := w.group(ctx, i); err != nil {
			if !errors.Is(err, errDamaged) {
				return s.read, err
			}
			failed = errors.Join(failed, err) // other row groups may be whole
		}
		s.forget()
	}
	return s.read, failed
}

// group reads one row group.
func (w *scanWorker) group(ctx context.Context, number int) error {
	g := &w.reader
	g.number = number
	if err := g.open(); err != nil {
		return err
	}
	if err := g.begin(); err != nil {
		return err
	}
	x := &g.groups[number]
	sifting := w.query.hosts != nil || w.query.sources != nil || !w.query.all(timeSpan{x.min, x.max, x.timeless})
	w.stats.Events += int64(x.rows)
	w.row.reader = g
	const often = 1024
	for at := range x.rows {
		if at%often == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		kind := &g.wanted[g.kindOf(at)]
		if kind.none {
			continue
		}
		if err := w.one(at, kind, sifting); err != nil {
			return err
		}
	}
	return nil
}

// one hands on a row, when it is wanted.
func (w *scanWorker) one(at int, kind *wanted, sifting bool) error {
	row := &w.row
	row.at, row.whole, row.Class = at, false, kind.class
	if sifting {
		m, err := w.reader.metadata()
		if err != nil {
			return err
		}
		if !w.query.wants(m.time(at)) ||
			(w.query.hosts != nil && !w.query.hosts[string(m.hosts.of(at))]) ||
			(w.query.sources != nil && !w.query.sources[string(m.sources.of(at))]) {
			return nil
		}
	}
	w.stats.Rows++
	if w.query.Ask == nil {
		if err := row.Complete(); err != nil {
			return err
		}
		return w.visit(row)
	}
	row.Time, row.Host, row.Source, row.Number, row.Offset = time.Time{}, nil, nil, 0, 0
	if err := w.reader.fill(row, false); err != nil {
		return err
	}
	return w.visit(row)
}
