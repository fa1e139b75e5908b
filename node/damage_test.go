package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/telemetry"
)

// damaged is a node that was closed and whose files are damaged then: events of
// so many hours in as many segments, and some in the journal that nobody has
// worked on yet.
func damaged(t *testing.T, perHour, waiting int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	n := openNode(t, dir)
	stop := running(t, n)
	name := 0
	accept := func(events int) {
		t.Helper()
		var text strings.Builder
		for range events {
			text.WriteString(lookUp(time.Now().Add(-time.Hour), "pc", fmt.Sprintf("n%d.crash.example", name)))
			name++
		}
		if err := n.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(text.String()))); err != nil {
			t.Fatal(err)
		}
	}
	for range hours {
		accept(perHour)
		ask(t, n, memory.Question{Text: "rule", Rule: lookUpRule}) // writes what waits
	}
	stop()
	n = openNode(t, dir) // and does not run
	for range waiting {
		accept(1)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

const hours = 4

// flip changes a bit in the middle of the file that a pattern names, the largest
// where there are several; from counts in bytes from its end when below 0.
func flip(t *testing.T, pattern string, from int64) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %q, %v", pattern, files, err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	largest := slices.MaxFunc(files, func(a, b string) int { return int(size(a) - size(b)) })
	text, err := os.ReadFile(largest)
	if err != nil {
		t.Fatal(err)
	}
	if from < 0 {
		from += int64(len(text))
	}
	text[from] ^= 4
	if err := os.WriteFile(largest, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serves opens the node and asks it about everything.
func serves(t *testing.T, dir string) (all, rule memory.Answer, partial []string) {
	t.Helper()
	n := openNode(t, dir)
	defer running(t, n)()
	told, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{domain("crash.example"), {Text: "rule", Rule: lookUpRule}}})
	if err != nil {
		t.Fatal(err)
	}
	// And it takes more.
	fresh := telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(lookUp(time.Now(), "pc", "fresh.example")))
	if err := n.Accept(context.WithoutCancel(t.Context()), fresh); err != nil {
		t.Fatal(err)
	}
	again, err := n.Hunt(t.Context(), node.Hunt{Questions: []memory.Question{domain("fresh.example")}})
	if err != nil || again.Answers[0].Verdict != intel.Seen {
		t.Errorf("what came afterwards: %+v, %v", again.Answers, err)
	}
	return told.Answers[0], told.Answers[1], told.Partial
}

// A segment of the archive that is damaged or torn is told of, and the others
// are gone through.
func TestNodeServesWithADamagedSegment(t *testing.T) {
	t.Parallel()
	const perHour = 200
	for name, damage := range map[string]func(t *testing.T, segments string){
		"a flipped bit": func(t *testing.T, segments string) { t.Helper(); flip(t, segments, 2000) },
		"torn": func(t *testing.T, segments string) {
			t.Helper()
			files, err := filepath.Glob(segments)
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			if err := os.Truncate(files[0], 1000); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := damaged(t, perHour, 0)
			damage(t, filepath.Join(dir, "memory", "archive", "segments", "*.parquet"))
			all, rule, partial := serves(t, dir)
			if all.Count != hours*perHour {
				t.Errorf("the ledger counts %d of %d", all.Count, hours*perHour)
			}
			if rule.Count != (hours-1)*perHour || len(partial) != 1 || !strings.Contains(partial[0], "damaged") {
				t.Errorf("the rule matches %d events, want %d; %q", rule.Count, (hours-1)*perHour, partial)
			}
		})
	}
}

// An entry of the journal that is damaged costs itself, one that is torn at the
// end was never acknowledged: the others are remembered.
func TestNodeServesWithADamagedJournal(t *testing.T) {
	t.Parallel()
	const perHour, waiting = 20, 50
	for name, c := range map[string]struct {
		damage func(t *testing.T, journal string)
		lost   uint64
	}{
		"a flipped bit": {func(t *testing.T, journal string) { t.Helper(); flip(t, journal, -5000) }, 1},
		"torn": {func(t *testing.T, journal string) {
			t.Helper()
			files, err := filepath.Glob(journal)
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			last := files[len(files)-1]
			info, err := os.Stat(last)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(last, info.Size()-10); err != nil {
				t.Fatal(err)
			}
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := damaged(t, perHour, waiting)
			c.damage(t, filepath.Join(dir, "memory", "journal", "*.journal"))
			all, rule, partial := serves(t, dir)
			if want := hours*perHour + waiting - c.lost; all.Count != want || rule.Count != want || len(partial) > 0 {
				t.Errorf("the ledger counts %d and the rule matches %d, want %d; %q", all.Count, rule.Count, want, partial)
			}
		})
	}
}

// A table of the ledger that is damaged makes answers from it say so.
func TestNodeServesWithADamagedLedger(t *testing.T) {
	t.Parallel()
	const perHour = 2000
	dir := damaged(t, perHour, 0)
	flip(t, filepath.Join(dir, "memory", "ledger", "store", "*.sst"), 3000)
	all, rule, _ := serves(t, dir)
	if rule.Count != hours*perHour {
		t.Errorf("the archive has %d of %d events", rule.Count, hours*perHour)
	}
	if all.Count != hours*perHour && !strings.Contains(all.Reason, "damaged") {
		t.Errorf("the ledger counts %d of %d and does not say why: %+v", all.Count, hours*perHour, all)
	}
	if all.Count == hours*perHour {
		t.Error("the damage is not where it matters: the test shows nothing")
	}
}
