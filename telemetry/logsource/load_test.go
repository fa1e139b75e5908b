package logsource_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

func folder(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestBadMappingsAreRefusedWithTheirPlace(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"unknown key":        {"mapping: x\nwhen: {a: b}\nprodukt: y\n", "x.yaml:3: "},
		"no name":            {"when: {a: b}\n", "x.yaml:1: give either mapping"},
		"no condition":       {"mapping: x\nsources:\n  - {service: y}\n", "it would hold of every record"},
		"unknown operator":   {"mapping: x\nwhen:\n  a|like: b\n", `x.yaml:3: unknown operator "like"`},
		"test of a map":      {"mapping: x\nwhen:\n  a: {b: c}\n", "x.yaml:3: a test's value"},
		"condition of text":  {"mapping: x\nwhen: a\n", "x.yaml:2: a condition is a map"},
		"extends nothing":    {"extends: nowhere\n", `extends "nowhere": there is no such mapping`},
		"same name as ours":  {"mapping: windows\nwhen: {a: b}\n", `mapping "windows" is also in`},
		"part of a key":      {"mapping: x\nwhen: {a: b}\nkeys: [c]\nsources:\n  - when: {c|contains: d}\n", "x.yaml:5: c is a key"},
		"open brace":         {"mapping: x\nwhen: {a: b}\nbuild: {c: '{d'}\n", "a field stands in braces"},
		"rewritten twice":    {"mapping: x\nwhen: {a: b}\nrewrite: {names: {Event.System.Channel: Kanal}}\n", "Event.System.Channel"},
		"empty source":       {"mapping: x\nwhen: {a: b}\nsources:\n  -\n", "an entry of sources is empty"},
		"no reason":          {"mapping: x\nunproducible:\n  - {product: y}\n", "has no reason"},
		"not YAML":           {"mapping: [\n", "x.yaml:"},
		"null among texts":   {"mapping: x\nwhen: {a: b}\ntime: [~]\n", "x.yaml:3: "},
		"too many fields":    {"mapping: x\nwhen:\n" + manyTests(600), "mappings look at more than"},
		"aliases that swell": {bomb(), "x.yaml:"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := logsource.Load(folder(map[string]string{"x.yaml": c.text}))
			if err == nil {
				t.Fatal("loaded")
			}
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q", err, c.want)
			}
		})
	}
}

func manyTests(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "  field%d: x\n", i)
	}
	return b.String()
}

