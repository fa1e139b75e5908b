package zeek_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry/zeek"
)

// flat is a record as sorted values by name.
type flat map[string][]string

// TestConformanceZeek holds what the decoder reads against the same traffic
// that Zeek wrote as JSON: record by record, field by field. Where the two
// writers cut a log at different ends, the records that one lacks are counted
// as skipped.
func TestConformanceZeek(t *testing.T) {
	t.Parallel()
	dir := testdata.Set(t, "zeek-samples")
	logs, err := filepath.Glob(filepath.Join(dir, "zeek-default", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs in %s: %v", dir, err)
	}
	passed, total := 0, 0
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(log), ".log")
		tsv := readTSV(t, log, name)
		reference := readJSON(t, filepath.Join(dir, "zeek-json", name+".json"))
		same, skipped := align(tsv, reference)
		passed += same
		total += len(tsv)
		t.Logf("%s: %d/%d records agree, %d of JSON's %d have no counterpart", name, same, len(tsv), skipped, len(reference))
		if same < len(tsv) {
			t.Errorf("%s: first disagreement: %s", name, disagreement(tsv, reference))
		}
	}
	t.Logf("passed %d/%d records", passed, total)
}

func readTSV(t *testing.T, path, name string) []flat {
	t.Helper()
	names := intel.NewNames(nil)
	decoder := zeek.NewDecoder(names)
	var parser zeek.HeaderParser
	var records []flat
	var rec intel.Record
	for line := range lines(t, path) {
		if zeek.IsDirective(line) {
			if err := parser.Directive(line); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			continue
		}
		rec.Reset()
		decoder.Use(parser.Header())
		if err := decoder.Decode(line, &rec); err != nil {
			t.Fatalf("%s: record %d: %v", path, len(records), err)
		}
		record := flat{}
		for _, f := range rec.Fields {
			record[names.Text(f.Name)] = append(record[names.Text(f.Name)], string(f.Value))
		}
		records = append(records, record.sorted())
	}
	if got := parser.Header().Path; got != name {
		t.Errorf("%s: #path is %q", path, got)
	}
	return records
}

func lines(t *testing.T, path string) func(func([]byte) bool) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(content) {
			if !yield(bytes.TrimSuffix(line, []byte("\n"))) {
				return
			}
		}
	}
}

func readJSON(t *testing.T, path string) []flat {
	t.Helper()
	var records []flat
	for line := range lines(t, path) {
		if len(line) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		record := flat{}
		for name, value := range object {
			if name != "_path" && name != "_write_ts" { // the JSON writer's own additions
				record.add(name, value)
			}
		}
		records = append(records, record.sorted())
	}
	return records
}

func (f flat) add(name string, value any) {
	switch value := value.(type) {
	case nil:
	case []any:
		for _, element := range value {
			f.add(name, element)
		}
	case map[string]any:
		for key, element := range value {
			f.add(name+"."+key, element)
		}
	default:
		f[name] = append(f[name], fmt.Sprint(value))
	}
}

// sorted orders each list: Zeek writes a set in any order.
func (f flat) sorted() flat {
	for _, values := range f {
		slices.Sort(values)
	}
	return f
}

// align counts the records of a that are found in b, in order.
func align(a, b []flat) (same, skipped int) {
	next := 0
	for _, record := range a {
		for i := next; i < min(next+10, len(b)); i++ {
			if difference(record, b[i]) == "" {
				same++
				skipped += i - next
				next = i + 1
				break
			}
		}
	}
	return same, skipped + len(b) - next
}

func disagreement(a, b []flat) string {
	for i := range min(len(a), len(b)) {
		if text := difference(a[i], b[i]); text != "" {
			return fmt.Sprintf("record %d: %s", i, text)
		}
	}
	return "none in the records both have"
}

func difference(a, b flat) string {
	for name := range b {
		_, ok := a[name]
		// Zeek's text writes a set of one empty string as it writes an empty
		// set: the decoder cannot tell, and takes it for an empty one.
		if !ok && slices.Equal(b[name], []string{""}) {
			continue
		}
		if !ok {
			return fmt.Sprintf("%s: absent, JSON has %q", name, b[name])
		}
	}
	for name, values := range a {
		if len(values) != len(b[name]) {
			return fmt.Sprintf("%s: %q, JSON has %q", name, values, b[name])
		}
		for i := range values {
			if !equal(values[i], b[name][i]) {
				return fmt.Sprintf("%s: %q, JSON has %q", name, values[i], b[name][i])
			}
		}
	}
	return ""
}

// equal compares a value with JSON's. Three differences are the writers' own:
// JSON has times in ISO 8601, it has all digits of a number where the text has
// six decimals, and it keeps the escape of a byte that is not UTF-8 ("\\x00").
func equal(text, jsonText string) bool {
	if text == jsonText {
		return true
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text == unescaped(jsonText)
	}
	if other, err := strconv.ParseFloat(jsonText, 64); err == nil {
		return math.Abs(number-other) <= 1e-6
	}
	when, err := time.Parse(time.RFC3339Nano, jsonText)
	return err == nil && math.Abs(number-float64(when.UnixMicro())/1e6) < 1e-6
}

func unescaped(text string) string {
	for {
		i := strings.Index(text, `\x`)
		if i < 0 || i+4 > len(text) {
			return text
		}
		c, err := strconv.ParseUint(text[i+2:i+4], 16, 8)
		if err != nil {
			return text
		}
		text = text[:i] + string([]byte{byte(c)}) + text[i+4:]
	}
}
