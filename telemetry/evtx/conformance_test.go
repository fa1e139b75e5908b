package evtx_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/intel"
	"tocsin/internal/testdata"
	"tocsin/telemetry/evtx"
)

// sampleSets are the data sets that hold event logs.
var sampleSets = []string{
	"evtx-attack-samples", "evtx-to-mitre-attack", "hayabusa-sample-evtx", "evtx-parser-samples", "sigma-regression",
}

// sampleFiles returns the event logs of a set.
func sampleFiles(t testing.TB, set string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(testdata.Set(t, set), func(path string, _ fs.DirEntry, err error) error {
		if strings.EqualFold(filepath.Ext(path), ".evtx") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// flat is a field as both sides are compared: a path and a value as JSON.
type flat struct{ path, value string }

// readLog decodes a whole log.
func readLog(t testing.TB, path string) (records [][]flat) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decodeLog(t, f, func(_ evtx.Record, fields []flat) { records = append(records, fields) })
	return records
}

func recordsByOffset(t testing.TB, path string) map[int64][]flat {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records := map[int64][]flat{}
	decodeLog(t, f, func(r evtx.Record, fields []flat) { records[r.Offset] = fields })
	return records
}

// decodeLog hands all records to visit and returns what is wrong with the log.
func decodeLog(t testing.TB, source io.Reader, visit func(evtx.Record, []flat)) (problems []evtx.Problem) {
	t.Helper()
	r, err := evtx.NewReader(source)
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(nil)
	d := evtx.NewDecoder(names)
	var into intel.Record
	for {
		chunk, offset, err := r.Next(nil)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		d.Reset(chunk, offset)
		for {
			r, ok := d.Next(&into)
			if !ok {
				break
			}
			visit(r, flatten(names, &into))
		}
		problems = append(problems, d.Problems()...)
	}
	between, _ := r.Problems()
	return append(problems, between...)
}

func flatten(names *intel.Names, r *intel.Record) []flat {
	var fields []flat
	for _, f := range r.Fields {
		value := string(f.Value)
		switch f.Kind {
		case intel.Null:
			value = "null"
		case intel.Text:
			value = quote(value)
		}
		fields = append(fields, flat{names.Text(f.Name), value})
	}
	return fields
}

func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// flattenJSON turns one line of evtx_dump into fields: members joined with
// dots, items of arrays one after the other under the same path.
func flattenJSON(line []byte) ([]flat, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var fields []flat
	var walk func(path string) error
	walk = func(path string) error {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch v := token.(type) {
		case json.Delim:
			for d.More() {
				member := path
				if v == '{' {
					key, err := d.Token()
					if err != nil {
						return err
					}
					member = strings.TrimPrefix(path+"."+key.(string), ".")
				}
				if err := walk(member); err != nil {
					return err
				}
			}
			_, err := d.Token()
			return err
		case string:
			fields = append(fields, flat{path, quote(v)})
		case nil:
			fields = append(fields, flat{path, "null"})
		default:
			fields = append(fields, flat{path, fmt.Sprint(v)})
		}
		return nil
	}
	err := walk("")
	return fields, err
}

// dump runs evtx_dump over a log. It fails at the first damage of some logs and
// still prints what it read.
func dump(t testing.TB, program, path string) [][]flat {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "-t", "1", "-o", "jsonl", path).Output()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%s: %v", path, err)
	}
	var records [][]flat
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		fields, err := flattenJSON(lines.Bytes())
		if err != nil {
			t.Fatalf("%s: %v in %s", path, err, lines.Text())
		}
		records = append(records, fields)
	}
	return records
}

// sorted orders the fields of a record by path, the values of one path as they
// came, and writes them out.
func sorted(fields []flat) string {
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b flat) int { return strings.Compare(a.path, b.path) })
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "%s = %s\n", f.path, f.value)
	}
	return b.String()
}

// TestConformanceEVTXDump compares every field of every record with the Rust
// crate evtx.
func TestConformanceEVTXDump(t *testing.T) {
	program := testdata.Peer(t, "evtx_dump")
	for _, set := range sampleSets {
		t.Run(set, func(t *testing.T) {
			t.Parallel()
			var passedFiles, passed, total int
			files := sampleFiles(t, set)
			for _, path := range files {
				same, all, diff := compare(readLog(t, path), dump(t, program, path))
				passed, total = passed+same, total+all
				if diff == "" {
					passedFiles++
					continue
				}
				t.Errorf("%s: %d/%d records\n%s", filepath.Base(path), same, all, diff)
			}
			t.Logf("%s: files %d/%d, records %d/%d", set, passedFiles, len(files), passed, total)
		})
	}
}

// compare matches the records of both sides, whatever their order. It returns
// how many are the same, how many there are on either side, and the first
// difference.
func compare(got, want [][]flat) (same, all int, diff string) {
	index := map[string]int{}
	for _, r := range want {
		index[sorted(r)]++
	}
	var extra []string
	for _, r := range got {
		text := sorted(r)
		if index[text] == 0 {
			extra = append(extra, text)
			continue
		}
		index[text]--
		same++
	}
	var missing []string
	for text, n := range index {
		if n > 0 {
			missing = append(missing, text)
		}
	}
	if len(extra) > 0 {
		diff += "only ours:\n" + extra[0]
	}
	if len(missing) > 0 {
		diff += "only theirs:\n" + missing[0]
	}
	return same, max(len(got), len(want)), diff
}
