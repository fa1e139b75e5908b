//go:build unix

package lockfile

import (
	"errors"
	"os"
	"syscall"
)

// take opens and locks the file. The system takes the lock back when a process
// ends, however it ends, so none is ever left behind.
func take(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeld
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// release leaves the file: another process may be waiting to lock this one.
func (l *Lock) release() error { return l.file.Close() }
