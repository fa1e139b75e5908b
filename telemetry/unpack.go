package telemetry

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Bounds on archives, so that a small file cannot unpack without end.
const (
	// maxNesting is how many archives may stand in one another: logs.zip →
	// host.tar.gz is three.
	maxNesting = 5
	// maxMembers bounds the files of one tar.
	maxMembers = 1 << 20
	// maxDirectory bounds what of a zip is read to list its files, all of which
	// are kept until it is closed: some 120,000 of them, in 60 MB.
	maxDirectory = 16 << 20
	// freeUnpacked may be unpacked from any input; beyond it the content may be
	// at most maxRatio times the input. Real logs compress 5 to 100 times.
	freeUnpacked = 1 << 30
	maxRatio     = 500
	// maxWindow bounds the memory a zstd stream may ask for.
	maxWindow = 64 << 20
	// maxHeld bounds the zips inside archives and from pipes, one in another,
	// which have to be held in memory because a zip's directory stands at its
	// end. A watch is to stay below 200 MB.
	maxHeld = 64 << 20
)

// The reasons for what is not unpacked.
const (
	reasonBomb    = "archive unpacks to more than it may (limit 500 times its size): not read further"
	reasonNested  = "archive nested too deeply (limit 5): not read"
	reasonMembers = "archive has more than 1,048,576 files: not read further"
	// Its list stands at its end, so there is no reading the first of them.
	reasonZipMembers = "zip archive lists too many files (limit 16 MiB of names), unpack it first: not read"
	reasonPacked     = "compressed data is damaged: not read further"
	reasonZip        = "zip archive cannot be read"
	reasonBigZip     = "zip archive inside another or from a pipe is larger than 64 MiB, unpack it first: not read"
)

var (
	errBomb    = errors.New(reasonBomb)
	errMembers = errors.New(reasonZipMembers)
)

// meter counts what is read of an input as stored, and bounds what may be made
// of it.
type meter struct {
	r      io.Reader
	stored int64
	made   int64
	told   int64 // of stored, already added to the progress
	held   int64 // bytes of archives that are held in memory now
	// written is when what is read now was written.
	written time.Time
	// stopped returns why reading is to end, nil while it goes on: a bomb may
	// unpack for long without a record that could be handed on.
	stopped func() error
}

// tell adds what was read since the last time to the progress.
func (m *meter) tell(done *atomic.Uint64) {
	done.Add(uint64(m.stored - m.told))
	m.told = m.stored
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.stopped(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	m.stored += int64(n)
	return n, err
}

// unpacked passes an unpacked stream on and stops a bomb.
type unpacked struct {
	r io.Reader
	m *meter
}

func (u *unpacked) Read(p []byte) (int, error) {
	if err := u.m.stopped(); err != nil {
		return 0, err
	}
	n, err := u.r.Read(p)
	u.m.made += int64(n)
	if u.m.made > freeUnpacked && u.m.made/maxRatio > u.m.stored {
		return 0, errBomb
	}
	return n, err
}

// headSize is how much of a source is looked at to recognise it.
const headSize = 64 << 10

// newHeads makes the pool of buffers that sources are looked at through: an
// archive may hold a million files of a few bytes.
func newHeads() *sync.Pool {
	return &sync.Pool{New: func() any { return bufio.NewReaderSize(nil, headSize) }}
}

// unpack looks at a stream and reads every source in it: itself, or what the
// archive holds.
func (r *Reader) unpack(name string, in io.Reader, m *meter, depth int) error {
	buffered := r.heads.Get().(*bufio.Reader)
	buffered.Reset(in)
	defer func() {
		buffered.Reset(nil)
		r.heads.Put(buffered)
	}()
	head, err := buffered.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errIdle) && len(head) == 0 {
		if depth == 0 {
			return r.problem(name, readProblem(err, 0))
		}
		return r.problem(name, packedProblem(err))
	}
	kind := packing(head)
	if kind != "" && depth >= maxNesting {
		return r.problem(name, Problem{Reason: reasonNested, Count: 1})
	}
	switch kind {
	case "gzip":
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return r.problem(name, packedProblem(err))
		}
		return r.unpack(strings.TrimSuffix(name, ".gz"), &unpacked{z, m}, m, depth+1)
	case "zstd":
		z, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return r.problem(name, packedProblem(err))
		}
		defer z.Close()
		return r.unpack(strings.TrimSuffix(name, ".zst"), &unpacked{z, m}, m, depth+1)
	case "bzip2":
		return r.unpack(strings.TrimSuffix(name, ".bz2"), &unpacked{bzip2.NewReader(buffered), m}, m, depth+1)
	case "tar":
		return r.untar(name, buffered, m, depth+1)
	case "zip":
		return r.unzip(name, in, buffered, m, depth+1)
	case "utf16":
		text := transform.NewReader(buffered, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
		return r.source(name, bufio.NewReaderSize(text, headSize), m)
	}
	return r.source(name, buffered, m)
}

