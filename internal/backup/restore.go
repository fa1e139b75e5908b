package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/datadir"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// Into is where a backup is restored to.
type Into struct {
	Dir string
	// Force moves what is in the folder aside, where it is not empty.
	Force  bool
	Layout *datadir.Layout
	Parts  []Part
	Now    time.Time
}

// Restored says what became of a backup.
type Restored struct {
	Manifest Manifest
	Aside    string // where what was in the folder before is now; "" for nothing
}

// Restore puts a backup in a folder's place. Nothing is changed there before all
// of the backup was read, compared with its checksums and written to disk beside
// it. The error is fault.Conflict for a folder that is not empty, and for a
// backup that needs a newer program; fault.Invalid for one that is truncated or
// altered, of which it names the part.
func Restore(ctx context.Context, from io.Reader, into Into) (done Restored, err error) {
	full, err := full(into.Dir)
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	if full && !into.Force {
		return done, fmt.Errorf("restore: %s is not empty: name another data directory, or say --force, which moves what is there aside: %w", into.Dir, fault.Conflict)
	}
	beside, err := besideOf(into.Dir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(beside)) }()
	if done.Manifest, err = unpack(ctx, from, beside, into.Layout); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	for _, p := range into.Parts {
		if p.Restore == nil {
			continue
		}
		if err := p.Restore(ctx, beside); err != nil {
			return done, fmt.Errorf("restore part %s: %w", p.Name, err)
		}
	}
	if full {
		done.Aside = into.Dir + ".before-restore-" + into.Now.UTC().Format("20060102T150405Z")
	}
	return done, swap(beside, into.Dir, done.Aside)
}

// full reports whether there is anything in a folder but a lock.
func full(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	for _, e := range entries {
		if e.Name() != datadir.LockName {
			return true, nil
		}
	}
	return false, err
}

// besideOf makes a folder beside another one, on the same disk.
func besideOf(dir string) (string, error) {
	above := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(above, 0o755); err != nil {
		return "", fmt.Errorf("restore: %w", err)
	}
	beside, err := os.MkdirTemp(above, filepath.Base(dir)+".restoring-")
	if err != nil {
		return "", fmt.Errorf("restore: the folder above %s must be writable, since the backup is unpacked beside it first: %w", dir, err)
	}
	return beside, nil
}

// unpack reads a backup into a folder and puts it on disk.
func unpack(ctx context.Context, from io.Reader, dir string, layout *datadir.Layout) (m Manifest, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if m, err = read(ctx, from, folder{root}); err != nil {
		return m, err
	}
	if err := layout.Knows("the backup", datadir.Format{Version: m.Format, Program: m.Program}); err != nil {
		return m, err
	}
	return m, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = disk.SyncFolder(path)
		}
		return err
	})
}

// swap puts a folder in another's place, and the other aside, where that is
// named.
func swap(beside, dir, aside string) error {
	var err error
	if aside != "" {
		err = os.Rename(dir, aside)
	} else if err = os.RemoveAll(dir); errors.Is(err, fs.ErrNotExist) { // empty but for a lock
		err = nil
	}
	if err != nil {
		return fmt.Errorf("restore: %s cannot be moved; where it is a mounted disk, restore into a folder below it: %w", dir, err)
	}
	if err := os.Rename(beside, dir); err != nil {
		err = fmt.Errorf("restore: %w", err)
		if aside != "" {
			err = errors.Join(err, os.Rename(aside, dir))
		}
		return err
	}
	return disk.SyncFolder(filepath.Dir(filepath.Clean(dir)))
}
