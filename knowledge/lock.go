package knowledge

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
)

// folders are those that this process has locked, or waits to: writers of one process
// take turns, where other processes are told that it is in use. A folder is never
// taken out again, since there are two of them.
var folders sync.Map // of chan struct{} by path: who puts something in has the turn

// turnWithin is how long a writer waits for another of its process: some change a
// set within the change of another, and would wait for themselves.
const turnWithin = 2 * time.Second

// lock lets one writer into a folder. It waits a moment for another of this process;
// the error is fault.Conflict while one goes on writing, or another process does.
func lock(dir string) (unlock func(), err error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	one, _ := folders.LoadOrStore(path, make(chan struct{}, 1))
	turn, _ := one.(chan struct{})
	select {
	case turn <- struct{}{}:
	case <-time.After(turnWithin):
		return nil, fmt.Errorf("%s is being changed: try again when that is done: %w", dir, fault.Conflict)
	}
	held, err := lockfile.Take(filepath.Join(dir, "lock"))
	if err != nil {
		<-turn
		return nil, err
	}
	return func() {
		_ = held.Release()
		<-turn
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
