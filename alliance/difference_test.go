package alliance_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/alliance"
	"tocsin/intel"
)

func TestDifferencesAreShown(t *testing.T) {
	t.Parallel()
	before, after := warning(), warning()
	if got := alliance.Diff(before, after); len(got) > 0 {
		t.Errorf("the same differs: %v", got)
	}
	after.Revision, after.Colour, after.Expires = 2, alliance.Orange, nil
	after.Scope.Sectors = []string{"health", "energy"}
	after.Texts[0].Body = "It is over."
	after.Texts = append(after.Texts, alliance.Text{Language: "de", Title: "WannaCry", Body: "Es breitet sich aus."})
	after.Indicators[1].Action = intel.Detect
	after.Indicators = append(after.Indicators[:2], after.Indicators[3:]...)
	after.Measures[0].Due = after.Measures[0].Due.Add(time.Hour)
	after.Measures = append(after.Measures, alliance.Measure{ID: "m2", Text: "Tell us.", Due: now.Add(time.Hour)})
	after.Ask.TimePercent = 0
	want := []alliance.Difference{
		{"colour", "", "red", "orange"},
		{"sector", "energy", "", "energy"},
		{"expires", "", "2017-06-11T15:24:00Z", ""},
		{"text", "en", "It spreads.\nPatch.", "It is over."},
		{"title", "de", "", "WannaCry"},
		{"text", "de", "", "Es breitet sich aus."},
		{"indicator", "ip 198.51.100.7", "detect", ""},
		{"indicator", "ip 198.51.100.7 port 445", "block, WannaCry", "detect, WannaCry"},
		{"measure_due", "m1", "2017-05-13T15:24:00Z", "2017-05-13T16:24:00Z"},
		{"measure", "m2", "", "Tell us."},
		{"measure_due", "m2", "", "2017-05-12T16:24:00Z"},
		{"ask_time_percent", "", "99%", ""},
	}
	if diff := cmp.Diff(want, alliance.Diff(before, after)); diff != "" {
		t.Error(diff)
	}
}
