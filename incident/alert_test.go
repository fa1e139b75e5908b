package incident_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/fault"
)

func finding(n int, rule, host string, at time.Time) incident.Finding {
	return incident.Finding{
		ID: fmt.Sprintf("%s-%s-%d", rule, host, n), Rule: rule, Title: "Shadow copies deleted", Severity: intel.High, Host: host, At: at,
		Body: json.RawMessage(`{"rule":"` + rule + `"}`),
	}
}

func TestFindingsAreGroupedByRuleHostAndTime(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		at := time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
		var findings []incident.Finding
		for n := range 60 {
			findings = append(findings, finding(n, "vss", "ward3", at.Add(time.Duration(n)*time.Minute)))
		}
		findings = append(findings, finding(0, "vss", "ward4", at), finding(99, "vss", "ward3", at.Add(-30*24*time.Hour)))
		raised := ok(d.Raise(d.ctx(), ann, findings))
		if raised.New != 3 || raised.Grown != 59 {
			d.t.Errorf("got %+v", raised)
		}
		if again := ok(d.Raise(d.ctx(), ann, findings)); again.Known != len(findings) || again.New+again.Grown != 0 {
			d.t.Errorf("the same again: %+v", again)
		}
		alerts, _, err := d.Alerts(d.ctx(), incident.AlertFilter{Waiting: true, Host: "ward3"}, incident.Page{})
		if err != nil || len(alerts) != 2 {
			d.t.Fatal(alerts, err)
		}
		a := alerts[1]
		if a.Findings == 1 {
			a = alerts[0]
		}
		if a.Findings != 60 || !a.First.Equal(at) || !a.Last.Equal(at.Add(59*time.Minute)) {
			d.t.Errorf("got %+v", a)
		}
		if bodies := ok(d.Findings(d.ctx(), a.ID)); len(bodies) != 50 {
			d.t.Errorf("%d findings are shown", len(bodies))
		}
	})
}

func TestAnAlertIsClaimedDismissedOrPromotedOnce(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
		ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(1, "vss", "ward3", at), finding(1, "smb", "ward3", at), finding(1, "net", "ward5", at)}))
		alerts, _, _ := d.Alerts(d.ctx(), incident.AlertFilter{}, incident.Page{})
		byRule := map[string]string{}
		for _, a := range alerts {
			byRule[a.Rule] = a.ID
		}
		if a := ok(d.ClaimAlert(d.ctx(), bob, byRule["vss"])); a.Owner != "bob" || a.State != incident.AlertClaimed {
			d.t.Errorf("claimed: %+v", a)
		}
		if _, err := d.DismissAlert(d.ctx(), bob, byRule["net"], "", 0); !errors.Is(err, fault.Invalid) {
			d.t.Errorf("dismissed without a reason: %v", err)
		}
		ok(d.DismissAlert(d.ctx(), bob, byRule["net"], "the scanner", 24*time.Hour))
		if r := ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(2, "net", "ward5", at), finding(1, "net", "ward6", at)})); r.Suppressed != 1 || r.New != 1 {
			d.t.Errorf("after a suppression: %+v", r)
		}
		s := ok(d.Suppressions(d.ctx(), false))
		if len(s) != 1 || s[0].Suppressed != 1 || s[0].Why != "the scanner" {
			d.t.Fatalf("got %+v", s)
		}
		if err := d.EndSuppression(d.ctx(), bob, s[0].ID); err != nil {
			d.t.Fatal(err)
		}
		if r := ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(3, "net", "ward5", at)})); r.New != 1 {
			d.t.Errorf("after its end: %+v", r)
		}

		i := ok(d.PromoteAlerts(d.ctx(), incident.Change{Who: bob}, incident.Draft{}, byRule["vss"], byRule["smb"]))
		if i.Origin != incident.ByAlert || i.Title != "Shadow copies deleted" {
			d.t.Errorf("promoted: %+v", i)
		}
		if assets := ok(d.Assets(d.ctx(), i.ID)); len(assets) != 1 || assets[0].Name != "ward3" {
			d.t.Errorf("got %+v", assets)
		}
		if _, err := d.ClaimAlert(d.ctx(), ann, byRule["vss"]); !errors.Is(err, fault.Conflict) {
			d.t.Errorf("claimed after it was promoted: %v", err)
		}
		if r := ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(2, "vss", "ward3", at)})); r.Grown != 1 {
			d.t.Errorf("a finding of a promoted alert: %+v", r)
		}
	})
}

