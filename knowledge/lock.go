package knowledge

import (
	"path/filepath"

	"tocsin/internal/lockfile"
)

// lock lets one writer into a folder.
func lock(dir string) (unlock func(), err error) {
	held, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	return func() { _ = held.Release() }, nil
}
