package knowledge

import (
	"path/filepath"

	"tocsin/internal/lockfile"
)

// lock lets one writer in.
func (l *Library) lock() (unlock func(), err error) {
	lock, err := lockfile.Take(filepath.Join(l.dir, "lock"))
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Release() }, nil
}
