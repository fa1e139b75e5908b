package report_test

import (
	"encoding/json"
	"errors"
	"html"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/plan"
	"tocsin/plan/report"
)

// closed takes the port's case to its end, with a clock that was missed.
func (d *desk) closed() (incident.Incident, report.Report) {
	d.t.Helper()
	p := d.signed()
	c := incident.Change{Who: ann, Incident: p.Incident}
	late := d.aware.Add(30 * time.Hour)
	d.sent = append(d.sent, plan.Sent{Clock: "call", At: d.aware.Add(2 * time.Hour)})
	d.reasons["call"] = "The telephone network was down."
	p = ok(d.Submitted(d.ctx(), d.as(ann, p), report.Sending{To: []string{"csirt", "police", "press"}, At: d.aware, Proof: "Receipt 4711"}))
	d.now = late
	ok(d.register.Grade(d.ctx(), c, incident.Level{Name: "II", Rank: 3, Why: "out of service for more than 2 h"}))
	owner, lessons := "ann", "Contractors need a second factor.\nBackups were good."
	ok(d.register.Describe(d.ctx(), c, incident.Details{Owner: &owner, Lessons: &lessons}))
	ok(d.register.State(d.ctx(), c, map[string]json.RawMessage{
		"times.contained": json.RawMessage(`"2026-11-25T02:50:00Z"`), "times.recovered": json.RawMessage(`"2026-11-25T02:58:00Z"`), "outage.total_minutes": json.RawMessage(`170`),
	}))
	for _, task := range ok(d.register.Tasks(d.ctx(), p.Incident)) {
		if task.State == incident.TaskOpen {
			ok(d.register.EndTask(d.ctx(), incident.Change{Who: ann, Incident: p.Incident, Why: "not needed"}, task.ID, incident.TaskDropped))
		}
	}
	var i incident.Incident
	for _, to := range incident.States()[1:] {
		a := incident.Advance{To: to}
		if to == incident.Closed {
			a.Resolution = incident.Resolved
		}
		i = ok(d.register.Advance(d.ctx(), c, a))
	}
	return i, p
}

func TestTheReviewTellsHowItWent(t *testing.T) {
	t.Parallel()
	d := one(t)
	open := d.open(port())
	if _, err := d.AfterAction(d.ctx(), open.ID, "en", report.HTML); !errors.Is(err, fault.Conflict) {
		t.Errorf("an incident that is open was reviewed: %v", err)
	}
	d = one(t)
	i, _ := d.closed()
	for _, language := range []string{"en", "zh"} {
		golden(t, "review."+language+".html", ok(d.AfterAction(d.ctx(), i.ID, language, report.HTML)))
	}
	page := html.UnescapeString(string(ok(d.AfterAction(d.ctx(), i.Number, "en", report.HTML))))
	for _, want := range []string{
		"After-action review 2026-0001", "Contractors need a second factor.", "missed", "The telephone network was down.", "met", "Receipt 4711", "… then", "170 min",
		"135 min", "Serious (II)", "ann: not needed", "contained → recovered", "A contractor's account",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the review does not say %q", want)
		}
	}
}

func TestACaseIsExportedWithEverything(t *testing.T) {
	each(t, func(d *desk) {
		i, p := d.closed()
		var out struct {
			report.Dossier
			Paper json.RawMessage `json:"paper"`
		}
		if err := json.Unmarshal(ok(d.ExportCase(d.ctx(), i.Number, "en")), &out); err != nil {
			d.t.Fatal(err)
		}
		c := out.Case
		if c.Incident.ID != i.ID || len(c.Facts["outage.total_minutes"]) != 2 || len(c.Tasks) != 2 || len(c.Evidence) != 1 || len(c.Evidence[0].Chain) != 1 ||
			len(c.Observables) != 1 || len(c.Assets) != 1 || len(c.Timeline) < 20 {
			d.t.Errorf("the case is %+v", c)
		}
		if len(out.Reports) != 1 || len(out.Reports[0].Versions) != 2 || len(out.Reports[0].Versions[1].Signatures) != 2 || len(out.Reports[0].Deliveries) != 1 || out.Reports[0].ID != p.ID {
			d.t.Errorf("the reports are %+v", out.Reports)
		}
		if len(out.Standings) != 1 || len(out.Standings[0].Clocks) != 2 {
			d.t.Errorf("the standings are %+v", out.Standings)
		}
		paper, err := document.Read([]byte(compact(d.t, out.Paper)))
		if err != nil || paper.Reference != i.Number {
			d.t.Errorf("the paper cannot be read again: %v", err)
		}
	})
}

func compact(t testing.TB, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
