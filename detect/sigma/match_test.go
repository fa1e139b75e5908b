package sigma_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestRulesMatchWhatTheSpecificationSays runs testdata/match: each archive has
// pairs of files, a detection section NAME.yml and NAME.events with one event a
// line, after '+' if the rule matches it and after '-' if not.
func TestRulesMatchWhatTheSpecificationSays(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/match/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(archive.Files); i += 2 {
			rule, events := archive.Files[i], archive.Files[i+1]
			t.Run(filepath.Base(path)+"/"+rule.Name, func(t *testing.T) {
				t.Parallel()
				checkEvents(t, string(rule.Data), string(events.Data))
			})
		}
	}
}

func checkEvents(t *testing.T, section, events string) {
	t.Helper()
	rule := detection(t, section)
	for line := range strings.Lines(events) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		want, event := line[0] == '+', line[1:]
		if got := matches(t, rule, event); got != want {
			t.Errorf("event %s: matches %v, want %v", event, got, want)
		}
	}
}
