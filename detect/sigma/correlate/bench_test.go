package correlate_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
)

// BenchmarkObserve measures a match that belongs to one large group.
func BenchmarkObserve(b *testing.B) {
	for _, kind := range oracleKinds {
		b.Run(strings.ReplaceAll(kind, " ", ""), func(b *testing.B) {
			text := "title: C\ncorrelation: {rules: [r0, r1, r2], timespan: 1h, type: " + kind + "}\n" + base("r0", "r1", "r2")
			s := newStage(b, text, correlate.Limits{})
			var value string
			match := correlate.Match{Value: func(string) (string, bool) { return value, true }}
			rules := []*sigma.Rule{s.rules["r2"], s.rules["r1"], s.rules["r2"], s.rules["r0"]}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				value = strconv.Itoa(i * 7919 % 10007)
				match.Rule = rules[i%4]
				match.Time = start.Add(time.Duration(i) * time.Millisecond)
				s.Observe(match)
			}
		})
	}
}
