package logsource_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tocsin/intel"
	"tocsin/telemetry/flatjson"
	"tocsin/telemetry/logsource"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// reference is what times without a year are near to.
var reference = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

func load(t testing.TB) *logsource.Mappings {
	t.Helper()
	m, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRecordsAreResolved reads testdata/*.txtar: each file NAME.json is a
// record, after lines "# format: …", "# path: …", "# file: …" for what is known
// beside it and "# ask: …" for fields of rules whose value is shown; NAME.want
// is what it is.
func TestRecordsAreResolved(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	m := load(t)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			made := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				name, isRecord := strings.CutSuffix(f.Name, ".json")
				if !isRecord {
					continue
				}
				made.Files = append(made.Files, f, txtar.File{Name: name + ".want", Data: resolve(t, m, f.Data)})
			}
			got, want := txtar.Format(made), txtar.Format(archive)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// resolve returns in words what a record is.
func resolve(t *testing.T, m *logsource.Mappings, text []byte) []byte {
	t.Helper()
	hint, ask := logsource.Hint{Format: "json"}, ""
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		key, value, isDirective := strings.Cut(strings.TrimPrefix(string(line), "# "), ": ")
		if !found || !bytes.HasPrefix(line, []byte("# ")) || !isDirective {
			break
		}
		switch key {
		case "format":
			hint.Format = value
		case "path":
			hint.Path = value
		case "file":
			hint.FileName = value
		case "ask":
			ask = value
		}
		text = rest
	}
	names := intel.NewNames(m.Rewrite)
	rec := &intel.Record{}
	if _, err := flatjson.NewDecoder(names).Decode(text, rec); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	had := len(rec.Fields)
	resolver := logsource.NewResolver(m, names)
	resolver.Reference = reference
	got := resolver.Resolve(rec, hint)

	out := &bytes.Buffer{}
	say := func(key, value string) {
		if value != "" {
			fmt.Fprintf(out, "%s: %s\n", key, value)
		}
	}
	say("mapping", m.Origin(got.Class))
	say("product", got.Class.Product)
	say("service", got.Class.Service)
	say("category", strings.Join(got.Class.Categories, " "))
	for _, l := range got.Class.Also {
		say("also", l.String())
	}
	for _, name := range slices.Sorted(maps.Keys(got.Class.Constants)) {
		say("constant", name+" = "+got.Class.Constants[name])
	}
	if !got.Time.IsZero() {
		say("time", got.Time.Format(time.RFC3339Nano))
	}
	say("host", string(got.Host))
	for _, f := range rec.Fields[had:] {
		say("added", names.Text(f.Name)+" = "+string(f.Value))
	}
	for field := range strings.FieldsSeq(ask) {
		say(field, value(got.Class, names, rec, field))
	}
	return out.Bytes()
}

// value returns what a rule's field holds.
func value(class *intel.Class, names *intel.Names, rec *intel.Record, field string) string {
	for _, name := range class.FieldNames(field) {
		var values []string
		for _, f := range rec.Fields {
			if names.Text(f.Name) == name && f.Kind != intel.Null {
				values = append(values, string(f.Value))
			}
		}
		if len(values) > 0 {
			return strings.Join(values, " | ")
		}
	}
	return "(absent)"
}
