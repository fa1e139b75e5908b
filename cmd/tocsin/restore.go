package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tocsin/internal/backup"
	"tocsin/internal/output"
	"tocsin/internal/store"
)

type restoreCmd struct {
	File  string `arg:"" help:"File that 'backup' wrote, or a copy of the tables from the folder backups."`
	Force bool   `help:"Restore although the data directory is not empty: what is in it is moved aside, and not removed."`
	Check bool   `help:"Only verify the file, and say what is in it."`
}

// Run verifies a backup and puts it in the data directory's place.
func (r *restoreCmd) Run(ctx context.Context, c *console) (err error) {
	file, err := os.Open(r.File)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	from := bufio.NewReader(file)
	if isTables(from) {
		return r.restoreTables(ctx, c)
	}
	if r.Check {
		m, err := backup.Verify(ctx, from)
		if err != nil {
			return fmt.Errorf("%s: %w", r.File, err)
		}
		return writeManifest(c, r.File+" is whole", &m)
	}
	release, err := c.aloneIfThere()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	done, err := backup.Restore(ctx, from, backup.Into{Dir: c.data, Force: r.Force, Layout: c.layout(nil), Parts: c.parts(nil), Now: time.Now()})
	if err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	if done.Aside != "" {
		fmt.Fprintf(c.err, "tocsin: what was in %s is now in %s\n", output.Plain(c.data), output.Plain(done.Aside))
	}
	return writeManifest(c, c.data+" is restored from "+r.File, &done.Manifest)
}

// aloneIfThere takes the data directory, where there is one.
func (c *console) aloneIfThere() (release func() error, err error) {
	if _, err := os.Stat(c.data); errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	lock, err := c.alone()
	if err != nil {
		return nil, err
	}
	return lock.Release, nil
}

// tablesBegin is how a file of SQLite begins (Database File Format, 1.3.1), which
// a backup, being compressed, does not.
const tablesBegin = "SQLite format 3\x00"

func isTables(file *bufio.Reader) bool {
	head, err := file.Peek(len(tablesBegin))
	return err == nil && bytes.Equal(head, []byte(tablesBegin))
}

// restoreTables brings back the tables alone, from a copy that was made before
// they were changed.
func (r *restoreCmd) restoreTables(ctx context.Context, c *console) (err error) {
	if r.Check {
		if err := store.CheckBackup(ctx, r.File, databaseRooms()...); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "%s is whole: the tables of a database\n", output.Plain(r.File))
		return err
	}
	lock, err := c.alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	config, err := c.configured()
	if err != nil {
		return usageError{err}
	}
	where, err := config.tables(c.data)
	if err != nil {
		return err
	}
	if err := store.Restore(ctx, where, r.File, databaseRooms()...); err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	_, err = fmt.Fprintf(c.out, "the tables are restored from %s\n", output.Plain(r.File))
	return err
}
