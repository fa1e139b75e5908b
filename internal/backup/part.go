package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Part is something that is kept on its own: a store, a folder, a database.
type Part struct {
	// Name is what the part is called in a backup and in errors: lower case, no
	// blanks.
	Name string
	// Snapshot writes the part's files as of one moment, which lies after the
	// backup began and after the parts before it were written.
	Snapshot func(ctx context.Context, to *Writer) error
	// Restore is called once all parts' files lie in the folder and were found to
	// be what was backed up, for what is not done by their lying there. Nil does
	// nothing.
	Restore func(ctx context.Context, dir string) error
}

// Files returns a part that is files and folders below a data directory, given
// by their paths with slashes. What is not there is left out. Files must be
// replaced by renaming or only grow while they are read.
func Files(name, dir string, paths ...string) Part {
	return Part{Name: name, Snapshot: func(ctx context.Context, to *Writer) error {
		for _, p := range paths {
			if err := to.tree(ctx, dir, p); err != nil {
				return err
			}
		}
		return nil
	}}
}

// tree writes a file, or what is in a folder.
func (w *Writer) tree(ctx context.Context, dir, below string) error {
	err := fs.WalkDir(os.DirFS(dir), path.Clean(below), func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // never was, or is gone since
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case !entry.Type().IsRegular() || passing(entry.Name()):
			return nil
		}
		err = w.Copy(name, filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", below, err)
	}
	return nil
}

// passing reports whether a file is of no use to anybody later: locks, and files
// that are being written.
func passing(name string) bool {
	return strings.EqualFold(name, "lock") || strings.HasSuffix(name, ".lock") || strings.HasSuffix(name, ".new") ||
		strings.HasPrefix(name, "incoming-") || strings.HasPrefix(name, ".")
}

// Copy writes a file of this machine, as long as it is now, under a path.
func (w *Writer) Copy(name, from string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return w.File(name, io.NewSectionReader(file, 0, info.Size()), info.Size())
}
