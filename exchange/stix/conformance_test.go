package stix_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/exchange/stix"
	"tocsin/internal/testdata"
)

// place is where a file or folder of the exchange data is. Where it is absent the
// test skips, or fails where peers are required.
func place(t *testing.T, name string) string {
	t.Helper()
	return testdata.Exchange(t, name)
}

// set returns a file of the exchange data, unpacked.
func set(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(place(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return text
	}
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	text, err = io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// lines decodes a JSON object a line.
func lines[T any](t *testing.T, text []byte) (all []T) {
	t.Helper()
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var one T
		if err := json.Unmarshal(s.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

type validatorCase struct {
	ID      string
	Input   json.RawMessage
	Valid   bool
	Errors  []string
	Options struct {
		Strict           bool     `json:"strict"`
		Disabled         []string `json:"disabled"`
		Enabled          []string `json:"enabled"`
		StrictProperties bool     `json:"strict_properties"`
		StrictTypes      bool     `json:"strict_types"`
		EnforceRefs      bool     `json:"enforce_refs"`
		Interop          bool     `json:"interop"`
		SchemaDir        string   `json:"schema_dir"`
		Version          string   `json:"version"`
	}
}

// checks are our names of the checks that the OASIS validator lets leave out.
var checks = map[string][]string{
	"extensions-use": {"extensions-use"}, "custom-prefix": {"custom-prefix", "custom-prefix-source"}, "custom-prefix-lax": {"custom-prefix", "custom-prefix-source"},
	"uuid-check": {"uuid-check"}, "hash-algo": {"hash-algo"}, "kill-chain-names": {"kill-chain-names"}, "relationship-types": {"relationship-types"},
	"countries": {"countries"}, "region": {"vocabulary:region-ov"}, "industry-sector": {"vocabulary:industry-sector-ov"}, "malware-types": {"vocabulary:malware-type-ov"},
	"indicator-pattern-types": {"vocabulary:pattern-type-ov"}, "attack-resource-level": {"vocabulary:attack-resource-level-ov"}, "attack-motivation": {"vocabulary:attack-motivation-ov"},
	"threat-actor-role": {"vocabulary:threat-actor-role-ov"}, "report-types": {"vocabulary:report-type-ov"}, "account-type": {"vocabulary:account-type-ov"},
	"windows-pebinary-type": {"vocabulary:windows-pebinary-type-ov"}, "identity-class": {"vocabulary:identity-class-ov"}, "tool-types": {"vocabulary:tool-type-ov"},
	"extref-hashes": {"external-hashes"}, "indicator-properties": {"descriptions:indicator"}, "extension-description": {"descriptions:extension"},
	"extension-properties": {"descriptions:extension-properties"}, "network-traffic-ports": {"network-ports"}, "mime-type": {"mime-type"},
	"malware-analysis-product": {"product-name"}, "windows-process-priority-format": {"process-priority"}, "marking-definition-type": {"marking-types"},
	"http-request-headers": {"registered-names"}, "ipfix": {"registered-names"}, "socket-options": {"registered-names"}, "pdf-doc-info": {"registered-names"},
	"observable-dictionary-keys": {"dictionary-keys"}, "protocols": {"protocols"}, "marking-definition-types": {"marking-types"},
	"indicator-types": {"vocabulary:indicator-type-ov"}, "infrastructure-types": {"vocabulary:infrastructure-type-ov"}, "grouping-context": {"vocabulary:grouping-context-ov"},
	"implementation-languages": {"vocabulary:implementation-language-ov"}, "malware-capabilities": {"vocabulary:malware-capabilities-ov"},
	"malware-result": {"vocabulary:malware-result-ov"}, "processor-architecture": {"vocabulary:processor-architecture-ov"},
	"threat-actor-types": {"vocabulary:threat-actor-type-ov"}, "threat-actor-sophistication": {"vocabulary:threat-actor-sophistication-ov"},
	"tool-type": {"vocabulary:tool-type-ov"}, "all-vocabs": {"vocabulary"}, "all-external-sources": {"countries", "mime-type", "registered-names", "protocols"}, "open-vocab-format": {"open-vocab-form"}, "deprecated-properties": {"deprecated"}, "duplicate-ids": {"duplicate-ids"},
	"format-checks":   {"custom-prefix", "custom-prefix-source", "uuid-check", "kill-chain-names", "open-vocab-form", "dictionary-keys", "product-name", "process-priority"},
	"approved-values": {"vocabulary", "countries", "hash-algo", "relationship-types", "mime-type", "registered-names", "marking-types", "duplicate-ids"},
}

// counts reports whether a fault makes an object invalid under the options.
func (v *validatorCase) counts(f stix.Fault) bool {
	o := &v.Options
	switch {
	case f.Level == stix.Must:
		return true
	case f.Rule == "extensions-use", f.Rule == "custom-prefix", f.Rule == "custom-prefix-source":
		return o.Strict && v.countsCustom(f)
	case f.Level == stix.Note:
		return o.StrictProperties && f.Rule == "unknown-property" || o.StrictTypes && f.Rule == "unknown-type" ||
			o.EnforceRefs && f.Rule == "unresolved" || o.Interop && f.Rule == "several-tlp"
	case f.Rule == "spec-version", f.Rule == "observable-refs":
		return false // that validator does not look
	}
	return o.Strict && v.runs(f.Rule)
}

// runs reports whether a check that is no MUST is run: when some are enabled and
// none is disabled, only those are.
func (v *validatorCase) runs(rule string) bool {
	named := func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return slices.ContainsFunc(checks[name], func(ours string) bool { return rule == ours || strings.HasPrefix(rule, ours+":") })
		})
	}
	if len(v.Options.Enabled) > 0 && len(v.Options.Disabled) == 0 {
		return named(v.Options.Enabled)
	}
	return !named(v.Options.Disabled)
}

// countsCustom follows what that validator thinks of custom names: an extension is
// asked for; where that check is off, a prefix with the maker's name; where that is
// off too, any prefix.
func (v *validatorCase) countsCustom(f stix.Fault) bool {
	on := func(name string) bool {
		if len(v.Options.Enabled) > 0 && len(v.Options.Disabled) == 0 {
			return slices.Contains(v.Options.Enabled, name)
		}
		return !slices.Contains(v.Options.Disabled, name)
	}
	switch {
	case on("extensions-use"):
		return f.Rule == "extensions-use"
	case on("custom-prefix"):
		return f.Rule != "extensions-use"
	default:
		return on("custom-prefix-lax") && f.Rule == "custom-prefix"
	}
}

// doubtful are cases where that validator is wrong by the standard.
var doubtful = map[string]string{
	"bbb": "bbb is a language of RFC 5646: the registry has it since 2009",
}

func (v *validatorCase) doubt() string {
	for sign, reason := range doubtful {
		if strings.Contains(strings.Join(v.Errors, " "), "invalid language code ('"+sign+"')") {
			return reason
		}
	}
	return ""
}

// Options of the OASIS validator that stand for something that ours has not: other
// versions of STIX, schemas of a user, a profile that wants more than the standard.
func (v *validatorCase) elsewhere() bool {
	return v.Options.SchemaDir != "" || v.Options.Version == "2.0" || v.Options.Interop && strings.Contains(strings.Join(v.Errors, " "), "created_by_ref")
}

func TestConformanceStixValidator(t *testing.T) {
	t.Parallel()
	passed, total, left := 0, 0, 0
	for _, c := range lines[validatorCase](t, set(t, "stix/validator-cases.jsonl.gz")) {
		if c.elsewhere() {
			left++
			continue
		}
		input := []byte(c.Input)
		var text string
		if json.Unmarshal(input, &text) == nil {
			input = []byte(text)
		}
		total++
		valid := true
		var reasons []string
		d, err := stix.Parse(input)
		if err != nil {
			valid, reasons = false, []string{err.Error()}
		} else {
			for _, f := range d.Faults() {
				reasons = append(reasons, f.Level.String()+" "+f.Rule+" "+f.String())
				valid = valid && !c.counts(f)
			}
		}
		if doubt := c.doubt(); valid != c.Valid && doubt != "" {
			t.Logf("%s: %s", c.ID, doubt)
			total--
			left++
			continue
		}
		if valid == c.Valid {
			passed++
			continue
		}
		t.Logf("%s %+v: valid %v, want %v\n  ours: %q\n  theirs: %q\n", c.ID, c.Options, valid, c.Valid, reasons, c.Errors)
	}
	t.Logf("passed %d of %d; %d ask for what we have not", passed, total, left)
	if passed < total {
		t.Errorf("%d differ", total-passed)
	}
}

func TestConformanceStixDeterministicIDs(t *testing.T) {
	t.Parallel()
	passed, total := 0, 0
	for _, c := range lines[struct {
		Object     stix.Object
		ExpectedID string `json:"expected_id"`
	}](t, set(t, "stix/sco-deterministic-ids.jsonl")) {
		if got := c.Object.ObservableID(); got == "" && len(c.Object.Faults()) > 0 && strings.HasPrefix(c.ExpectedID, c.Object.Type()+"--") && custom(c.Object) {
			continue // what contributes to such an id its maker alone knows
		}
		total++
		if got := c.Object.ObservableID(); got != c.ExpectedID {
			t.Errorf("%v: got %s, want %s", c.Object, got, c.ExpectedID)
			continue
		}
		passed++
	}
	t.Logf("passed %d of %d", passed, total)
}

func TestConformanceStixPatternSyntax(t *testing.T) {
	t.Parallel()
	passed, total := 0, 0
	for _, c := range lines[struct {
		Pattern string
		Valid   bool
	}](t, set(t, "stix/pattern-syntax.jsonl")) {
		total++
		if _, err := stix.CheckPattern(c.Pattern); (err == nil) != c.Valid {
			t.Errorf("%s: %v, want valid %v", c.Pattern, err, c.Valid)
			continue
		}
		passed++
	}
	t.Logf("passed %d of %d", passed, total)
}

// custom reports whether the standard does not define an object's type.
func custom(o stix.Object) bool {
	return slices.ContainsFunc(o.Faults(), func(f stix.Fault) bool { return f.Rule == "unknown-type" })
}

// documents are real bundles and the standard's examples, by name.
func documents(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(place(t, "stix/examples"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		all[filepath.Base(name)] = set(t, "stix/examples/"+filepath.Base(name))
	}
	archive := tar.NewReader(bytes.NewReader(set(t, "stix/attack-flow-bundles.tar.gz")))
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		all["attack-flow/"+header.Name] = text
	}
}

func TestConformanceStixExamples(t *testing.T) {
	t.Parallel()
	passed, total := 0, 0
	for name, text := range documents(t) {
		total++
		d, err := stix.Parse(text)
		if name == "stix2-1_context.json" {
			total-- // a context of JSON-LD without its braces
			continue
		}
		want := !strings.HasPrefix(name, "invalid_")
		valid := err == nil
		var reasons []string
		if err == nil {
			for _, f := range d.Faults() {
				if f.Level == stix.Must {
					valid, reasons = false, append(reasons, f.String())
				}
			}
			before, err1 := stix.Canonical(text)
			after, err2 := d.JSON()
			if err1 != nil || err2 != nil || !bytes.Equal(before, after) {
				t.Errorf("%s does not come out as it went in: %v %v", name, err1, err2)
				continue
			}
		}
		if valid != want && !strings.HasPrefix(name, "attack-flow/") {
			t.Errorf("%s: valid %v, want %v: %v %q", name, valid, want, err, reasons)
			continue
		}
		passed++
	}
	t.Logf("passed %d of %d", passed, total)
}

func TestConformanceStixATTACK(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ics-attack-v18.json.gz", "ics-attack-v9.0.json.gz"} {
		if racing && name != "ics-attack-v9.0.json.gz" {
			continue // the biggest takes too long with the race detector
		}
		text := set(t, "attack/"+name)
		d, err := stix.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		invalid := map[string]int{}
		for _, f := range d.Faults() {
			if f.Level == stix.Must {
				_, rest, _ := strings.Cut(f.Path, "]")
				invalid[rest+": "+f.Reason]++
			}
		}
		before, err1 := stix.Canonical(text)
		after, err2 := d.JSON()
		if err1 != nil || err2 != nil || !bytes.Equal(before, after) {
			t.Errorf("%s does not come out as it went in: %v %v", name, err1, err2)
		}
		t.Logf("%s: passed %d objects; faults %v", name, len(d.Objects), invalid)
	}
}

// BenchmarkFaults checks the ATT&CK matrix for industrial control systems.
func BenchmarkFaults(b *testing.B) {
	path := filepath.Join(testdata.Dir(b), "exchange/attack/ics-attack-v18.json.gz")
	f, err := os.Open(path)
	if err != nil {
		b.Skip(err)
	}
	defer func() { _ = f.Close() }()
	r, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d, err := stix.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		d.Faults()
	}
}
