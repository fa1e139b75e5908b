package knowledge_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tocsin/internal/fault"
	"tocsin/knowledge"
)

// entry is one file of an archive made for a test.
type entry struct {
	name, text string
	link       bool
}

func tarOf(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: tar.TypeReg}
		if e.link {
			h = &tar.Header{Name: e.name, Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if !e.link {
			if _, err := io.WriteString(w, e.text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, plain []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(plain, nil)
}

func zipOf(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.link {
			h.SetMode(os.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unpackInto(t testing.TB, dir string, archive []byte, check func(string) (int, error)) error {
	t.Helper()
	path := filepath.Join(dir, "archive")
	if err := os.WriteFile(path, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	source, err := knowledge.FromPath(path, "test")
	if err != nil {
		return err
	}
	_, err = knowledge.Open(filepath.Join(dir, "library")).Install("house", source, now(), check)
	return err
}

func TestEveryKindOfArchiveInstalls(t *testing.T) {
	t.Parallel()
	entries := []entry{{name: "sigma/rules/a.yml", text: "title: a"}, {name: "sigma/README.md", text: "read"}, {name: "b.YAML", text: "title: b"}}
	plain := tarOf(t, entries)
	for name, archive := range map[string][]byte{"zip": zipOf(t, entries), "tar": plain, "tar.gz": gzipOf(t, plain), "tar.zst": zstdOf(t, plain)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := unpackInto(t, dir, archive, countFiles); err != nil {
				t.Fatal(err)
			}
			l := knowledge.Open(filepath.Join(dir, "library"))
			set, err := l.Set("house")
			if err != nil {
				t.Fatal(err)
			}
			if set.Current.Rules != 2 {
				t.Errorf("%d rules, want 2", set.Current.Rules)
			}
			if text, err := os.ReadFile(filepath.Join(l.Folder(set), "sigma/rules/a.yml")); err != nil || string(text) != "title: a" {
				t.Errorf("a.yml holds %q, %v", text, err)
			}
		})
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 1<<20+1)
	for _, test := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"path upwards", []entry{{name: "../evil.yml", text: "x"}}, "leads out"},
		{"path upwards in the middle", []entry{{name: "a/../../evil.yml", text: "x"}}, "leads out"},
		{"absolute path", []entry{{name: "/etc/evil.yml", text: "x"}}, "leads out"},
		{"path of another system", []entry{{name: `..\evil.yml`, text: "x"}}, "leads out"},
		{"drive", []entry{{name: `C:evil.yml`, text: "x"}}, "leads out"},
		{"link", []entry{{name: "a.yml", link: true}}, "link"},
		{"the same file twice", []entry{{name: "a.yml", text: "1"}, {name: "./a.yml", text: "2"}}, "twice"},
		{"a file too large", []entry{{name: "a.yml", text: big}}, "more than 1048576 bytes"},
		{"no rules", []entry{{name: "a.txt", text: "x"}}, "no .yml"},
	} {
		for kind, archive := range map[string][]byte{"zip": zipOf(t, test.entries), "tar.gz": gzipOf(t, tarOf(t, test.entries))} {
			t.Run(test.name+" in "+kind, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				err := unpackInto(t, dir, archive, countFiles)
				if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("err = %v, want Invalid saying %q", err, test.want)
				}
				if sets, err := knowledge.Open(filepath.Join(dir, "library")).Sets(); err != nil || len(sets) != 0 {
					t.Errorf("left %v, %v", sets, err)
				}
			})
		}
	}
}

func TestDamagedArchivesAreRefused(t *testing.T) {
	t.Parallel()
	whole := gzipOf(t, tarOf(t, []entry{{name: "a.yml", text: strings.Repeat("title: a\n", 500)}}))
	for name, archive := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": {}, "text": []byte("title: a"), "zip head": []byte("PK\x03\x04oops")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := unpackInto(t, t.TempDir(), archive, countFiles); err == nil {
				t.Error("installed")
			}
		})
	}
}

// FuzzArchive: whatever the bytes, an archive installs or is refused, and
// nothing is written outside the library.
func FuzzArchive(f *testing.F) {
	entries := []entry{{name: "a.yml", text: "title: a"}, {name: "../b.yml", text: "b"}}
	f.Add(zipOf(f, entries))
	f.Add(tarOf(f, entries))
	f.Add(gzipOf(f, tarOf(f, entries[:1])))
	f.Add(zstdOf(f, tarOf(f, entries[:1])))
	f.Fuzz(func(t *testing.T, archive []byte) {
		dir := t.TempDir()
		refuse := func(string) (int, error) { return 0, errors.New("far enough") } // before the disk is flushed
		_ = unpackInto(t, dir, archive, refuse)
		found, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range found {
			if name := entry.Name(); name != "archive" && name != "library" {
				t.Fatalf("left %q behind", name)
			}
		}
	})
}
