// Package lockfile lets one process at a time use a folder. Whoever has the
// lock writes into it who it is, so that the one that is refused can say whom
// to ask or to wait for.
package lockfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"tocsin/internal/fault"
)

// Lock is held until it is released or its process ends.
type Lock struct {
	path string
	file *os.File
}

// HeldError says that another process has the lock. It is fault.Conflict.
type HeldError struct {
	Path   string
	Holder string // what the other wrote about itself; empty when it did not say
}

func (e *HeldError) Error() string {
	if e.Holder == "" {
		return fmt.Sprintf("another tocsin uses %s: try again when it is done", filepath.Dir(e.Path))
	}
	return fmt.Sprintf("%s is in use by %s", filepath.Dir(e.Path), e.Holder)
}

// Unwrap makes the error fault.Conflict.
func (e *HeldError) Unwrap() error { return fault.Conflict }

// holderLimit bounds what is read of another's lock.
const holderLimit = 1 << 10

// Take takes the lock at the path, whose folder is made when it is not there.
// It does not wait: the error is a *HeldError when another process has it.
func Take(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	file, err := take(path)
	if errors.Is(err, errHeld) {
		return nil, &HeldError{Path: path, Holder: holder(path)}
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return &Lock{path: path, file: file}, nil
}

var errHeld = errors.New("held by another process")

func holder(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, holderLimit))
	if err != nil {
		return ""
	}
	return string(text)
}

// Say writes who has the lock, for the one that is refused.
func (l *Lock) Say(who string) error {
	if _, err := l.file.WriteAt([]byte(who), 0); err != nil {
		return fmt.Errorf("lock %s: %w", l.path, err)
	}
	return l.file.Truncate(int64(len(who)))
}

// Release gives the lock back.
func (l *Lock) Release() error { return l.release() }
