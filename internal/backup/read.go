package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"tocsin/internal/fault"
)

// unpacked is where the files of a backup go.
type unpacked interface {
	// create returns where a file's content is written to.
	create(name string) (io.WriteCloser, error)
}

// Verify reads a whole backup and compares it with its manifest, without writing
// anything. The error names the part that is truncated or altered.
func Verify(ctx context.Context, from io.Reader) (Manifest, error) { return read(ctx, from, nowhere{}) }

// window bounds what the compressor's format may make a reader hold: what Write
// makes needs 4 MiB.
const window = 16 << 20

func read(ctx context.Context, from io.Reader, to unpacked) (Manifest, error) {
	plain, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(window))
	if err != nil {
		return Manifest{}, fmt.Errorf("this is no backup: %w: %w", err, fault.Invalid)
	}
	defer plain.Close()
	r := &reader{tar: tar.NewReader(plain), to: to, within: "its beginning"}
	m, err := r.all(ctx)
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, fault.Invalid), errors.Is(err, fault.Conflict), errors.As(err, new(writeError)):
		return m, err
	}
	return m, fmt.Errorf("the backup is truncated or altered in %s: %w: %w", r.within, err, fault.Invalid)
}

// writeError is an error of where files go, not of the backup.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// reader reads the entries of a backup.
type reader struct {
	tar    *tar.Reader
	to     unpacked
	seen   Manifest
	files  int
	within string // what is being read, for errors
}

// all reads everything to the end.
func (r *reader) all(ctx context.Context) (Manifest, error) {
	text, err := r.expect(aboutName)
	if err != nil {
		return Manifest{}, err
	}
	about, err := readAbout(text)
	if err != nil {
		return Manifest{}, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return Manifest{}, err
		}
		h, err := r.tar.Next()
		switch {
		case errors.Is(err, io.EOF):
			return Manifest{}, errors.New("it has no manifest at its end")
		case err != nil:
			return Manifest{}, err
		case h.Name == manifestName:
			return r.end(about, h)
		}
		if err := r.file(h); err != nil {
			return Manifest{}, err
		}
	}
}

// expect reads a small entry that has to come next.
func (r *reader) expect(name string) ([]byte, error) {
	h, err := r.tar.Next()
	if err != nil {
		return nil, err
	}
	if h.Name != name {
		return nil, fmt.Errorf("this is no backup of tocsin: %w", fault.Invalid)
	}
	return r.small(h)
}

func (r *reader) small(h *tar.Header) ([]byte, error) {
	if h.Size > maxManifest {
		return nil, fmt.Errorf("%s has %d bytes: %w", h.Name, h.Size, fault.Invalid)
	}
	return io.ReadAll(r.tar)
}

// end reads the manifest and compares.
func (r *reader) end(about About, h *tar.Header) (m Manifest, err error) {
	r.within = "its manifest"
	text, err := r.small(h)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if m.About != about {
		return m, fmt.Errorf("its beginning and its manifest are not of one backup: %w", fault.Invalid)
	}
	if err := m.compare(&r.seen); err != nil {
		return m, err
	}
	if _, err := r.tar.Next(); !errors.Is(err, io.EOF) {
		return m, errors.New("something follows its manifest")
	}
	return m, nil
}

// file reads one file of a part.
func (r *reader) file(h *tar.Header) error {
	part, name, _ := strings.Cut(h.Name, "/")
	if h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name) || !filepath.IsLocal(filepath.FromSlash(name)) || part == "" {
		return fmt.Errorf("%.100q is no file of a backup: %w", h.Name, fault.Invalid)
	}
	if r.files++; r.files > maxFiles {
		return fmt.Errorf("more than %d files: %w", maxFiles, fault.Invalid)
	}
	r.within = fmt.Sprintf("part %s (%s)", part, name)
	to, err := r.to.create(name)
	if err != nil {
		return writeError{err}
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(sum, failing{to}), r.tar)
	if closed := to.Close(); closed != nil {
		err = errors.Join(err, writeError{closed})
	}
	if err != nil {
		return err
	}
	r.add(part, File{Path: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// failing makes errors of writing known as such.
type failing struct{ io.Writer }

func (f failing) Write(p []byte) (int, error) {
	n, err := f.Writer.Write(p)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}

func (r *reader) add(part string, f File) {
	parts := r.seen.Parts
	if n := len(parts); n == 0 || parts[n-1].Name != part {
		for i := range parts {
			if parts[i].Name == part {
				parts[i].Files = append(parts[i].Files, f)
				return
			}
		}
		r.seen.Parts = append(r.seen.Parts, PartFiles{Name: part})
	}
	last := &r.seen.Parts[len(r.seen.Parts)-1]
	last.Files = append(last.Files, f)
}

// nowhere keeps nothing.
type nowhere struct{}

func (nowhere) create(string) (io.WriteCloser, error) { return discard{io.Discard}, nil }

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// folder keeps files below a folder, and never outside it.
type folder struct{ root *os.Root }

func (f folder) create(name string) (io.WriteCloser, error) {
	if dir := path.Dir(name); dir != "." {
		if err := f.root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
			return nil, err
		}
	}
	file, err := f.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return synced{file}, nil
}

// synced is a file that is on disk once it is closed.
type synced struct{ *os.File }

func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }
