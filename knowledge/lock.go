package knowledge

import (
	"errors"
	"io/fs"
	"os"
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

// Hold does work while nobody changes the library. The error is fault.Conflict
// when somebody is just doing that.
func (l *Library) Hold(work func() error) error {
	if _, err := os.Stat(l.dir); errors.Is(err, fs.ErrNotExist) {
		return work() // and nobody has begun
	}
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return work()
}
