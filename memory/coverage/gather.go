package coverage

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// What one of several ledgers knows of presence travels to where the verdict is
// given. Version 1 is: the version; then for each source, log source and host
// these five texts (a uvarint length and the bytes), how many runs there are, and
// each run: the days since the end of the run before (of the first: since 1970),
// how many days are alike, the hours seen and those lost, all as uvarints.

const (
	gatheredVersion = 1
	// gatheredLimit bounds what is gathered: a year of 10,000 machines with ten
	// log sources each, whose days are all different, is half of it.
	gatheredLimit = 512 << 20
	// lastDay is the last day that can be told, in the year 2149.
	lastDay = 1 << 16
	// allHours are the hours of a day.
	allHours = 1<<24 - 1
)

const dayLength = 24 * time.Hour

// Window returns the days of which Decide may ask for a question about a time.
// Clocks of several machines may differ by a day.
func Window(since, until, now time.Time) (from, to time.Time) {
	if until.IsZero() || until.After(now) {
		until = now
	}
	to = until.Add(gapLimit*time.Hour + dayLength)
	if since.IsZero() {
		return time.Time{}, to
	}
	from = since.Add(-gapLimit*time.Hour - dayLength)
	if known := until.Add(-(KnownDays + 1) * dayLength); known.Before(from) {
		from = known
	}
	return from, to
}

// run is days in a row that are alike.
type run struct {
	first, days     int // since 1970
	seen, unhealthy uint32
}

// Gathered is a Memory that came from elsewhere. It does not change.
type Gathered struct{ streams []gatheredStream }

type gatheredStream struct {
	stream
	runs []run
}

// Gather returns what a memory knows of presence from one day to another, as
// ReadGathered reads it. The error is fault.Invalid when that is too much.
func Gather(ctx context.Context, m Memory, since, until time.Time) ([]byte, error) {
	all := map[stream][]run{}
	err := m.Presence(ctx, since, until, nil, func(p intel.Presence) error {
		k := stream{p.Source, p.LogSource, p.Host}
		all[k] = append(all[k], run{int(max(p.Day.Unix(), 0) / int64(dayLength/time.Second)), 1, p.Seen, p.Unhealthy})
		return nil
	})
	if err != nil {
		return nil, err
	}
	wire := []byte{gatheredVersion}
	for _, k := range slices.SortedFunc(maps.Keys(all), stream.compare) {
		wire = appendStream(wire, k, joinRuns(all[k]))
		if len(wire) > gatheredLimit {
			return nil, fmt.Errorf("coverage: more than %d MB are known of who spoke when: ask about a shorter time: %w", gatheredLimit>>20, fault.Invalid)
		}
	}
	return wire, nil
}

func (k stream) compare(o stream) int {
	return cmp.Or(cmp.Compare(k.source, o.source), cmp.Compare(k.log.String(), o.log.String()), cmp.Compare(k.host, o.host))
}

// joinRuns brings days in order, makes one of those that stand twice, and then
// runs of those that are alike.
func joinRuns(days []run) []run {
	slices.SortStableFunc(days, func(a, b run) int { return cmp.Compare(a.first, b.first) })
	once := days[:0]
	for _, d := range days {
		if n := len(once); n > 0 && once[n-1].first == d.first {
			once[n-1].seen |= d.seen
			once[n-1].unhealthy |= d.unhealthy
			continue
		}
		once = append(once, d)
	}
	joined := once[:0]
	for _, d := range once {
		if n := len(joined); n > 0 && joined[n-1].goesOn(&d) {
			joined[n-1].days++
			continue
		}
		joined = append(joined, d)
	}
	return joined
}

// goesOn reports whether a day follows a run and is like it.
func (r *run) goesOn(d *run) bool {
	return d.first == r.first+r.days && d.seen == r.seen && d.unhealthy == r.unhealthy
}

func appendStream(to []byte, k stream, runs []run) []byte {
	for _, text := range [...]string{k.source, k.log.Product, k.log.Category, k.log.Service, k.host} {
		to = append(binary.AppendUvarint(to, uint64(len(text))), text...)
	}
	to = binary.AppendUvarint(to, uint64(len(runs)))
	end := 0
	for _, r := range runs {
		for _, n := range [...]uint64{uint64(r.first - end), uint64(r.days), uint64(r.seen), uint64(r.unhealthy)} {
			to = binary.AppendUvarint(to, n)
		}
		end = r.first + r.days
	}
	return to
}

// ReadGathered reads what Gather wrote, which another machine may have sent.
// What is none is fault.Invalid.
func ReadGathered(wire []byte) (*Gathered, error) {
	r := gatheredReader{rest: wire, ok: true}
	g := &Gathered{}
	if version := r.number(gatheredVersion); version != gatheredVersion {
		return nil, fmt.Errorf("coverage of version %d: %w", version, fault.Invalid)
	}
	for r.ok && len(r.rest) > 0 {
		s := gatheredStream{stream: stream{source: r.text(), log: intel.LogSource{Product: r.text(), Category: r.text(), Service: r.text()}, host: r.text()}}
		end := 0
		for range r.number(len(r.rest)) {
			day := run{first: end + r.number(lastDay), days: r.number(lastDay), seen: uint32(r.number(allHours)), unhealthy: uint32(r.number(allHours))}
			if end = day.first + day.days; day.days < 1 || end > lastDay {
				r.ok = false
			}
			if !r.ok {
				break
			}
			s.runs = append(s.runs, day)
		}
		g.streams = append(g.streams, s)
	}
	if !r.ok {
		return nil, fmt.Errorf("coverage that was gathered is damaged: %w", fault.Invalid)
	}
	return g, nil
}

// gatheredReader reads; after a failure everything is zero.
type gatheredReader struct {
	rest []byte
	ok   bool
}

// number reads a number up to a limit.
func (r *gatheredReader) number(limit int) int {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || n > uint64(limit) {
		r.ok, r.rest = false, nil
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *gatheredReader) text() string {
	n := r.number(len(r.rest))
	text := r.rest[:min(n, len(r.rest))]
	r.ok = r.ok && len(text) == n
	r.rest = r.rest[len(text):]
	return string(text)
}

// Presence implements Memory.
func (g *Gathered) Presence(ctx context.Context, since, until time.Time, want func(intel.LogSource) bool, yield func(intel.Presence) error) error {
	first, last := int(hourOf(since)/24), int(hourOf(until)/24)
	for i := range g.streams {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := &g.streams[i]
		if want != nil && !want(s.log) {
			continue
		}
		for _, r := range s.runs {
			for day := max(first, r.first); day <= min(last, r.first+r.days-1); day++ {
				err := yield(intel.Presence{
					Source: s.source, LogSource: s.log, Host: s.host, Day: hour(day * 24).time(), Seen: r.seen, Unhealthy: r.unhealthy,
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Joined is what several memories know together.
type Joined []Memory

// Presence implements Memory.
func (j Joined) Presence(ctx context.Context, since, until time.Time, want func(intel.LogSource) bool, yield func(intel.Presence) error) error {
	for _, m := range j {
		if err := m.Presence(ctx, since, until, want, yield); err != nil {
			return err
		}
	}
	return nil
}
