package telemetry_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"tocsin/telemetry"
)

// read lists what a reader hands on: "source number offset size" of each block
// and "source: reason" of each problem, paths relative to dir.
func read(t *testing.T, dir string, r *telemetry.Reader) []string {
	t.Helper()
	var list []string
	err := r.Run(t.Context(), func(b *telemetry.Block) error {
		name := strings.TrimPrefix(strings.TrimPrefix(b.Source.Name, dir), "/")
		if len(b.Data) > 0 {
			list = append(list, fmt.Sprintf("%s %s record %d offset %d: %d bytes", name, b.Source.Format, b.Number, b.Offset, len(b.Data)))
		}
		for _, p := range b.Problems {
			list = append(list, fmt.Sprintf("%s: %s", name, p.Reason))
		}
		b.Release()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

const line = `{"EventID":1}` + "\n"

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(content, nil)
}

func tarred(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReaderFindsSources(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lines := []byte(line + line)
	for name, content := range map[string][]byte{
		"a.json":           lines,
		"b/deep/er/c.json": lines,
		"d.json.gz":        gzipped(t, lines),
		"e.zst":            zstandard(t, lines),
		"f.tar":            tarred(t, "x/y.json", lines),
		"g.zip":            zipped(t, "../../x\\y.json", lines),
		"h.tar.gz":         gzipped(t, tarred(t, "/etc/inner.zip", zipped(t, "z.json.zst", zstandard(t, lines)))),
		"i.empty":          nil,
		"j.unknown":        []byte("what is this\n"),
		"k.cut.gz":         gzipped(t, []byte(line))[:20],
		"l.array":          []byte(`[` + strings.TrimSpace(line) + ",\n" + line + `]`),
		"m.pretty":         []byte("{\n  \"EventID\": 1\n}\n{\n  \"EventID\": 2\n}\n"),
		"n.wrapped":        []byte(`{"id": "x", "Records": [` + strings.TrimSpace(line) + "," + strings.TrimSpace(line) + `]}`),
		"o.bom":            append([]byte("\xef\xbb\xbf"), lines...),
		"p.utf16":          utf16le(string(lines)),
	} {
		write(t, filepath.Join(dir, name), content)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "q.loop")); err != nil {
		t.Fatal(err)
	}
	got := read(t, dir, &telemetry.Reader{Paths: []string{dir, filepath.Join(dir, "absent")}})
	want := []string{
		"a.json json record 1 offset 0: 28 bytes",
		"b/deep/er/c.json json record 1 offset 0: 28 bytes",
		"d.json json record 1 offset 0: 28 bytes",
		"e json record 1 offset 0: 28 bytes",
		"f.tar/x/y.json json record 1 offset 0: 28 bytes",
		"g.zip/x/y.json json record 1 offset 0: 28 bytes",
		"h.tar/etc/inner.zip/z.json json record 1 offset 0: 28 bytes",
		"i.empty: empty",
		"j.unknown: format not recognised: not read",
		"k.cut json record 1 offset 0: 9 bytes",
		"k.cut: reading stopped early",
		"l.array json record 1 offset 0: 31 bytes",
		"m.pretty json record 1 offset 0: 38 bytes",
		"n.wrapped json record 1 offset 24: 29 bytes",
		"o.bom json record 1 offset 3: 28 bytes",
		"p.utf16 json record 1 offset 0: 28 bytes",
		"q.loop: link to a directory or to nothing: not read",
		"absent: cannot be opened",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func utf16le(text string) []byte {
	content := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		content = append(content, byte(unit), byte(unit>>8))
	}
	return content
}

func TestReaderCutsLongSourcesAtRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	object := `{"text":"` + strings.Repeat("x", 1000) + `"}`
	for name, content := range map[string]string{
		"lines":   strings.Repeat(object+"\n", 2000),
		"objects": "[" + strings.Repeat(object+",\n", 1999) + object + "]",
	} {
		write(t, filepath.Join(dir, name), []byte(content))
		next, records := uint64(1), 0
		r := &telemetry.Reader{Paths: []string{filepath.Join(dir, name)}}
		err := r.Run(t.Context(), func(b *telemetry.Block) error {
			if b.Number != next {
				t.Errorf("%s: block begins at record %d, want %d", name, b.Number, next)
			}
			n := strings.Count(string(b.Data), `{"text"`)
			if n == 0 || len(b.Data) > 600<<10 {
				t.Errorf("%s: block of %d bytes with %d records", name, len(b.Data), n)
			}
			next += uint64(n)
			records += n
			b.Release()
			return nil
		})
		if err != nil || records != 2000 {
			t.Errorf("%s: %d records, want 2000, error %v", name, records, err)
		}
		if done, total := r.Progress(); done != total || total != uint64(len(content)) {
			t.Errorf("%s: progress %d of %d, want %d", name, done, total, len(content))
		}
	}
}

func TestReaderSkipsARecordThatIsTooLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var content bytes.Buffer
	content.WriteString(line)
	content.WriteString(`{"text":"`)
	content.Write(bytes.Repeat([]byte("x"), 100<<20))
	content.WriteString(`"}` + "\n")
	content.WriteString(line)
	write(t, filepath.Join(dir, "long.json"), content.Bytes())
	got := read(t, dir, &telemetry.Reader{Paths: []string{dir}})
	want := []string{
		"long.json json record 1 offset 0: 14 bytes",
		"long.json json record 3 offset 104857626: 14 bytes",
		"long.json: record longer than 16 MiB: skipped",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestReaderStopsAtABomb(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks 1 GiB")
	}
	dir := t.TempDir()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	filler := append([]byte(line), bytes.Repeat([]byte("\n"), 1<<20)...)
	for range 1100 {
		if _, err := w.Write(filler); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "bomb.zst"), b.Bytes())
	got := read(t, dir, &telemetry.Reader{Paths: []string{dir}})
	if last := got[len(got)-1]; !strings.HasPrefix(last, "bomb: archive unpacks to more than it may") {
		t.Errorf("ends with %q", last)
	}
}

func TestReaderRefusesDeepArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	content := []byte(line)
	for range 7 {
		content = gzipped(t, content)
	}
	write(t, filepath.Join(dir, "deep.gz"), content)
	got := read(t, dir, &telemetry.Reader{Paths: []string{dir}})
	if diff := cmp.Diff(got, []string{"deep: archive nested too deeply (limit 5): not read"}); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestReaderReadsStandardInput(t *testing.T) {
	t.Parallel()
	got := read(t, "", &telemetry.Reader{Paths: []string{"-"}, Stdin: strings.NewReader(line)})
	if diff := cmp.Diff(got, []string{"standard input json record 1 offset 0: 14 bytes"}); diff != "" {
		t.Errorf("got -, want +:\n%s", diff)
	}
}

func TestReaderEndsWithTheErrorOfItsReceiver(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	r := &telemetry.Reader{Paths: []string{"-"}, Stdin: strings.NewReader(line)}
	if err := r.Run(t.Context(), func(*telemetry.Block) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
