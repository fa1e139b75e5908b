package incident_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/strict"
)

func TestAFeedGoesOnFromItsPosition(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		if at := ok(d.Position(d.ctx(), "watch")); at != 0 {
			t.Errorf("before the first: %d", at)
		}
		f := incident.Finding{ID: "1", Rule: "r", Host: "pc"}
		ok(d.RaiseFrom(d.ctx(), ann, "watch", 7, []incident.Finding{f}))
		if _, err := d.RaiseFrom(d.ctx(), ann, "watch", 9, []incident.Finding{{ID: "2"}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a finding without a rule: %v", err)
		}
		if at := ok(d.Position(d.ctx(), "watch")); at != 7 {
			t.Errorf("position %d, want 7", at)
		}
		if raised := ok(d.RaiseFrom(d.ctx(), ann, "watch", 8, []incident.Finding{f})); raised.Known != 1 {
			t.Errorf("raised again: %+v", raised)
		}
		ok(d.RaiseFrom(d.ctx(), ann, "watch", 12, nil))
		if at := ok(d.Position(d.ctx(), "watch")); at != 12 {
			t.Errorf("position %d, want 12", at)
		}
	})
}

const playbook = `id: ransomware
title: Ransomware on a server
when: {severity: high, hosts: ["srv-*"], findings: 2}
incident: {title: Ransomware, category: ransomware}
tasks:
  - {title: Isolate the host, within: 30m}
`

func TestPlaybooksAreReadWithLineAndReason(t *testing.T) {
	t.Parallel()
	p, err := incident.ReadPlaybook("a.yaml", []byte(playbook))
	if err != nil || p.When.Severity != intel.High || p.Tasks[0].Within.Minutes() != 30 {
		t.Errorf("%+v, %v", p, err)
	}
	for change, want := range map[string]string{
		"id: ransomware|id: Ransom Ware":                        "a.yaml:1: an id",
		"severity: high, hosts: [\"srv-*\"], |":                 "a.yaml:3: it would open an incident for every alert",
		"\"srv-*\"|\"srv-[\"":                                   "a.yaml:3: \"srv-[\" is no pattern",
		"severity: high|severity: grave":                        "a.yaml:3: ",
		"title: Isolate the host, |":                            "a.yaml:6: a task needs a title",
		"within: 30m|within: -1m":                               "a.yaml:6: a task needs a title",
		"incident: {title|incident: {titel":                     "a.yaml:4: ",
		"tasks:\n|tasks:\n  - {title: x}\ntasks:\n":             "a.yaml:7: ",
		"title: Ransomware on a server|title: &a x\nwhy: *a":    "a.yaml:",
		"id: ransomware|id: " + strings.Repeat("[", 50) + "\n#": "a.yaml:",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(playbook, from, to, 1)
		_, err := incident.ReadPlaybook("a.yaml", []byte(text))
		if _, ok := errors.AsType[*strict.Problem](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func FuzzReadPlaybook(f *testing.F) {
	f.Add([]byte(playbook))
	f.Add([]byte("id: a\nwhen: {rules: [x]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := incident.ReadPlaybook("a.yaml", text)
		if err != nil {
			if _, ok := errors.AsType[*strict.Problem](err); !ok {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if _, err := incident.New(incident.Config{Playbooks: []incident.Playbook{p}}); err != nil {
			t.Fatalf("%q is taken by one and not by the other: %v", text, err)
		}
	})
}
