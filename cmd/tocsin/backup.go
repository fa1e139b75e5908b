package main

import (
	"context"
	"errors"
	"fmt"
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
		files, bytes = files+len(p.Files), bytes+p.Bytes()
		fmt.Fprintf(&lines, "  %-14s  %6d files  %10s\n", output.Plain(p.Name), len(p.Files), output.ByteSize(uint64(p.Bytes())))
	}
	_, err := fmt.Fprintf(c.out, "%s.\nMade %s by %s of %d files, %s.\n%s", output.Plain(head), m.Created.Format(time.RFC3339), output.Plain(m.Program), files, output.ByteSize(uint64(bytes)), lines.String())
	return err
}
