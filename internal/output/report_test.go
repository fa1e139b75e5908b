package output_test

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/node"
)

func report(t *testing.T, o *output.Overview, s *node.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := output.WriteReport(&b, o, s, output.ReportConfig{Program: "tocsin test", Made: outbreak().Add(24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportIsStable(t *testing.T) {
	t.Parallel()
	golden(t, "report.html", []byte(report(t, overview(), summary())))
}

func TestReportNeedsNothingElse(t *testing.T) {
	t.Parallel()
	page := report(t, overview(), summary())
	loads := regexp.MustCompile(`(?i)<(img|iframe|object|embed|audio|video|source|base|form)\b|@import|url\(|<script[^>]+src|<link[^>]+href="(?:[^d]|d[^a])`)
	if found := loads.FindString(page); found != "" {
		t.Errorf("the page loads or sends something: %q", found)
	}
	if strings.Contains(page, " style=") || regexp.MustCompile(`\son\w+=`).MatchString(page) {
		t.Error("inline style or handler, which its policy refuses")
	}
}

func TestReportTakesTelemetryForText(t *testing.T) {
	t.Parallel()
	hostile := `</style></script><script>alert(1)</script><a href="javascript:x">" onload="x` + "\x1b[31m\u202e\x00"
	rule := &sigma.Rule{
		ID: hostile, Title: hostile, Description: hostile, Author: hostile, License: hostile, Status: hostile, Level: intel.High,
		Tags: []string{"attack." + hostile, "attack.t1059"}, References: []string{hostile, "javascript:alert(1)", "https://example.org/" + hostile}, FalsePositives: []string{hostile},
	}
	value := []detect.Value{{Name: hostile, Value: hostile}}
	o := output.NewOverview()
	o.Add(&detect.Finding{Rule: rule, Time: outbreak(), Source: hostile, Host: hostile, EventID: hostile, Fields: value, Event: value, LogSource: intel.LogSource{Product: hostile}})
	o.Add(&detect.Finding{Correlation: &sigma.Correlation{Title: hostile}, GroupBy: value})
	page := report(t, o, &node.Summary{
		Sources: []node.SourceSummary{{Name: hostile}, {Name: hostile, Format: "json", Skipped: []node.Skip{{Reason: hostile, Count: 1}}}}, NoTelemetry: []string{hostile},
	})
	for _, bad := range []string{"<script>alert", `onload="x"`, `"javascript:`, "\x1b", "\u202e", "\x00"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "<script"); n != 1 {
		t.Errorf("%d scripts, want ours only", n)
	}
}

func TestReportOfNothingSaysWhatWasNotCovered(t *testing.T) {
	t.Parallel()
	page := report(t, output.NewOverview(), summary())
	for _, want := range []string{"Nothing found in 22,110 events", "No rule matched", "day/notes.docx", "Not covered"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	s := &node.Summary{}
	for i := range 1000 {
		s.Sources = append(s.Sources, node.SourceSummary{Name: "x", Skipped: []node.Skip{{Reason: "cannot be opened: " + strconv.Itoa(i), Count: 1}}})
	}
	gaps := output.Gaps(s)
	if len(gaps) != 13 || !strings.HasPrefix(gaps[12], "988 further reasons") {
		t.Errorf("%d gaps, the last %q", len(gaps), gaps[len(gaps)-1])
	}
}

// The page stays small however much is found: rules and hosts are bounded by
// what exists, examples and bars by number.
func TestOverviewIsBounded(t *testing.T) {
	t.Parallel()
	o := output.NewOverview()
	long := strings.Repeat("x", 1<<20)
	fields := make([]detect.Value, 500)
	for i := range fields {
		fields[i] = detect.Value{Name: "f", Value: long}
	}
	rule := &sigma.Rule{Title: "t", Level: intel.High}
	for i := range 50_000 {
		at := outbreak().Add(time.Duration(i*i) * time.Second)
		f := &detect.Finding{Rule: rule, Time: at, Host: "host-" + strconv.Itoa(i%20_000)}
		if i < 5 {
			f.Fields, f.Event = fields, fields
		}
		o.Add(f)
	}
	if page := report(t, o, summary()); len(page) > 8<<20 {
		t.Errorf("a page of %d bytes", len(page))
	}
}

// Findings with times far from the rest must not flatten the chart, and times
// at the ends of what a log may say must not break it.
func TestChartHoldsAnyTime(t *testing.T) {
	t.Parallel()
	rule := &sigma.Rule{Title: "t", Level: intel.Low}
	for name, times := range map[string][]time.Time{
		"one":          {outbreak()},
		"before 1970":  {time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), outbreak()},
		"ends of time": {time.Date(-290, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(60056, 5, 28, 0, 0, 0, 0, time.UTC)},
		"years":        {time.Date(2013, 1, 1, 0, 0, 0, 0, time.UTC), outbreak(), time.Date(2021, 6, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := output.NewOverview()
			for _, at := range times {
				o.Add(&detect.Finding{Rule: rule, Time: at})
			}
			report(t, o, summary())
		})
	}
	o := output.NewOverview()
	o.Add(&detect.Finding{Rule: rule, Time: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
	for i := range 500 {
		o.Add(&detect.Finding{Rule: rule, Time: outbreak().Add(time.Duration(i) * time.Minute)})
	}
	if page := report(t, o, summary()); !strings.Contains(page, "Not drawn: 1 finding before") || !strings.Contains(page, "a bar is 5 minutes") {
		t.Error("one finding of 1980 flattened the chart")
	}
}

func TestTechniquesOfTags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tags []string
		want string
	}{
		{[]string{"attack.execution", "attack.t1053.005"}, "T1053.005 Scheduled Task [execution]"},
		{[]string{"attack.t1059"}, "T1059 Command and Scripting Interpreter [execution]"},
		{[]string{"attack.T1685", "attack.defense-impairment"}, "T1685 Disable or Modify Tools [defense-evasion]"},
		{[]string{"attack.t9999", "attack.privilege_escalation"}, "T9999 [privilege-escalation]"},
		{[]string{"attack.t9999"}, "T9999 []"},
		{[]string{"attack.s0154", "car.2013-01-002", "cve.2017-0144", "attack.tx"}, ""},
	} {
		var all []string
		for _, technique := range output.TaggedTechniques(test.tags) {
			all = append(all, technique.String()+" ["+strings.Join(technique.Tactics, " ")+"]")
		}
		if got := strings.Join(all, ", "); got != test.want {
			t.Errorf("%v: got %q, want %q", test.tags, got, test.want)
		}
	}
}
