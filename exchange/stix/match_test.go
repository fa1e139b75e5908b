package stix_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/exchange/stix"
	"tocsin/internal/fault"
)

// observedFile is an observation of one file.
func observedFile(t interface{ Fatal(...any) }, first, last, times int, properties string) stix.Observed {
	at := func(second int) string {
		return time.Unix(1_700_000_000+int64(second), 0).UTC().Format(time.RFC3339)
	}
	var objects []stix.Object
	text := fmt.Sprintf(`[{"type":"observed-data","first_observed":%q,"last_observed":%q,"number_observed":%d,"object_refs":["file--1","directory--1"]},
		{"type":"file","id":"file--1",%s},{"type":"directory","id":"directory--1","path":"C:\\Windows"}]`, at(first), at(last), times, properties)
	if err := json.Unmarshal([]byte(text), &objects); err != nil {
		t.Fatal(err)
	}
	observed, err := stix.ObservedIn(objects)
	if err != nil {
		t.Fatal(err)
	}
	return observed[0]
}

func TestPatternMatchesProperties(t *testing.T) {
	t.Parallel()
	file := observedFile(t, 0, 0, 1, `"name":"a.exe","size":7,"content_refs":["directory--1","file--9"],"parent_directory_ref":"directory--1",
		"hashes":{"SHA-256":"aa"},"extensions":{"x-ext":{"list":[{"v":1},{"v":2}]}},"empty":null,"ip":"2001:db8::7"`)
	for pattern, want := range map[string]bool{
		`[EXISTS file:name]`:                                                 true,
		`[NOT EXISTS file:name]`:                                             false,
		`[EXISTS file:mtime]`:                                                false,
		`[NOT EXISTS file:mtime]`:                                            true,
		`[NOT EXISTS url:value]`:                                             false, // there is no URL that lacks it
		`[EXISTS file:empty]`:                                                false, // null is no value
		`[file:hashes.'SHA-256' = 'aa']`:                                     true,
		`[file:extensions.'x-ext'.list[*].v = 2]`:                            true,
		`[file:extensions.'x-ext'.list[0].v = 2]`:                            false,
		`[file:extensions.'x-ext'.list[9].v = 2]`:                            false,
		`[file:parent_directory_ref.path = 'C:\\Windows']`:                   true,
		`[file:parent_directory_ref = 'directory--1']`:                       true,
		`[file:content_refs[*].path LIKE 'c:%']`:                             false,
		`[file:content_refs[*].path LIKE '_:%s']`:                            true,
		`[file:content_refs[1].path = 'C:\\Windows']`:                        false,
		`[file:name = 'a.exe' AND directory:path = 'C:\\Windows']`:           false, // both start at one object (§9.4)
		`[file:name = 'a.exe' AND file:parent_directory_ref.path LIKE 'C%']`: true,
		`[file:name = 'a.exe'] AND [directory:path = 'C:\\Windows']`:         false, // of different observations
		`[file:ip ISSUBSET '2001:db8::/32']`:                                 true,
		`[file:ip ISSUBSET '10.0.0.0/8']`:                                    false,
		`[file:ip ISSUPERSET '2001:0db8::0007']`:                             true,
		`[file:name ISSUBSET '10.0.0.0/8']`:                                  false,
		`[file:name MATCHES '^(a|b)\\.exe$']`:                                true,
		`[file:size IN (1, 7.0)]`:                                            true,
		`[file:size NOT IN (1, 2)]`:                                          true,
	} {
		p, err := stix.CompilePattern(pattern)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := p.MatchOne(file); got != want || err != nil {
			t.Errorf("%s: got %t, %v, want %t", pattern, got, err, want)
		}
	}
}

func TestPatternThatCannotBeMatchedIsRefused(t *testing.T) {
	t.Parallel()
	for pattern, reason := range map[string]string{
		`[file:name MATCHES '(?=a)b']`:       "RE2",
		`[file:name IN ('a', 1)]`:            "one kind",
		`[file:name ISSUBSET 'here']`:        "no address",
		`[file:name = 'a'] WITHIN 0 SECONDS`: "more than 0",
		`[file:name`:                         "expected",
	} {
		if _, err := stix.CompilePattern(pattern); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v, want fault.Invalid that says %q", pattern, err, reason)
		}
	}
}

