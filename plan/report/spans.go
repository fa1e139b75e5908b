package report

import "time"

// spans counts durations, to the minute up to 100 days and to the hour up to ten
// years, in half a megabyte however many they are. A longer one counts as ten
// years.
type spans struct {
	minutes []uint32
	hours   []uint32
	counted int64
}

const (
	exactMinutes = 100 * 24 * 60
	mostHours    = 10 * 366 * 24
)

// add counts the time between two moments; one that is not known, or an end
// before its beginning, is left out.
func (s *spans) add(from, to time.Time) {
	if from.IsZero() || to.IsZero() || to.Before(from) {
		return
	}
	if s.minutes == nil {
		s.minutes, s.hours = make([]uint32, exactMinutes), make([]uint32, mostHours)
	}
	s.counted++
	if m := int64(to.Sub(from) / time.Minute); m < exactMinutes {
		s.minutes[m]++
		return
	}
	s.hours[min(int64(to.Sub(from)/time.Hour), mostHours-1)]++
}

func (s *spans) times() Times {
	return Times{Counted: s.counted, Median: s.quantile(50), P90: s.quantile(90)}
}

// quantile is the least duration, in minutes, that so many percent of all do not
// exceed (the nearest rank).
func (s *spans) quantile(percent int64) int64 {
	rank := (s.counted*percent + 99) / 100
	for m, n := range s.minutes {
		if rank -= int64(n); rank <= 0 && s.counted > 0 {
			return int64(m)
		}
	}
	for h, n := range s.hours {
		if rank -= int64(n); rank <= 0 && s.counted > 0 {
			return int64(h) * 60
		}
	}
	return 0
}
