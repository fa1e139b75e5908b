//go:build unix

package archive

import (
	"errors"
	"os"
)

// syncFolder makes sure that a folder's entries are on disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
