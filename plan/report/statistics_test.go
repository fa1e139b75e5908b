package report_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/plan"
	"tocsin/plan/report"
)

// year fills 2026 with twelve incidents, and what is not counted.
func (d *desk) year() {
	d.t.Helper()
	base := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	for n := range 12 {
		i, _, err := d.register.Open(d.ctx(), ann, incident.Draft{
			Title: fmt.Sprint("Incident ", n), Category: []string{"MI.ransom", "MI.ransom", "", "=1+1"}[n%4], Kind: []incident.Kind{incident.Happened, incident.Happened, incident.Threat}[n%3],
		})
		if err != nil {
			d.t.Fatal(err)
		}
		c := incident.Change{Who: ann, Incident: i.ID}
		cause := []string{"phishing", "phishing\nby mail", "=HYPERLINK(\"http://example.org\")", ""}[n%4]
		ok(d.register.Describe(d.ctx(), c, incident.Details{Cause: &cause}))
		facts := map[string]json.RawMessage{
			"times.occurred": moment(base), "times.detected": moment(base.Add(time.Duration(n+1) * 10 * time.Minute)),
			"times.contained": moment(base.Add(time.Duration(n+1) * 20 * time.Minute)),
		}
		if n%2 == 0 {
			facts["incident.types"] = json.RawMessage(`["phishing"]`)
		}
		if n == 0 {
			facts["entity.sectors"] = json.RawMessage(`["energy"]`)
		}
		if n == 1 {
			facts["times.detected"] = json.RawMessage(fmt.Sprintf(`{"min": %s, "max": %s}`, moment(base), moment(base.Add(time.Hour))))
		}
		ok(d.register.State(d.ctx(), c, facts))
		if n == 2 {
			ok(d.register.Grade(d.ctx(), c, incident.Level{Name: "II", Rank: 3, Why: "an outage"}))
		}
		if n == 3 {
			ok(d.register.Advance(d.ctx(), incident.Change{Who: ann, Incident: i.ID, Why: "nothing happened"}, incident.Advance{To: incident.Closed, Resolution: incident.FalseAlarm}))
		}
	}
	d.outcomes = []report.Outcome{
		{Regime: act, Clock: "early", State: plan.Met, Count: 5},
		{Regime: act, Clock: "early", State: plan.Missed, Count: 2},
		{Regime: act, Clock: "early", State: plan.Running, Count: 1},
		{Regime: act, Clock: "call", State: plan.Waiting, Count: 9},
	}
}

func moment(at time.Time) json.RawMessage {
	return json.RawMessage(`"` + at.Format(time.RFC3339) + `"`)
}

func codes(all []report.Count) (out []string) {
	for _, c := range all {
		out = append(out, fmt.Sprintf("%s %s %d", c.Code, c.Title.EN, c.Count))
	}
	return out
}

