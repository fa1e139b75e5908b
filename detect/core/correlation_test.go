package core_test

import (
	"fmt"
	"testing"

	"tocsin/detect/sigma"
	"tocsin/detect/sigma/correlate"
	"tocsin/intel"
)

// checkCorrelation runs both sequences through a file's correlations: with
// match one that is shown must be reached, with pass none may be.
func checkCorrelation(t *testing.T, file *sigma.File, match, pass []event) {
	t.Helper()
	if reached := reach(t, file, match); len(reached) == 0 {
		t.Error("no correlation is reached with the events of match")
	}
	for _, title := range reach(t, file, pass) {
		t.Errorf("%q is reached with the events of pass", title)
	}
	for _, r := range file.Rules {
		if r.Level > intel.Low {
			t.Errorf("%q is only a part and has level %s", r.Title, r.Level)
		}
	}
}

// reach returns the titles of the correlations that are reached.
func reach(t *testing.T, file *sigma.File, events []event) []string {
	t.Helper()
	correlator, problems := correlate.New(file.Correlations, file.Rules, correlate.Limits{})
	for _, p := range problems {
		t.Fatal(p)
	}
	var titles []string
	for _, e := range events {
		if e.at.IsZero() {
			t.Fatalf("an event of a sequence has its time: %s", e.text)
		}
		for _, r := range file.Rules {
			if !matches(t, r, e) {
				continue
			}
			for _, reached := range correlator.Observe(correlate.Match{Rule: r, Time: e.at, Value: e.value}) {
				titles = append(titles, reached.Correlation.Title)
			}
		}
	}
	return titles
}

func (e event) value(field string) (string, bool) {
	value, ok := e.fields[field]
	if !ok {
		return "", false
	}
	return fmt.Sprint(value), true
}
