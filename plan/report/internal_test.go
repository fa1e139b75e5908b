package report

import "time"

// PersonParts are the parts of a case that only a person fills, in the order of
// regime.CaseParts.
func PersonParts() []string { return personParts() }

// TimesOf is what durations of so many minutes come to.
func TimesOf(minutes []int64) Times {
	var s spans
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, m := range minutes {
		s.add(from, from.Add(time.Duration(m)*time.Minute))
	}
	return s.times()
}
