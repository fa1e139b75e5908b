package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/node"
	"tocsin/telemetry/logsource"
)

const rules = `
title: Shell
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {category: process_creation, product: windows}
detection:
  selection: {Image|endswith: '\cmd.exe'}
  condition: selection
---
title: Secret asked for
id: 22222222-2222-4222-8222-222222222222
level: low
logsource: {product: windows}
detection:
  words: [mimikatz]
  condition: words
---
title: Nothing reads this
id: 33333333-3333-4333-8333-333333333333
logsource: {product: toaster}
detection:
  selection: {Browning: 7}
  condition: selection
---
title: Could come
id: 44444444-4444-4444-8444-444444444444
logsource: {product: zeek, service: dns}
detection:
  selection: {query: evil.example}
  condition: selection
`

func parsedRules(t *testing.T) []*sigma.Rule {
	t.Helper()
	file, err := sigma.Parse("rules.yml", []byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return file.Rules
}

func mappings(t testing.TB) *logsource.Mappings {
	t.Helper()
	m, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sysmon is one process creation as Sysmon's events look in JSON.
func sysmon(n int, image string) string {
	return fmt.Sprintf(`{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational",`+
		`"EventRecordID":%d,"Computer":"pc-%d","TimeCreated":{"#attributes":{"SystemTime":"2017-05-12T07:24:%02d.5Z"}}},"EventData":{"Image":%q,"CommandLine":"x"}}}`+"\n", n, n%3, n%60, image)
}

// day writes files of events and returns their folder: every seventh event is a
// shell, every hundredth line is broken.
func day(t *testing.T, files, events int) string {
	t.Helper()
	dir := t.TempDir()
	for f := range files {
		var text strings.Builder
		for n := range events {
			switch {
			case n%100 == 50:
				text.WriteString("{\"Event\":\n")
			case n%7 == 0:
				text.WriteString(sysmon(n, `C:\Windows\System32\CMD.exe`))
			default:
				text.WriteString(sysmon(n, `C:\Windows\notepad.exe`))
			}
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.json", f)), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// watch runs a watch and lists its findings.
func watch(t *testing.T, w node.Watch) ([]string, node.Summary) {
	t.Helper()
	var found []string
	summary, err := w.Run(t.Context(), func(f *detect.Finding) error {
		found = append(found, fmt.Sprintf("%s %s:%d %s %s %v", f.Time.Format("15:04:05.0"), filepath.Base(f.Source), f.Record, f.Host, f.Meta().Title, f.Fields))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, summary
}

func TestWatchFindsWhatRulesDescribe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := sysmon(1, `C:\Windows\System32\cmd.exe`) + sysmon(2, `C:\a.exe`) + "\nnot JSON\n" + sysmon(3, `C:\mimikatz.exe`)
	if err := os.WriteFile(filepath.Join(dir, "a.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found, summary := watch(t, node.Watch{Paths: []string{dir}, Rules: parsedRules(t), Mappings: mappings(t)})
	want := []string{
		`07:24:01.5 a.json:1 pc-1 Shell [{Image C:\Windows\System32\cmd.exe}]`,
		`07:24:03.5 a.json:5 pc-0 Secret asked for [{Image C:\mimikatz.exe}]`,
	}
	if diff := cmp.Diff(found, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
	if summary.Events != 3 || summary.Findings != 2 || summary.WithoutTime != 0 || summary.Unclassified != 0 {
		t.Errorf("summary %+v", summary)
	}
	if diff := cmp.Diff(summary.NoTelemetry, []string{"product=toaster (1 rule): no mapping knows this log source"}); diff != "" || summary.NotSeen != 1 {
		t.Errorf("rules without telemetry: %v, not seen %d", summary.NoTelemetry, summary.NotSeen)
	}
	wantSkipped := []node.Skip{{Reason: "JSON object expected", Count: 1, First: int64(strings.Index(text, "not JSON"))}}
	if diff := cmp.Diff(summary.Sources[0].Skipped, wantSkipped); diff != "" {
		t.Errorf("skipped: got -, want +:\n%s", diff)
	}
}

func TestOrderDoesNotDependOnWorkers(t *testing.T) {
	t.Parallel()
	dir := day(t, 5, 3000)
	one, first := watch(t, node.Watch{Paths: []string{dir}, Rules: parsedRules(t), Mappings: mappings(t), Workers: 1})
	if len(one) == 0 {
		t.Fatal("nothing found")
	}
	for _, workers := range []int{2, 7} {
		many, summary := watch(t, node.Watch{Paths: []string{dir}, Rules: parsedRules(t), Mappings: mappings(t), Workers: workers})
		if diff := cmp.Diff(many, one); diff != "" {
			t.Errorf("%d workers: got -, want +:\n%s", workers, diff)
		}
		if diff := cmp.Diff(summary.Sources, first.Sources); diff != "" {
			t.Errorf("%d workers, sources: got -, want +:\n%s", workers, diff)
		}
	}
}

func TestNaiveFindsTheSame(t *testing.T) {
	t.Parallel()
	dir := day(t, 2, 500)
	fast, _ := watch(t, node.Watch{Paths: []string{dir}, Rules: parsedRules(t), Mappings: mappings(t)})
	naive, _ := watch(t, node.Watch{Paths: []string{dir}, Rules: parsedRules(t), Mappings: mappings(t), Naive: true})
	if diff := cmp.Diff(fast, naive); diff != "" {
		t.Errorf("indexed -, naive +:\n%s", diff)
	}
}

func TestWatchEndsWithTheErrorOfItsReceiver(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	w := node.Watch{Paths: []string{day(t, 4, 5000)}, Rules: parsedRules(t), Mappings: mappings(t)}
	_, err := w.Run(t.Context(), func(*detect.Finding) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}

func TestWatchEndsWhenCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := node.Watch{Paths: []string{day(t, 4, 5000)}, Rules: parsedRules(t), Mappings: mappings(t)}
	_, err := w.Run(ctx, func(*detect.Finding) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// Most of a machine's logs hold a few events each.
func TestMatchingIsTimedInSmallSourcesToo(t *testing.T) {
	t.Parallel()
	w := &node.Watch{Rules: parsedRules(t), Mappings: mappings(t), Paths: []string{day(t, 20, 1)}, Workers: 1}
	summary, err := w.Run(t.Context(), func(*detect.Finding) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if summary.Events != 20 || summary.Matching <= 0 || summary.Decoding <= 0 {
		t.Errorf("%d events: decoding took %v, matching %v", summary.Events, summary.Decoding, summary.Matching)
	}
}

func TestSummarySaysWhenThereAreTooManyNames(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for n := range intel.NamesLimit + 1 {
		fmt.Fprintf(&text, "{\"key%d\":%d}\n", n, n)
	}
	path := filepath.Join(t.TempDir(), "names.json")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for paths, want := range map[string]bool{path: true, day(t, 1, 10): false} {
		if _, summary := watch(t, node.Watch{Paths: []string{paths}, Rules: parsedRules(t), Mappings: mappings(t)}); summary.NamesFull != want {
			t.Errorf("%s: NamesFull is %v", paths, summary.NamesFull)
		}
	}
}
