package stix_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/internal/fault"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// identity is a small valid object.
func identity() stix.Object {
	o := stix.New("identity", now)
	o["name"] = "CERT"
	return o
}

// faults lists the paths of what a document must not have.
func faults(d *stix.Document) (paths []string) {
	for _, f := range d.Faults() {
		if f.Level == stix.Must {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

func TestWhatIsWrongHasAPath(t *testing.T) {
	t.Parallel()
	later := stix.Moment(now.Add(time.Hour))
	for path, set := range map[string]func(stix.Object){
		"name":                   func(o stix.Object) { delete(o, "name") },
		"type":                   func(o stix.Object) { o["type"] = "Iden_tity" },
		"id":                     func(o stix.Object) { o["id"] = "identity--1" },
		"id ":                    func(o stix.Object) { o["id"] = strings.Replace(o.ID(), "identity", "malware", 1) },
		"spec_version":           func(o stix.Object) { o["spec_version"] = "3.0" },
		"modified":               func(o stix.Object) { o["created"] = later },
		"created":                func(o stix.Object) { o["created"] = "2016-01-01T00:00:00Z" },
		"confidence":             func(o stix.Object) { o["confidence"] = 101.0 },
		"confidence ":            func(o stix.Object) { o["confidence"] = 1.5 },
		"revoked":                func(o stix.Object) { o["revoked"] = "no" },
		"roles":                  func(o stix.Object) { o["roles"] = []any{} },
		"roles[1]":               func(o stix.Object) { o["roles"] = []any{"a", 7.0} },
		"lang":                   func(o stix.Object) { o["lang"] = "e n" },
		"severity":               func(o stix.Object) { o["severity"] = "high" },
		"No":                     func(o stix.Object) { o["No"] = "x" },
		"x_thing":                func(o stix.Object) { o["x_thing"] = nil },
		"x_data_hex":             func(o stix.Object) { o["x_data_hex"] = "abc" },
		"created_by_ref":         func(o stix.Object) { o["created_by_ref"] = stix.New("malware", now).ID() },
		"external_references[0]": func(o stix.Object) { o["external_references"] = []any{map[string]any{"source_name": "x"}} },
		"external_references[0].external_id": func(o stix.Object) {
			o["external_references"] = []any{map[string]any{"source_name": "cve", "external_id": "1"}}
		},
		"external_references[0].hashes.MD5": func(o stix.Object) {
			o["external_references"] = []any{map[string]any{"source_name": "x", "url": "http://a/", "hashes": map[string]any{"MD5": "1"}}}
		},
		"granular_markings[0].selectors[0]": func(o stix.Object) {
			o["granular_markings"] = []any{map[string]any{"lang": "en", "selectors": []any{"name.[0]"}}}
		},
		"granular_markings[0]": func(o stix.Object) { o["granular_markings"] = []any{map[string]any{"selectors": []any{"name"}}} },
		"extensions.oops":      func(o stix.Object) { o["extensions"] = map[string]any{"oops": map[string]any{"a": 1.0}} },
		"extensions." + stix.Extension + ".extension_type": func(o stix.Object) {
			o["extensions"] = map[string]any{stix.Extension: map[string]any{"level": 1.0}}
		},
	} {
		o := identity()
		if got := faults(stix.NewBundle(o)); len(got) > 0 {
			t.Fatalf("%v", got)
		}
		set(o)
		got := faults(&stix.Document{Objects: []stix.Object{o}})
		if len(got) == 0 || got[0] != strings.TrimSpace(path) {
			t.Errorf("%s: faults at %q", path, got)
		}
		if got := faults(stix.NewBundle(identity(), o)); len(got) == 0 || got[0] != "objects[1]."+strings.TrimSpace(path) {
			t.Errorf("%s in a bundle: faults at %q", path, got)
		}
		if _, err := stix.Write(stix.NewBundle(o)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: it is written: %v", path, err)
		}
	}
}

func TestMarkings(t *testing.T) {
	t.Parallel()
	for _, m := range []intel.Marking{intel.TLPClear, intel.TLPGreen, intel.TLPAmber, intel.TLPAmberStrict, intel.TLPRed} {
		o := stix.TLP(m)
		if got := faults(stix.NewBundle(o)); len(got) > 0 || stix.MarkingOf(o.ID()) != m {
			t.Errorf("%s: %v, %s", m, got, stix.MarkingOf(o.ID()))
		}
		o["name"] = "TLP:PINK"
		if got := faults(stix.NewBundle(o)); len(got) == 0 {
			t.Errorf("another definition of %s is valid", m)
		}
	}
	o := identity()
	o.SetTexts("object_marking_refs", []string{stix.TLP(intel.TLPGreen).ID()})
	o["granular_markings"] = []any{map[string]any{"marking_ref": stix.TLP(intel.TLPRed).ID(), "selectors": []any{"description"}}}
	o["description"] = "secret"
	if o.Marking() != intel.TLPGreen || o.MarkedAt("name") != intel.TLPGreen || o.MarkedAt("description") != intel.TLPRed {
		t.Errorf("%s, %s, %s", o.Marking(), o.MarkedAt("name"), o.MarkedAt("description"))
	}
	if got := faults(stix.NewBundle(stix.Statement("Copyright", now))); len(got) > 0 {
		t.Error(got)
	}
}

func TestWhatIsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"deep": strings.Repeat("[", 100_000), "a name twice": `{"type":"identity","type":"x"}`, "no UTF-8": "{\"type\":\"\xff\"}", "a number": "7",
		"a list of numbers": "[7]", "null for objects": `{"type":"bundle","objects":null}`, "objects that are none": `{"type":"bundle","objects":{"a":1}}`, "cut off": `{"type":`, "nothing": "", "two": "{}{}",
	} {
		if _, err := stix.Parse([]byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A pattern that is written names the observable that it was made of.
func TestPatternsNameTheirObservable(t *testing.T) {
	t.Parallel()
	for _, o := range []intel.Observable{
		{Kind: intel.IPAddress, Value: "192.0.2.7"},
		{Kind: intel.IPAddress, Value: "2001:db8::1"},
		{Kind: intel.IPRange, Value: "2001:db8::/32"},
		{Kind: intel.Domain, Value: "evil.example"},
		{Kind: intel.SHA256, Value: strings.Repeat("ab", 32)},
		{Kind: intel.RegistryKey, Value: `hklm\software\it's`},
		{Kind: intel.ASN, Value: "AS64496"},
		{Kind: intel.FileName, Value: "a.exe"},
		{Kind: intel.Certificate, Value: strings.Repeat("ab", 20)},
		{Kind: intel.UserAgent, Value: "Mozilla/5.0 ('x')"},
	} {
		pattern := stix.Pattern(o, 0)
		in, err := stix.ObservableOf(pattern)
		if _, broken := stix.ParsePattern(pattern); err != nil || broken != nil || in.Observable != o {
			t.Errorf("%s: %s is %s: %v %v", o, pattern, in.Observable, err, broken)
		}
	}
}

func TestPatternTree(t *testing.T) {
	t.Parallel()
	o, err := stix.ParsePattern("([a:bcd = 1 OR a:b.'c-d'[*] IN ('x', t'2016-06-01T01:30:00Z') AND NOT EXISTS a:e] FOLLOWEDBY [a:b NOT LIKE 'it\\'s'] WITHIN 1.5 SECONDS) REPEATS 3 TIMES")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	o.Tests(func(c *stix.Comparison) {
		text := c.Path.String() + " " + c.Operator
		if c.Not {
			text = "not " + text
		}
		words := []string{text}
		for _, value := range c.Values {
			words = append(words, value.Kind+":"+value.Text)
		}
		tests = append(tests, strings.Join(words, " "))
	})
	want := []string{"a:bcd = integer:1", "a:b.'c-d'[*] IN text:x time:2016-06-01T01:30:00Z", "not a:e EXISTS", "not a:b LIKE text:it's"}
	if diff := cmp.Diff(want, tests); diff != "" {
		t.Error(diff)
	}
	if o.Join != "FOLLOWEDBY" || len(o.Qualifiers) != 1 || o.Qualifiers[0].Times != 3 || o.Terms[1].Qualifiers[0].Seconds != 1.5 || o.Terms[0].Comparison.Join != "OR" || o.Terms[0].Comparison.Terms[1].Join != "AND" {
		t.Errorf("%+v", o)
	}
	if _, err := stix.ParsePattern(strings.Repeat("(", 1000) + "[a:b = 1]" + strings.Repeat(")", 1000)); !errors.Is(err, fault.Invalid) {
		t.Errorf("deep parentheses: %v", err)
	}
}

// Whatever object it is, its parts come out as they went in, and checking it ends.
func TestAnyObjectSurvives(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaves := rapid.OneOf(rapid.Map(rapid.String(), func(s string) any { return strings.ToValidUTF8(s, "") }), rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }), rapid.Map(rapid.Bool(), func(b bool) any { return b }))
		if depth == 0 {
			return leaves
		}
		return rapid.OneOf(leaves, rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(l []any) any { return l }), rapid.Map(rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,6}`), value(depth-1), 0, 3), func(m map[string]any) any { return m }))
	}
	kinds := rapid.SampledFrom([]string{"indicator", "file", "x-thing", "marking-definition", "relationship", "language-content", "observed-data"})
	rapid.Check(t, func(t *rapid.T) {
		o := stix.Object(rapid.MapOfN(rapid.SampledFrom([]string{"name", "pattern", "hashes", "extensions", "granular_markings", "definition", "x_a_b", "objects", "contents", "id"}), value(3), 0, 6).Draw(t, "object"))
		o["type"] = kinds.Draw(t, "type")
		d := stix.NewBundle(o)
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		back, err := stix.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.JSON()
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("%v\n%s\n%s", err, text, again)
		}
		back.Faults()
	})
}

// FuzzParse: whatever the document, it is refused or read, checked, and comes out as
// it went in.
func FuzzParse(f *testing.F) {
	f.Add([]byte(bundle))
	for _, kind := range []string{"identity", "file", "marking-definition", "network-traffic", "indicator"} {
		text, err := stix.NewBundle(stix.New(kind, now)).JSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := stix.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, fault := range d.Faults() {
			if fault.Reason == "" {
				t.Errorf("no reason at %s", fault.Path)
			}
		}
		before, err := stix.Canonical(bytes.TrimPrefix(text, []byte("\ufeff")))
		if err != nil {
			return // numbers that are none in the canonical form
		}
		after, err := d.JSON()
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%v\n%s\n%s", err, before, after)
		}
	})
}

// FuzzParsePattern: whatever the pattern, it is refused or read.
func FuzzParsePattern(f *testing.F) {
	for pattern := range patterns {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if _, err := stix.CheckPattern(pattern); err != nil && !strings.HasPrefix(err.Error(), "pattern: ") {
			t.Errorf("got %v", err)
		}
	})
}
