package plan_test

import (
	"testing"
	"time"

	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

// BenchmarkGrade is what a change of facts costs under the regime with most
// criteria: nothing known, an outage that grows, everything known.
func BenchmarkGrade(b *testing.B) {
	l := library(b)
	p, err := l.Pack("cn-reporting-2025")
	if err != nil {
		b.Fatal(err)
	}
	all := &fact.Sheet{Facts: fact.Facts{}}
	for _, key := range asked(p) {
		all.Facts[key] = fact.Fact{State: fact.NotApplicable}
	}
	growing := &fact.Sheet{Facts: fact.Facts{
		"asset.is_cii":         {State: fact.Known, Bool: true},
		"outage.total_minutes": {State: fact.Known, Growth: &fact.Growth{Since: somewhen, SinceLatest: somewhen}},
	}}
	for _, test := range []struct {
		name  string
		sheet *fact.Sheet
	}{{"nothing known", &fact.Sheet{}}, {"an outage that lasts", growing}, {"everything known", all}} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				plan.Grade(p, nil, test.sheet, somewhen)
			}
		})
	}
}

// BenchmarkClocks is what reckoning the clocks of one incident costs.
func BenchmarkClocks(b *testing.B) {
	l := library(b)
	p, err := l.Pack("xx-clocks")
	if err != nil {
		b.Fatal(err)
	}
	o, err := l.ReadOrganisation([]byte(`{"name": "Firm", "kind": "enterprise", "jurisdictions": ["DE"], "zone": "Europe/Berlin"}`))
	if err != nil {
		b.Fatal(err)
	}
	c := &plan.Course{Grades: []plan.Graded{{Level: "major", At: somewhen}}}
	for _, e := range regime.Events() {
		c.Events = append(c.Events, plan.Moment{Event: e, At: somewhen})
	}
	b.ReportAllocs()
	for b.Loop() {
		plan.Clocks(p, o, c, somewhen.Add(time.Hour))
	}
}

// BenchmarkBuiltin is what a start costs.
func BenchmarkBuiltin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := regime.Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}
