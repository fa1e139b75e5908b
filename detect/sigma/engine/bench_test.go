package engine_test

import (
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// benchCorpus is real Windows events: those named by TOCSIN_EVENTS, else some of
// the data sets.
func benchCorpus(b *testing.B) *corpus {
	b.Helper()
	c := newCorpus(b)
	addExtraEvents(b, c)
	if len(c.events) == 0 {
		for _, path := range jsonFiles(b, "security-datasets", 10<<20) {
			c.addFile(b, path, 500)
		}
	}
	return c
}

// BenchmarkInspect asks all Windows rules of prepared events: matching alone.
func BenchmarkInspect(b *testing.B) {
	c := benchCorpus(b)
	benchmarkInspect(b, c, windowsRules(loadActiveRules(b)))
}

func benchmarkInspect(b *testing.B, c *corpus, rules []*sigma.Rule) {
	b.Helper()
	compiled, err := engine.Compile(rules, c.names)
	if err != nil {
		b.Fatal(err)
	}
	inspector := engine.NewInspector(compiled)
	for range 8 { // build programs, and let them learn
		for i := range c.events {
			inspector.Inspect(c.events[i].class, &c.events[i].rec)
		}
	}
	// A decoder has just written the event, so its bytes are in the cache: each
	// event is copied first, and the cost of copying alone is taken off.
	var fresh intel.Record
	round := func(inspect bool) time.Duration {
		start := cpuTime(b)
		for i := range c.events {
			e := &c.events[i]
			copyRecord(&fresh, &e.rec)
			if inspect {
				inspector.Inspect(e.class, &fresh)
			}
		}
		return cpuTime(b) - start
	}
	round(true)
	b.ReportAllocs()
	var copying, both time.Duration
	rounds := 0
	for b.Loop() {
		copying += round(false)
		both += round(true)
		rounds++
	}
	n := float64(rounds * len(c.events))
	b.ReportMetric(float64((both-copying).Nanoseconds())/n, "cpu-ns/event")
	b.ReportMetric(float64(copying.Nanoseconds())/n, "copy-ns/event")
	b.ReportMetric(n, "events")
}

func copyRecord(to, from *intel.Record) {
	to.Reset()
	for i := range from.Fields {
		f := &from.Fields[i]
		to.AddTail(f.Name, f.Kind, append(to.Tail(), f.Value...))
	}
}

// cpuTime is what the process has used: other work on the machine does not
// count.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkInspectNaive is the same without an index.
func BenchmarkInspectNaive(b *testing.B) {
	c := benchCorpus(b)
	naive := &naives{rules: windowsRules(loadActiveRules(b)), names: c.names, byClass: map[*intel.Class]map[int32]*sigma.Naive{}}
	for i := range c.events { // prepare the rules of every class
		if e := &c.events[i]; naive.byClass[e.class] == nil {
			naive.inspect(b, e.class, &e.rec)
		}
	}
	at, start := 0, cpuTime(b)
	for b.Loop() {
		e := &c.events[at]
		naive.inspect(b, e.class, &e.rec)
		at = (at + 1) % len(c.events)
	}
	b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/float64(b.N), "cpu-ns/event")
}

// BenchmarkCompile compiles all rules and builds every program the events need.
func BenchmarkCompile(b *testing.B) {
	c := benchCorpus(b)
	rules := loadActiveRules(b)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var built *engine.Engine
	var compiling, building time.Duration
	for b.Loop() {
		start := time.Now()
		var err error
		if built, err = engine.Compile(rules, c.names); err != nil {
			b.Fatal(err)
		}
		compiled := time.Now()
		for _, class := range c.classes {
			built.Program(class)
		}
		compiling += compiled.Sub(start)
		building += time.Since(compiled)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(compiling.Milliseconds())/float64(b.N), "ms-compile")
	b.ReportMetric(float64(building.Milliseconds())/float64(b.N), "ms-programs")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1e6, "MB-heap")
	runtime.KeepAlive(built)
}

// BenchmarkInspectTenfold asks ten times as many rules: variants in which every
// literal is another.
func BenchmarkInspectTenfold(b *testing.B) {
	c := benchCorpus(b)
	rules := windowsRules(loadActiveRules(b))
	many := slices.Clone(rules)
	for n := 1; n < 10; n++ {
		for _, rule := range rules {
			many = append(many, variant(rule, n))
		}
	}
	benchmarkInspect(b, c, many)
}

// variant returns the rule with a number in every literal of its patterns; the
// log source's own fields stay, or the rule would not be asked at all.
func variant(rule *sigma.Rule, n int) *sigma.Rule {
	copied := *rule
	copied.Conditions = nil
	for _, condition := range rule.Conditions {
		copied.Conditions = append(copied.Conditions, variantOf(condition, n))
	}
	return &copied
}

func variantOf(x sigma.Expr, n int) sigma.Expr {
	parts := func(list []sigma.Expr) []sigma.Expr {
		var varied []sigma.Expr
		for _, part := range list {
			varied = append(varied, variantOf(part, n))
		}
		return varied
	}
	switch x := x.(type) {
	case sigma.And:
		return sigma.And(parts(x))
	case sigma.Or:
		return sigma.Or(parts(x))
	case sigma.Not:
		return sigma.Not{X: variantOf(x.X, n)}
	case *sigma.Search:
		return variantOf(x.X, n)
	case *sigma.Test:
		pattern, ok := x.Match.(*sigma.Pattern)
		if !ok || x.Field == "EventID" || x.Field == "Channel" {
			return x
		}
		varied := &sigma.Pattern{Cased: pattern.Cased}
		for _, token := range pattern.Tokens {
			if half := len(token.Literal) / 2; token.Wild == sigma.None {
				token.Literal = token.Literal[:half] + strconv.Itoa(n) + token.Literal[half:]
			}
			varied.Tokens = append(varied.Tokens, token)
		}
		return &sigma.Test{Field: x.Field, Match: varied}
	}
	return x
}
