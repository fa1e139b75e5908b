//go:build !unix

package lockfile

import (
	"errors"
	"io/fs"
	"os"
)

// take makes the file: who makes it has the lock. Unlike on Unix a crash leaves
// it behind, to be deleted by hand.
func take(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, errHeld
	}
	return file, err
}

func (l *Lock) release() error { return errors.Join(l.file.Close(), os.Remove(l.path)) }
