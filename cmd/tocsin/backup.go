package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/internal/backup"
	"tocsin/internal/datadir"
	"tocsin/internal/lockfile"
	"tocsin/internal/output"
)

type backupCmd struct {
	asking
	File string `arg:"" help:"File to write; it must not exist."`
}

// Run writes a backup, of a running node or of a data directory that nobody
// uses. The file is whole and verified, or not there.
func (b *backupCmd) Run(ctx context.Context, c *console) error {
	asked, err := b.client()
	if err != nil {
		return err
	}
	m, err := keepBackup(ctx, b.File, func(to *os.File) error {
		if asked != nil {
			return asked.Fetch(ctx, "/api/v1/backup", to)
		}
		return c.backupStopped(ctx, to)
	})
	if err != nil {
		return err
	}
	info, err := os.Stat(b.File)
	if err != nil {
		return err
	}
	return writeManifest(c, fmt.Sprintf("%s: %s, verified", b.File, output.ByteSize(uint64(info.Size()))), &m)
}

// backupStopped writes a backup of a data directory that no node has.
func (c *console) backupStopped(ctx context.Context, to *os.File) (err error) {
	lock, err := c.alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return c.writeBackup(ctx, nil, to)
}

// alone takes the data directory, which must be there. The error says who has it.
func (c *console) alone() (*lockfile.Lock, error) {
	if _, err := os.Stat(c.data); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	lock, err := lockfile.Take(filepath.Join(c.data, datadir.LockName))
	if err != nil {
		return nil, err
	}
	return lock, lock.Say(fmt.Sprintf("process %d, which copies or checks it", os.Getpid()))
}

// writeManifest prints what is in a backup.
func writeManifest(c *console, head string, m *backup.Manifest) error {
	files, bytes := 0, int64(0)
	var lines strings.Builder
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Name == databasePartName && len(p.Files) == 0 {
			lines.WriteString("  no database: one of PostgreSQL is backed up by its own tools, such as pg_dump\n")
			continue
		}
		files, bytes = files+len(p.Files), bytes+p.Bytes()
		fmt.Fprintf(&lines, "  %-14s  %6d files  %10s\n", output.Plain(p.Name), len(p.Files), output.ByteSize(uint64(p.Bytes())))
	}
	_, err := fmt.Fprintf(c.out, "%s.\nMade %s by %s of %d files, %s.\n%s", output.Plain(head), m.Created.Format(time.RFC3339), output.Plain(m.Program), files, output.ByteSize(uint64(bytes)), lines.String())
	return err
}

type restoreCmd struct {
	File  string `arg:"" help:"File that 'backup' wrote."`
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
	if r.Check {
		m, err := backup.Verify(ctx, file)
		if err != nil {
			return fmt.Errorf("%s: %w", r.File, err)
		}
		return writeManifest(c, r.File+" is whole", &m)
	}
	if _, err := os.Stat(c.data); !errors.Is(err, fs.ErrNotExist) {
		lock, err := c.alone()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
	}
	done, err := backup.Restore(ctx, file, backup.Into{Dir: c.data, Force: r.Force, Layout: c.layout(nil), Parts: c.parts(nil), Now: time.Now()})
	if err != nil {
		return fmt.Errorf("%s: %w", r.File, err)
	}
	if done.Aside != "" {
		fmt.Fprintf(c.err, "tocsin: what was in %s is now in %s\n", output.Plain(c.data), output.Plain(done.Aside))
	}
	return writeManifest(c, c.data+" is restored from "+r.File, &done.Manifest)
}
