package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/node"
)

const shells = `
title: Shell
id: 11111111-1111-4111-8111-111111111111
name: shell
logsource: {category: process_creation, product: windows}
detection:
  selection: {Image|endswith: '\cmd.exe'}
  condition: selection
---
title: Many shells on one machine
id: 55555555-5555-4555-8555-555555555555
level: high
correlation:
  type: event_count
  rules: [shell]
  group-by: [Computer]
  timespan: 10s
  condition: {gte: 3}
`

// Files that hold the same hours are read one after the other: correlations
// must still see the events in the order of time.
func TestCorrelationsSeeFilesInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, seconds := range map[string][]int{"a.json": {3, 33}, "b.json": {6, 36}, "c.json": {9, 50}} {
		var text strings.Builder
		for _, second := range seconds { // machine pc-0 only, since n%3 is 0 but for 50
			text.WriteString(sysmon(second, `C:\Windows\System32\cmd.exe`))
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := sigma.Parse("shells.yml", []byte(shells))
	if err != nil {
		t.Fatal(err)
	}
	w := node.Watch{Paths: []string{dir}, Rules: file.Rules, Correlations: file.Correlations, Mappings: mappings(t)}
	var found []string
	summary, err := w.Run(t.Context(), func(f *detect.Finding) error {
		found = append(found, fmt.Sprintf("%s to %s: %d× %s, %v, last %s:%d",
			f.Since.Format("05"), f.Time.Format("05"), f.Count, f.Meta().Title, f.GroupBy, filepath.Base(f.Source), f.Record))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"03 to 09: 3× Many shells on one machine, [{Computer pc-0}], last c.json:1"}
	if diff := cmp.Diff(found, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
	if summary.Rules != 2 {
		t.Errorf("%d rules were asked, want the rule and the correlation", summary.Rules)
	}
	if summary.Correlations.Matches != 6 {
		t.Errorf("%d matches were correlated, want 6", summary.Correlations.Matches)
	}
}

func TestCorrelationWithoutItsRuleIsLeftOut(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("shells.yml", []byte(shells))
	if err != nil {
		t.Fatal(err)
	}
	w := node.Watch{Paths: []string{t.TempDir()}, Correlations: file.Correlations, Mappings: mappings(t)}
	summary, err := w.Run(t.Context(), func(*detect.Finding) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if len(summary.LeftOut) != 1 {
		t.Errorf("left out: %q", summary.LeftOut)
	}
}
