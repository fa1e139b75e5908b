package answer

import (
	"maps"
	"slices"
	"time"

	"tocsin/alliance"
)

// settle completes an answer of the ledger by what is known of the archive: what the
// last answer said to the questions that only the archive can be asked, and what
// was watched of them since. It stays partial where something of that is not
// counted from the archive yet.
func settle(next, before *alliance.Answer, watched map[int]alliance.Sightings) {
	if !next.Partial {
		return
	}
	later := map[int]bool{}
	next.Rest = slices.DeleteFunc(next.Rest, func(g alliance.Group) bool {
		if g.Reason != alliance.ReasonLater {
			return false
		}
		for _, q := range numbers(g.Questions) {
			later[q] = true
		}
		return true
	})
	open := maps.Clone(later)
	if before.Revision == next.Revision {
		inherit(next, before, open)
	}
	next.Partial = len(open) > 0
	for _, q := range slices.Sorted(maps.Keys(watched)) {
		if later[q] {
			seenAgain(next, q, watched[q])
			delete(open, q)
			next.Partial = true
		}
	}
	if len(open) > 0 {
		next.Rest = append(next.Rest, alliance.Group{
			Verdict: alliance.CannotTell, Reason: alliance.ReasonLater, Questions: alliance.RangesOf(slices.Collect(maps.Keys(open))...).String(),
		})
	}
	slices.SortFunc(next.Hits, func(a, b alliance.QuestionHit) int { return a.Question - b.Question })
	next.Conclude()
}

// inherit takes over what the last answer said to open questions, which are then
// no longer open.
func inherit(next, before *alliance.Answer, open map[int]bool) {
	for _, h := range before.Hits {
		if open[h.Question] {
			next.Hits = append(next.Hits, h)
			delete(open, h.Question)
		}
	}
	for _, g := range before.Rest {
		if g.Reason == alliance.ReasonLater {
			continue
		}
		var mine []int
		for _, q := range numbers(g.Questions) {
			if open[q] {
				mine = append(mine, q)
				delete(open, q)
			}
		}
		if len(mine) > 0 {
			g.Questions = alliance.RangesOf(mine...).String()
			next.Rest = append(next.Rest, g)
		}
	}
}

// seenAgain adds what was watched to the answer to a question, whatever it was.
func seenAgain(next *alliance.Answer, question int, seen alliance.Sightings) {
	for i := range next.Hits {
		if h := &next.Hits[i]; h.Question == question {
			h.Hosts = max(h.Hosts, seen.Hosts)
			h.Join(seen)
			return
		}
	}
	next.Hits = append(next.Hits, alliance.QuestionHit{Question: question, Verdict: alliance.Hit, Sightings: seen})
	for i := range next.Rest {
		g := &next.Rest[i]
		if rest := numbers(g.Questions); slices.Contains(rest, question) {
			rest = slices.DeleteFunc(rest, func(n int) bool { return n == question })
			g.Questions = alliance.RangesOf(rest...).String()
		}
	}
	next.Rest = slices.DeleteFunc(next.Rest, func(g alliance.Group) bool { return g.Questions == "" })
}

// numbers reads the questions of a group that this package wrote.
func numbers(questions string) []int {
	r, err := alliance.ParseRanges(questions)
	if err != nil {
		return nil
	}
	return slices.Collect(r.All())
}

// differs reports whether an answer says something that the one before did not.
// How much exactly was covered changes every hour and is not told anew for it.
func differs(a, b *alliance.Answer) bool {
	if b.Sequence == 0 || a.Revision != b.Revision || a.Verdict != b.Verdict || a.Partial != b.Partial || len(a.Hits) != len(b.Hits) {
		return true
	}
	for i := range a.Hits {
		x, y := &a.Hits[i], &b.Hits[i]
		if x.Question != y.Question || x.Verdict != y.Verdict || x.Events != y.Events || x.Hosts != y.Hosts || !same(x.First, y.First) || !same(x.Last, y.Last) {
			return true
		}
	}
	return !maps.Equal(verdicts(a), verdicts(b))
}

func same(a, b *time.Time) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }

// verdicts are those of the questions that are no hits.
func verdicts(a *alliance.Answer) map[int]alliance.Verdict {
	all := map[int]alliance.Verdict{}
	for _, g := range a.Rest {
		for _, q := range numbers(g.Questions) {
			all[q] = g.Verdict
		}
	}
	return all
}