// bomb is a file whose aliases would grow to a billion texts.
func bomb() string {
	var b strings.Builder
	b.WriteString("mapping: x\nformats: &a0 [json]\nlet:\n")
	for i := range 9 {
		fmt.Fprintf(&b, "  v%d: &a%d [%s*a%d]\n", i, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	return b.String()
}

// A folder given by mistake, or files named otherwise, must not look as if
// they had been read.
func TestFolderWithoutMappingsIsRefused(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"empty":        {},
		"other files":  {"readme.txt": "mapping: x"},
		"nonsense.yml": {"nonsense.yml": "a: [1,"},
	} {
		if _, err := logsource.Load(folder(files)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want %v", name, err, fault.Invalid)
		}
	}
}

func TestUserAddsAMappingAndExtendsOne(t *testing.T) {
	t.Parallel()
	m, err := logsource.Load(folder(map[string]string{
		"payroll.yaml": "mapping: payroll\ntitle: Payroll\ninputs: [JSON]\nwhen: {app: payroll}\nproduct: payroll\ncategory: application\ntime: [at]\nhost: [node]\nfields: {User: [who]}\n",
		"more.yaml":    "extends: windows\nsources:\n  - {when: {Channel: Payroll/Operational}, service: payroll}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := string(resolve(t, m, []byte("# ask: User\n"+`{"app":"payroll","at":"2024-03-01T10:11:12Z","node":"n1","who":"anna"}`)))
	want := "mapping: payroll\nproduct: payroll\ncategory: application\ntime: 2024-03-01T10:11:12Z\nhost: n1\nUser: anna\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := string(resolve(t, m, []byte(`{"Channel":"Payroll/Operational","EventID":3}`))); !strings.Contains(got, "service: payroll\n") {
		t.Errorf("the extended mapping says\n%s", got)
	}
	if _, ok := m.Produces(intel.LogSource{Product: "payroll", Category: "application"}); !ok {
		t.Error("the log source is said not to be produced")
	}
}

// TestHostileValuesMakeFewClasses floods a resolver with event IDs, channels
// and shapes of record.
func TestHostileValuesMakeFewClasses(t *testing.T) {
	t.Parallel()
	m := load(t)
	names := intel.NewNames(m.Rewrite)
	decoder, resolver := flatjson.NewDecoder(names), logsource.NewResolver(m, names)
	classes := map[*intel.Class]bool{}
	ask := func(text string) *intel.Class {
		rec := &intel.Record{}
		if _, err := decoder.Decode([]byte(text), rec); err != nil {
			t.Fatal(err)
		}
		class := resolver.Resolve(rec, logsource.Hint{Format: "json"}).Class
		classes[class] = true
		return class
	}
	for i := range 20_000 {
		ask(fmt.Sprintf(`{"Channel":"Security","EventID":%d}`, i))
		ask(fmt.Sprintf(`{"Channel":"C%d","EventID":%d,"x%d":1}`, i, i%7, i))
	}
	if len(classes) > 5_000 {
		t.Errorf("%d classes", len(classes))
	}
	// What mappings name is told apart all the same.
	if class := ask(`{"Channel":"Security","EventID":4688}`); class.Constants["EventID"] != "4688" {
		t.Errorf("4688 has the constants %v", class.Constants)
	}
	if class := ask(`{"Channel":"Security","EventID":60001}`); class.Constants["EventID"] != "" {
		t.Errorf("60001 has the constants %v", class.Constants)
	}
}

func TestResolversShareClasses(t *testing.T) {
	t.Parallel()
	m := load(t)
	names := intel.NewNames(m.Rewrite)
	found := make(chan *intel.Class)
	for range 4 {
		go func() {
			rec := &intel.Record{}
			if _, err := flatjson.NewDecoder(names).Decode([]byte(sysmonEvent), rec); err != nil {
				t.Error(err)
			}
			found <- logsource.NewResolver(m, names).Resolve(rec, logsource.Hint{Format: "json"}).Class
		}()
	}
	first := <-found
	for range 3 {
		if other := <-found; other != first {
			t.Error("two resolvers gave the same event different classes")
		}
	}
}

func TestResolvingAllocatesNothing(t *testing.T) {
	m := load(t)
	names := intel.NewNames(m.Rewrite)
	rec := &intel.Record{}
	if _, err := flatjson.NewDecoder(names).Decode([]byte(sysmonEvent), rec); err != nil {
		t.Fatal(err)
	}
	resolver := logsource.NewResolver(m, names)
	hint := logsource.Hint{Format: "json", FileName: "a/b.jsonl"}
	resolver.Resolve(rec, hint)
	if n := testing.AllocsPerRun(100, func() { resolver.Resolve(rec, hint) }); n > 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("mapping: x\nwhen: {a: b}\nsources:\n  - when: {c|contains: [d, e]}\n    service: s\n    build: {f: '{g|h|i} {j...}'}\n")
	f.Add("extends: [windows, linux]\nrewrite: {prefixes: [a.*.], names: {b: c}, reserved: [d]}\n")
	f.Add("mapping: x\nformats: [json]\nkeys: [a]\nconstants: [b]\nlet: {a: [b, c]}\ntime: ['{date} {time}']\n")
	f.Add(bomb())
	f.Fuzz(func(t *testing.T, text string) {
		m, err := logsource.Load(folder(map[string]string{"x.yaml": text}))
		if err != nil {
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), ".yaml:") {
				t.Errorf("error without its place: %v", err)
			}
			return
		}
		names := intel.NewNames(m.Rewrite)
		rec := &intel.Record{}
		if _, err := flatjson.NewDecoder(names).Decode([]byte(securityEvent), rec); err != nil {
			t.Fatal(err)
		}
		logsource.NewResolver(m, names).Resolve(rec, logsource.Hint{Format: "json"}).Class.FieldNames("Image")
	})
}
