package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/backup"
	"tocsin/internal/datadir"
	"tocsin/internal/disk"
	"tocsin/knowledge"
	"tocsin/node"
)

// dataFormat is the format of the data directory that this version writes. Who
// raises it adds the step from the one before to dataSteps.
const dataFormat = 1

// dataSteps are how older data directories are brought up to date.
func dataSteps() []datadir.Step { return nil }

// The folders and files of the data directory that are not the node's.
const (
	rulesFolder      = "rules"
	indicatorsFolder = "indicators"
	intakeFolder     = "intake"
	clusterFolder    = "cluster"
	acmeFolder       = "acme"
	evidenceFolder   = "evidence" // files of incidents, as store.Blobs keeps them
	playbooksFolder  = "playbooks"
	backupsFolder    = "backups" // made before a data directory is brought up to date
)

// backupTime is how the time stands in the names of files in backupsFolder.
const backupTime = "20060102T150405.000Z"

// layout is what this version knows of data directories.
func (c *console) layout(log *slog.Logger) *datadir.Layout {
	return &datadir.Layout{
		Version: dataFormat, Program: programName(), Steps: dataSteps(), Log: log,
		Backup: func(ctx context.Context, from datadir.Format) error { return c.backupBefore(ctx, from, log) },
	}
}

// parts are what a data directory holds. Of a running node the memory is
// written as of one moment, after all that counts how far something was read:
// what is behind is read again, what is ahead would be lost. Where nothing runs,
// memory is files like the rest.
func (c *console) parts(running *node.Node) []backup.Part {
	memory := backup.Files("memory", c.data, node.MemoryFolder, node.FindingsFolder)
	if running != nil {
		memory.Snapshot = running.Snapshot
	}
	return []backup.Part{
		backup.Files("configuration", c.data, configName, datadir.FileName, tokensFile, tokensFile+".used"), // tokens that were not moved into the database yet
		c.databasePart(),
		c.evidencePart(), // after the database: what its rows name was there before them
		held(backup.Files("rules", c.data, rulesFolder), c.library()),
		backup.Files("indicators", c.data, indicatorsFolder),
		backup.Files("certificates", c.data, acmeFolder),
		backup.Files("intake", c.data, intakeFolder),
		backup.Files("plans", c.data, playbooksFolder, regimesFolder),
		backup.Files("cluster", c.data, clusterFolder),
		backup.Files("alliance", c.data, identityFolder, uplinksFolder, filepath.Join(hubFolder, "keys"), filepath.Join(hubFolder, "members"), piecesFolder),
		memory,
	}
}

// held makes a part's rules stay as they are while they are written: a set is
// many files.
func held(p backup.Part, rules *knowledge.Library) backup.Part {
	write := p.Snapshot
	p.Snapshot = func(ctx context.Context, to *backup.Writer) error {
		return rules.Hold(func() error { return write(ctx, to) })
	}
	return p
}

// about is what a backup made now says of itself.
func (c *console) about() (backup.About, error) {
	format, err := datadir.Read(c.data)
	return backup.About{Program: programName(), Format: max(format.Version, 1), Created: time.Now()}, err
}

// writeBackup writes a backup of the data directory.
func (c *console) writeBackup(ctx context.Context, running *node.Node, to io.Writer) error {
	about, err := c.about()
	if err != nil {
		return err
	}
	_, err = backup.Write(ctx, to, about, c.parts(running))
	return err
}

// backupBefore makes a backup in the data directory itself, before it is brought
// up to date.
func (c *console) backupBefore(ctx context.Context, from datadir.Format, log *slog.Logger) error {
	dir := filepath.Join(c.data, backupsFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := fmt.Sprintf("format-%d-%s.tocsin", from.Version, time.Now().UTC().Format(backupTime))
	path := filepath.Join(dir, name)
	if _, err := keepBackup(ctx, path, func(to *os.File) error { return c.writeBackup(ctx, nil, to) }); err != nil {
		return err
	}
	if log != nil {
		log.Info("the data directory was backed up before it is brought up to date", slog.String("file", path))
	}
	return nil
}

// keepBackup makes a file that must not exist, verifies what was written into
// it, and only then gives it its name.
func keepBackup(ctx context.Context, path string, write func(to *os.File) error) (m backup.Manifest, err error) {
	if _, err := os.Lstat(path); err == nil {
		return m, fmt.Errorf("%s exists: name another file, or remove it", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".tocsin-backup-") // mode 0600
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		_, err = file.Seek(0, 0)
	}
	if err == nil {
		m, err = backup.Verify(ctx, file)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	return m, disk.SyncFolder(filepath.Dir(path))
}
