package knowledge

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/klauspost/compress/zstd"

	"tocsin/internal/fault"
)

// headSize is how much of a file tells which archive it is: a tar header.
const headSize = 512

// maxExpansion bounds what is unpacked of a compressed archive, files that are
// passed over included: reading on would cost time for nothing.
const maxExpansion = 2 << 30

// archiveReader returns what reads the archive that begins with head, nil when
// it is none.
func archiveReader(head []byte) func(path string, u *unpacker) error {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return readZip
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return compressed(func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return compressed(openZstd)
	case len(head) == headSize && bytes.HasPrefix(head[257:], []byte("ustar")):
		return compressed(func(r io.Reader) (io.Reader, error) { return r, nil })
	}
	return nil
}

func openZstd(r io.Reader) (io.Reader, error) {
	const window = 128 << 20 // what "zstd --long" may ask for
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// compressed reads a tar archive through what opens its compression.
func compressed(open func(io.Reader) (io.Reader, error)) func(string, *unpacker) error {
	return func(path string, u *unpacker) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		r, err := open(f)
		if err != nil {
			return damaged(err)
		}
		if c, ok := r.(io.Closer); ok && r != io.Reader(f) {
			defer func() { _ = c.Close() }()
		}
		return readTar(tar.NewReader(&boundedReader{r: r, left: maxExpansion}), u)
	}
}

func readTar(t *tar.Reader, u *unpacker) error {
	for {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		switch header.Typeflag {
		case tar.TypeReg:
			err = u.file(header.Name, t)
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			err = u.link(header.Name)
		}
		if err != nil {
			return err
		}
	}
}

func readZip(path string, u *unpacker) error {
	z, err := zip.OpenReader(path)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // checkPath names the entry
		return damaged(err)
	}
	defer func() { _ = z.Close() }()
	for _, entry := range z.File {
		mode := entry.Mode()
		if mode.IsDir() {
			continue
		}
		if !mode.IsRegular() {
			return u.link(entry.Name)
		}
		if err := zipFile(entry, u); err != nil {
			return err
		}
	}
	return nil
}

func zipFile(entry *zip.File, u *unpacker) error {
	r, err := entry.Open()
	if err != nil {
		return damaged(err)
	}
	defer func() { _ = r.Close() }()
	return u.file(entry.Name, r)
}

func damaged(err error) error {
	if errors.Is(err, fault.Invalid) {
		return err
	}
	return fmt.Errorf("the archive is damaged: %w: %w", err, fault.Invalid)
}

// boundedReader ends with an error where LimitReader would pretend the end.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes: %w", int64(maxExpansion), fault.Invalid)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
