package correlate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
)

// played is one match of a random play.
type played struct {
	second int
	source int
	group  string
	value  int
}

var oracleKinds = []string{
	"event_count, condition: {gte: 3}", "event_count, condition: {gt: 1, lte: 3}", "event_count, condition: {neq: 2}",
	"value_count, condition: {field: V, gte: 2}", "value_sum, condition: {field: V, gte: 7}",
	"value_avg, condition: {field: V, gt: 2}", "value_percentile, condition: {field: V, percentile: 75, gte: 3}",
	"temporal", "temporal, condition: {gte: 2}", "temporal_ordered", "temporal_ordered, condition: {eq: 2}",
}

const oracleSpan = 6

func plays(t *rapid.T) []played {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) played {
		return played{
			second: rapid.IntRange(0, 30).Draw(t, "second"),
			source: rapid.IntRange(0, 2).Draw(t, "source"),
			group:  rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group"),
			value:  rapid.IntRange(0, 4).Draw(t, "value"),
		}
	}), 0, 30).Draw(t, "matches")
}

func oracleStage(tb testing.TB, kind string) (*stage, *sigma.Correlation) {
	tb.Helper()
	text := "title: C\ncorrelation: {rules: [r0, r1, r2], group-by: [G], timespan: 6s, type: " + kind + "}\n" + base("r0", "r1", "r2")
	file, err := sigma.Parse("", []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return newStage(tb, text, correlate.Limits{Lateness: 8 * time.Second}), file.Correlations[0]
}

func (s *stage) play(p played) bool {
	return len(s.observe(fmt.Sprintf("r%d", p.source), float64(p.second), fmt.Sprintf("G=%s V=%d", p.group, p.value))) > 0
}

// holdsFor asks a condition of all matches of one group in one window, in the
// plainest way.
func holdsFor(c *sigma.Correlation, window []played) bool {
	got := plainValue(c, window)
	for _, b := range c.Bounds {
		ok := map[sigma.Op]bool{
			sigma.Less: got < b.Value, sigma.LessOrEqual: got <= b.Value, sigma.Greater: got > b.Value,
			sigma.GreaterOrEqual: got >= b.Value, sigma.Equal: got == b.Value, sigma.NotEqual: got != b.Value,
		}[b.Op]
		if !ok {
			return false
		}
	}
	return true
}

func plainValue(c *sigma.Correlation, window []played) float64 {
	sources, values := map[int]bool{}, map[int]bool{}
	var numbers []int
	sum := 0
	for _, p := range window {
		sources[p.source], values[p.value] = true, true
		numbers = append(numbers, p.value)
		sum += p.value
	}
	slices.Sort(numbers)
	switch c.Kind {
	case sigma.ValueCount:
		return float64(len(values))
	case sigma.ValueSum:
		return float64(sum)
	case sigma.ValueAvg:
		return float64(sum) / float64(len(window))
	case sigma.ValuePercentile:
		rank := c.Percentile / 100 * float64(len(numbers)-1)
		low := int(rank)
		high := min(low+1, len(numbers)-1)
		return float64(numbers[low]) + (rank-float64(low))*float64(numbers[high]-numbers[low])
	case sigma.Temporal:
		return float64(len(sources))
	case sigma.TemporalOrdered:
		return float64(rising(window, -1))
	default:
		return float64(len(window))
	}
}

// rising is the length of the longest choice of matches whose rules rise.
func rising(window []played, above int) int {
	best := 0
	for i, p := range window {
		if p.source > above {
			best = max(best, 1+rising(window[i+1:], p.source))
		}
	}
	return best
}

// TestCorrelatorAgreesWithAPlainOracle plays matches in order and compares with
// looking at all earlier matches each time.
func TestCorrelatorAgreesWithAPlainOracle(t *testing.T) {
	t.Parallel()
	for _, kind := range oracleKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				matches := plays(rt)
				slices.SortStableFunc(matches, func(a, b played) int { return a.second - b.second })
				s, c := oracleStage(t, kind)
				last := map[string]int{}
				var got, want []string
				for i, p := range matches {
					if s.play(p) {
						got = append(got, strconv.Itoa(i))
					}
					reported, ever := last[p.group]
					asked := kind != "temporal_ordered" || p.source == 2
					if asked && holdsFor(c, windowOf(matches[:i+1], p)) && (!ever || p.second-reported >= oracleSpan) {
						last[p.group] = p.second
						want = append(want, strconv.Itoa(i))
					}
				}
				if diff := cmp.Diff(strings.Join(want, " "), strings.Join(got, " ")); diff != "" {
					rt.Errorf("reached with matches (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// windowOf returns the matches of p's group in the window that ends with p.
func windowOf(matches []played, p played) []played {
	var window []played
	for _, m := range matches {
		if m.group == p.group && m.second <= p.second && p.second-m.second <= oracleSpan {
			window = append(window, m)
		}
	}
	return window
}

// TestLateMatchesStillCount plays matches out of order by less than the
// lateness allowed: a group whose complete story holds somewhere is reported.
// Kinds whose value only grows with more matches are meant; the others may
// hold and cease to hold as late matches come in.
func TestLateMatchesStillCount(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{oracleKinds[0], oracleKinds[3], oracleKinds[4], oracleKinds[7], oracleKinds[9]} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				matches := plays(rt)
				slices.SortStableFunc(matches, func(a, b played) int { return a.second - b.second })
				s, c := oracleStage(t, kind)
				late := slices.Clone(matches)
				delay := make(map[int]int)
				for i := range late {
					delay[i] = late[i].second + rapid.IntRange(0, 7).Draw(rt, "delay")
				}
				order := make([]int, len(late))
				for i := range order {
					order[i] = i
				}
				slices.SortStableFunc(order, func(a, b int) int { return delay[a] - delay[b] })
				reported := map[string]bool{}
				for _, i := range order {
					if s.play(late[i]) {
						reported[late[i].group] = true
					}
				}
				for i := range matches {
					// Of one moment the order is unknown once shuffled: skip those.
					if c.Kind == sigma.TemporalOrdered && sameMoment(matches, i) {
						return
					}
				}
				for i, p := range matches {
					if holdsFor(c, windowOf(matches[:i+1], p)) && !reported[p.group] {
						rt.Errorf("group %s holds at match %d of %v and was not reported, order %v", p.group, i, matches, order)
					}
				}
			})
		})
	}
}

func sameMoment(matches []played, i int) bool {
	return i > 0 && matches[i-1].second == matches[i].second
}
