package knowledge

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"tocsin/internal/lockfile"
)

// folders are those that this process has locked, or waits to: writers of one process
// take turns, where other processes are told that it is in use. A folder is never
// taken out again, since there are two of them.
var folders sync.Map // of *sync.Mutex by path

// lock lets one writer into a folder. It waits for another of this process; the error
// is fault.Conflict while another process writes.
func lock(dir string) (unlock func(), err error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	turn, _ := folders.LoadOrStore(path, &sync.Mutex{})
	mine, _ := turn.(*sync.Mutex)
	mine.Lock()
	held, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		mine.Unlock()
		return nil, err
	}
	return func() {
		_ = held.Release()
		mine.Unlock()
	}, nil
}

// Hold does work while nobody changes the library. The error is fault.Conflict
// when another process is just doing that.
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
