//go:build unix

package knowledge

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"tocsin/internal/fault"
)

// lock lets one writer in. The system takes the lock back when a process ends,
// however it ends, so none is ever left behind.
func lock(dir, what string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		_ = f.Close()
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, fmt.Errorf("another tocsin is changing the %s in %s; try again when it is done: %w", what, dir, fault.Conflict)
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// syncFolder has the names in a folder written to disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// flush has the system write to disk what it holds in memory.
func flush() { syscall.Sync() }
