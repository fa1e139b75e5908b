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
func (l *Library) lock() (unlock func(), err error) {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(l.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		_ = f.Close()
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, fmt.Errorf("another tocsin is changing the rules in %s; try again when it is done: %w", l.dir, fault.Conflict)
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", l.dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// flush has the system write to disk what it holds in memory.
func flush() { syscall.Sync() }
