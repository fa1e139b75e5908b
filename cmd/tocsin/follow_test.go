package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const followedRule = `title: Any program
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: windows, category: process_creation}
detection:
  selection:
    Image|endswith: '.exe'
  condition: selection
`

const followedEvent = `{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws-1","@timestamp":"2017-05-12T10:43:48Z","Image":"C:\\a.exe"}` + "\n"

// A followed file gives each finding as it is written, and an interrupt is the
// ordinary end.
func TestFollowTellsAtOnceAndEndsWhenInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rule, log := filepath.Join(dir, "rule.yml"), filepath.Join(dir, "events.jsonl")
	for path, text := range map[string]string{rule: followedRule, log: followedEvent} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, format := range []string{"jsonl", "table"} {
		command := exec.CommandContext(t.Context(), "tocsin", "watch", "--data", dir, "--rules", rule, "--follow", "--format", format, log)
		out, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		wait := func() {
			for lines.Scan() {
				if strings.Contains(lines.Text(), "Any program") {
					return
				}
			}
			t.Fatalf("%s: the output ended without the finding", format)
		}
		wait()
		appendTo(t, log, followedEvent)
		wait()
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		var rest strings.Builder
		for lines.Scan() {
			rest.WriteString(lines.Text() + "\n")
		}
		if err := command.Wait(); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if format == "table" && !strings.Contains(rest.String(), "findings by 1 of 1 rule") {
			t.Errorf("no summary at the end: %q", rest.String())
		}
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
