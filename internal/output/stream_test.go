package output_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"tocsin/detect"
	"tocsin/internal/output"
)

// few leaves of a day one finding of each rule, for goldens a person can read.
func few() []*detect.Finding {
	var kept []*detect.Finding
	seen := map[string]bool{}
	for _, f := range day() {
		if id := f.Meta().ID; !seen[id] {
			seen[id] = true
			kept = append(kept, f)
		}
	}
	return kept
}

func TestJSONLIsStable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := output.NewJSONL(&b)
	for _, f := range few() {
		if err := w.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "findings.jsonl", b.Bytes())
	for line := range strings.Lines(b.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		for _, key := range []string{"time", "level", "rule", "event", "fields", "count"} {
			if _, ok := object[key]; !ok {
				t.Errorf("no %q in %s", key, line)
			}
		}
	}
}

func TestCSVIsStable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := output.NewCSV(&b)
	for _, f := range few() {
		if err := w.Finding(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	golden(t, "findings.csv", b.Bytes())
}

func TestCSVOfNothingHasItsHeader(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := output.NewCSV(&b).Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "\n"); got != 1 || !strings.HasPrefix(b.String(), `"time","level","rule_id",`) {
		t.Errorf("got %q", b.String())
	}
}

// FuzzHostileText: whatever telemetry says, no output carries a control
// character or a formula, and JSON lines read back as what was said.
func FuzzHostileText(f *testing.F) {
	for _, seed := range []string{"plain", "\x1b]0;owned\x07", "=1+1", "\t=1", "a\u202eb", "\xff\xfe", "\u2028", "\U000e0001", `"\`, "－1", "\r\n@SUM(1)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		finding := few()[0]
		finding.Host, finding.Source = text, text
		finding.Fields = []detect.Value{{Name: "a" + text, Value: text}}

		var lines, rows, table bytes.Buffer
		if err := output.NewJSONL(&lines).Finding(finding); err != nil {
			t.Fatal(err)
		}
		c := output.NewCSV(&rows)
		if err := c.Finding(finding); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		o := output.NewOverview()
		o.Add(finding)
		if err := output.WriteTable(&table, o, output.Terminal{}); err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{lines.String(), rows.String(), table.String()} {
			for _, r := range shown {
				if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
					t.Fatalf("%U in %q", r, shown)
				}
			}
		}
		var back struct{ Event struct{ Host string } }
		if err := json.Unmarshal(lines.Bytes(), &back); err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); strings.ReplaceAll(back.Event.Host, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("host %q came back as %q", text, back.Event.Host)
		}
		records, err := csv.NewReader(&rows).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, cell := range records[1] {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
				t.Fatalf("formula in cell %q", cell)
			}
		}
	})
}

func TestLinesReadAsTheyCome(t *testing.T) {
	t.Parallel()
	for name, terminal := range map[string]output.Terminal{"lines-100.txt": {Width: 100}, "lines-100-colour.txt": {Width: 100, Colour: true}} {
		var b bytes.Buffer
		w := output.NewLines(&b, terminal)
		for _, f := range few() {
			if err := w.Finding(f); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, name, b.Bytes())
	}
}
