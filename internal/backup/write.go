package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Writer takes the files of the part that is being written.
type Writer struct {
	tar      *tar.Writer
	created  time.Time
	manifest *Manifest
}

// Write writes a backup of parts, one after the other, and returns what is in
// it. What was written before an error is no backup, and is told so by its
// missing end.
func Write(ctx context.Context, to io.Writer, about About, parts []Part) (m Manifest, err error) {
	about.Backup = version
	about.Created = about.Created.UTC().Truncate(time.Second)
	m.About = about
	// What is large is compressed already, so speed counts.
	packed, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	w := &Writer{tar: tar.NewWriter(packed), created: about.Created, manifest: &m}
	if err := w.write(ctx, parts); err != nil {
		return m, errors.Join(err, packed.Close())
	}
	if err := errors.Join(w.tar.Close(), packed.Close()); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	return m, nil
}

func (w *Writer) write(ctx context.Context, parts []Part) error {
	if err := w.json(aboutName, w.manifest.About); err != nil {
		return err
	}
	for _, p := range parts {
		w.manifest.Parts = append(w.manifest.Parts, PartFiles{Name: p.Name, Files: []File{}})
		if err := p.Snapshot(ctx, w); err != nil {
			return fmt.Errorf("backup of part %s: %w", p.Name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return w.json(manifestName, w.manifest)
}

// File writes a file of the part under its path below the data directory, with
// slashes. It reads exactly size bytes and fails when there are fewer.
func (w *Writer) File(name string, from io.Reader, size int64) error {
	part := &w.manifest.Parts[len(w.manifest.Parts)-1]
	if err := w.head(path.Join(part.Name, name), size); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(w.tar, sum), from, size); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	part.Files = append(part.Files, File{Path: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// Bytes writes a file of the part that is held in memory.
func (w *Writer) Bytes(name string, content []byte) error {
	return w.File(name, bytes.NewReader(content), int64(len(content)))
}

func (w *Writer) head(name string, size int64) error {
	err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: w.created, Format: tar.FormatPAX})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// json writes what is no part's.
func (w *Writer) json(name string, of any) error {
	text, err := json.Marshal(of)
	if err != nil {
		return err
	}
	if err := w.head(name, int64(len(text))); err != nil {
		return err
	}
	if _, err = w.tar.Write(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
