package telemetry

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
)

// errIdle is what a followed file's reader returns when there is nothing more
// for now.
var errIdle = errors.New("nothing more for now")

// cut says how many bytes at the start of data are whole records, and how many
// records they are. At the end of a source the rest is a record too. It is 0
// while the first record is not whole.
type cut func(data []byte, end bool) (n int, records uint64)

// splitter cuts one source into blocks of whole records.
type splitter struct {
	reader *Reader
	meter  *meter
	in     *bufio.Reader
	source *Source
	cut    cut
	header any                // what blocks say of the source's beginning
	emit   func(*Block) error // what the format does with a block of whole records
	offset int64
	number uint64
	live   bool         // hand on what came, without waiting for a full block
	idle   func() error // waits while a followed file does not grow
	// resumed tells the format what it knew at a place that is gone on from.
	resumed func(Place)
	read    func() error // reads to the end of the source
}

// source recognises one stream and cuts it into blocks.
func (r *Reader) source(name string, in *bufio.Reader, m *meter) error {
	head, err := in.Peek(headSize)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return r.problem(name, Problem{Reason: reasonEmpty, Count: 1})
		}
		return r.problem(name, readProblem(err, 0))
	}
	s, ok := r.open(name, in, m, head)
	if !ok {
		return r.problem(name, Problem{Reason: reasonUnknown, Count: 1})
	}
	return s.read()
}

// open recognises what begins with head; false when it is no known format.
func (r *Reader) open(name string, in *bufio.Reader, m *meter, head []byte) (*splitter, bool) {
	s := &splitter{reader: r, meter: m, in: in, source: &Source{Name: name, Written: m.written}, number: 1, live: name == stdinName, emit: r.emit}
	if bytes.HasPrefix(head, utf8BOM) {
		head = head[len(utf8BOM):]
		s.skip(len(utf8BOM))
	}
	return s, s.recognise(head)
}

var utf8BOM = []byte("\xef\xbb\xbf")

// skip passes over n bytes at the start of the source.
func (s *splitter) skip(n int) {
	n, _ = s.in.Discard(n) // what was peeked can be discarded
	s.offset += int64(n)
}

func readProblem(err error, offset int64) Problem {
	if errors.Is(err, errBomb) {
		return Problem{Reason: reasonBomb, Offset: offset, Count: 1}
	}
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) && failed.Op == "open" {
		return Problem{Reason: reasonOpen, Detail: cause(err), Count: 1}
	}
	return Problem{Reason: reasonRead, Detail: cause(err), Offset: offset, Count: 1}
}

// text reads a source of text to its end. What is left of one block begins the
// next.
func (s *splitter) text() error {
	block := s.reader.block(s.source)
	for {
		idle, err := s.fill(block)
		end := err != nil
		n, records := s.cut(block.Data, end)
		if n == 0 && !end && len(block.Data) >= MaxRecord {
			s.tooLong(block)
			continue
		}
		if n == 0 && !end {
			if idle {
				if err := s.idle(); err != nil {
					return err
				}
			} else if len(block.Data) == cap(block.Data) {
				grow(block)
			}
			continue
		}
		next := s.reader.block(s.source)
		next.Data = append(next.Data, block.Data[n:]...)
		block.Data = block.Data[:n]
		if end && !errors.Is(err, io.EOF) {
			block.Problems = append(block.Problems, readProblem(err, s.offset+int64(n)))
		}
		if err := s.hand(block, records); err != nil {
			return err
		}
		if end {
			next.Release()
			return nil
		}
		block = next
	}
}

// fill reads until the block is full or nothing more comes for now. It reports
// whether the source is idle, and the error that ended it.
func (s *splitter) fill(b *Block) (idle bool, err error) {
	for len(b.Data) < cap(b.Data) {
		n, err := s.in.Read(b.Data[len(b.Data):cap(b.Data)])
		b.Data = b.Data[:len(b.Data)+n]
		if errors.Is(err, errIdle) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if s.live {
			break
		}
	}
	return false, nil
}

func grow(b *Block) {
	data := make([]byte, len(b.Data), min(2*cap(b.Data), MaxRecord))
	copy(data, b.Data)
	b.Data = data
}

// hand passes a block on, with its place in the source.
func (s *splitter) hand(b *Block, records uint64) error {
	b.Offset, b.Number, b.header = s.offset, s.number, s.header
	s.meter.tell(&s.reader.done)
	s.offset += int64(len(b.Data))
	s.number += records
	b.after = Place{Offset: s.offset, Number: s.number}
	return s.emit(b)
}

// tooLong gives up on a record that does not fit: it passes over everything up
// to the end of the line and says so.
func (s *splitter) tooLong(b *Block) {
	begin := s.offset
	s.offset += int64(len(b.Data))
	b.Data = b.Data[:0]
	for {
		line, err := s.in.ReadSlice('\n')
		s.offset += int64(len(line))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, errIdle) && s.idle() == nil:
		default: // the line's end, or what the next read says again
			b.Problems = append(b.Problems, Problem{Reason: reasonLong, Offset: begin, Count: 1})
			s.number++
			return
		}
	}
}

const reasonLong = "record longer than 16 MiB: skipped"

// lines cuts at ends of lines.
func lines(data []byte, end bool) (int, uint64) {
	n := bytes.LastIndexByte(data, '\n') + 1
	if end {
		n = len(data)
	}
	records := uint64(bytes.Count(data[:n], []byte{'\n'}))
	if n > 0 && data[n-1] != '\n' {
		records++
	}
	return n, records
}
