package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"tocsin/internal/backup"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/node"
)

const databasePartName = "database"

// databasePart is the tables as of one moment, of whatever engine: in a backup
// they are a file of SQLite. They are restored into what the restored
// configuration names, or --database.
func (c *console) databasePart() backup.Part {
	return backup.Part{Name: databasePartName, Snapshot: c.writeTables, Restore: c.restoreInto}
}

func (c *console) writeTables(ctx context.Context, to *backup.Writer) (err error) {
	config, err := c.configured()
	if err != nil {
		return err
	}
	if config.onSQLite() {
		if _, err := os.Stat(filepath.Join(c.data, databaseFile)); errors.Is(err, fs.ErrNotExist) {
			return nil // nobody has been given an account or a token yet
		}
	}
	folder, err := os.MkdirTemp(c.data, node.SnapshotPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	db, err := c.openTables(ctx)
	if err != nil {
		return err
	}
	made := filepath.Join(folder, databaseFile)
	err = errors.Join(db.Backup(ctx, made, databaseRooms()...), db.Close())
	if errors.Is(err, fault.NotFound) {
		return nil // there are no tables yet
	}
	if err != nil {
		return err
	}
	return to.Copy(databaseFile, made)
}

// restoreInto fills a PostgreSQL database from the tables that lie in a folder
// which is about to become the data directory. A file of SQLite is there by lying
// there.
func (c *console) restoreInto(ctx context.Context, dir string) error {
	file := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	restored := &console{data: dir, chosen: c.chosen}
	config, err := restored.configured()
	if err != nil {
		return err
	}
	if config.onSQLite() {
		return store.CheckBackup(ctx, file, databaseRooms()...)
	}
	where, err := config.tables(dir)
	if err != nil {
		return err
	}
	if err := store.Restore(ctx, where, file, databaseRooms()...); err != nil {
		return err
	}
	return os.Remove(file)
}

// evidencePart is the files of incidents. What is still coming in belongs to
// nothing yet.
func (c *console) evidencePart() backup.Part {
	return backup.Part{Name: evidenceFolder, Snapshot: func(ctx context.Context, to *backup.Writer) error {
		folders, err := os.ReadDir(filepath.Join(c.data, evidenceFolder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, f := range folders {
			if !store.IsBlobFolder(f.Name()) {
				continue
			}
			if err := backup.Files(evidenceFolder, c.data, path.Join(evidenceFolder, f.Name())).Snapshot(ctx, to); err != nil {
				return err
			}
		}
		return nil
	}}
}
