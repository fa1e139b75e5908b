package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"tocsin/internal/backup"
	"tocsin/internal/datadir"
	"tocsin/internal/fault"
)

func about() backup.About {
	return backup.About{Program: "tocsin v1", Format: 1, Created: time.Date(2026, 11, 25, 5, 0, 0, 0, time.UTC)}
}

func layout() *datadir.Layout { return &datadir.Layout{Version: 1, Program: "tocsin v1"} }

// folderOf makes a folder of files.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// filesIn is folderOf the other way round.
func filesIn(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func written(t testing.TB, parts ...backup.Part) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := backup.Write(t.Context(), &file, about(), parts); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// sample is a backup of two parts.
func sample(t testing.TB) []byte {
	t.Helper()
	dir := folderOf(t, map[string]string{
		"tokens.json": "{}", "rules/sets/a/set.json": strings.Repeat("set ", 1000), "rules/lock": "x", "memory/journal/1.journal": strings.Repeat("entry", 3000),
	})
	return written(t, backup.Files("tokens", dir, "tokens.json", "nothing"), backup.Files("rules", dir, "rules"), backup.Files("memory", dir, "memory"))
}

func TestBackupBringsEverythingBack(t *testing.T) {
	t.Parallel()
	files := map[string]string{"tokens.json": "{}", "rules/sets/a/set.json": "set", "rules/empty": "", "big": strings.Repeat("x", 1<<20)}
	from := folderOf(t, files)
	memory := backup.Part{
		Name:     "memory",
		Snapshot: func(_ context.Context, to *backup.Writer) error { return to.Bytes("memory/held", []byte("in memory")) },
		Restore: func(_ context.Context, dir string) error {
			return os.WriteFile(filepath.Join(dir, "memory", "made"), nil, 0o600)
		},
	}
	parts := []backup.Part{backup.Files("all", from, "."), memory}
	file := written(t, parts...)
	if m, err := backup.Verify(t.Context(), bytes.NewReader(file)); err != nil || len(m.Parts) != 2 || m.Parts[0].Bytes() != 1<<20+5 {
		t.Fatalf("%+v, %v", m, err)
	}
	dir := filepath.Join(t.TempDir(), "deep", "data")
	done, err := backup.Restore(t.Context(), bytes.NewReader(file), backup.Into{Dir: dir, Layout: layout(), Parts: parts})
	if err != nil || done.Aside != "" {
		t.Fatal(done, err)
	}
	files["memory/held"], files["memory/made"] = "in memory", ""
	if diff := cmp.Diff(files, filesIn(t, dir)); diff != "" {
		t.Errorf("want, got:\n%s", diff)
	}
	nothingBeside(t, dir)
}

// nothingBeside fails when a restore left something beside a folder.
func nothingBeside(t *testing.T, dir string) {
	t.Helper()
	left, err := filepath.Glob(dir + ".restoring-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

func TestRestoreLeavesWhatIsThereAlone(t *testing.T) {
	t.Parallel()
	file := sample(t)
	dir := folderOf(t, map[string]string{"tokens.json": "mine"})
	_, err := backup.Restore(t.Context(), bytes.NewReader(file), backup.Into{Dir: dir, Layout: layout()})
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--force") || len(filesIn(t, dir)) != 1 {
		t.Fatalf("got %v", err)
	}
	now := time.Date(2026, 11, 25, 6, 0, 0, 0, time.UTC)
	done, err := backup.Restore(t.Context(), bytes.NewReader(file), backup.Into{Dir: dir, Force: true, Layout: layout(), Now: now})
	if err != nil || done.Aside != dir+".before-restore-20261125T060000Z" || filesIn(t, done.Aside)["tokens.json"] != "mine" || filesIn(t, dir)["tokens.json"] != "{}" {
		t.Errorf("%+v, %v", done, err)
	}
	nothingBeside(t, dir)
	locked := folderOf(t, map[string]string{datadir.LockName: "process 1"})
	if _, err := backup.Restore(t.Context(), bytes.NewReader(file), backup.Into{Dir: locked, Layout: layout()}); err != nil {
		t.Errorf("a folder with nothing but a lock: %v", err)
	}
}

// Whatever is cut off or changed, nothing is put in place, and the error says
// where.
func TestTruncatedOrAlteredIsRefused(t *testing.T) {
	t.Parallel()
	file := sample(t)
	rapid.Check(t, func(rt *rapid.T) {
		broken := bytes.Clone(file)
		at := rapid.IntRange(0, len(file)-1).Draw(rt, "at")
		if rapid.Bool().Draw(rt, "cut") {
			broken = broken[:at]
		} else {
			broken[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		}
		m, err := backup.Verify(context.Background(), bytes.NewReader(broken))
		if err == nil {
			whole, _ := backup.Verify(context.Background(), bytes.NewReader(file))
			if diff := cmp.Diff(whole, m); diff != "" { // a bit that means nothing to the compressor
				rt.Errorf("byte %d: accepted as another backup:\n%s", at, diff)
			}
			return
		}
		if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Conflict) {
			rt.Errorf("byte %d: %v", at, err)
		}
	})
	dir := filepath.Join(t.TempDir(), "data")
	_, err := backup.Restore(t.Context(), bytes.NewReader(file[:len(file)/2]), backup.Into{Dir: dir, Layout: layout()})
	if !errors.Is(err, fault.Invalid) {
		t.Errorf("half of it: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something was put in place: %v", err)
	}
	nothingBeside(t, dir)
}

// repack writes a backup again with its entries as edit leaves them.
func repack(t *testing.T, file []byte, edit func(h *tar.Header, content []byte) []byte) []byte {
	t.Helper()
	plain, err := zstd.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var out bytes.Buffer
	packed, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	from, to := tar.NewReader(plain), tar.NewWriter(packed)
	for {
		h, err := from.Next()
		if err != nil {
			break
		}
		var content bytes.Buffer
		if _, err := content.ReadFrom(from); err != nil {
			t.Fatal(err)
		}
		text := edit(h, content.Bytes())
		if text == nil {
			continue
		}
		h.Size = int64(len(text))
		if h.Typeflag != tar.TypeReg {
			h.Size, text = 0, nil
		}
		if err := to.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := to.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(to.Close(), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatSomebodyPackedAgainIsComparedWithItsManifest(t *testing.T) {
	t.Parallel()
	file := sample(t)
	const journal = "memory/memory/journal/1.journal"
	at := func(name string, do func(h *tar.Header, content []byte) []byte) func(*tar.Header, []byte) []byte {
		return func(h *tar.Header, content []byte) []byte {
			if h.Name == name {
				return do(h, content)
			}
			return content
		}
	}
	renamed := func(name string) func(*tar.Header, []byte) []byte {
		return at(journal, func(h *tar.Header, content []byte) []byte { h.Name = name; return content })
	}
	for _, test := range []struct {
		name string
		edit func(*tar.Header, []byte) []byte
		want string
	}{
		{"a file changed", at(journal, func(_ *tar.Header, c []byte) []byte { c[7]++; return c }), "part memory: memory/journal/1.journal is not what was backed up"},
		{"a file shortened", at(journal, func(_ *tar.Header, c []byte) []byte { return c[:10] }), "part memory: memory/journal/1.journal"},
		{"a file gone", at("rules/rules/sets/a/set.json", func(*tar.Header, []byte) []byte { return nil }), "part rules"},
		{"another file", renamed("memory/memory/journal/2.journal"), "part memory: memory/journal/1.journal is missing"},
		{"another part", renamed("secrets/memory/journal/1.journal"), "part memory is missing"},
		{"no manifest", at("manifest.json", func(*tar.Header, []byte) []byte { return nil }), "no manifest"},
		{"no beginning", at("tocsin-backup.json", func(*tar.Header, []byte) []byte { return nil }), "no backup of tocsin"},
		{"a path that leads out", renamed("memory/../../etc/passwd"), "is no file of a backup"},
		{"an absolute path", renamed("/etc/passwd"), "is no file of a backup"},
		{"a link", at(journal, func(h *tar.Header, c []byte) []byte {
			h.Typeflag, h.Linkname = tar.TypeSymlink, "/etc/passwd"
			return c
		}), "is no file of a backup"},
	} {
		broken := repack(t, file, test.edit)
		dir := filepath.Join(t.TempDir(), "data")
		for how, err := range map[string]error{
			"verified": second(backup.Verify(t.Context(), bytes.NewReader(broken))),
			"restored": second(backup.Restore(t.Context(), bytes.NewReader(broken), backup.Into{Dir: dir, Layout: layout()})),
		} {
			if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %s: %v", test.name, how, err)
			}
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something was put in place: %v", test.name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestBackupOfANewerProgramIsRefusedWithTheOneNeeded(t *testing.T) {
	t.Parallel()
	newer := about()
	newer.Format, newer.Program = 9, "tocsin v9.1"
	var file bytes.Buffer
	if _, err := backup.Write(t.Context(), &file, newer, nil); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Restore(t.Context(), &file, backup.Into{Dir: filepath.Join(t.TempDir(), "data"), Layout: layout()})
	if !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "use tocsin v9.1 or newer") {
		t.Errorf("got %v", err)
	}
}

// A part that fails makes no backup.
func TestPartThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	_, err := backup.Write(t.Context(), &file, about(), []backup.Part{{Name: "memory", Snapshot: func(_ context.Context, to *backup.Writer) error {
		return to.File("short", strings.NewReader("x"), 2)
	}}})
	if err == nil || !strings.Contains(err.Error(), "part memory: short") {
		t.Errorf("got %v", err)
	}
	if _, err := backup.Verify(t.Context(), &file); !errors.Is(err, fault.Invalid) {
		t.Errorf("what was written is a backup: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	file := sample(f)
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("no backup"))
	f.Fuzz(func(t *testing.T, file []byte) {
		_, err := backup.Verify(t.Context(), bytes.NewReader(file))
		if err != nil && !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.Conflict) {
			t.Error(err)
		}
	})
}
