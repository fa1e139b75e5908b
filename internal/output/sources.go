package output

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"tocsin/intake"
	"tocsin/memory/ledger"
)

// Source is how one source does, at the door and in memory.
type Source struct {
	intake.Health
	// Remembered is what the ledger counts of it, nil when it was not asked or
	// knows nothing; NewPerDay is how many new observables it may bring a day.
	Remembered *ledger.SourceStats `json:"remembered,omitempty"`
	NewPerDay  int64               `json:"new_observables_per_day,omitempty"`
}

// troubled reports whether somebody should look.
func (s *Source) troubled() bool {
	return s.Silent || len(s.Problems)+len(s.Refused)+len(s.Dropped) > 0 || s.overQuota()
}

func (s *Source) overQuota() bool { return s.Remembered != nil && s.Remembered.RefusedDay > 0 }

// WriteSources writes a line a source, those that somebody should look at first,
// and then why.
func WriteSources(w io.Writer, sources []Source, now time.Time, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	if len(sources) == 0 {
		tab.paragraph("", "No source has been heard of: 'tocsin token create --role sensor' makes a token to send with.")
		return tab.w.Flush()
	}
	sources = slices.Clone(sources)
	slices.SortStableFunc(sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(gravity(&b), gravity(&a)), cmp.Compare(a.Name, b.Name))
	})
	rows := [][]string{{"STATE", "HEARD", "RECORDS/S", "LATE", "UNREADABLE", "REFUSED", "LOST", "SOURCE"}}
	for i := range sources {
		rows = append(rows, sourceRow(&sources[i], now))
	}
	tab.grid(rows)
	if !slices.ContainsFunc(sources, func(s Source) bool { return s.troubled() }) {
		return tab.w.Flush()
	}
	tab.title("Why to look")
	for i := range sources {
		if s := &sources[i]; s.troubled() {
			tab.why(s, now)
		}
	}
	return tab.w.Flush()
}

// gravity orders sources: what is lost before what is silent before the rest.
func gravity(s *Source) int {
	switch {
	case len(s.Dropped) > 0:
		return 3
	case s.Silent:
		return 2
	case s.troubled():
		return 1
	}
	return 0
}

func sourceRow(s *Source, now time.Time) []string {
	state := "ok"
	switch {
	case s.Silent:
		state = "SILENT"
	case s.troubled():
		state = "look"
	}
	late := "-"
	if !s.Newest.IsZero() {
		late = ago(time.Duration(s.Lag * float64(time.Second)))
	}
	heard := "never"
	if !s.Last.IsZero() {
		heard = ago(now.Sub(s.Last))
	}
	name := Plain(s.Name)
	if s.Worker != "" {
		name += " (worker " + Plain(s.Worker) + ")"
	}
	return []string{state, heard, fmt.Sprintf("%.1f", s.Rate1), late, counted(s.Problems), counted(s.Refused), counted(s.Dropped), name}
}

func counted(reasons map[string]uint64) string {
	n := uint64(0)
	for _, each := range reasons {
		n += each
	}
	if n == 0 {
		return "-"
	}
	return number(n)
}

// ago says a duration as roughly as people do.
func ago(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < -time.Second:
		return "future"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(max(d, 0).Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d/day))
}

// grid writes rows in columns, the last of which is as long as it is. All but the
// first and the last hold numbers.
func (t *table) grid(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			switch i {
			case 0:
				line.WriteString(padRight(cell, widths[i]))
			case len(row) - 1:
				line.WriteString("  " + cell)
			default:
				line.WriteString("  " + padLeft(cell, widths[i]))
			}
		}
		text := line.String()
		if n == 0 {
			text = t.style.dim(text)
		}
		_, _ = t.w.WriteString(text + "\n") // Flush tells
	}
}

// gapsShown is how many gaps are told of a source.
const gapsShown = 3

func (t *table) why(s *Source, now time.Time) {
	t.paragraph("", Plain(s.Name))
	line := func(text string) { t.paragraph("  ", text) }
	if s.Silent {
		line(fmt.Sprintf("Silent since %s UTC, for %s; its pauses are usually no longer than %s.",
			s.Last.UTC().Format(time.DateTime), ago(now.Sub(s.Last)), ago(time.Duration(s.Usual*float64(time.Second)))))
	}
	for _, told := range [...]struct {
		what    string
		reasons map[string]uint64
	}{{"Lost", s.Dropped}, {"Refused, to come again", s.Refused}, {"Not readable", s.Problems}} {
		if len(told.reasons) > 0 {
			line(told.what + ": " + byReason(told.reasons) + ".")
		}
	}
	for _, sample := range s.Samples {
		t.paragraph("    · ", sample.At.UTC().Format(time.DateTime)+"  "+Plain(sample.Text))
	}
	if s.overQuota() {
		line(fmt.Sprintf("Brings too many new observables: %s on %s were refused, of at most %s a day.",
			Count(s.Remembered.RefusedDay, "sighting", "sightings"), s.Remembered.LastDay.Format(time.DateOnly), number(s.NewPerDay)))
	}
	for _, gap := range s.Gaps[max(0, len(s.Gaps)-gapsShown):] {
		text := "Said nothing " + span(gap.From.UTC(), gap.To.UTC()) + " UTC"
		if gap.NodeOff {
			text += ", when the node was off for a part of it"
		}
		line(text + ".")
	}
}

// byReason lists reasons with how often each was.
func byReason(reasons map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	parts := make([]string, 0, len(names))
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s (%s)", Plain(name), number(reasons[name])))
	}
	return strings.Join(parts, "; ")
}

// WriteAside writes records that could not be read for a person.
func WriteAside(w io.Writer, a *intake.AsideAnswer, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	if a.Count == 0 {
		tab.paragraph("", "Nothing is set aside.")
	}
	for i := range a.Records {
		r := &a.Records[i]
		tab.paragraph("", r.At.UTC().Format(time.DateTime)+"  "+Plain(r.Source)+"  "+string(r.Format))
		tab.paragraph("  ", Plain(r.Reason))
		sample := cut(Plain(string(r.Raw[:min(len(r.Raw), sampleBytes)])), max(tab.width-4, minWidth))
		_, _ = tab.w.WriteString("  " + tab.style.dim(sample) + "\n")
	}
	if rest := a.Count - len(a.Records); rest > 0 {
		tab.paragraph("", Count(rest, "more record", "more records")+" not shown: --limit shows more.")
	}
	if a.Lost > 0 {
		tab.paragraph("", Count(a.Lost, "record", "records")+" could not be kept for want of room.")
	}
	return tab.w.Flush()
}

// sampleBytes is how much of a record is looked at for its sample.
const sampleBytes = 1024
