package logsource_test

import (
	"reflect"
	"testing"
	"testing/fstest"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

// classOf resolves one JSON event.
func classOf(t *testing.T, m *logsource.Mappings, line string) *intel.Class {
	t.Helper()
	names := intel.NewNames(m.Rewrite)
	var rec intel.Record
	if _, err := flatjson.NewDecoder(names).Decode([]byte(line), &rec); err != nil {
		t.Fatal(err)
	}
	return logsource.NewResolver(m, names).Resolve(&rec, logsource.Hint{Format: "json"}).Class
}

func TestStoredClassIsTheSameClass(t *testing.T) {
	t.Parallel()
	m, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	other, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational"},"EventData":{"Image":"x"}}}`,
		`{"Event":{"System":{"EventID":4624,"Channel":"Security"}}}`,
		`{"nothing":"known"}`,
	} {
		class := classOf(t, m, line)
		key := m.Key(class)
		if got := m.Class(key); got != class {
			t.Errorf("%s: got another class for key %s", line, key)
		}
		// Another process makes it before it sees such an event.
		elsewhere := other.Class(key)
		if elsewhere == nil || elsewhere != classOf(t, other, line) {
			t.Fatalf("%s: another process has another class for key %s", line, key)
		}
		if elsewhere.Product != class.Product || elsewhere.Service != class.Service ||
			!reflect.DeepEqual(elsewhere.Categories, class.Categories) || !reflect.DeepEqual(elsewhere.Constants, class.Constants) ||
			!reflect.DeepEqual(elsewhere.FieldNames("Image"), class.FieldNames("Image")) {
			t.Errorf("%s: got %+v, want %+v", line, elsewhere, class)
		}
	}
}

func TestStoredClassOutlivesWhatIsAddedToMappings(t *testing.T) {
	t.Parallel()
	before := `
mapping: till
formats: [json]
order: -1
when: {till: "*"}
product: till
sources:
  - when: {kind: sale}
    category: sale
`
	load := func(text string) *logsource.Mappings {
		m, err := logsource.Load(fstest.MapFS{"till.yaml": {Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const event = `{"till":"1","kind":"sale"}`
	m := load(before)
	key := m.Key(classOf(t, m, event))
	after := load(`
mapping: till
formats: [json]
order: -1
when: {till: "*"}
product: till
sources:
  - when: {kind: refund}
    category: refund
  - when: {kind: sale}
    category: sale
    aliases: {Amount: [sum]}
`)
	class := after.Class(key)
	if class == nil || class != classOf(t, after, event) || len(class.FieldNames("Amount")) != 2 {
		t.Errorf("got %+v for %s, want the class with what is new in it", class, key)
	}
	for name, key := range map[string]string{
		"no longer there": key, "not JSON": "{", "another mapping": `{"mapping":"none"}`,
	} {
		gone := load("mapping: till\nformats: [json]\nwhen: {till: \"*\"}\nproduct: till\n")
		if got := gone.Class(key); got != nil {
			t.Errorf("%s: got %+v, want none", name, got)
		}
	}
}
