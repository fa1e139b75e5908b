// Package datadir knows which format a data directory is in. A directory says
// so in a small file; a program refuses one that a newer program wrote, and
// brings an older one up to date, step by step, after a backup.
//
// It does not know what is in the directory: what a step does and how a backup
// is made are handed to it. Whoever calls Prepare has the directory's lock.
package datadir

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// FileName is the file in a data directory that says its format.
const FileName = "format.json"

// first is the format of directories from before they said which.
const first = 1

// Format is what a data directory says of itself.
type Format struct {
	Version int `json:"format"`
	// Program is what wrote it in this format first, and so the oldest that is
	// known to read it.
	Program string `json:"program"`
}

// Layout is what a program knows of formats.
type Layout struct {
	Version int    // that it writes
	Program string // its own name and version
	Steps   []Step // from older formats, in their order
	// Backup is called before the first step, and must have kept everything when
	// it returns nil.
	Backup func(ctx context.Context, from Format) error
	Log    *slog.Logger // may be nil
}

// Step brings a data directory into a format from the one before.
type Step struct {
	To   int
	Does string // for the log
	// Run must not mind having been broken off: it is run again from its start.
	Run func(ctx context.Context, dir string) error
}

// Read returns the format of a data directory. One that is not there, or empty,
// has version 0.
func Read(dir string) (Format, error) {
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return unsaid(dir)
	}
	if err != nil {
		return Format{}, fmt.Errorf("format of the data directory: %w", err)
	}
	var f Format
	if err := json.Unmarshal(text, &f); err != nil || f.Version < first {
		return Format{}, fmt.Errorf("%s is damaged: it does not say which format %s is in; restore it from a backup: %w",
			filepath.Join(dir, FileName), dir, fault.Invalid)
	}
	return f, nil
}

// unsaid is the format of a directory that does not say.
func unsaid(dir string) (Format, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Format{}, nil
	}
	if err != nil {
		return Format{}, fmt.Errorf("format of the data directory: %w", err)
	}
	for _, e := range entries {
		if e.Name() != LockName {
			return Format{Version: first}, nil
		}
	}
	return Format{}, nil
}

// LockName is the file by which one process at a time has a data directory.
const LockName = "lock"

// Check refuses a directory in a newer format than the program knows, and says
// which program it needs. The error is fault.Conflict.
func (l *Layout) Check(dir string) (Format, error) {
	f, err := Read(dir)
	if err != nil {
		return f, err
	}
	return f, l.Knows("data directory "+dir, f)
}

// Knows refuses what is in a newer format than the program knows.
func (l *Layout) Knows(what string, f Format) error {
	if f.Version <= l.Version {
		return nil
	}
	return fmt.Errorf("%s is in format %d, written by %s; this is %s, which knows formats up to %d: use %s or newer: %w",
		what, f.Version, f.Program, l.Program, l.Version, f.Program, fault.Conflict)
}

// Prepare brings a directory into the program's format: a new one is marked, an
// older one is backed up and taken through the steps, each of which is noted
// once it is done, so that a start after a crash goes on there.
func (l *Layout) Prepare(ctx context.Context, dir string) error {
	f, err := l.Check(dir)
	if err != nil {
		return err
	}
	if f.Version == 0 {
		return l.note(dir, l.Version)
	}
	if f.Version == l.Version {
		return l.mark(dir)
	}
	steps, err := l.from(f)
	if err != nil {
		return err
	}
	if err := l.Backup(ctx, f); err != nil {
		return fmt.Errorf("data directory %s must be brought from format %d to %d, and the backup before that could not be made, so nothing was changed: %w",
			dir, f.Version, l.Version, err)
	}
	for _, s := range steps {
		l.log().Info("bringing the data directory up to date", slog.Int("format", s.To), slog.String("does", s.Does))
		if err := s.Run(ctx, dir); err != nil {
			return fmt.Errorf("bring data directory %s to format %d (%s): %w", dir, s.To, s.Does, err)
		}
		if err := l.note(dir, s.To); err != nil {
			return err
		}
	}
	return nil
}

// from returns the steps that lead from a format to the program's.
func (l *Layout) from(f Format) ([]Step, error) {
	next := f.Version + 1
	var steps []Step
	for _, s := range l.Steps {
		if s.To == next {
			steps = append(steps, s)
			next++
		}
	}
	if next != l.Version+1 {
		return nil, fmt.Errorf("%s does not know how to bring format %d (%s) to format %d: start a release in between first: %w",
			l.Program, f.Version, f.Program, l.Version, fault.Conflict)
	}
	return steps, nil
}

func (l *Layout) log() *slog.Logger {
	if l.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l.Log
}

// mark makes a directory of the first format, which may not say so, say so.
func (l *Layout) mark(dir string) error {
	_, err := os.Stat(filepath.Join(dir, FileName))
	if errors.Is(err, fs.ErrNotExist) {
		return l.note(dir, l.Version)
	}
	return err
}

// note writes which format a directory is in, whole or not at all.
func (l *Layout) note(dir string, version int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("format of the data directory: %w", err)
		}
	}()
	text, err := json.Marshal(Format{version, l.Program})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, FileName)
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return disk.SyncFolder(dir)
}
