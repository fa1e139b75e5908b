package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/telemetry/evtx"
)

// scanEvery is how often the paths are looked through for files that are new,
// were renamed, or have grown while nobody read them.
const scanEvery = time.Second

// forgetAfter is how long the cursor of a file that is gone is kept: it may
// come back from where it was moved to.
const forgetAfter = 7 * 24 * time.Hour

// follower follows files, each in a goroutine of its own while it grows.
type follower struct {
	in      *Intake
	cursors *cursors
	tails   sync.WaitGroup

	mu      sync.Mutex
	running map[fileKey]*tailing // guarded by mu
	orphans []cursor             // of files that were truncated: a copy may hold the rest; guarded by mu
}

// orphansKept bounds the cursors of truncated files whose copy is looked for.
const orphansKept = 1000

// found is a file that stands under the paths.
type found struct {
	path string
	info fs.FileInfo
	key  fileKey
	// rotated is set for a file that is not named itself, but may be what one
	// that is was renamed to.
	rotated bool
}

// open opens the file that was found, and never another that has got its name
// since: that is fs.ErrNotExist, as when there is none.
func (f *found) open() (*os.File, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && keyOf(f.path, info) != f.key {
		err = fmt.Errorf("%s: renamed since it was listed: %w", f.path, fs.ErrNotExist)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (in *Intake) startFollow(ctx context.Context, group *errgroup.Group) error {
	if len(in.config.Follow) == 0 {
		return nil
	}
	dir := ""
	if in.config.Dir != "" {
		dir = filepath.Join(in.config.Dir, "cursors")
	}
	cursors, err := openCursors(dir)
	if err != nil {
		return err
	}
	for _, place := range in.places {
		if err := cursors.recall(place); err != nil {
			return err
		}
	}
	in.places = nil
	f := &follower{in: in, cursors: cursors, running: map[fileKey]*tailing{}}
	group.Go(func() error {
		defer f.tails.Wait()
		tick := time.NewTicker(scanEvery)
		defer tick.Stop()
		for {
			f.scan(ctx)
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return nil
}

// scan looks through the paths once.
func (f *follower) scan(ctx context.Context) {
	files := f.list()
	here := make(map[fileKey]bool, len(files))
	for _, file := range files {
		here[file.key] = true
	}
	f.mark(files, here)
	for _, file := range files {
		f.check(file)
	}
	waiting := map[string]bool{} // logs of which an older part is not read to its end
	for _, file := range files {
		if ctx.Err() != nil {
			return
		}
		f.consider(ctx, file, here, waiting)
	}
	f.forget(here)
}

// list lists the files under the paths: rotated ones first, the oldest before
// the others, so that a log is read in its order.
func (f *follower) list() []found {
	var list []found
	for _, root := range f.in.config.Follow {
		if info, err := os.Stat(root); err == nil && info.IsDir() {
			list = append(list, filesBelow(root)...)
			continue
		}
		list = append(list, family(root)...)
	}
	slices.SortStableFunc(list, func(a, b found) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	return list
}

// filesBelow lists the files in a directory and those in it. Links are not
// followed, so that a walk ends.
func filesBelow(root string) []found {
	var list []found
	// The callback returns nil always: what cannot be listed now may be at the
	// next scan.
	_ = filepath.WalkDir(root+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // see above
		}
		if info, err := entry.Info(); err == nil {
			path = filepath.Clean(path)
			list = append(list, found{path: path, info: info, key: keyOf(path, info)})
		}
		return nil
	})
	return list
}

// family lists a file and what stands beside it under its name with something
// behind, as rotation names files.
func family(path string) []found {
	var list []found
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		list = append(list, found{path: path, info: info, key: keyOf(path, info)})
	}
	dir := filepath.Dir(path)
	entries, _ := os.ReadDir(dir) // nothing, if it cannot be listed now
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !namedAfter(entry.Name(), filepath.Base(path)) {
			continue
		}
		if info, err := entry.Info(); err == nil {
			path := filepath.Join(dir, entry.Name())
			list = append(list, found{path: path, info: info, key: keyOf(path, info), rotated: true})
		}
	}
	return list
}

// namedAfter reports whether a name is another with something behind it, as in
// app.log.1 and app.log-20261125.
func namedAfter(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	return ok && rest != "" && strings.ContainsRune(".-_", rune(rest[0]))
}

// mark tells running tails where their file stands now, and that it is gone.
func (f *follower) mark(files []found, here map[fileKey]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, t := range f.running {
		t.seen(here[key], f.in.now())
	}
	for _, file := range files {
		if t := f.running[file.key]; t != nil {
			t.moved(file.path)
		}
	}
}

// check makes orphans of cursors whose file was truncated, or is another one
// that has got the inode.
func (f *follower) check(file found) {
	c := f.cursors.get(file.key)
	if c == nil || f.isRunning(file.key) || (c.Size == file.info.Size() && c.Time.Equal(file.info.ModTime())) {
		return
	}
	content, err := file.open()
	if err != nil {
		return // told by consider
	}
	defer content.Close()
	if c.Done && c.Path == file.path && writtenInPlace(content) {
		return
	}
	if !c.Head.begins(content) || c.Place.Offset > file.info.Size() {
		f.orphan(*c)
	}
}

// writtenInPlace tells Windows event logs, whose beginning changes as they grow.
func writtenInPlace(file io.ReaderAt) bool {
	head := make([]byte, 64)
	n, _ := file.ReadAt(head, 0) // what there is
	return evtx.Looks(head[:n])
}

// consider starts to read a file where there is something to read.
func (f *follower) consider(ctx context.Context, file found, here map[fileKey]bool, waiting map[string]bool) {
	if f.isRunning(file.key) {
		return
	}
	c, ok := f.cursorOf(file, here, waiting)
	if !ok || c.Done || c.Place.Offset == file.info.Size() || (c.Unknown && c.Size == file.info.Size()) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.running) >= f.in.config.Limits.Files {
		f.in.sources.listener("files", "followed").refuse("more files than may be followed at once", 1)
		return
	}
	for _, other := range f.running {
		if other.cursor.Source == c.Source && !other.caughtUp.Load() {
			waiting[c.Source] = true
		}
	}
	if waiting[c.Source] {
		return
	}
	t := newTailing(f, file, c)
	f.running[file.key] = t
	waiting[c.Source] = true
	f.tails.Go(func() {
		t.run(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.running, file.key)
	})
}

func (f *follower) isRunning(key fileKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running[key] != nil
}

// cursorOf returns where to go on in a file, and false for one that is not to be
// read (now).
func (f *follower) cursorOf(file found, here map[fileKey]bool, waiting map[string]bool) (cursor, bool) {
	if file.info.Size() == 0 {
		return cursor{}, false
	}
	if c := f.cursors.get(file.key); c != nil {
		one := *c
		one.Path = file.path
		return one, true
	}
	content, err := file.open()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) { // renamed since it was listed: the next scan finds it
			waiting[f.sourceName(file)] = true
		}
		f.unreadable(file.path, err)
		return cursor{}, false
	}
	defer content.Close()
	if c, copied := f.original(file, content, here); copied {
		return c, c.Key == file.key
	}
	if file.rotated && !f.rotatedWhileOff(file) {
		return cursor{}, false
	}
	return cursor{Key: file.key, Path: file.path, Source: f.sourceName(file)}, true
}

