package telemetry

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// stdinName is how standard input is shown.
const stdinName = "standard input"

// The reasons for paths that are not read.
const (
	reasonOpen    = "cannot be opened"
	reasonDir     = "directory cannot be listed"
	reasonLink    = "link to a directory or to nothing: not read"
	reasonSpecial = "neither a file nor a directory: not read"
	reasonRead    = "reading stopped early"
	reasonUnknown = "format not recognised: not read"
	reasonEmpty   = "empty"
)

// Reader reads paths into blocks of whole records. Its zero value with Paths
// is ready.
type Reader struct {
	// Paths are files, directories (read recursively, in the order of names),
	// archives, and "-" for Stdin.
	Paths []string
	Stdin io.Reader
	// Follow keeps files open and hands on what is appended to them, until the
	// context ends.
	Follow bool

	emit  func(*Block) error
	pool  *sync.Pool
	heads *sync.Pool // of *bufio.Reader
	done  atomic.Uint64
	total atomic.Uint64
}

// Progress returns how many bytes of the inputs, as stored, were read, and how
// many there are; total is 0 when it cannot be known. It may be called while
// Run runs.
func (r *Reader) Progress() (done, total uint64) { return r.done.Load(), r.total.Load() }

// Run reads everything and hands blocks to emit, in the order of the sources
// and of their records (with Follow: in the order of each source). A source
// that cannot be read is a block with a problem, never an error: Run fails
// only with the error of emit or of ctx.
func (r *Reader) Run(ctx context.Context, emit func(*Block) error) error {
	r.pool, r.heads = newPool(), newHeads()
	r.emit = func(b *Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return emit(b)
	}
	if r.Follow {
		return r.follow(ctx)
	}
	files := r.files()
	r.measure(files)
	for _, file := range files {
		if err := r.file(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// input is a path to read, or why it cannot be.
type input struct {
	path    string
	size    int64
	problem *Problem
}

// files lists what the paths hold.
func (r *Reader) files() []input {
	var list []input
	for _, root := range r.Paths {
		if root == Stdin {
			list = append(list, input{path: Stdin, size: -1})
			continue
		}
		list = append(list, walk(root)...)
	}
	return list
}

// walk lists the files below root, in lexical order. Links are followed at the
// root only, so that a walk ends.
func walk(root string) []input {
	var list []input
	unreadable := func(path, reason string, err error) {
		list = append(list, input{path: path, problem: &Problem{Reason: reason, Detail: cause(err), Count: 1}})
	}
	info, err := os.Stat(root)
	if err != nil {
		unreadable(root, reasonOpen, err)
		return list
	}
	if !info.IsDir() {
		return append(list, input{path: root, size: sizeOf(info)})
	}
	// The callback returns nil always, so WalkDir cannot fail.
	_ = filepath.WalkDir(root+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
		path = filepath.Clean(path)
		switch {
		case err != nil:
			unreadable(path, reasonDir, err)
		case entry.IsDir():
		case entry.Type().IsRegular():
			info, err := entry.Info()
			if err != nil {
				unreadable(path, reasonOpen, err)
				return nil
			}
			list = append(list, input{path: path, size: info.Size()})
		case entry.Type()&fs.ModeSymlink != 0:
			target, err := os.Stat(path)
			if err != nil || !target.Mode().IsRegular() {
				list = append(list, input{path: path, problem: &Problem{Reason: reasonLink, Count: 1}})
				return nil
			}
			list = append(list, input{path: path, size: target.Size()})
		default: // a pipe or device may keep its reader waiting; one can be named as a path
			list = append(list, input{path: path, problem: &Problem{Reason: reasonSpecial, Count: 1}})
		}
		return nil
	})
	return list
}

func sizeOf(info fs.FileInfo) int64 {
	if info.Mode().IsRegular() {
		return info.Size()
	}
	return -1
}

// cause returns the operating system's own words.
func cause(err error) string {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err.Error()
	}
	return err.Error()
}

// measure sets the total for Progress, unless an input's size is not known.
func (r *Reader) measure(files []input) {
	total := uint64(0)
	for _, file := range files {
		if file.size < 0 {
			return
		}
		total += uint64(file.size)
	}
	r.total.Store(total)
}

// file reads one input with everything in it.
func (r *Reader) file(ctx context.Context, in input) error {
	switch {
	case in.problem != nil:
		return r.problem(in.path, *in.problem)
	case in.path == Stdin:
		return r.stdin(ctx)
	case in.size < 0:
		file := patient(ctx, func() (io.ReadCloser, error) { return os.Open(in.path) })
		defer file.Close()
		return r.stream(ctx, in.path, file, time.Time{})
	}
	file, err := os.Open(in.path)
	if err != nil {
		return r.problem(in.path, Problem{Reason: reasonOpen, Detail: cause(err), Count: 1})
	}
	defer file.Close()
	written := time.Time{}
	if info, err := file.Stat(); err == nil {
		written = info.ModTime()
	}
	return r.stream(ctx, in.path, file, written)
}

func (r *Reader) stdin(ctx context.Context) error {
	if file, ok := regular(r.Stdin); ok {
		return r.stream(ctx, stdinName, file, time.Time{})
	}
	in := patient(ctx, func() (io.ReadCloser, error) { return io.NopCloser(r.Stdin), nil })
	defer in.Close()
	return r.stream(ctx, stdinName, in, time.Time{})
}

func (r *Reader) stream(ctx context.Context, name string, in io.Reader, written time.Time) error {
	m := &meter{r: in, written: written, stopped: ctx.Err}
	err := r.unpack(name, m, m, 0)
	m.tell(&r.done)
	return err
}

// problem hands on that a source cannot be read.
func (r *Reader) problem(name string, p Problem) error {
	return r.emit(&Block{Source: &Source{Name: name}, Problems: []Problem{p}})
}

func (r *Reader) block(s *Source) *Block {
	b := r.pool.Get().(*Block)
	b.Source = s
	return b
}
