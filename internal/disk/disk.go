// Package disk says how full and how fast the disk below a folder is. What a
// system does not tell is errors.ErrUnsupported, and not guessed.
package disk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Usage is how full a disk is.
type Usage struct {
	Free  uint64 // bytes that this process may still write
	Total uint64
}

// Of returns how full the disk is that holds a path.
func Of(path string) (Usage, error) {
	u, err := usage(path)
	if err != nil {
		return u, fmt.Errorf("free space of %s: %w", path, err)
	}
	return u, nil
}

const (
	// syncs is how many times SyncTime writes: an odd number, for a median that
	// one slow moment does not change.
	syncs = 9
	// syncBytes is what the smallest write to a disk is.
	syncBytes = 4 << 10
)

// SyncTime returns how long a small write takes until it is on disk in a
// folder, the median of nine. It leaves nothing behind.
func SyncTime(dir string) (median time.Duration, err error) {
	file, err := os.CreateTemp(dir, ".sync-")
	if err != nil {
		return 0, fmt.Errorf("time writes: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	var took [syncs]time.Duration
	block := make([]byte, syncBytes)
	for i := range took {
		started := time.Now()
		if _, err := file.Write(block); err != nil {
			return 0, fmt.Errorf("time writes: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("time writes: %w", err)
		}
		took[i] = time.Since(started)
	}
	slices.Sort(took[:])
	return took[syncs/2], nil
}

// SyncFolder puts a folder's list of names on disk, so that a file renamed into
// it is there after a power cut.
func SyncFolder(dir string) error {
	if !foldersSync {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Replace replaces a file by one that only we may read, whole or not at all, and
// on disk when it returns. What a crash leaves beside it is a file whose name goes
// on with ".new-".
func Replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncFolder(filepath.Dir(path))
}
