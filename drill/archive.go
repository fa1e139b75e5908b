package drill

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// WriteArchive writes the files as a compressed tarball. Nothing in it depends
// on where and when it is made.
func WriteArchive(w io.Writer, files []File) (err error) {
	// One goroutine: with more, blocks are cut by chance.
	packer, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return fmt.Errorf("compress archive: %w", err)
	}
	defer func() { err = errors.Join(err, packer.Close()) }()
	archive := tar.NewWriter(packer)
	for _, f := range files {
		head := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.Name, Size: int64(len(f.Text)), Mode: 0o644,
			ModTime: midnight.AddDate(0, 0, 1), Uname: "tocsin", Gname: "tocsin", Format: tar.FormatPAX,
		}
		if err := archive.WriteHeader(head); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
		if _, err := archive.Write(f.Text); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	return archive.Close()
}
