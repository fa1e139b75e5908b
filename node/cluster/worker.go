package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// worker takes blocks into its journal.
type worker struct {
	cluster   *Cluster
	who       bus.Worker
	positions *positions
}

func (c *Cluster) openWorker(ctx context.Context) (*worker, error) {
	if err := os.MkdirAll(filepath.Join(c.config.Dir, asideFolder), 0o700); err != nil {
		return nil, err
	}
	id, err := identity(c.config.Dir)
	if err != nil {
		return nil, err
	}
	w := &worker{cluster: c, who: bus.Worker{Name: c.config.Name, ID: id}}
	if err := w.tryAside(ctx); err != nil {
		return nil, err
	}
	w.positions, err = openPositions(c.config.Dir, c.stream.Made())
	return w, err
}

func (w *worker) close() {
	if err := w.positions.close(); err != nil {
		w.cluster.log.Warn("positions could not be closed", slog.String("reason", err.Error()))
	}
}

const identityFile = "id"

// identity returns who keeps its things in the folder, which is made known to
// it once.
func identity(dir string) (string, error) {
	path := filepath.Join(dir, identityFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(text) == 0) {
		id := rand.Text()
		return id, os.WriteFile(path, []byte(id+"\n"), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

// take puts a message into the journal and notes it: the less there is between
// the two, the less is counted twice after a crash.
func (w *worker) take(ctx context.Context, m bus.Message) error {
	if w.positions.had(m) {
		w.cluster.again.Add(1)
		return nil
	}
	if err := w.keep(ctx, m); err != nil {
		return err
	}
	if err := w.positions.note(m); err != nil {
		// The block is safe; only a crash now would count it twice.
		w.cluster.log.Warn("what was taken is not noted", slog.String("reason", err.Error()))
	}
	return nil
}

func (w *worker) keep(ctx context.Context, m bus.Message) error {
	block, err := w.cluster.decode(m.Data)
	if err != nil {
		return w.putAside(m, err)
	}
	if err := w.accept(ctx, block); err != nil {
		if errors.Is(err, fault.Invalid) {
			return w.putAside(m, err)
		}
		return err
	}
	return nil
}

func (w *worker) accept(ctx context.Context, block *telemetry.Block) error {
	if err := w.cluster.config.Accept(ctx, block); err != nil {
		return err
	}
	w.cluster.taken.Add(1)
	return nil
}

const (
	asideFolder = "aside"
	// maxAside bounds what is kept aside. Beyond it the worker takes no more
	// of that partition, so that somebody looks.
	maxAside = 1 << 30
)

// putAside keeps what this version cannot read: damaged, of a newer version,
// or published by another program. It is tried again at the next start.
func (w *worker) putAside(m bus.Message, cause error) error {
	dir := filepath.Join(w.cluster.config.Dir, asideFolder)
	used, err := folderBytes(dir)
	if err != nil {
		return err
	}
	if used+int64(len(m.Data)) > maxAside {
		return fmt.Errorf("%s is full of blocks that cannot be read; look at them, or start a newer tocsin, which tries them again: %w", dir, cause)
	}
	name := fmt.Sprintf("%04d-%020d-%d", m.Partition, m.Sequence, m.Published.UnixNano())
	if err := writeFile(filepath.Join(dir, name), m.Data); err != nil {
		return fmt.Errorf("keep a block aside: %w", err)
	}
	w.cluster.aside.Add(1)
	w.cluster.log.Error("a block cannot be read and is kept aside", slog.String("file", name), slog.String("reason", cause.Error()))
	return nil
}

func folderBytes(dir string) (int64, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	bytes := int64(0)
	for _, entry := range list {
		info, err := entry.Info()
		if err != nil {
			return 0, err
		}
		bytes += info.Size()
	}
	return bytes, nil
}

// writeFile writes a file that is on disk when it returns.
func writeFile(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// tryAside takes what was kept aside and can be read now.
func (w *worker) tryAside(ctx context.Context) error {
	dir := filepath.Join(w.cluster.config.Dir, asideFolder)
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range list {
		path := filepath.Join(dir, entry.Name())
		wire, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		block, err := w.cluster.decode(wire)
		if err != nil {
			continue
		}
		if err := w.accept(ctx, block); errors.Is(err, fault.Invalid) {
			continue
		} else if err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}
