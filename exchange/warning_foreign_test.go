package exchange_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/alliance"
	"tocsin/exchange"
	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// foreignCAP is a message of another program, in two languages.
const foreignCAP = `<?xml version="1.0" encoding="UTF-8"?>
<cap:alert xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">
  <cap:identifier>NA-77</cap:identifier><cap:sender>alerts@cert.example</cap:sender><cap:sent>2026-05-12T10:00:00+02:00</cap:sent>
  <cap:status>Actual</cap:status><cap:msgType>Alert</cap:msgType><cap:scope>Restricted</cap:scope><cap:restriction>TLP:AMBER</cap:restriction><cap:code>TLP:AMBER</cap:code>
  <cap:info><cap:category>Infra</cap:category><cap:event>Worm</cap:event><cap:urgency>Immediate</cap:urgency><cap:severity>Severe</cap:severity><cap:certainty>Observed</cap:certainty>
    <cap:expires>2026-05-13T10:00:00+02:00</cap:expires><cap:headline>A worm spreads</cap:headline><cap:description>By SMB.</cap:description><cap:instruction>Patch.</cap:instruction>
    <cap:web>https://cert.example/77</cap:web><cap:area><cap:areaDesc>North</cap:areaDesc><cap:geocode><cap:valueName>ISO3166-2</cap:valueName><cap:value>DE-HH</cap:value></cap:geocode></cap:area></cap:info>
  <cap:info><cap:language>de</cap:language><cap:category>Infra</cap:category><cap:event>Wurm</cap:event><cap:urgency>Immediate</cap:urgency><cap:severity>Severe</cap:severity>
    <cap:certainty>Observed</cap:certainty><cap:headline>Ein Wurm</cap:headline></cap:info>
</cap:alert>`

func TestForeignCAPBecomesAWarning(t *testing.T) {
	t.Parallel()
	m, err := exchange.ReadCAP([]byte(foreignCAP))
	if err != nil {
		t.Fatal(err)
	}
	sent := time.Date(2026, 5, 12, 8, 0, 0, 0, time.UTC)
	expires := sent.Add(24 * time.Hour)
	want := alliance.Bulletin{Change: alliance.IssuedChange, Number: "NA-77", Revision: 1, At: sent, Content: &alliance.Warning{
		Number: "NA-77", Revision: 1, Category: "Worm", Colour: alliance.Orange, Issued: sent, Effective: sent, Expires: &expires, Marking: intel.TLPAmber,
		Scope: alliance.Scope{Regions: []string{"DE-HH"}}, References: []string{"https://cert.example/77"},
		Texts: []alliance.Text{{Language: "en-US", Title: "A worm spreads", Body: "By SMB.\n\nPatch."}, {Language: "de", Title: "Ein Wurm"}},
	}}
	if diff := cmp.Diff(want, m.Bulletin); diff != "" || m.Sender != "alerts@cert.example" || len(m.Passed) != 0 {
		t.Errorf("%+v (-want +got):\n%s", m, diff)
	}
	for old, path := range map[string]string{"+02:00</cap:sent>": "Z</cap:sent>", "<cap:msgType>Alert": "<cap:msgType>Ack", "cap:1.2": "cap:1.1", "<cap:sender>alerts@cert.example</cap:sender>": ""} {
		if _, err := exchange.ReadCAP([]byte(strings.Replace(foreignCAP, old, path, 1))); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", old, err)
		}
	}
	m, err = exchange.ReadCAP([]byte(strings.Replace(foreignCAP, "<cap:code>TLP:AMBER", "<cap:code>TLP:PURPLE", 1)))
	if err != nil || m.Content.Marking != intel.TLPRed {
		t.Errorf("an unknown label is %s, %v", m.Content.Marking, err)
	}
}

