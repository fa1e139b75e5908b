package stix_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/exchange/stix"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// read lists what is read of a document, and what is passed over.
func read(text string) (found []string, err error) {
	err = stix.Indicators(strings.NewReader(text), intel.Origin{Source: "file"}, func(in *intel.Indicator) {
		line := fmt.Sprintf("%s of %s: %s", in.Observable, in.Source, in.Label)
		if in.Marking != intel.Unmarked || in.Confidence != 0 || in.Action != intel.Detect {
			line += fmt.Sprintf(", %s, %d%%, %s", in.Marking, in.Confidence, in.Action)
		}
		if !in.From.IsZero() {
			line += ", " + in.From.Format("2006-01-02")
		}
		if !in.Until.IsZero() {
			line += " to " + in.Until.Format("2006-01-02")
		}
		found = append(found, line)
	}, func(path, reason string) { found = append(found, path+": "+reason) })
	return found, err
}

const bundle = `{"type":"bundle","id":"bundle--1","objects":[
 {"type":"indicator","spec_version":"2.1","id":"indicator--1","created_by_ref":"identity--1","name":"C2","pattern":"[domain-name:value = 'Evil.example' OR ipv4-addr:value = '192.0.2.7']","pattern_type":"stix",
  "valid_from":"2024-05-01T00:00:00Z","valid_until":"2025-05-01T00:00:00Z","confidence":85,"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82","marking-definition--mine"]},
 {"type":"identity","id":"identity--1","name":"CERT"},
 {"type":"malware","id":"malware--1","name":"Evil Family"},
 {"type":"marking-definition","id":"marking-definition--mine","definition_type":"tlp","definition":{"tlp":"red"}},
 {"type":"indicator","id":"indicator--2","pattern":"[file:hashes.'SHA-256' IN ('` + "%[1]s" + `')] OR [url:value = 'http://evil.example/a']","valid_from":"2024-05-02T00:00:00Z","indicator_types":["benign"]},
 {"type":"relationship","id":"relationship--1","relationship_type":"indicates","source_ref":"indicator--2","target_ref":"malware--1"},
 {"type":"indicator","id":"indicator--3","pattern":"[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.7']"},
 {"type":"indicator","id":"indicator--4","pattern":"alert tcp any","pattern_type":"snort"},
 {"type":"indicator","id":"indicator--5","pattern":"[domain-name:value = 'b.example']","revoked":true},
 {"type":"indicator","id":"indicator--6","pattern":"[domain-name:value = 'not a domain']"},
 {"type":"indicator","id":"indicator--7","pattern":7}]}`

func TestBundle(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	found, err := read(fmt.Sprintf(bundle, hash))
	want := []string{
		"objects[10]: an object whose properties are not of their types",
		"domain evil.example of CERT: C2, red, 85%, detect, 2024-05-01 to 2025-05-01",
		"ip 192.0.2.7 of CERT: C2, red, 85%, detect, 2024-05-01 to 2025-05-01",
		"sha256 " + hash + " of file: Evil Family, , 0%, do-not-block, 2024-05-02",
		"url http://evil.example/a of file: Evil Family, , 0%, do-not-block, 2024-05-02",
		"objects[6]: a pattern that is not simple: AND",
		"objects[7]: a pattern that is not in STIX' own language",
		"objects[8]: revoked",
		"objects[9]: a value that is not what its property says",
	}
	if diff := cmp.Diff(want, found); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

var patterns = map[string][]string{
	"[ipv4-addr:value = '10.0.0.0/8']":                                               {"cidr 10.0.0.0/8"},
	"[ipv4-addr:value ISSUBSET '10.0.0.0/8']":                                        {"cidr 10.0.0.0/8"},
	"[ ipv6-addr:value='2001:DB8::1' ]":                                              {"ip 2001:db8::1"},
	"[file:hashes.MD5 = '0123456789abcdef0123456789ABCDEF']":                         {"md5 0123456789abcdef0123456789abcdef"},
	`[file:hashes."SHA-1" = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']`:             nil,
	"[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']":             {"sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	`[windows-registry-key:key = 'HKLM\\Software\\It\'s']`:                           {`registry-key hklm\software\it's`},
	"[email-addr:value = 'Bad@Evil.example']":                                        {"email bad@evil.example"},
	"[email-message:to_refs[*].value = 'x@evil.example']":                            nil,
	"[autonomous-system:number = 64496]":                                             {"asn AS64496"},
	"[domain-name:value = 'a.example'] or [domain-name:value='b.example']":           {"domain a.example", "domain b.example"},
	"[domain-name:value IN ('a.example', 'b.example')]":                              {"domain a.example", "domain b.example"},
	"[file:name = 'Evil.exe']":                                                       {"filename evil.exe"},
	"[domain-name:value = 'a.example' OR x:y = 'z']":                                 {"domain a.example"},
	"[domain-name:value != 'a.example']":                                             nil,
	"[domain-name:value NOT = 'a.example']":                                          nil,
	"[domain-name:value LIKE '%.example']":                                           nil,
	"[domain-name:value MATCHES '.*']":                                               nil,
	"([domain-name:value = 'a.example'])":                                            nil,
	"[domain-name:value = 'a.example'] WITHIN 5 SECONDS":                             nil,
	"[domain-name:value = 'a.example'] FOLLOWEDBY [url:value = 'http://b.example/']": nil,
	"[domain-name:value = 'a.example":                                                nil,
	"[":                                                                              nil,
	"":                                                                               nil,
}

// indicatorOf is an indicator object with that pattern.
func indicatorOf(t testing.TB, pattern string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"type": "indicator", "pattern": pattern})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range patterns {
		var got []string
		err := stix.Indicators(strings.NewReader(indicatorOf(t, pattern)), intel.Origin{}, func(in *intel.Indicator) {
			got = append(got, in.String())
		}, func(string, string) {})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", pattern, err, diff)
		}
	}
}

func TestWhatIsNoSTIXIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "7", "{", `{"objects":7}`, `{"objects":[`, `{"objects":[{"type":"indicator"`} {
		if _, err := read(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzIndicators: whatever the document, what is read of it is in normal form.
func FuzzIndicators(f *testing.F) {
	f.Add(fmt.Sprintf(bundle, strings.Repeat("ab", 32)))
	for pattern := range patterns {
		f.Add(indicatorOf(f, pattern))
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := stix.Indicators(strings.NewReader(text), intel.Origin{}, func(in *intel.Indicator) {
			if again, err := observable.Parse(in.Kind, in.Value); err != nil || again != in.Observable {
				t.Errorf("%s is not in normal form: %v", in.Observable, err)
			}
		}, func(string, string) {})
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzPattern: whatever the pattern, it is read or passed over.
func FuzzPattern(f *testing.F) {
	for pattern := range patterns {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if err := stix.Indicators(strings.NewReader(indicatorOf(t, pattern)), intel.Origin{}, func(*intel.Indicator) {}, func(string, string) {}); err != nil {
			t.Errorf("got %v", err)
		}
	})
}
