package telemetry_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"tocsin/intel"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

var update = flag.Bool("update", false, "rewrite testdata")

func mappings(t testing.TB) *logsource.Mappings {
	t.Helper()
	m, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// events reads a source and prints its events: where, when, which host, which
// log source, then a field a line; and what could not be read.
func events(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	written := time.Date(2017, 5, 13, 0, 0, 0, 0, time.UTC) // the year of times without one
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	m := mappings(t)
	names := intel.NewNames(m.Rewrite)
	decoder := telemetry.NewDecoder(m, names)
	var out strings.Builder
	r := &telemetry.Reader{Paths: []string{path}}
	err := r.Run(t.Context(), func(b *telemetry.Block) error {
		problems, err := decoder.Decode(b, func(e *telemetry.Event) error {
			moment := "no time"
			if !e.Time.IsZero() {
				moment = e.Time.Format("2006-01-02T15:04:05.999999999Z07:00")
			}
			fmt.Fprintf(&out, "%s %d at %d, %s, host %q, product %q service %q categories %q\n",
				e.Source.Format, e.Number, e.Offset, moment, e.Host, e.Class.Product, e.Class.Service, e.Class.Categories)
			for _, f := range e.Fields {
				fmt.Fprintf(&out, "\t%s=%q\n", names.Text(f.Name), f.Value)
			}
			return nil
		})
		for _, p := range problems {
			fmt.Fprintf(&out, "problem at %d: %s (%d)\n", p.Offset, p.Reason, p.Count)
		}
		b.Release()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Each file under testdata/events is an archive of sources (the samples are
// written from the products' documentation) and, under the same name with
// ".events", what is read of them.
func TestEvents(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/events/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{}
			for _, f := range archive.Files {
				want[f.Name] = string(f.Data)
			}
			var rewritten []txtar.File
			for _, f := range archive.Files {
				if strings.HasSuffix(f.Name, ".events") {
					continue
				}
				got := events(t, f.Name, f.Data)
				rewritten = append(rewritten, f, txtar.File{Name: f.Name + ".events", Data: []byte(got)})
				if diff := cmp.Diff(got, want[f.Name+".events"]); diff != "" && !*update {
					t.Errorf("%s: got -, want +:\n%s", f.Name, diff)
				}
			}
			if *update {
				archive.Files = rewritten
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// FuzzSource feeds any bytes through recognition, cutting and decoding: nothing
// may panic, and positions must lie within the source.
func FuzzSource(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, source := range archive.Files {
			f.Add(source.Data)
		}
	}
	f.Add(gzippedSeed)
	m := mappings(f)
	f.Fuzz(func(t *testing.T, content []byte) {
		decoder := telemetry.NewDecoder(m, intel.NewNames(m.Rewrite))
		r := &telemetry.Reader{Paths: []string{telemetry.Stdin}, Stdin: bytes.NewReader(content)}
		err := r.Run(t.Context(), func(b *telemetry.Block) error {
			defer b.Release()
			_, err := decoder.Decode(b, func(e *telemetry.Event) error {
				if e.Class == nil || e.Offset < 0 || e.Offset > b.Offset+int64(len(b.Data)) && e.Source.Format != telemetry.Auditd {
					t.Fatalf("event at %d of a block at %d with %d bytes, class %v", e.Offset, b.Offset, len(b.Data), e.Class)
				}
				return nil
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

var gzippedSeed = []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xabVr-K\xcd+\xf1tQ\xb22\xac\xe5\x02\x00\x1b\x1b\xe9\x8a\x0e\x00\x00\x00")
