package detect_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/telemetry"
)

const rule = `
title: Shell by a service
id: 11111111-1111-4111-8111-111111111111
level: high
fields: [User, Image]
logsource: {category: process_creation, product: windows}
detection:
  selection:
    Image|endswith: ['\cmd.exe', '\powershell.exe']
    ParentImage|endswith: '\services.exe'
  filter: {User: SYSTEM}
  condition: selection and not filter
`

// event makes an event of name and value pairs.
func event(names *intel.Names, class *intel.Class, pairs ...string) *telemetry.Event {
	e := &telemetry.Event{
		Source: &telemetry.Source{Name: "a.evtx"}, Number: 7, Offset: 512, Host: []byte("pc-1"), Class: class,
		Time: time.Date(2017, 5, 12, 7, 24, 0, 0, time.UTC),
	}
	for i := 0; i < len(pairs); i += 2 {
		e.Add(names.Path([]byte(pairs[i])), intel.Text, []byte(pairs[i+1]))
	}
	return e
}

func TestFindingHoldsCopiesOfWhatMatched(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rule.yml", []byte(rule))
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(nil)
	detector, err := detect.New(file.Rules, nil, names)
	if err != nil {
		t.Fatal(err)
	}
	class := &intel.Class{Product: "windows", Service: "security", Categories: []string{"process_creation"}, Names: func(field string) []string {
		if field == "Image" {
			return []string{"NewProcessName"}
		}
		return []string{field}
	}}
	for _, naive := range []bool{false, true} {
		inspector := detector.NewInspector(naive)
		e := event(names, class, "Channel", "Security", "EventID", "4688", "NewProcessName", `C:\x\CMD.exe`, "ParentImage", `C:\services.exe`, "User", "joe")
		found := inspector.Inspect(e, nil)
		for i := range e.Fields {
			clear(e.Fields[i].Value) // the event is gone
		}
		want := []*detect.Finding{{
			Rule: file.Rules[0], Count: 1, Time: e.Time, Source: "a.evtx", Record: 7, Offset: 512, Host: "pc-1",
			Channel: "Security", EventID: "4688",
			LogSource: intel.LogSource{Product: "windows", Service: "security", Category: "process_creation"},
			Fields:    []detect.Value{{Name: "Image", Value: `C:\x\CMD.exe`}, {Name: "ParentImage", Value: `C:\services.exe`}, {Name: "User", Value: "joe"}},
			Event: []detect.Value{
				{Name: "Channel", Value: "Security"},
				{Name: "EventID", Value: "4688"},
				{Name: "NewProcessName", Value: `C:\x\CMD.exe`},
				{Name: "ParentImage", Value: `C:\services.exe`},
				{Name: "User", Value: "joe"},
			},
		}}
		samePointer := cmp.Comparer(func(a, b *sigma.Rule) bool { return a == b })
		if diff := cmp.Diff(found, want, samePointer, cmpopts.IgnoreUnexported(detect.Finding{})); diff != "" {
			t.Errorf("naive %v: got -, want +:\n%s", naive, diff)
		}
		none := inspector.Inspect(event(names, class, "NewProcessName", `C:\cmd.exe`, "ParentImage", `C:\services.exe`, "User", "system"), nil)
		if len(none) != 0 {
			t.Errorf("naive %v: the filtered event matches", naive)
		}
	}
}

func TestBriefFindingIsWithoutTheWholeEvent(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rule.yml", []byte(rule))
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(nil)
	detector, err := detect.New(file.Rules, nil, names)
	if err != nil {
		t.Fatal(err)
	}
	inspector := detector.NewInspector(false)
	inspect := func(brief bool) *detect.Finding {
		inspector.Brief = brief
		class := &intel.Class{Product: "windows", Categories: []string{"process_creation"}}
		found := inspector.Inspect(event(names, class, "Channel", "Security", "Image", `C:\cmd.exe`, "ParentImage", `C:\services.exe`), nil)
		if len(found) != 1 {
			t.Fatalf("%d findings", len(found))
		}
		return found[0]
	}
	brief, whole := inspect(true), inspect(false)
	if brief.Event != nil || len(whole.Event) != 3 {
		t.Errorf("the events have %d and %d fields, want 0 and 3", len(brief.Event), len(whole.Event))
	}
	if brief.Channel != "Security" {
		t.Errorf("the brief finding's channel is %q", brief.Channel)
	}
	if diff := cmp.Diff(brief.Fields, whole.Fields); diff != "" {
		t.Errorf("brief -, whole +:\n%s", diff)
	}
}

func TestRulesWithPlaceholdersAreRefused(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rule.yml", []byte(`
title: On a server
logsource: {product: windows}
detection:
  selection: {Computer|expand: '%Servers%'}
  condition: selection
`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := detect.New(file.Rules, nil, intel.NewNames(nil)); err == nil {
		t.Error("the rule is compiled")
	}
}
