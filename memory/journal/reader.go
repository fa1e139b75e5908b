package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Entry is one entry that was read.
type Entry struct {
	Number uint64
	Bytes  []byte
}

// Reader reads entries in their order, each once. It belongs to one goroutine.
type Reader struct {
	journal *Journal
	next    uint64
	segment uint64 // the first number of the segment that is open
	file    *os.File
	scan    *scanner
	lost    uint64
}

// Read returns a reader of the entries after the given number, which is what
// its caller has worked on; 0 begins at the oldest. Close the reader.
func (j *Journal) Read(after uint64) *Reader { return &Reader{journal: j, next: after + 1} }

// Lost returns how many entries were damaged on disk and passed over.
func (r *Reader) Lost() uint64 { return r.lost }

// Next returns the next entry, waiting for one to be appended. It fails with
// the error of ctx, with io.EOF when the journal is closed, or with the disk's.
func (r *Reader) Next(ctx context.Context) (Entry, error) {
	stop := context.AfterFunc(ctx, r.journal.sync.wake)
	defer stop()
	beyond := r.next - 1
	for {
		if !r.journal.sync.wait(beyond, func() bool { return ctx.Err() != nil }) {
			if err := ctx.Err(); err != nil {
				return Entry{}, err
			}
			return Entry{}, io.EOF
		}
		beyond, _ = r.journal.sync.state()
		entry, err := r.read()
		if !errors.Is(err, io.EOF) { // else what came last is damaged
			return entry, err
		}
	}
}

// Poll is Next that does not wait: false when nothing more is there for now.
func (r *Reader) Poll() (Entry, bool, error) {
	if onDisk, _ := r.journal.sync.state(); onDisk < r.next {
		return Entry{}, false, nil
	}
	entry, err := r.read()
	if errors.Is(err, io.EOF) {
		return Entry{}, false, nil
	}
	return entry, err == nil, err
}

// read returns the next entry that is whole, given that one is on disk. Where
// the last ones are damaged it returns io.EOF.
func (r *Reader) read() (Entry, error) {
	for {
		if r.scan == nil {
			if err := r.open(); err != nil {
				return Entry{}, err
			}
		}
		entry, err := r.scan.entry()
		if errors.Is(err, io.EOF) {
			again, err := r.leave()
			if err != nil {
				return Entry{}, err
			}
			if !again {
				return Entry{}, io.EOF
			}
			continue
		}
		if err != nil {
			return Entry{}, fmt.Errorf("read journal %s: %w", r.journal.dir, err)
		}
		number := r.scan.next - 1
		if number < r.next {
			continue
		}
		r.lost += number - r.next
		r.next = number + 1
		return Entry{Number: number, Bytes: entry}, nil
	}
}

// open opens the segment that holds the next entry, or the oldest after it.
func (r *Reader) open() error {
	j := r.journal
	j.mu.Lock()
	segments := slices.Clone(j.segments)
	j.mu.Unlock()
	at := 0
	for at+1 < len(segments) && segments[at+1].first <= r.next {
		at++
	}
	file, err := os.Open(j.path(segments[at].first))
	if err != nil {
		return fmt.Errorf("read journal %s: %w", j.dir, err)
	}
	if first := segments[at].first; first > r.next {
		r.lost += first - r.next // trimmed before it was read
		r.next = first
	}
	s, _, err := readStart(file) // a start that is damaged fits no entry
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.segment = segments[at].first
	r.file, r.scan = file, newScanner(file, s, r.segment)
	return nil
}

// leave goes on to the segment after the one that was read to its end; false
// when there is none yet.
func (r *Reader) leave() (bool, error) {
	j := r.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, s := range j.segments {
		if s.first <= r.segment {
			continue
		}
		// What is missing at the end of a finished segment is damaged.
		r.lost += s.first - r.next
		r.next = s.first
		return true, r.Close()
	}
	return false, nil
}

// Close gives the reader's file back.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file, r.scan = nil, nil
	return err
}
