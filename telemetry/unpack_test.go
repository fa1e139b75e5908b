package telemetry_test

import (
	"archive/zip"
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/telemetry"
)

// A zip's list of files is kept in memory while it is read.
func TestZipWithTooLongAListIsNotRead(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for range 300 {
		if _, err := w.Create(strings.Repeat("x", 60_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.zip"), b.Bytes())
	got := read(t, dir, &telemetry.Reader{Paths: []string{dir}})
	want := []string{"a.zip: zip archive lists too many files (limit 16 MiB of names), unpack it first: not read"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// It is held in memory as a whole, since its directory stands at its end.
func TestLargeZipFromAPipeIsNotRead(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateHeader(&zip.FileHeader{Name: "a.json", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 65<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := read(t, "", &telemetry.Reader{Paths: []string{telemetry.Stdin}, Stdin: &b})
	want := []string{"standard input: zip archive inside another or from a pipe is larger than 64 MiB, unpack it first: not read"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
