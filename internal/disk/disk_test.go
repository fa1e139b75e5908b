package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tocsin/internal/disk"
)

func TestUsageIsOfTheDiskBelow(t *testing.T) {
	t.Parallel()
	u, err := disk.Of(t.TempDir())
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || u.Total == 0 || u.Free > u.Total {
		t.Errorf("got %+v, %v", u, err)
	}
	if _, err := disk.Of(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a path that is not there has free space")
	}
}

func TestTimingWritesLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	took, err := disk.SyncTime(dir)
	if err != nil || took <= 0 {
		t.Errorf("got %v, %v", took, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := disk.SyncFolder(dir); err != nil {
		t.Error(err)
	}
}

func TestReplacedFileIsWholeAndOurs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, want := range []string{"first, and longer", "second"} {
		if err := disk.Replace(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if err := disk.Replace(filepath.Join(dir, "missing", "file"), nil); err == nil {
		t.Error("a file in a folder that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := disk.Replace(filepath.Join(dir, "folder"), nil); err == nil {
		t.Error("a folder is replaced by a file")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
}