func TestMatchingIsBounded(t *testing.T) {
	t.Parallel()
	var observed []stix.Observed
	for n := range 400 {
		observed = append(observed, observedFile(t, n, n+40, 1, `"name":"a"`))
	}
	one := `([file:name = 'a'] FOLLOWEDBY [file:name = 'a'] FOLLOWEDBY [file:name = 'b']) WITHIN 3 SECONDS`
	hard := strings.Repeat("("+strings.Repeat("[file:name = 'a'] FOLLOWEDBY ", 8)+"[file:name = 'a']) WITHIN 3 SECONDS AND ", 8) + one
	p, err := stix.CompilePattern(hard)
	if err != nil {
		t.Fatal(err)
	}
	if matched, err := p.Match(observed); matched || err != nil && !errors.Is(err, stix.ErrTooMuch) {
		t.Errorf("got %t, %v, want no match or ErrTooMuch", matched, err)
	}
	// Billions of sightings in one object are not counted one by one.
	p, err = stix.CompilePattern(`[file:name = 'a'] REPEATS 2000000000 TIMES AND [file:name = 'a'] REPEATS 1000000000 TIMES`)
	if err != nil {
		t.Fatal(err)
	}
	many := []stix.Observed{observedFile(t, 0, 0, 1_500_000_000, `"name":"a"`), observedFile(t, 0, 0, 1_500_000_000, `"name":"a"`)}
	if matched, err := p.Match(many); !matched || err != nil {
		t.Errorf("got %t, %v, want a match", matched, err)
	}
}

// enumerated answers by trying every way to take observations, as the standard
// says it, in words and not in spans.
type enumerated struct {
	observed []stix.Observed
	fits     func(c *stix.Comparison, i int) bool
}

// ways returns all sets of observations that an expression can take, each a list of
// numbers; one that was made twice stands in it twice as i and i+100.
func (e *enumerated) ways(o *stix.Observation) [][]int {
	var ways [][]int
	switch {
	case o.Comparison != nil:
		for i, observed := range e.observed {
			for n := range observed.Times() {
				if e.fits(o.Comparison, i) {
					ways = append(ways, []int{i + 100*n})
				}
			}
		}
	case o.Join == "OR":
		for _, term := range o.Terms {
			ways = append(ways, e.ways(term)...)
		}
	default:
		ways = e.ways(o.Terms[0])
		for _, term := range o.Terms[1:] {
			ways = e.joined(ways, e.ways(term), o.Join == "FOLLOWEDBY")
		}
	}
	for _, q := range o.Qualifiers {
		ways = e.qualified(ways, q)
	}
	return ways
}

func (e *enumerated) joined(left, right [][]int, followed bool) (ways [][]int) {
	for _, l := range left {
		for _, r := range right {
			if slices.ContainsFunc(l, func(i int) bool { return slices.Contains(r, i) }) || followed && !e.mayFollow(l, r) {
				continue
			}
			ways = append(ways, slices.Concat(l, r))
		}
	}
	return ways
}

func (e *enumerated) mayFollow(left, right []int) bool {
	for _, l := range left {
		for _, r := range right {
			first, _ := e.observed[l%100].Interval()
			if _, last := e.observed[r%100].Interval(); first.After(last) {
				return false
			}
		}
	}
	return true
}

func (e *enumerated) qualified(ways [][]int, q stix.Qualifier) (kept [][]int) {
	if q.Kind == "REPEATS" {
		kept = ways
		for range q.Times - 1 {
			kept = e.joined(kept, ways, false)
		}
		return kept
	}
	for _, way := range ways {
		// Any two may have been so near, which is enough for intervals.
		near := true
		for _, a := range way {
			for _, b := range way {
				first, _ := e.observed[a%100].Interval()
				_, last := e.observed[b%100].Interval()
				near = near && first.Sub(last) <= time.Duration(q.Seconds*float64(time.Second))
			}
		}
		if near {
			kept = append(kept, way)
		}
	}
	return kept
}

