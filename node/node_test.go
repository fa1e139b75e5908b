package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/detect"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// lookUp is a Sysmon event of a machine that asks for a name.
func lookUp(at time.Time, host, name string) string {
	return fmt.Sprintf(`{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":%q,"TimeCreated":{"#attributes":{"SystemTime":%q}}},"EventData":{"QueryName":%q,"Image":"C:\\tool.exe"}}}`+"\n",
		host, at.UTC().Format(time.RFC3339Nano), name)
}

const lookUpRule = `
title: Name below crash.example
id: 99999999-9999-4999-8999-999999999999
logsource: {category: dns_query, product: windows}
detection:
  selection: {QueryName|endswith: .crash.example}
  condition: selection
`

func openNode(tb testing.TB, dir string) *node.Node {
	tb.Helper()
	n, err := node.Open(nodeConfig(tb, dir))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func nodeConfig(tb testing.TB, dir string) node.Config {
	tb.Helper()
	return configOf(dir, mappings(tb))
}

func configOf(dir string, m *logsource.Mappings) node.Config {
	return node.Config{Dir: dir, Mappings: m, Encode: func(to []byte, f *detect.Finding) []byte {
		return fmt.Appendf(to, "%s %s:%d\n", f.Meta().Title, f.Source, f.Record)
	}}
}

// running runs a node until the function that it returns is called.
func running(tb testing.TB, n *node.Node) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return func() {
		cancel()
		if err := errors.Join(<-done, n.Close()); err != nil {
			tb.Error(err)
		}
	}
}

func ask(tb testing.TB, n *node.Node, questions ...memory.Question) []memory.Answer {
	tb.Helper()
	told, err := n.Hunt(tb.Context(), node.Hunt{Questions: questions, Examples: 1})
	if err != nil {
		tb.Fatal(err)
	}
	if len(told.Partial) > 0 {
		tb.Errorf("partial: %q", told.Partial)
	}
	return told.Answers
}

func domain(name string) memory.Question {
	return memory.Question{Text: name, Observable: intel.Observable{Kind: intel.Domain, Value: name}}
}

func TestWhatWasAcceptedIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	n := openNode(t, t.TempDir())
	defer running(t, n)()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	block := telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(
		lookUp(at, "pc-1", "a.crash.example")+lookUp(at.Add(time.Hour), "pc-2", "b.crash.example")+"broken\n"))
	if err := n.Accept(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	answers := ask(t, n, domain("crash.example"), domain("a.crash.example"), domain("never.example"),
		memory.Question{Text: "rule", Rule: lookUpRule})
	for i, want := range []struct {
		verdict  intel.Verdict
		count    uint64
		hosts    string
		examples int
	}{
		{intel.Seen, 2, "pc-1 pc-2", 1}, {intel.Seen, 1, "pc-1", 1}, {intel.Unknown, 0, "", 0}, {intel.Seen, 2, "pc-1 pc-2", 1},
	} {
		a := answers[i]
		if a.Verdict != want.verdict || a.Count != want.count || strings.Join(a.Hosts, " ") != want.hosts || len(a.Examples) != want.examples {
			t.Errorf("%s: %s, %d times, on %q, %d examples; want %+v", a.Question, a.Verdict, a.Count, a.Hosts, len(a.Examples), want)
		}
	}
	if first := answers[3].First; first == nil || !first.Equal(at) {
		t.Errorf("the rule first matched %v, want %v", first, at)
	}
}

func TestWhatIsIngestedTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	text := []byte(lookUp(at, "pc-1", "a.crash.example"))
	var paths []string
	for _, name := range []string{"one.json", "copy.json"} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for round, path := range []string{paths[0], paths[0], paths[1]} {
		n := openNode(t, dir)
		stop := running(t, n)
		told, err := n.Ingest(t.Context(), &telemetry.Reader{Paths: []string{path}})
		if err != nil {
			t.Fatal(err)
		}
		if isNew := round == 0; (told.Blocks == 1) != isNew || (told.Known == 1) == isNew {
			t.Errorf("round %d: %d blocks were new and %d known", round, told.Blocks, told.Known)
		}
		if a := ask(t, n, domain("a.crash.example"))[0]; a.Count != 1 {
			t.Errorf("round %d: seen %d times", round, a.Count)
		}
		stop()
	}
}

func TestSecondNodeIsToldWhoHasTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := openNode(t, dir)
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := n.Say("http://127.0.0.1:8617"); err != nil {
		t.Fatal(err)
	}
	_, err := node.Open(nodeConfig(t, dir))
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--node http://127.0.0.1:8617") {
		t.Errorf("%v", err)
	}
}

func TestHuntRefusesWhatItCannotAnswer(t *testing.T) {
	t.Parallel()
	n := openNode(t, t.TempDir())
	defer running(t, n)()
	now := time.Now()
	for name, h := range map[string]node.Hunt{
		"nothing":            {},
		"no time":            {Questions: []memory.Question{domain("a.example")}, Since: now, Until: now},
		"too many examples":  {Questions: []memory.Question{domain("a.example")}, Examples: 1_000_000},
		"no rule":            {Questions: []memory.Question{{Text: "x", Rule: "title: x"}}},
		"needs placeholders": {Questions: []memory.Question{{Text: "x", Rule: "title: x\nlogsource: {product: windows}\ndetection:\n  s: {User|expand: '%Admins%'}\n  condition: s\n"}}},
	} {
		if _, err := n.Hunt(t.Context(), h); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An hour in which something could not be read does not count as watched: "not
// seen" must not rest on it.
func TestNotSeenDoesNotRestOnHoursThatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for broken, want := range map[string]intel.Verdict{"": intel.NotSeen, "{broken\n": intel.Unknown} {
		n := openNode(t, t.TempDir())
		stop := running(t, n)
		for hour := range 10 {
			text := lookUp(since.Add(time.Duration(hour)*time.Hour), "pc-1", "harmless.example")
			if hour == 5 {
				text += broken
			}
			if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(text))); err != nil {
				t.Fatal(err)
			}
		}
		told, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{domain("never.example")}, Since: since, Until: since.Add(10 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if a := told.Answers[0]; a.Verdict != want {
			t.Errorf("with %q: %s (%s), want %s", broken, a.Verdict, a.Reason, want)
		}
		stop()
	}
}

func TestNotSeenDoesNotRestOnHoursInWhichSomethingWasLost(t *testing.T) {
	t.Parallel()
	n := openNode(t, t.TempDir())
	defer running(t, n)()
	from := time.Now().UTC().Truncate(time.Hour).Add(-100 * time.Hour)
	var text strings.Builder
	for h := range 101 {
		text.WriteString(lookUp(from.Add(time.Duration(h)*time.Hour), "pc", "harmless.example"))
	}
	if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(text.String()))); err != nil {
		t.Fatal(err)
	}
	verdict := func() memory.Answer {
		t.Helper()
		told, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{domain("never.example")}, Since: from, Until: from.Add(100 * time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return told.Answers[0]
	}
	if a := verdict(); a.Verdict != intel.NotSeen {
		t.Fatalf("before: %s, %s", a.Verdict, a.Reason)
	}
	lose := func(source string, hours ...int) {
		t.Helper()
		for _, h := range hours {
			if err := n.Accept(t.Context(), telemetry.NewLoss(source, from.Add(time.Duration(h)*time.Hour))); err != nil {
				t.Fatal(err)
			}
		}
	}
	lose("other", 1, 2, 3, 4, 5, 6, 7)
	lose("live", 10, 20, 30, 40, 50)
	if a := verdict(); a.Verdict != intel.NotSeen {
		t.Errorf("5 of 100 hours lost: %s, %s", a.Verdict, a.Reason)
	}
	lose("live", 60)
	if a := verdict(); a.Verdict != intel.Unknown {
		t.Errorf("6 of 100 hours lost: %s, %s", a.Verdict, a.Reason)
	}
}
