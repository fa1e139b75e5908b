package telemetry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
)

// The reasons for which Tail does not follow a file.
var (
	// ErrNotFollowed says that a file is written in place or packed: Reader
	// reads it as it stands.
	ErrNotFollowed = errors.New(reasonNoFollow)
	// ErrUnknownFormat says that the file's format is not recognised.
	ErrUnknownFormat = errors.New(reasonUnknown)
)

// Tail follows one open file from a place in it on.
type Tail struct {
	Name string // of the source
	File *os.File
	From Place // where to begin: the zero Place is the beginning
	// Idle is asked when there is nothing more for now, after each look at the
	// file: with how far it was read. It says whether the file has ended, so
	// that a line without its line feed is whole, or returns the error that Run
	// is to end with.
	Idle func(read int64) (ended bool, err error)
}

// tailBlock is how much of a tailed file is handed on at once: little enough
// that a thousand of them can be open.
const tailBlock = 128 << 10

// Run hands blocks of whole records to emit, each with the place behind it
// (Block.After), until the file has ended, Idle or emit fail, or ctx ends.
func (t *Tail) Run(ctx context.Context, emit func(*Block) error) error {
	r := &Reader{pool: newPoolOf(tailBlock), emit: func(b *Block) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return emit(b)
	}}
	f := &followed{ctx: ctx, path: t.Name, file: t.File}
	f.atEnd = func() (bool, error) { return t.Idle(f.read) }
	m := &meter{r: f, stopped: ctx.Err}
	in := bufio.NewReaderSize(m, headSize)
	s, err := t.recognise(r, f, in, m)
	if s == nil {
		return err
	}
	s.idle = f.wait
	if t.From.Offset > 0 {
		if err := s.resume(t.File, f, t.From); err != nil {
			return err
		}
	}
	return s.read()
}

// recognise tells the format, waiting for more of the file while it is too short
// to tell. It returns nothing for a file that ended empty.
func (t *Tail) recognise(r *Reader, f *followed, in *bufio.Reader, m *meter) (*splitter, error) {
	for seen := 0; ; {
		head, err := awaitLine(f, in)
		switch {
		case err != nil:
			return nil, err
		case len(head) == 0:
			return nil, nil
		case packing(head) != "":
			return nil, ErrNotFollowed
		}
		if len(head) > seen {
			seen = len(head)
			if s, ok := r.open(t.Name, in, m, head); ok {
				if s.source.Format == EVTX {
					return nil, ErrNotFollowed
				}
				return s, nil
			}
			if _, err := t.File.Seek(0, io.SeekStart); err != nil {
				return nil, err
			}
			f.read = 0
			in.Reset(m)
		}
		if _, err := in.Peek(seen + 1); err == nil {
			continue // it has grown
		} else if !errors.Is(err, errIdle) {
			return nil, ErrUnknownFormat
		}
		if err := f.wait(); err != nil {
			return nil, errors.Join(ErrUnknownFormat, err)
		}
	}
}

// resume makes the splitter go on at a place.
func (s *splitter) resume(file *os.File, f *followed, from Place) error {
	if _, err := file.Seek(from.Offset, io.SeekStart); err != nil {
		return err
	}
	f.read = from.Offset
	s.in.Reset(s.meter)
	s.offset, s.number = from.Offset, max(1, from.Number)
	if s.resumed != nil {
		s.resumed(from)
	}
	return nil
}

// resumeDirectives tells directives again.
func resumeDirectives(d directives) func(Place) {
	return func(from Place) {
		for line := range bytes.Lines(from.Directives) {
			_ = d.directive(bytes.TrimSuffix(line, newline)) // told when it was read first
		}
	}
}

// pending returns the events that are not complete, to be told again.
func (j *auditJoin) pending() []PendingEvent {
	var list []PendingEvent
	j.joiner.Each(func(text []byte, number uint64, offset int64) {
		list = append(list, PendingEvent{bytes.Clone(text), number, offset})
	})
	return list
}

func (j *auditJoin) resumed(from Place) {
	for _, e := range from.Pending {
		for line := range bytes.Lines(e.Text) {
			_ = j.joiner.Add(line, e.Number, e.Offset) // was taken before
		}
	}
}
