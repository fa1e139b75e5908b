package output

import (
	"slices"
	"time"

	"tocsin/intel"
)

// steps are the widths of a bar in time. Each divides the next, so that bars
// can be merged without splitting one.
var steps = [...]time.Duration{
	time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
	7 * 24 * time.Hour, 28 * 24 * time.Hour, 84 * 24 * time.Hour, 336 * 24 * time.Hour, 10 * 336 * 24 * time.Hour,
}

// timeline counts findings by time and level in a bounded number of bars. It
// starts with bars of a second and doubles up when there are too many, so a
// minute and ten years both fit. Gaps cost nothing.
type timeline struct {
	limit       int
	step        int // index in steps
	bars        map[int64]*bar
	first, last time.Time
}

// bar is what was found in one step.
type bar struct {
	start   time.Time
	byLevel [intel.Critical + 1]uint64
}

func (b *bar) total() uint64 {
	n := uint64(0)
	for _, c := range b.byLevel {
		n += c
	}
	return n
}

func newTimeline(limit int) *timeline { return &timeline{limit: limit, bars: map[int64]*bar{}} }

func (t *timeline) add(at time.Time, level intel.Severity) {
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
	key := slot(at, steps[t.step])
	b := t.bars[key]
	if b == nil {
		b = &bar{start: start(key, steps[t.step])}
		t.bars[key] = b
	}
	b.byLevel[level]++
	for len(t.bars) > t.limit && t.step < len(steps)-1 {
		t.widen()
	}
}

func (t *timeline) widen() {
	t.step++
	t.bars = merge(t.bars, steps[t.step])
}

func merge(bars map[int64]*bar, step time.Duration) map[int64]*bar {
	merged := map[int64]*bar{}
	for _, b := range bars {
		key := slot(b.start, step)
		m := merged[key]
		if m == nil {
			m = &bar{start: start(key, step)}
			merged[key] = m
		}
		for level, n := range b.byLevel {
			m.byLevel[level] += n
		}
	}
	return merged
}

// slot numbers the step that a time falls in, also before 1970.
func slot(at time.Time, step time.Duration) int64 {
	seconds := int64(step / time.Second)
	unix := at.Unix()
	if unix < 0 {
		unix -= seconds - 1
	}
	return unix / seconds
}

func start(key int64, step time.Duration) time.Time {
	return time.Unix(key*int64(step/time.Second), 0).UTC()
}

// chart returns the bars in order, so wide that at most limit of them, gaps
// counted, span the whole time, and their width. Few findings far away from all
// others, as clocks that were never set make them, would shrink the rest to a
// line: they are left out, and counted.
func (t *timeline) chart(limit int) (bars []*bar, step time.Duration, before, after uint64) {
	bars, before, after = withoutFar(inTime(t.bars), t.total())
	from, to := bars[0].start, bars[len(bars)-1].start
	i := t.step
	for i < len(steps)-1 && slot(to, steps[i])-slot(from, steps[i])+1 > int64(limit) {
		i++
	}
	kept := make(map[int64]*bar, len(bars))
	for _, b := range bars {
		kept[b.start.Unix()] = b
	}
	return inTime(merge(kept, steps[i])), steps[i], before, after
}

func (t *timeline) total() uint64 {
	n := uint64(0)
	for _, b := range t.bars {
		n += b.total()
	}
	return n
}

func inTime(bars map[int64]*bar) []*bar {
	sorted := make([]*bar, 0, len(bars))
	for _, b := range bars {
		sorted = append(sorted, b)
	}
	slices.SortFunc(sorted, func(a, b *bar) int { return a.start.Compare(b.start) })
	return sorted
}

const (
	// farShare is the share of all findings, one in so many, that may be left
	// out at each end.
	farShare = 100
	// farTimes is how many times shorter the rest must be without them.
	farTimes = 8
)

// withoutFar leaves out the first and last bars where they are few and far away.
func withoutFar(bars []*bar, total uint64) (kept []*bar, before, after uint64) {
	length := func(bars []*bar) int64 { return bars[len(bars)-1].start.Unix() - bars[0].start.Unix() + 1 }
	kept = bars
	left, sum := bars, uint64(0)
	for len(left) > 1 && sum+left[0].total() <= total/farShare {
		sum += left[0].total()
		left = left[1:]
		if length(left) < length(kept)/farTimes {
			kept, before = left, sum
		}
	}
	right, sum := kept, uint64(0)
	for len(right) > 1 && sum+right[len(right)-1].total() <= total/farShare {
		sum += right[len(right)-1].total()
		right = right[:len(right)-1]
		if length(right) < length(kept)/farTimes {
			kept, after = right, sum
		}
	}
	return kept, before, after
}
