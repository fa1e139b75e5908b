package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
	"tocsin/node"
)

// Covered says in sentences what was read, asked and found.
func Covered(o *Overview, s *node.Summary) []string {
	sentences := []string{readSentence(s), foundSentence(o, s)}
	if first := firstSentence(o); first != "" {
		sentences = append(sentences, first)
	}
	return sentences
}

// firstSentence says where the gravest of it began: the first question of
// whoever is woken.
func firstSentence(o *Overview) string {
	level := o.Highest()
	first := o.first[level]
	if level < intel.High || first.time.IsZero() {
		return ""
	}
	text := "First " + level.String() + ": " + moment(first.time) + " UTC"
	if first.host != "" {
		text += " on " + Plain(first.host)
	}
	return text + ", " + Plain(first.title) + "."
}

func readSentence(s *node.Summary) string {
	read := 0
	for _, source := range s.Sources {
		if source.Format != "" {
			read++
		}
	}
	text := fmt.Sprintf("Read %s (%s) from %s in %s", Count(s.Events, "event", "events"), byteSize(s.Bytes),
		Count(read, "source", "sources"), duration(s.Elapsed))
	if seconds := s.Elapsed.Seconds(); seconds > 0 && s.Events > 0 {
		text += fmt.Sprintf(": %s events/s, %s/s", number(uint64(float64(s.Events)/seconds)), byteSize(uint64(float64(s.Bytes)/seconds)))
	}
	return text + "."
}

func foundSentence(o *Overview, s *node.Summary) string {
	asked := asked(s)
	if s.Events == 0 {
		return "Nothing was read, so nothing could be found."
	}
	if o.Findings == 0 {
		return fmt.Sprintf("Nothing found: none of %s matched.", asked)
	}
	var levels []string
	for level := intel.Critical; ; level-- {
		if n := o.ByLevel[level]; n > 0 {
			levels = append(levels, number(n)+" "+level.String())
		}
		if level == intel.Unrated {
			break
		}
	}
	text := fmt.Sprintf("%s by %s of %s: %s", Count(o.Findings, "finding", "findings"), number(o.Rules()), asked, strings.Join(levels, ", "))
	if n := o.HostCount(); n > 0 {
		text += "; on " + Count(n, "host", "hosts")
		if o.hosts.further > 0 {
			text += " and more (hosts past that number are counted, not told apart)"
		}
	}
	if first, last := o.Span(); !first.IsZero() {
		text += fmt.Sprintf("; %s UTC", span(first, last))
	}
	return text + "."
}

// asked says what events were asked for.
func asked(s *node.Summary) string {
	text := Count(s.Rules, "rule", "rules")
	if s.Indicators > 0 {
		text += " and " + Count(s.Indicators, "indicator", "indicators")
	}
	return text
}

// Gaps says in sentences what was not covered: nothing found there means
// nothing. Empty when everything was.
func Gaps(s *node.Summary) []string {
	var gaps []string
	add := func(n uint64, sentence string) {
		if n > 0 {
			gaps = append(gaps, sentence)
		}
	}
	gaps = append(gaps, atMost(unread(s))...)
	gaps = append(gaps, atMost(damaged(s))...)
	add(s.Unclassified, Count(s.Unclassified, "event is", "events are")+
		" of no known log source: only rules for any log source were asked. A mapping (--mapping DIR) teaches the watch a log source.")
	add(s.WithoutTime, Count(s.WithoutTime, "event does", "events do")+" not say when: no place in time order, and never left out by --since or --until.")
	add(s.OutsideWindow, Count(s.OutsideWindow, "event was left out as", "events were left out as")+" outside --since and --until.")
	add(uint64(s.NotSeen), Count(s.NotSeen, "rule is", "rules are")+" for log sources that could have come but were not in this input.")
	add(uint64(len(s.NoTelemetry)), fmt.Sprintf("No input of any kind can produce what some rules ask for: %s.", listed(s.NoTelemetry, len(s.NoTelemetry))))
	if s.NamesFull {
		gaps = append(gaps, fmt.Sprintf("The input has more than %s different names of fields: of those beyond, only the ones that rules use were told apart.", number(intel.NamesLimit)))
	}
	add(uint64(len(s.LeftOut)), "Correlations that cannot work were left out: "+listed(s.LeftOut, len(s.LeftOut))+".")
	return append(gaps, uncorrelated(&s.Correlations)...)
}

