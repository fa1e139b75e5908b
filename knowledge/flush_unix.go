//go:build unix

package knowledge

import (
	"errors"
	"os"
	"syscall"
)

// flush has the system write to disk what it holds in memory.
func flush() { syscall.Sync() }

// syncFolder has the names in a folder written to disk.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