func TestAPlaybookOpensAnIncidentOnce(t *testing.T) {
	p := incident.Playbook{ID: "ransom", When: incident.Trigger{Rules: []string{"vss"}, Severity: intel.High, Hosts: []string{"ward*"}, Findings: 2}}
	p.Incident.Category = "MI"
	p.Tasks = []incident.PlaybookTask{{Title: "Isolate the host", Assignee: "bob", Within: time.Hour}}
	each(t, incident.Config{Playbooks: []incident.Playbook{p}}, func(d *desk) {
		at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
		raise := func(n int, host string) incident.Raised {
			return ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(n, "vss", host, at)}))
		}
		if r := raise(1, "ward3"); len(r.Opened) != 0 {
			d.t.Errorf("opened too early: %+v", r)
		}
		raise(1, "lab1")
		if r := raise(2, "lab1"); len(r.Opened) != 0 {
			d.t.Errorf("opened for another host: %+v", r)
		}
		r := raise(2, "ward3")
		if len(r.Opened) != 1 || r.Opened[0].Category != "MI" || r.Opened[0].Origin != incident.ByPlaybook {
			d.t.Fatalf("got %+v", r)
		}
		tasks := ok(d.Tasks(d.ctx(), r.Opened[0].ID))
		if len(tasks) != 1 || tasks[0].Assignee != "bob" || !tasks[0].Due.Equal(r.Opened[0].Opened.Add(time.Hour)) {
			d.t.Errorf("got %+v", tasks)
		}
		if r := raise(3, "ward3"); len(r.Opened) != 0 || r.Grown != 1 {
			d.t.Errorf("opened twice: %+v", r)
		}
	})
}

// One outbreak on twenty hosts is one case; by an earlier version it was forty.
func TestAPlaybookOpensOneIncidentForWhatSpreads(t *testing.T) {
	p := incident.Playbook{ID: "outbreak", When: incident.Trigger{Severity: intel.High}}
	p.Tasks = []incident.PlaybookTask{{Title: "Isolate the hosts"}}
	alone := incident.Playbook{ID: "alone", When: incident.Trigger{Rules: []string{"door"}}, Each: true}
	each(t, incident.Config{Playbooks: []incident.Playbook{alone, p}}, func(d *desk) {
		at := time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC)
		raise := func(n int, rule, host string) incident.Raised {
			return ok(d.Raise(d.ctx(), ann, []incident.Finding{finding(n, rule, host, at)}))
		}
		opened := raise(1, "vss", "ward3").Opened
		if len(opened) != 1 {
			d.t.Fatalf("opened %+v", opened)
		}
		if r := raise(1, "vss", "ward4"); len(r.Opened) != 0 || r.New != 1 {
			d.t.Errorf("a second host: %+v", r)
		}
		alerts, _, err := d.Alerts(d.ctx(), incident.AlertFilter{Incident: opened[0].ID}, incident.Page{})
		if err != nil || len(alerts) != 2 || len(ok(d.Tasks(d.ctx(), opened[0].ID))) != 1 {
			d.t.Errorf("the incident has %d alerts, %v", len(alerts), err)
		}
		if a, b := raise(1, "door", "gate1"), raise(1, "door", "gate2"); len(a.Opened) != 1 || len(b.Opened) != 1 {
			d.t.Errorf("one for each: %+v, %+v", a, b)
		}
		ok(d.Advance(d.ctx(), incident.Change{Who: ann, Incident: opened[0].ID, Why: "a test"}, incident.Advance{To: incident.Closed, Resolution: incident.FalseAlarm}))
		if r := raise(1, "vss", "ward5"); len(r.Opened) != 1 {
			d.t.Errorf("after that one was closed: %+v", r)
		}
	})
}

func TestAPlaybookThatFiresAlwaysIsRefused(t *testing.T) {
	t.Parallel()
	_, err := incident.New(incident.Config{Playbooks: []incident.Playbook{{ID: "all"}}})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v", err)
	}
}

// What is found of an attacker who chose the name of the host is raised whatever
// the name is, and so is what is found after it.
func TestAFindingIsMadeToFit(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		at := time.Date(2026, 11, 24, 20, 0, 0, 0, time.UTC)
		for n, change := range []func(*incident.Finding){
			func(f *incident.Finding) { f.Host = strings.Repeat("主", 1000) },
			func(f *incident.Finding) { f.Host = "a\x00b\xff" },
			func(f *incident.Finding) { f.Title, f.Rule = strings.Repeat("t", 10_000), strings.Repeat("r", 10_000) },
			func(f *incident.Finding) { f.Body = json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`) },
			func(f *incident.Finding) { f.Body = json.RawMessage("\"\xff\"") },
		} {
			f := finding(n, "vss", "ward3", at)
			change(&f)
			f.Fit()
			if raised, err := d.Raise(d.ctx(), ann, []incident.Finding{f}); err != nil || raised.New+raised.Grown != 1 {
				d.t.Errorf("%d: %+v, %v", n, raised, err)
			}
		}
	})
}
