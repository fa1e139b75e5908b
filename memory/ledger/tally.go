package ledger

import (
	"math/bits"
	"slices"
	"time"

	"tocsin/intel"
)

// tally adds up the answer to a question.
type tally struct {
	sum      sighting
	keys     uint64
	partly   bool // some sightings are outside the time asked about
	examples []intel.Observable
	problem  string
	// pseudonym is a second key to look up, where there are any.
	pseudonym []byte
}

// add counts what was kept of one observable, and reports whether any of it
// was seen in the time asked about. It keeps nothing of s.
func (t *tally) add(s *sighting, q *Question) bool {
	since, until := moment(0), moment(1<<32-1)
	if !q.Since.IsZero() {
		since = momentOf(q.Since)
	}
	if !q.Until.IsZero() {
		until = momentOf(q.Until)
	}
	timeless := q.Since.IsZero() && q.Until.IsZero()
	t.sum.undated = saturated(t.sum.undated, s.undated)
	days := s.days.within(since.day(), until.day())
	if s.count == 0 || len(days) == 0 || s.last < since || s.first > until {
		if s.undated == 0 || !timeless {
			return false
		}
		t.sum.hosts.union(&s.hosts)
		t.keys++
		return true
	}
	part := sighting{first: s.first, last: s.last, count: s.count, days: days, hosts: s.hosts}
	if since > s.first || until < s.last {
		t.partly = true
		part.clip(since, until, len(s.days))
	}
	t.sum.join(&part)
	t.keys++
	return true
}

// clip makes of a sighting what it was, as far as is known, in a time that
// does not hold all of it: its days are those in the time already.
func (s *sighting) clip(since, until moment, allDays int) {
	if s.first < since {
		s.first = max(since, s.days[0].start())
	}
	if s.last > until {
		s.last = min(until, s.days[len(s.days)-1].start()+secondsPerDay-1)
	}
	hi, lo := bits.Mul64(s.count, uint64(len(s.days)))
	s.count, _ = bits.Div64(hi, lo, uint64(allDays))
	s.count = max(s.count, 1)
}

func (t *tally) answer(l *Ledger) Answer {
	a := Answer{
		Seen: t.keys > 0, Whole: !t.partly, Count: t.sum.count, Undated: t.sum.undated,
		Keys: t.keys, Examples: t.examples, Problem: t.problem,
	}
	if t.sum.count > 0 {
		a.First, a.Last = t.sum.first.time(), t.sum.last.time()
		a.Days = make([]time.Time, len(t.sum.days))
		for i, d := range t.sum.days {
			a.Days[i] = d.time()
		}
	}
	a.HostCount, a.HostsEstimated = t.sum.hosts.number()
	for _, id := range t.sum.hosts.lowest {
		a.Hosts = append(a.Hosts, l.hosts.text(uint32(id)))
	}
	slices.Sort(a.Hosts)
	return a
}