// orphan keeps the cursor of a file that was truncated, for the copy.
func (f *follower) orphan(c cursor) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.orphans = append(f.orphans, c)
	f.orphans = f.orphans[max(0, len(f.orphans)-orphansKept):]
	f.warn(f.cursors.remove(c.Key))
}

// original looks for the file that this one is a copy of: rotation may copy a
// file and then truncate it. While the original stands there with what was
// copied, the copy waits; then it is gone on with from where the original was.
func (f *follower) original(file found, content *os.File, here map[fileKey]bool) (cursor, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fits := func(c *cursor) bool {
		return filepath.Dir(c.Path) == filepath.Dir(file.path) && namedAfter(filepath.Base(file.path), filepath.Base(c.Path)) &&
			c.Head.Length > 0 && c.Head.begins(content)
	}
	for i := range f.orphans {
		if c := f.orphans[i]; fits(&c) && c.Place.Offset <= file.info.Size() {
			f.orphans = slices.Delete(f.orphans, i, i+1)
			return f.adopt(c, file), true
		}
	}
	for _, c := range f.cursors.all() {
		if c.Key == file.key || c.Done || c.Unknown || !fits(c) {
			continue
		}
		if here[c.Key] {
			return *c, true // of another key: wait
		}
		f.warn(f.cursors.remove(c.Key))
		return f.adopt(*c, file), true
	}
	return cursor{}, false
}

// adopt makes the cursor of an original that of its copy.
func (f *follower) adopt(c cursor, copied found) cursor {
	c.Key, c.Path = copied.key, copied.path
	f.warn(f.cursors.put(c))
	return c
}

// rotatedWhileOff reports whether a file beside one that is followed was written
// and renamed while nobody looked: it is not older than what was read last.
func (f *follower) rotatedWhileOff(file found) bool {
	younger := false
	f.mu.Lock()
	known := f.cursors.all()
	for i := range f.orphans {
		known = append(known, &f.orphans[i])
	}
	f.mu.Unlock()
	for _, c := range known {
		if filepath.Dir(c.Path) != filepath.Dir(file.path) || !namedAfter(filepath.Base(file.path), filepath.Base(c.Source)) {
			continue
		}
		if younger = !file.info.ModTime().Before(c.Time); !younger {
			return false
		}
	}
	return younger
}

// sourceName is the path that the records of a file are known by: that of the
// file which it was renamed from, when that one is named.
func (f *follower) sourceName(file found) string {
	if file.rotated {
		for _, root := range f.in.config.Follow {
			if filepath.Dir(root) == filepath.Dir(file.path) && namedAfter(filepath.Base(file.path), filepath.Base(root)) {
				return root
			}
		}
	}
	return file.path
}

// forget removes the cursors of files that have been gone for long.
func (f *follower) forget(here map[fileKey]bool) {
	for _, c := range f.cursors.all() {
		if !here[c.Key] && !f.isRunning(c.Key) && f.in.now().Sub(c.Saved) > forgetAfter {
			f.warn(f.cursors.remove(c.Key))
		}
	}
}

func (f *follower) warn(err error) {
	if err != nil {
		f.in.log.Warn("followed file", slog.Any("error", err))
	}
}

// unreadable counts a file that cannot be opened.
func (f *follower) unreadable(path string, err error) {
	if !errors.Is(err, fs.ErrNotExist) { // renamed since it was listed
		f.in.sources.source("file", path).refuse("cannot be opened", 1)
	}
}
