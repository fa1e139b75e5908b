package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"tocsin/internal/bus"
)

// positions notes, of each partition, what the worker took last, so that what
// comes again after a crash is not taken again. It is a file of slots, one for
// each partition, written in place and left to the operating system: after a
// crash of the machine a note may be old or torn, which costs the guard and no
// block. Each stream has its own, by the time it was made; and a note counts only
// for messages that the server had stored by then, so that a stream set back to
// an older copy may use its sequences again.
type positions struct {
	file *os.File

	mu   sync.Mutex
	last map[int]position // guarded by mu
}

type position struct {
	sequence  uint64
	published time.Time
}

const (
	positionsFile = "positions-"
	// A slot: sequence, time in nanoseconds, CRC-32 of both.
	slotSize = 8 + 8 + 4
)

func openPositions(dir string, made time.Time) (*positions, error) {
	name := positionsFile + strconv.FormatInt(made.UnixNano(), 10)
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	p := &positions{file: file, last: map[int]position{}}
	var slot [slotSize]byte
	for partition := 0; ; partition++ {
		if _, err := file.ReadAt(slot[:], int64(partition)*slotSize); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if found, ok := parseSlot(slot); ok {
			p.last[partition] = found
		}
	}
}

func parseSlot(slot [slotSize]byte) (position, bool) {
	p := position{
		sequence:  binary.LittleEndian.Uint64(slot[:]),
		published: time.Unix(0, int64(binary.LittleEndian.Uint64(slot[8:]))),
	}
	return p, p.sequence > 0 && crc32.ChecksumIEEE(slot[:16]) == binary.LittleEndian.Uint32(slot[16:])
}

// had reports whether the worker took a message, or another did before it: a
// partition is read in order, from the first message that nobody has.
func (p *positions) had(m bus.Message) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	last, ok := p.last[m.Partition]
	return ok && m.Sequence <= last.sequence && !m.Published.After(last.published)
}

// note says that a message was taken.
func (p *positions) note(m bus.Message) error {
	p.mu.Lock()
	p.last[m.Partition] = position{m.Sequence, m.Published}
	p.mu.Unlock()
	var slot [slotSize]byte
	binary.LittleEndian.PutUint64(slot[:], m.Sequence)
	binary.LittleEndian.PutUint64(slot[8:], uint64(m.Published.UnixNano()))
	binary.LittleEndian.PutUint32(slot[16:], crc32.ChecksumIEEE(slot[:16]))
	if _, err := p.file.WriteAt(slot[:], int64(m.Partition)*slotSize); err != nil {
		return fmt.Errorf("note what was taken: %w", err)
	}
	return nil
}

func (p *positions) close() error { return p.file.Close() }
