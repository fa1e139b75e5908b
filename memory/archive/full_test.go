package archive_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tocsin/internal/crash"
	"tocsin/memory/archive"
)

// fullFolder names the folder on which a process started by a test puts a small
// file system.
const fullFolder = "TOCSIN_TEST_FULL_DISK"

// TestFullDiskIsAnErrorAndRecovers runs in a process of its own with a file
// system of one megabyte.
func TestFullDiskIsAnErrorAndRecovers(t *testing.T) {
	t.Parallel()
	crash.OnSmallDisk(t, fullFolder)
}

// childOnFullDisk fills the disk, sees writing fail, makes room and sees it
// succeed.
func childOnFullDisk(dir string) error {
	if err := crash.SmallDisk(dir, "1m"); err != nil {
		return err
	}
	w := bare()
	a, err := archive.Open(dir, w.config())
	if err != nil {
		return err
	}
	const perEntry = 500
	entry := uint64(0)
	write := func() error {
		entry++
		w.putPlain(a, bareClass, entry, perEntry)
		return errorsOf(commit(a, entry), a.Flush())
	}
	if err = write(); err != nil {
		return err
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 940<<10), 0o600); err != nil {
		return err
	}
	for err == nil && entry < 100 {
		err = write()
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("on a full disk: got %w", err)
	}
	safe := a.Cursor()
	if safe != entry-1 {
		return fmt.Errorf("got cursor %d after entry %d could not be written", safe, entry)
	}
	// A crash now.
	elsewhere, err := os.MkdirTemp("", "archive")
	if err != nil {
		return err
	}
	defer os.RemoveAll(elsewhere)
	if err := errorsOf(os.Remove(filler), os.CopyFS(elsewhere, os.DirFS(dir)), holds(w, elsewhere, safe*perEntry)); err != nil {
		return fmt.Errorf("after a crash on a full disk: %w", err)
	}
	if err := errorsOf(a.Flush(), a.Close()); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return holds(w, dir, entry*perEntry)
}

// holds reports whether an archive has that many events, and no file that it
// does not list.
func holds(w *world, dir string, want uint64) error {
	a, err := archive.Open(dir, w.config())
	if err != nil {
		return err
	}
	count := uint64(0)
	stats, err := a.Scan(context.Background(), archive.Query{}, w.names, func() func(*archive.Row) error {
		return func(*archive.Row) error { count++; return nil }
	})
	if err != nil || stats.Partial || count != want {
		return fmt.Errorf("got %d events, %+v, %w, want %d", count, stats, err, want)
	}
	files, err := os.ReadDir(filepath.Join(dir, "segments"))
	if err != nil || len(files) != stats.Segments {
		return fmt.Errorf("got %d files, %w, for %d segments", len(files), err, stats.Segments)
	}
	return a.Close()
}