// killSwitch is the warning of 12 May 2017 in small.
func killSwitch() *exchange.Message {
	at := time.Date(2017, 5, 12, 15, 0, 0, 0, time.UTC)
	w := &alliance.Warning{
		ID: "01BFRXN5V0000000000000000A", Number: "2017-001", Revision: 1, Author: "n" + alliance.NodeID(strings.Repeat("a", 26)), Category: "malware", Colour: alliance.Red,
		Issued: at, Effective: at, Marking: intel.TLPGreen, Scope: alliance.Scope{Regions: []string{"GB"}}, Texts: []alliance.Text{{Language: "en", Title: "WannaCry", Body: "Spreads by MS17-010."}},
		Indicators: []alliance.Indicator{
			{Kind: intel.Domain, Value: "iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com", Action: intel.DoNotBlock, Why: "It stops the worm."},
			{Kind: intel.SHA256, Value: strings.Repeat("ed", 32), Action: intel.Block},
		},
	}
	return &exchange.Message{Bulletin: alliance.Bulletin{Change: alliance.IssuedChange, Warning: w.ID, Number: w.Number, Revision: 1, At: at, Content: w}}
}

// What somebody changed after we wrote it counts.
func TestChangedElementsCount(t *testing.T) {
	t.Parallel()
	text, err := exchange.WriteCAP(killSwitch())
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.ReplaceAll(text, []byte("<severity>Extreme"), []byte("<severity>Minor"))
	changed = bytes.Replace(changed, []byte("<value>GB<"), []byte("<value>FR<"), 1)
	changed = bytes.Replace(changed, []byte("<code>TLP:GREEN"), []byte("<code>TLP:RED"), 1)
	changed = bytes.Replace(changed, []byte("<effective>2017-05-12"), []byte("<effective>2017-05-13"), 1)
	m, err := exchange.ReadCAP(changed)
	if err != nil {
		t.Fatal(err)
	}
	w := m.Content
	if w.Colour != alliance.Blue || !slices.Equal(w.Scope.Regions, []string{"FR"}) || w.Marking != intel.TLPRed || w.Effective.Day() != 13 || w.ID == "" || len(w.Indicators) != 2 {
		t.Errorf("%+v", w)
	}
	// A bulletin copied into another message does not speak for it.
	m, err = exchange.ReadCAP(bytes.Replace(text, []byte("0A.1</identifier>"), []byte("0A.2</identifier>"), 1))
	if err != nil || m.Warning != "" || len(m.Passed) == 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestAChangeNamesWhatItChanges(t *testing.T) {
	t.Parallel()
	first := killSwitch()
	second := killSwitch()
	second.Change, second.Revision, second.At = alliance.LiftedChange, 2, first.At.Add(time.Hour)
	if _, err := exchange.WriteCAP(second); !errors.Is(err, fault.Invalid) {
		t.Errorf("a Cancel of nothing: %v", err)
	}
	second.Previous = []string{exchange.Named(first)}
	text, err := exchange.WriteCAP(second)
	if err != nil || !bytes.Contains(text, []byte("<references>"+exchange.Named(first)+"</references>")) || bytes.Contains(text, []byte("iuqerfsodp")) {
		t.Errorf("%v\n%s", err, text)
	}
	second.Change, second.Content = alliance.AmendedChange, nil
	if _, err := exchange.WriteSTIX(second); !errors.Is(err, fault.Invalid) {
		t.Errorf("an amendment without a warning: %v", err)
	}
}

// A bundle says to everyone that a kill switch must not be blocked, and to those
// who know our extension which action is meant.
func TestABundleTellsActions(t *testing.T) {
	t.Parallel()
	text, err := exchange.WriteSTIX(killSwitch())
	if err != nil {
		t.Fatal(err)
	}
	actions := map[string]intel.Action{}
	p, _, err := exchange.ReadIndicators(bytes.NewReader(text), exchange.IndicatorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.All(func(in intel.Indicator) bool {
		actions[in.Value] = in.Action
		if in.Marking != intel.TLPGreen {
			t.Errorf("%s is %s", in.Value, in.Marking)
		}
		return true
	})
	if actions["iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"] != intel.DoNotBlock || actions[strings.Repeat("ed", 32)] != intel.Block || len(actions) != 2 {
		t.Errorf("%v", actions)
	}
	d, err := stix.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range d.Objects {
		if strings.Contains(o.Text("pattern"), "iuqerfsodp") && !slices.Equal(o.Texts("indicator_types"), []string{"benign"}) {
			t.Errorf("%v", o)
		}
	}
	for _, f := range d.Faults() {
		if f.Level != stix.Note {
			t.Errorf("%s", f)
		}
	}
	again, err := exchange.WriteSTIX(killSwitch())
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("the same warning makes another bundle: %v", err)
	}
}

const foreignBundle = `{"type":"bundle","id":"bundle--44af6c39-c09b-49c5-9de2-394224b04982","objects":[
 {"type":"identity","spec_version":"2.1","id":"identity--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"CERT"},
 {"type":"report","spec_version":"2.1","id":"report--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","published":"2024-01-01T00:00:00Z",
  "name":"A campaign","description":"Told here.","created_by_ref":"identity--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","object_marking_refs":["marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"],
  "external_references":[{"source_name":"blog","url":"https://blog.example/1"}],
  "object_refs":["indicator--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","indicator--3d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","vulnerability--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","course-of-action--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8"]},
 {"type":"indicator","spec_version":"2.1","id":"indicator--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"C2","description":"beacon",
  "pattern":"[domain-name:value = 'Evil.example' OR ipv4-addr:value = '192.0.2.7']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
 {"type":"indicator","spec_version":"2.1","id":"indicator--3d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",
  "pattern":"[domain-name:value LIKE '%evil%']","pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z"},
 {"type":"vulnerability","spec_version":"2.1","id":"vulnerability--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"CVE-2017-0144"},
 {"type":"course-of-action","spec_version":"2.1","id":"course-of-action--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8","created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z","name":"Patch"}]}`

func TestForeignBundleBecomesAWarning(t *testing.T) {
	t.Parallel()
	m, err := exchange.ReadSTIX([]byte(foreignBundle))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	want := &alliance.Warning{
		Number: "report--2d1c6ab3-5e4e-48ac-a32b-f0c01c2836a8", Revision: 1, Issued: at, Effective: at, Marking: intel.TLPGreen, References: []string{"https://blog.example/1"},
		Texts: []alliance.Text{{Language: "en", Title: "A campaign", Body: "Told here.\n\nPatch"}},
		Indicators: []alliance.Indicator{
			{Kind: intel.Domain, Value: "evil.example", Label: "C2", Why: "beacon", From: &at},
			{Kind: intel.IPAddress, Value: "192.0.2.7", Label: "C2", Why: "beacon", From: &at},
			{Kind: intel.CVE, Value: "CVE-2017-0144"},
		},
	}
	if diff := cmp.Diff(want, m.Content); diff != "" || m.SenderName != "CERT" || len(m.Passed) != 1 || !strings.Contains(m.Passed[0].Reason, "LIKE") {
		t.Errorf("%+v (-want +got):\n%s", m, diff)
	}
	for _, text := range []string{"", "{}", `{"type":"bundle","id":"bundle--1","objects":[]}`} {
		if _, err := exchange.ReadSTIX([]byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzReadCAP and FuzzReadSTIX: whatever the message, it is refused or read, and the
// indicators that are read are in normal form.
func FuzzReadCAP(f *testing.F) {
	text, err := exchange.WriteCAP(killSwitch())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(foreignCAP))
	f.Fuzz(func(t *testing.T, text []byte) { readable(t, text, exchange.ReadCAP) })
}

func FuzzReadSTIX(f *testing.F) {
	text, err := exchange.WriteSTIX(killSwitch())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(foreignBundle))
	f.Fuzz(func(t *testing.T, text []byte) { readable(t, text, exchange.ReadSTIX) })
}

func readable(t *testing.T, text []byte, read func([]byte) (*exchange.Message, error)) {
	t.Helper()
	m, err := read(text)
	if err != nil {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
		return
	}
	if m.Content == nil && !m.Change.Ends() {
		t.Errorf("%s without a warning", m.Change)
	}
}
