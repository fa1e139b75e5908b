package archive

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// partition is what the events of a segment have in common: their log source's
// product and service, and the hour. Events of an hour that are too few share a
// segment with others of their day, of their log source, or with all that are
// too few.
type partition struct {
	Source string `json:"source,omitempty"` // "windows/sysmon"; empty: several
	Period string `json:"period,omitempty"` // "2020-09-21T22" or "2020-09-21"; empty: any
}

// portion is the rows of one segment to be.
type portion struct {
	partition
	rows []rowRef
	size int64
}

// divide puts rows into portions of at least least bytes, but for one that
// takes what is left, and at most about most.
func divide(rows []rowRef, least, most int64) []portion {
	var done []portion
	for _, rule := range [...]func(*row) partition{byHour, byDay, bySource} {
		parts := map[partition]*portion{}
		for _, r := range rows {
			p := rule(r.row())
			if parts[p] == nil {
				parts[p] = &portion{partition: p}
			}
			parts[p].rows = append(parts[p].rows, r)
			parts[p].size += r.size()
		}
		rows = nil
		for _, p := range slices.SortedFunc(maps.Keys(parts), partition.compare) {
			if parts[p].size >= least {
				done = append(done, parts[p].split(most)...)
			} else {
				rows = append(rows, parts[p].rows...)
			}
		}
	}
	if len(rows) > 0 {
		left := portion{rows: rows}
		for _, r := range rows {
			left.size += r.size()
		}
		done = append(done, left.split(most)...)
	}
	return done
}

func (p partition) compare(q partition) int {
	return cmp.Or(strings.Compare(p.Source, q.Source), strings.Compare(p.Period, q.Period))
}

func byHour(r *row) partition { return partition{r.kind.group(), r.period("2006-01-02T15")} }

func byDay(r *row) partition { return partition{r.kind.group(), r.period(time.DateOnly)} }

func bySource(r *row) partition { return partition{Source: r.kind.group()} }

// unknownPeriod is of events that do not say when they happened.
const unknownPeriod = "unknown"

func (r *row) period(layout string) string {
	if r.time.IsZero() {
		return unknownPeriod
	}
	return r.time.UTC().Format(layout)
}

// split cuts a portion by time where it is too large for one segment.
func (p *portion) split(most int64) []portion {
	if p.size <= most {
		return []portion{*p}
	}
	slices.SortStableFunc(p.rows, func(a, b rowRef) int { return a.row().time.Compare(b.row().time) })
	var done []portion
	// Even parts: the last one must not be a small rest.
	even := p.size / ((p.size + most - 1) / most)
	first, size := 0, int64(0)
	for i, r := range p.rows {
		size += r.size()
		if size > even && i+1 < len(p.rows) {
			done = append(done, portion{p.partition, p.rows[first : i+1], size})
			first, size = i+1, 0
		}
	}
	return append(done, portion{p.partition, p.rows[first:], size})
}

// fileName names a segment so that people find an hour or a source by it.
func (p partition) fileName(number uint64) string {
	parts := make([]string, 0, 3)
	if p.Period != "" {
		parts = append(parts, p.Period)
	}
	source := "mixed"
	if p.Source != "" {
		source = plainName(p.Source)
	}
	parts = append(parts, source, fmt.Sprintf("%012d", number))
	return strings.Join(parts, "_") + segmentSuffix
}

// plainName keeps of a name what is safe in a file's.
func plainName(name string) string {
	const longest = 64
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, name)
	return strings.Trim(name[:min(len(name), longest)], "-")
}
