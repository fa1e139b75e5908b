package csaf_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tocsin/exchange/csaf"
	"tocsin/internal/fault"
)

// good is an advisory of 2.0 without vulnerabilities that breaks no mandatory test.
const good = `{"document":{"category":"csaf_base","csaf_version":"2.0","distribution":{"tlp":{"label":"WHITE"}},"lang":"en",` +
	`"publisher":{"category":"vendor","name":"Works","namespace":"https://works.example"},` +
	`"references":[{"category":"self","summary":"This","url":"https://works.example/w-1.json"},{"summary":"Other","url":"https://other.example"}],` +
	`"title":"A title","tracking":{"current_release_date":"2026-01-02T00:00:00Z","id":"W-1","initial_release_date":"2026-01-02T00:00:00Z",` +
	`"revision_history":[{"date":"2026-01-02T00:00:00Z","number":"1","summary":"First"}],"status":"final","version":"1"}}}`

func TestWhatFailsIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, from, to, failed, path string }{
		{"nothing", "", "", "", ""},
		{"other version", `"version":"1"`, `"version":"2"`, "6.1.16", "document.tracking.version"},
		{"date", "2026-01-02T00:00:00Z\",\"number", "2026-02-30T00:00:00Z\",\"number", "schema", "document.tracking.revision_history[0].date"},
		{"language", `"lang":"en"`, `"lang":"ez"`, "6.1.12", "document.lang"},
		{"category", "csaf_base", "Security—Advisory", "6.1.26", "document.category"},
		{"name that is not known", `"title"`, `"colour":"red","title"`, "6.2.20", "document.colour"},
		{"names out of order", `"lang":"en",`, "", "6.2.12", "document"},
		{"label", "WHITE", "CLEAR", "schema", "document.distribution.tlp.label"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			report, err := csaf.Validate(t.Context(), []byte(strings.Replace(good, test.from, test.to, 1)), csaf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if test.failed == "" {
				if len(report.Failed) > 0 || !report.Valid {
					t.Errorf("got %v", report.Messages)
				}
				return
			}
			if !slices.Contains(report.Failed, test.failed) ||
				!slices.ContainsFunc(report.Messages, func(m csaf.Message) bool { return m.Test == test.failed && m.Path == test.path }) {
				t.Errorf("got %v", report.Messages)
			}
			if report.Valid != strings.HasPrefix(test.failed, "6.2") {
				t.Errorf("valid is %v", report.Valid)
			}
		})
	}
}

func TestAddressesAreAskedOnlyWhenWanted(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	report, err := csaf.Validate(t.Context(), []byte(good), csaf.Options{Resolves: func(_ context.Context, url string) bool {
		asked[url]++
		return !strings.Contains(url, "json") && !strings.Contains(url, "other")
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"6.3.6", "6.3.7"}; !slices.Equal(report.Failed, want) {
		t.Errorf("got %v, want %v", report.Failed, want)
	}
	if asked["https://other.example"] != 1 || len(asked) != 3 {
		t.Errorf("asked %v", asked)
	}
}

func TestHostileDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "no object": "[]", "deep": strings.Repeat("[", 1000), "no version": `{"document":{}}`,
		"twice":       `{"document":{"csaf_version":"2.0","csaf_version":"2.0"}}`,
		"two":         good + good,
		"not UTF-8":   "{\"a\":\"\xff\"}",
		"number":      `{"a":01}`,
		"escape":      `{"a":"\ud800"}`,
		"control":     "{\"a\":\"\n\"}",
		"new version": strings.Replace(good, `"2.0"`, `"3.0"`, 1),
	} {
		if _, err := csaf.Validate(t.Context(), []byte(text), csaf.Options{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"summary":"x","url":"no"},`, 5000)
	report, err := csaf.Validate(t.Context(), []byte(strings.Replace(good, `"references":[`, `"references":[`+many, 1)), csaf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Messages) > 2000 || report.Unsaid < 3000 || report.Valid {
		t.Errorf("%d messages and %d unsaid", len(report.Messages), report.Unsaid)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"2.0"`, `"2.1"`, 1)))
	f.Add([]byte(`{"document":{"csaf_version":"2.1"},"product_tree":{"branches":[{"category":"product_version_range","name":"vers:npm/>1|<2","branches":[]}],"product_paths":[{}]},"vulnerabilities":[{"metrics":[{"content":{"ssvc_v2":{"selections":[{}]},"cvss_v3":{"vectorString":""}}}],"cwes":[{}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		report, err := csaf.Validate(t.Context(), text, csaf.Options{})
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Error(err)
			}
			return
		}
		if report.Valid != !slices.ContainsFunc(report.Failed, func(id string) bool { return id == csaf.Schema || strings.HasPrefix(id, "6.1.") }) {
			t.Errorf("valid is %v with %v", report.Valid, report.Failed)
		}
	})
}
