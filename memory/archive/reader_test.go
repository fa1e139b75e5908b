package archive_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/testdata"
	"tocsin/memory/archive"
)

// script asks DuckDB what an analyst would: where and when every event was, and
// some of its fields, which in some segments are numbers and in others text.
const script = `
import duckdb, json, sys
for row in duckdb.sql(f"""
	SELECT "tocsin.source", "tocsin.number", epoch_us("tocsin.time"), "tocsin.host", "tocsin.product", EventID, CommandLine
	FROM read_parquet('{sys.argv[1]}/segments/*.parquet', union_by_name = true)
""").fetchall():
	print(json.dumps(["" if value is None else str(value) for value in row]))
`

// TestConformanceDuckDBReadsSegments compares what DuckDB reads with what the
// archive does.
func TestConformanceDuckDBReadsSegments(t *testing.T) {
	t.Parallel()
	python := testdata.Python(t, "duckdb")
	w := newWorld(t)
	dir := t.TempDir()
	a := w.open(t, dir, func(c *archive.Config) { c.FlushBytes, c.SegmentBytes = 4<<20, 16<<20 })
	w.put(t, a, testdata.Set(t, "evtx-attack-samples"))
	eventID, commandLine := w.names.Intern("EventID"), w.names.Intern("CommandLine")
	want, stats := scan(t, a, archive.Query{}, w.names, func(r *archive.Row) string {
		micro := ""
		if !r.Time.IsZero() {
			micro = strconv.FormatInt(r.Time.UnixMicro(), 10)
		}
		id, _ := r.First(eventID)
		line, _ := r.First(commandLine)
		return joined(r.Source.Name, strconv.FormatUint(r.Number, 10), micro, string(r.Host), r.Class.Product, string(id.Value), string(line.Value))
	})
	cmd := exec.Command(python, "-c", script, dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaint.String())
	}
	var got []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, len(out)+1)
	for lines.Scan() {
		var row []string
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		got = append(got, joined(row...))
	}
	slices.Sort(want)
	slices.Sort(got)
	same := 0
	for _, row := range got {
		if _, ok := slices.BinarySearch(want, row); ok {
			same++
		}
	}
	if len(got) != len(want) || same != len(want) {
		t.Errorf("got %d events, %d of them as the archive has them, want %d\n%s", len(got), same, len(want), difference(got, want))
	}
	t.Logf("DuckDB reads %d/%d events of %d segments", same, len(want), stats.Segments)
}

func joined(parts ...string) string { return strings.Join(parts, "\x1f") }