// packing recognises an archive, a compression or an encoding by its first bytes.
func packing(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case bytes.HasPrefix(head, []byte("BZh")) && len(head) > 10 && bytes.Equal(head[4:10], []byte{0x31, 0x41, 0x59, 0x26, 0x53, 0x59}):
		return "bzip2"
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return "zip"
	case len(head) > 262 && bytes.Equal(head[257:262], []byte("ustar")):
		return "tar"
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return "utf16"
	}
	return ""
}

func packedProblem(err error) Problem {
	if errors.Is(err, errBomb) {
		return Problem{Reason: reasonBomb, Count: 1}
	}
	return Problem{Reason: reasonPacked, Detail: err.Error(), Count: 1}
}

func (r *Reader) untar(name string, in io.Reader, m *meter, depth int) error {
	archive := tar.NewReader(in)
	for members := 0; ; members++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return r.problem(name, packedProblem(err))
		}
		if members >= maxMembers {
			return r.problem(name, Problem{Reason: reasonMembers, Count: 1})
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		m.written = header.ModTime
		if err := r.unpack(member(name, header.Name), archive, m, depth); err != nil {
			return err
		}
	}
}

// unzip reads a zip from its file, or from memory where it is itself inside an
// archive.
func (r *Reader) unzip(name string, in, buffered io.Reader, m *meter, depth int) error {
	var at io.ReaderAt
	var size int64
	if file, ok := fileOf(in); ok {
		info, err := file.Stat()
		if err != nil {
			return r.problem(name, Problem{Reason: reasonZip, Detail: err.Error(), Count: 1})
		}
		at, size = file, info.Size()
		m.stored = size // its members are read around the meter
	} else {
		content, err := io.ReadAll(io.LimitReader(buffered, maxHeld-m.held+1))
		if err != nil {
			return r.problem(name, packedProblem(err))
		}
		if int64(len(content)) > maxHeld-m.held {
			return r.problem(name, Problem{Reason: reasonBigZip, Count: 1})
		}
		at, size = bytes.NewReader(content), int64(len(content))
		m.held += size
		defer func() { m.held -= size }()
	}
	directory := &directory{at: at, left: maxDirectory}
	archive, err := zip.NewReader(directory, size)
	directory.left = math.MaxInt64
	if errors.Is(err, errMembers) {
		return r.problem(name, Problem{Reason: reasonZipMembers, Count: 1})
	}
	if err != nil {
		return r.problem(name, Problem{Reason: reasonZip, Detail: err.Error(), Count: 1})
	}
	for _, f := range archive.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := r.zipMember(member(name, f.Name), f, m, depth); err != nil {
			return err
		}
	}
	return nil
}

// directory reads a zip and refuses to read more than is left.
type directory struct {
	at   io.ReaderAt
	left int64
}

func (d *directory) ReadAt(p []byte, offset int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 {
		return 0, errMembers
	}
	return d.at.ReadAt(p, offset)
}

func (r *Reader) zipMember(name string, f *zip.File, m *meter, depth int) error {
	content, err := f.Open()
	if err != nil {
		return r.problem(name, Problem{Reason: reasonZip, Detail: err.Error(), Count: 1})
	}
	defer content.Close()
	m.written = f.Modified
	return r.unpack(name, &unpacked{content, m}, m, depth)
}

// fileOf returns the regular file that a stream reads directly.
func fileOf(in io.Reader) (*os.File, bool) {
	m, ok := in.(*meter)
	if !ok {
		return nil, false
	}
	return regular(m.r)
}

// member names a file within an archive.
func member(archive, name string) string {
	return fmt.Sprintf("%s/%s", archive, strings.TrimLeft(path.Clean(strings.ReplaceAll(name, "\\", "/")), "/."))
}
