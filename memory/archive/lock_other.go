//go:build !unix

package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tocsin/internal/fault"
)

// lock keeps others out of a folder: who makes the file has it. Unlike on Unix
// a crash leaves it behind, so the message says what to do.
func lock(dir string) (unlock func() error, err error) {
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another process has the archive in %s open: ask that one, or delete %s if there is none: %w", dir, path, fault.Conflict)
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// syncFolder does nothing here: files are synced themselves, and folders cannot be.
func syncFolder(string) error { return nil }
