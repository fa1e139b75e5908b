package telemetry

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// pollEvery is how often a followed file is looked at: soon enough for a
	// person who watches, and no load. (Change notices of the operating system
	// do not cross network file systems.)
	pollEvery = 250 * time.Millisecond
	// scanEvery is how often followed directories are searched for new files.
	scanEvery = 2 * time.Second
)

const reasonNoFollow = "cannot be followed: read as it stands"

// follow reads the paths and goes on with what is appended to them, and with
// files that come later, until ctx ends.
func (r *Reader) follow(ctx context.Context) error {
	var one sync.Mutex // emit is for one goroutine at a time
	emit := r.emit
	r.emit = func(b *Block) error {
		one.Lock()
		defer one.Unlock()
		return emit(b)
	}
	group, ctx := errgroup.WithContext(ctx)
	known := map[string]bool{}
	for {
		for _, file := range r.files() {
			if known[file.path] {
				continue
			}
			known[file.path] = true
			group.Go(func() error { return r.tail(ctx, file) })
		}
		select {
		case <-ctx.Done():
			return group.Wait()
		case <-time.After(scanEvery):
		}
	}
}

// tail reads one file and what is appended to it.
func (r *Reader) tail(ctx context.Context, in input) error {
	if in.problem != nil || in.path == Stdin || in.size < 0 {
		return r.file(ctx, in)
	}
	f := &followed{ctx: ctx, path: in.path}
	defer f.close()
	for {
		if err := f.open(); err != nil {
			return r.problem(in.path, Problem{Reason: reasonOpen, Detail: cause(err), Count: 1})
		}
		again, err := r.generation(f)
		if err != nil {
			return err
		}
		if !again { // it is read as it stands, once
			return r.file(ctx, in)
		}
	}
}

// generation reads a followed file from its beginning until it is replaced or
// truncated. It reports false for a file that cannot be followed: an archive,
// an event log (which is written in place), a format that is not known.
func (r *Reader) generation(f *followed) (bool, error) {
	m := &meter{r: f, stopped: f.ctx.Err}
	in := bufio.NewReaderSize(m, headSize)
	head, err := awaitLine(f, in)
	if err != nil {
		return false, err
	}
	if packing(head) != "" {
		return false, r.problem(f.path, Problem{Reason: reasonNoFollow, Count: 1})
	}
	s, ok := r.open(f.path, in, m, head)
	if !ok {
		return false, nil
	}
	if s.source.Format == EVTX {
		return false, r.problem(f.path, Problem{Reason: reasonNoFollow, Count: 1})
	}
	s.idle = f.wait
	return true, s.read()
}

// awaitLine returns the beginning of a followed file once it holds a line.
func awaitLine(f *followed, in *bufio.Reader) ([]byte, error) {
	for {
		head, err := in.Peek(headSize)
		if slices.Contains(head, '\n') || packing(head) != "" || err == nil || !errors.Is(err, errIdle) {
			return head, nil // a line, packed, full, or at the end of what was replaced
		}
		if err := f.wait(); err != nil {
			return nil, err
		}
	}
}

// followed reads a file that grows. At its end it returns errIdle, or io.EOF
// once the file has been replaced (rotation) or has become shorter (truncation):
// then open begins with what stands under the path now. owned by tail.
type followed struct {
	ctx  context.Context //nolint:containedctx // lives as long as tail
	path string
	file *os.File
	read int64
	// atEnd says whether the file has ended; nil asks over.
	atEnd func() (bool, error)
	// failed is what atEnd wants reading to end with: told by wait, so that what
	// is no whole record yet is not taken for one.
	failed error
}

// open opens the file that stands under the path, waiting for one that is
// between rotation and creation.
func (f *followed) open() error {
	f.close()
	for {
		file, err := os.Open(f.path)
		if err == nil {
			f.file, f.read = file, 0
			return nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := f.wait(); err != nil {
			return err
		}
	}
}

func (f *followed) close() {
	if f.file != nil {
		_ = f.file.Close() // read only
		f.file = nil
	}
}

func (f *followed) Read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	f.read += int64(n)
	if n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	over := f.over
	if f.atEnd != nil {
		over = f.atEnd
	}
	var ended bool
	if ended, f.failed = over(); ended && f.failed == nil {
		return 0, io.EOF
	}
	return 0, errIdle
}

// over reports whether the open file has come to its end: another stands under
// its path, or it is shorter than what was read of it.
func (f *followed) over() (bool, error) {
	open, err := f.file.Stat()
	if err != nil || open.Size() < f.read {
		return true, nil
	}
	now, err := os.Stat(f.path)
	if err != nil || os.SameFile(open, now) {
		return false, nil // being rotated: what is still written to the old file is read
	}
	return open.Size() == f.read, nil
}

// wait sleeps until the next look.
func (f *followed) wait() error {
	if f.failed != nil {
		return f.failed
	}
	select {
	case <-f.ctx.Done():
		return f.ctx.Err()
	case <-time.After(pollEvery):
		return nil
	}
}