func TestAYearIsCounted(t *testing.T) {
	each(t, func(d *desk) {
		d.year()
		s := ok(d.Statistics(d.ctx(), 2026))
		if s.Incidents != 11 {
			d.t.Errorf("%d incidents, want 11", s.Incidents)
		}
		for name, table := range map[string][2][]string{
			"left out":   {codes(s.LeftOut), {"false_alarm false alarm 1"}},
			"kinds":      {codes(s.Kinds), {"incident incident 7", "threat threat 4"}},
			"categories": {codes(s.Categories), {"MI.ransom Ransomware 6", "phishing Phishing 3", "=1+1 =1+1 2"}},
			"causes":     {codes(s.Causes), {"phishing phishing 6", `=HYPERLINK("http://example.org") =HYPERLINK("http://example.org") 3`, " not known 2"}},
			"sectors":    {codes(s.Sectors), {"transport.water Transport: Water 10", "energy Energy 1"}},
			"levels":     {codes(s.Levels), {" not known 10", "II Serious (II) 1"}},
			"november":   {codes(s.Months[10:]), {"2026-11 2026-11 11", "2026-12 2026-12 0"}},
		} {
			if diff := cmp.Diff(table[1], table[0]); diff != "" {
				d.t.Errorf("%s, want and got:\n%s", name, diff)
			}
		}
		// Detected after 10, 30, 50, 60, … 120 min; of one it is not known, one was none.
		if want := (report.Times{Counted: 10, Median: 70, P90: 110}); s.Detect != want {
			d.t.Errorf("to detect: %+v, want %+v", s.Detect, want)
		}
		if want := (report.Times{}); s.Recover != want {
			d.t.Errorf("to recover: %+v, want nothing", s.Recover)
		}
		if len(s.Clocks) != 2 || s.Clocks[1].Share != 7142 || s.Clocks[1].Open != 1 || s.Clocks[0].Share != -1 {
			d.t.Errorf("clocks: %+v", s.Clocks)
		}
		if none := ok(d.Statistics(d.ctx(), 2025)); none.Incidents != 0 || none.Detect.Counted != 0 {
			d.t.Errorf("another year has %+v", none)
		}
		if _, err := d.Statistics(d.ctx(), 20260); !errors.Is(err, fault.Invalid) {
			d.t.Errorf("a year that there is not: %v", err)
		}
	})
}

func TestStatisticsAreExportedTheSameEachTime(t *testing.T) {
	t.Parallel()
	d := one(t)
	d.year()
	s := ok(d.Statistics(d.ctx(), 2026))
	for _, language := range []string{"en", "zh"} {
		for _, format := range []report.Format{report.JSON, report.CSV, report.HTML, report.XLSX} {
			first := ok(s.Export(language, format))
			if again := ok(ok(d.Statistics(d.ctx(), 2026)).Export(language, format)); !slices.Equal(first, again) {
				t.Errorf("%s in %s is not the same again", format, language)
			}
			if format == report.CSV || format == report.JSON && language == "en" {
				golden(t, "statistics."+language+"."+string(format), first)
			}
		}
	}
	rows := ok(csv.NewReader(strings.NewReader(string(ok(s.Export("en", report.CSV))))).ReadAll())
	formulas := 0
	for _, row := range rows {
		for _, cell := range row {
			if strings.HasPrefix(cell, "'=") {
				formulas++
			}
			if strings.IndexAny(cell, "=+-@\t\r") == 0 {
				t.Errorf("the cell %q is a formula", cell)
			}
		}
	}
	if formulas != 4 {
		t.Errorf("%d cells that looked like formulas, want 4", formulas)
	}
	file := filepath.Join(t.TempDir(), "statistics.xlsx")
	book := ok(excelize.OpenReader(strings.NewReader(string(ok(s.Export("en", report.XLSX))))))
	defer book.Close()
	if !slices.Contains(book.GetSheetList(), "Reported in time") && len(book.GetSheetList()) != 10 {
		t.Errorf("%s has the sheets %v", file, book.GetSheetList())
	}
	if _, err := s.Export("en", report.PDF); !errors.Is(err, fault.Invalid) {
		t.Errorf("as PDF: %v", err)
	}
}

// Counting by bins gives the durations that sorting all of them would.
func TestMediansAreExactToTheMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Int64Range(0, 100*24*60-1), 1, 60).Draw(t, "minutes")
		got := report.TimesOf(all)
		sorted := slices.Sorted(slices.Values(all))
		for percent, value := range map[int]int64{50: got.Median, 90: got.P90} {
			rank := (len(sorted)*percent + 99) / 100
			if want := sorted[rank-1]; value != want {
				t.Fatalf("%d %%: %d, want %d of %v", percent, value, want, sorted)
			}
		}
	})
	if got := report.TimesOf([]int64{200 * 24 * 60}); got.Median != 200*24*60 {
		t.Errorf("200 days are %d minutes", got.Median)
	}
}
