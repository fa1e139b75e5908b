package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"tocsin/internal/backup"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/memory/journal"
)

// The folders and files of a node below its data directory.
const (
	MemoryFolder   = "memory"
	FindingsFolder = "findings"
	ingestedFile   = "ingested" // in the memory's
)

// SnapshotPrefix begins the name of a folder of the data directory that a backup
// needs while it is written; one that a crash left is removed by Open.
const SnapshotPrefix = "snapshot-"

// Snapshot writes memory and findings as of one moment, while Run goes on. Of
// every event that was acknowledged before, the node that is opened from it has
// each once in ledger, archive and findings.
func (n *Node) Snapshot(ctx context.Context, to *backup.Writer) (err error) {
	s, err := n.capture(ctx)
	defer func() { err = errors.Join(err, s.close()) }()
	if err != nil {
		return err
	}
	return s.write(ctx, to)
}

// captured is a node as it was at one moment. What it refers to stays as it is
// until it is closed.
type captured struct {
	folder   string // of the ledger's checkpoint; "" while there is none
	archive  *archive.Snapshot
	findings *journal.Snapshot
	journal  *journal.Snapshot
	acts     []byte   // what was done by whom
	holds    []byte   // what cases hold
	ingested *os.File // nil when nothing was
	known    int64    // how much of it
}

// capture holds everything as it is now. The order is what makes it fit
// together: the journal comes last and is not given back meanwhile, so it has
// every entry that archive or ledger do not have yet, and no cursor lies beyond
// its end; findings come after the ledger, as they are kept before an entry goes
// there.
func (n *Node) capture(ctx context.Context) (s *captured, err error) {
	s = &captured{}
	n.trimming.Lock()
	defer n.trimming.Unlock()
	if s.archive, err = n.memory.Archive.Snapshot(); err != nil {
		return s, err
	}
	if s.folder, err = os.MkdirTemp(n.config.Dir, SnapshotPrefix); err != nil {
		return s, err
	}
	if _, err = n.memory.Ledger.Checkpoint(ctx, filepath.Join(s.folder, memory.LedgerFolder)); err != nil {
		return s, err
	}
	if s.findings, err = n.findings.log.Snapshot(); err != nil {
		return s, err
	}
	if err = s.holdIngested(n.ingestedPath()); err != nil {
		return s, err
	}
	if s.holds, s.acts, err = n.memory.Papers(); err != nil {
		return s, err
	}
	s.journal, err = n.memory.Journal.Snapshot()
	return s, err
}

func (n *Node) ingestedPath() string { return filepath.Join(n.config.Dir, MemoryFolder, ingestedFile) }

// holdIngested holds the list of what was ingested, which only grows.
func (s *captured) holdIngested(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	s.ingested = file
	info, err := file.Stat()
	if err == nil {
		s.known = info.Size()
	}
	return err
}

// write writes what was captured.
func (s *captured) write(ctx context.Context, to *backup.Writer) error {
	for _, j := range [...]struct {
		folder string
		of     *journal.Snapshot
	}{{FindingsFolder, s.findings}, {path.Join(MemoryFolder, memory.JournalFolder), s.journal}} {
		for i := range j.of.Segments {
			f := &j.of.Segments[i]
			if err := to.File(path.Join(j.folder, f.Name), f.Reader(), f.Size); err != nil {
				return err
			}
		}
	}
	for _, f := range [...]struct {
		name string
		text []byte
	}{{memory.HoldsFile, s.holds}, {memory.ActsFile, s.acts}} {
		if len(f.text) == 0 {
			continue
		}
		if err := to.Bytes(path.Join(MemoryFolder, f.name), f.text); err != nil {
			return err
		}
	}
	if s.ingested != nil {
		name := path.Join(MemoryFolder, ingestedFile)
		if err := to.File(name, io.NewSectionReader(s.ingested, 0, s.known), s.known); err != nil {
			return err
		}
	}
	if err := s.writeLedger(ctx, to); err != nil {
		return err
	}
	return s.writeArchive(ctx, to)
}

func (s *captured) writeLedger(ctx context.Context, to *backup.Writer) error {
	return fs.WalkDir(os.DirFS(s.folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || entry.IsDir() {
			return err
		}
		return to.Copy(path.Join(MemoryFolder, name), filepath.Join(s.folder, filepath.FromSlash(name)))
	})
}

func (s *captured) writeArchive(ctx context.Context, to *backup.Writer) error {
	folder := path.Join(MemoryFolder, memory.ArchiveFolder)
	if err := to.Bytes(path.Join(folder, archive.ManifestName), s.archive.Manifest); err != nil {
		return err
	}
	for _, file := range s.archive.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := to.Copy(path.Join(folder, archive.SegmentsFolder, file), s.archive.Path(file)); err != nil {
			return err
		}
	}
	return nil
}

func (s *captured) close() error {
	var errs []error
	if s.archive != nil {
		s.archive.Close()
	}
	for _, j := range [...]*journal.Snapshot{s.findings, s.journal} {
		if j != nil {
			errs = append(errs, j.Close())
		}
	}
	if s.ingested != nil {
		errs = append(errs, s.ingested.Close())
	}
	if s.folder != "" {
		errs = append(errs, os.RemoveAll(s.folder))
	}
	return errors.Join(errs...)
}

// sweep removes what snapshots left that a crash broke off.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, SnapshotPrefix+"*"))
	if err != nil {
		return err
	}
	for _, folder := range left {
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("what a broken backup left: %w", err)
		}
	}
	return nil
}