func drawPattern(t *rapid.T, depth int) string {
	text := fmt.Sprintf("[file:size >= %d]", rapid.IntRange(0, 3).Draw(t, "size"))
	if depth > 0 && rapid.Bool().Draw(t, "joined") {
		join := rapid.SampledFrom([]string{" AND ", " OR ", " FOLLOWEDBY "}).Draw(t, "join")
		text = "(" + drawPattern(t, depth-1) + join + drawPattern(t, depth-1) + ")"
	}
	switch rapid.IntRange(0, 3).Draw(t, "qualifier") {
	case 0:
		text += fmt.Sprintf(" WITHIN %d SECONDS", rapid.IntRange(1, 4).Draw(t, "seconds"))
	case 1:
		text += " REPEATS 2 TIMES"
	}
	return text
}

func TestMatchIsWhatEnumerationFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := drawPattern(t, 2)
		var observed []stix.Observed
		for range rapid.IntRange(1, 5).Draw(t, "observations") {
			first := rapid.IntRange(0, 8).Draw(t, "first")
			observed = append(observed, observedFile(t, first, first+rapid.IntRange(0, 3).Draw(t, "length"),
				rapid.IntRange(1, 2).Draw(t, "times"), fmt.Sprintf(`"size":%d`, rapid.IntRange(0, 3).Draw(t, "size"))))
		}
		tree, err := stix.ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		e := &enumerated{observed: observed, fits: func(c *stix.Comparison, i int) bool {
			p, err := stix.CompilePattern(fmt.Sprintf("[%s %s %s]", c.Path, c.Operator, c.Values[0].Text))
			if err != nil {
				t.Fatal(err)
			}
			fits, _ := p.MatchOne(observed[i])
			return fits
		}}
		want := len(e.ways(tree)) > 0
		p, err := stix.CompilePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Match(observed); got != want || err != nil {
			t.Errorf("%s: got %t, %v, want %t", pattern, got, err, want)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add(`[file:name = 'a' AND file:size > 3] REPEATS 2 TIMES WITHIN 5 SECONDS`, `[{"type":"file","id":"1","name":"a","size":4}]`)
	f.Add(`([a:b_refs[*].c MATCHES '^x'] FOLLOWEDBY [a:d_hex LIKE '%']) START t'2016-06-01T01:30:00Z' STOP t'2017-06-01T01:30:00Z'`, `[{"type":"a","id":"1","b_refs":["1"],"d_hex":"00"}]`)
	f.Add(`[a:b ISSUBSET '10.0.0.0/8' OR a:c IN (t'2016-06-01T01:30:00Z')] OR [NOT EXISTS a:d]`, `[{"type":"a","id":"1","b":"10.1.1.1","c":"2016-06-01T01:30:00Z"}]`)
	f.Fuzz(func(_ *testing.T, pattern, objects string) {
		p, err := stix.CompilePattern(pattern)
		if err != nil || len(p.Paths()) > 20 {
			return
		}
		var all []stix.Object
		if json.Unmarshal([]byte(objects), &all) != nil {
			return
		}
		var refs []any
		for _, o := range all {
			refs = append(refs, o.ID())
		}
		seen := stix.Object{"type": "observed-data", "first_observed": "2016-06-01T01:30:00Z", "last_observed": "2016-06-01T01:30:01Z", "number_observed": 2.0, "object_refs": refs}
		observed, err := stix.ObservedIn(append(all, seen))
		if err != nil {
			return
		}
		_, _ = p.Match(observed)
	})
}

func BenchmarkMatch(b *testing.B) {
	var observed []stix.Observed
	for n := range 1000 {
		observed = append(observed, observedFile(b, n, n, 1, fmt.Sprintf(`"name":"%d.exe","size":%d,"hashes":{"SHA-256":"aa"}`, n, n)))
	}
	for name, pattern := range map[string]string{
		"equal":      `[file:hashes.'SHA-256' = 'bb']`,
		"regex":      `[file:name MATCHES '^99[0-9]\\.dll$']`,
		"repeats":    `[file:size > 10] REPEATS 500 TIMES WITHIN 400 SECONDS`,
		"followedby": `[file:size > 900] FOLLOWEDBY [file:size < 100]`,
	} {
		b.Run(name, func(b *testing.B) {
			p, err := stix.CompilePattern(pattern)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if matched, err := p.Match(observed); matched || err != nil {
					b.Fatal(matched, err)
				}
			}
		})
	}
}
