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
