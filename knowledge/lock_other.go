//go:build !unix

package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tocsin/internal/fault"
)

// lock lets one writer in: who makes the file. Unlike on Unix a crash leaves it
// behind, so the message says what to do.
func lock(dir, what string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("another tocsin is changing the %s in %s; try again when it is done, or delete %s if none is: %w", what, dir, path, fault.Conflict)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _, _ = f.Close(), os.Remove(path) }, nil
}

// syncFolder does nothing here: folders cannot be synced.
func syncFolder(string) error { return nil }

// flush does nothing here: set.json itself is synced.
func flush() {}
