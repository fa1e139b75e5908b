package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"tocsin/internal/fault"
)

// Sum is the SHA-256 of a blob's content in lower-case hexadecimal: its name.
type Sum string

// ParseSum reads a name that came from outside; the error is fault.Invalid.
func ParseSum(text string) (Sum, error) {
	if raw, err := hex.DecodeString(text); err != nil || len(raw) != sha256.Size || strings.ToLower(text) != text {
		return "", invalid("not the SHA-256 of a file")
	}
	return Sum(text), nil
}

// Blobs are files kept by the hash of their content, in one folder. They may be
// used concurrently, and by one process at a time. The same content is kept
// once. A blob is there whole or not at all, and never changes.
type Blobs struct{ dir string }

// incoming is the folder of what is not whole yet.
const incoming = "incoming"

// OpenBlobs opens the folder, which is made when it is not there, and removes
// what a process that died had not finished.
func OpenBlobs(dir string) (*Blobs, error) {
	unfinished := filepath.Join(dir, incoming)
	err := os.RemoveAll(unfinished)
	if err == nil {
		err = os.MkdirAll(unfinished, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("files: %w", explainFile(err))
	}
	return &Blobs{dir}, nil
}

// Put reads a file to its end and keeps it; when it returns the file is on disk.
// The error is fault.Invalid when there are more bytes than the limit,
// fault.Unavailable when the disk is full; then nothing is kept.
func (b *Blobs) Put(ctx context.Context, from io.Reader, limit int64) (sum Sum, size int64, err error) {
	file, err := os.CreateTemp(filepath.Join(b.dir, incoming), "") // mode 0600
	if err != nil {
		return "", 0, fmt.Errorf("keep a file: %w", explainFile(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(file, hash), io.LimitReader(whileWanted{ctx, from}, limit+1))
	if err == nil && size > limit {
		err = fmt.Errorf("it is longer than %d bytes: %w", limit, fault.Invalid)
	}
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return "", 0, fmt.Errorf("keep a file: %w", explainFile(err))
	}
	sum = Sum(hex.EncodeToString(hash.Sum(nil)))
	if err := b.settle(file.Name(), sum); err != nil {
		return "", 0, fmt.Errorf("keep a file: %w", explainFile(err))
	}
	return sum, size, nil
}

// whileWanted stops reading when nobody waits for it any more.
type whileWanted struct {
	ctx  context.Context //nolint:containedctx // lives as long as the call that has it
	from io.Reader
}

func (w whileWanted) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.from.Read(p)
}

// settle gives a whole file its name, and the name to the disk.
func (b *Blobs) settle(from string, sum Sum) error {
	place := b.path(sum)
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return err
	}
	if err := os.Rename(from, place); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(place)), syncDir(b.dir))
}

func (b *Blobs) path(sum Sum) string { return filepath.Join(b.dir, string(sum[:2]), string(sum[2:])) }

// Open returns a blob's content. The error is fault.NotFound when it is not
// there.
func (b *Blobs) Open(sum Sum) (*os.File, error) {
	if _, err := ParseSum(string(sum)); err != nil {
		return nil, err
	}
	file, err := os.Open(b.path(sum))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", sum, explainFile(err))
	}
	return file, nil
}

// Verify reads a blob and compares it with its name. The error is
// fault.NotFound when it is not there, and *DamagedError when it has changed.
func (b *Blobs) Verify(ctx context.Context, sum Sum) error {
	file, err := b.Open(sum)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, whileWanted{ctx, file}); err != nil {
		return fmt.Errorf("file %s: %w", sum, err)
	}
	if found := Sum(hex.EncodeToString(hash.Sum(nil))); found != sum {
		return &DamagedError{sum, found}
	}
	return nil
}

// DamagedError says that a blob is not what it was.
type DamagedError struct{ Sum, Found Sum }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("file %s has changed: its SHA-256 is %s now", e.Sum, e.Found)
}

// Remove removes a blob, if it is there.
func (b *Blobs) Remove(sum Sum) error {
	if _, err := ParseSum(string(sum)); err != nil {
		return err
	}
	if err := os.Remove(b.path(sum)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("file %s: %w", sum, err)
	}
	return nil
}

// All yields every blob there is, in the order of their names, or an error that
// ends it: for backups and for finding those that nobody refers to.
func (b *Blobs) All() iter.Seq2[Sum, error] {
	return func(yield func(Sum, error) bool) {
		folders, err := os.ReadDir(b.dir)
		if err != nil {
			yield("", explainFile(err))
			return
		}
		for _, folder := range folders {
			if IsBlobFolder(folder.Name()) && !b.folder(folder.Name(), yield) {
				return
			}
		}
	}
}

// IsBlobFolder reports whether a folder below that of the blobs is one that holds
// whole ones, for who copies them while others add to them.
func IsBlobFolder(name string) bool { return len(name) == 2 }

func (b *Blobs) folder(name string, yield func(Sum, error) bool) bool {
	files, err := os.ReadDir(filepath.Join(b.dir, name))
	if err != nil {
		return yield("", explainFile(err))
	}
	for _, file := range files {
		if sum, err := ParseSum(name + file.Name()); err == nil && !yield(sum, nil) {
			return false
		}
	}
	return true
}

// syncDir makes the names in a folder last. Not every system can.
func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = folder.Sync()
	return folder.Close()
}