// uncorrelated says what correlations could not take into account.
func uncorrelated(c *correlate.Stats) []string {
	var gaps []string
	for _, g := range []struct {
		n   uint64
		why string
	}{
		{c.Timeless, "had no time"},
		{c.Ungrouped, "had none of the fields to group by"},
		{c.Late, "came too late"},
		{c.Dropped, "came when their group was full"},
	} {
		if g.n > 0 {
			gaps = append(gaps, fmt.Sprintf("%s not correlated with others: %s %s.", Count(g.n, "match was", "matches were"), pronoun(g.n), g.why))
		}
	}
	if c.Evicted > 0 {
		gaps = append(gaps, Count(c.Evicted, "group was", "groups were")+" forgotten by correlations for want of room: there were too many different ones at once.")
	}
	return gaps
}

func pronoun(n uint64) string {
	if n == 1 {
		return "it"
	}
	return "they"
}

// maxReasons is how many reasons are told apart before the rest is counted: a
// disk full of damage must not push what was found off the screen.
const maxReasons = 12

func atMost(sentences []string) []string {
	if len(sentences) <= maxReasons {
		return sentences
	}
	rest := len(sentences) - maxReasons
	return append(sentences[:maxReasons:maxReasons], Count(rest, "further reason", "further reasons")+" why something was not read.")
}

// named is how many names a sentence lists before it counts the rest.
const named = 5

// unread says which sources were not read at all, by reason.
func unread(s *node.Summary) []string {
	byReason := map[string][]string{}
	var reasons []string
	add := func(reason, name string) {
		if byReason[reason] == nil {
			reasons = append(reasons, reason)
		}
		byReason[reason] = append(byReason[reason], name)
	}
	for _, source := range s.Sources {
		if source.Format != "" {
			continue
		}
		for _, skip := range source.Skipped {
			add(strings.TrimSuffix(skip.Reason, ": not read"), source.Name)
		}
		if len(source.Skipped) == 0 {
			add("format not recognised", source.Name)
		}
	}
	var sentences []string
	for _, reason := range reasons {
		names := byReason[reason]
		sentences = append(sentences, fmt.Sprintf("%s not read, %s: %s.", Count(len(names), "source was", "sources were"), Plain(reason), listed(names, len(names))))
	}
	return sentences
}

// damage is one reason and where it occurred.
type damage struct {
	reason  string
	records uint64
	sources []string
	first   int64
}

// damaged says what could not be read, by reason, most first.
func damaged(s *node.Summary) []string {
	byReason := map[string]*damage{}
	var all []*damage
	for _, source := range s.Sources {
		if source.Format == "" {
			continue
		}
		for _, skip := range source.Skipped {
			d := byReason[skip.Reason]
			if d == nil {
				d = &damage{reason: skip.Reason, first: skip.First}
				byReason[skip.Reason] = d
				all = append(all, d)
			}
			d.records += skip.Count
			d.sources = append(d.sources, source.Name)
		}
	}
	slices.SortStableFunc(all, func(a, b *damage) int { return cmp.Compare(b.records, a.records) })
	var sentences []string
	for _, d := range all {
		// A reason may cost a record, many, or none: only how often is known.
		sentences = append(sentences, fmt.Sprintf("%s, %s: in %s, first at byte %s.",
			capital(Plain(d.reason)), Count(d.records, "time", "times"), listed(d.sources, len(d.sources)), number(d.first)))
	}
	return sentences
}

// listed joins the first few names and counts the rest.
func listed(names []string, all int) string {
	shown := make([]string, 0, named)
	for _, name := range names[:min(len(names), named)] {
		shown = append(shown, Plain(name))
	}
	if rest := all - len(shown); rest > 0 {
		return fmt.Sprintf("%s and %s more", strings.Join(shown, ", "), number(rest))
	}
	return strings.Join(shown, ", ")
}

// ByteSize writes a number of bytes in the decimal units of storage.
func ByteSize(n uint64) string { return byteSize(n) }

// byteSize writes a number of bytes in the decimal units of storage.
func byteSize(n uint64) string {
	const unit = 1000
	if n < unit {
		return Count(n, "byte", "bytes")
	}
	value, prefix := float64(n), ""
	for _, prefix = range []string{"k", "M", "G", "T", "P"} {
		value /= unit
		if value < unit {
			break
		}
	}
	if value < 10 {
		return fmt.Sprintf("%.1f %sB", value, prefix)
	}
	return fmt.Sprintf("%.0f %sB", value, prefix)
}

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}
