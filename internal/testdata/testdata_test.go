package testdata_test

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tocsin/internal/testdata"
)

// pack writes a set archive of one file into a data folder and returns the
// folder.
func pack(t *testing.T, set, name, content string) string {
	t.Helper()
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "detect"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(data, "detect", set+".tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	packed, err := zstd.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(packed)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}
	if err := archive.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []interface{ Close() error }{archive, packed, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func TestSetIsUnpackedOnceForAllWhoAskAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(testdata.DataVariable, pack(t, "tiny", "tiny/a/b.txt", "hello"))
	var all sync.WaitGroup
	dirs := make([]string, 8)
	for i := range dirs {
		all.Go(func() { dirs[i] = testdata.Set(t, "tiny") })
	}
	all.Wait()
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("got %s and %s, want one folder", dir, dirs[0])
		}
	}
	got, err := os.ReadFile(filepath.Join(dirs[0], "a", "b.txt"))
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v; want hello", got, err)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*", "unpacking-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSetNeverWritesOutsideItsFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(testdata.DataVariable, pack(t, "evil", "../../evil.txt", "x"))
	inner := &recorder{TB: t}
	inner.run(func() { testdata.Set(inner, "evil") })
	if inner.verdict != "fatal" {
		t.Errorf("got %s (%s), want the archive refused", inner.verdict, inner.text)
	}
}

func TestAbsenceSkipsUnlessPeersAreRequired(t *testing.T) {
	t.Setenv(testdata.DataVariable, t.TempDir())
	t.Setenv("PATH", "")
	asks := map[string]func(testing.TB){
		"set":  func(tb testing.TB) { tb.Helper(); testdata.Set(tb, "nothing") },
		"file": func(tb testing.TB) { tb.Helper(); testdata.File(tb, "nothing.tsv") },
		"peer": func(tb testing.TB) { tb.Helper(); testdata.Peer(tb, "no-such-program") },
	}
	for name, ask := range asks {
		for required, want := range map[string]string{"": "skip", "1": "fatal"} {
			t.Setenv(testdata.RequireVariable, required)
			inner := &recorder{TB: t}
			inner.run(func() { ask(inner) })
			if inner.verdict != want || !strings.Contains(inner.text, "absent") {
				t.Errorf("%s, required %q: got %s (%s), want %s", name, required, inner.verdict, inner.text, want)
			}
		}
	}
}

func TestPeerIsTakenFromTheEnvironmentFirst(t *testing.T) {
	program := filepath.Join(t.TempDir(), "dump")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TOCSIN_SOME_PEER", program)
	if got := testdata.Peer(t, "some-peer"); got != program {
		t.Errorf("got %s, want %s", got, program)
	}
}

// recorder stands for a test whose verdict is itself tested.
type recorder struct {
	testing.TB
	verdict, text string
}

// run calls ask as a test would run it: what skips or fails ends it.
func (r *recorder) run(ask func()) {
	var done sync.WaitGroup
	done.Go(ask)
	done.Wait()
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.end("skip", format, args...) }

func (r *recorder) Fatalf(format string, args ...any) { r.end("fatal", format, args...) }

func (r *recorder) end(verdict, format string, args ...any) {
	r.verdict, r.text = verdict, fmt.Sprintf(format, args...)
	runtime.Goexit()
}
