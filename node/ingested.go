package node

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"tocsin/telemetry"
)

// blockID names a block by what it holds.
type blockID [16]byte

// contentID returns the ID of a block: of its format, its place and its bytes,
// not of its source's name, so that a file that was moved or is found again in
// an archive is known.
func contentID(b *telemetry.Block) blockID {
	h := sha256.New()
	h.Write([]byte(b.Source.Format))
	var offset [9]byte // begins with a zero, which no format has
	binary.BigEndian.PutUint64(offset[1:], uint64(b.Offset))
	h.Write(offset[:])
	h.Write(b.Data)
	return blockID(h.Sum(nil))
}

// ingested remembers which blocks were ingested: in a file of IDs, and for
// those that a crash kept from it, in the journal.
type ingested struct {
	file  *os.File
	ids   map[blockID]struct{}
	fresh []byte // not written yet
}

func (n *Node) openIngested() (*ingested, error) {
	file, err := os.OpenFile(n.ingestedPath(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	known := &ingested{file: file, ids: map[blockID]struct{}{}}
	if err := errors.Join(known.read(), n.ingestedInJournal(known)); err != nil {
		return nil, errors.Join(fmt.Errorf("ingest: %w", err), file.Close())
	}
	return known, nil
}

// read reads the file; half an ID at its end is what a crash left.
func (k *ingested) read() error {
	in := bufio.NewReader(k.file)
	whole := int64(0)
	for {
		var id blockID
		_, err := io.ReadFull(in, id[:])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
		k.ids[id] = struct{}{}
		whole += int64(len(id))
	}
	if err := k.file.Truncate(whole); err != nil {
		return err
	}
	_, err := k.file.Seek(whole, io.SeekStart)
	return err
}

func (n *Node) ingestedInJournal(known *ingested) error {
	r := n.memory.Journal.Read(0)
	defer func() { _ = r.Close() }()
	for {
		entry, ok, err := r.Poll()
		if err != nil || !ok {
			return err
		}
		mark, block, err := parseEntry(entry.Bytes)
		if err != nil || mark != markPast {
			continue // Run says so
		}
		if id := contentID(block); !known.has(id) {
			known.add(id)
		}
	}
}

func (k *ingested) has(id blockID) bool {
	_, ok := k.ids[id]
	return ok
}

func (k *ingested) add(id blockID) {
	k.ids[id] = struct{}{}
	k.fresh = append(k.fresh, id[:]...)
}

// write puts the IDs that were added on disk.
func (k *ingested) write() error {
	if len(k.fresh) == 0 {
		return nil
	}
	if _, err := k.file.Write(k.fresh); err != nil {
		return err
	}
	k.fresh = k.fresh[:0]
	return k.file.Sync()
}

func (k *ingested) close() error { return k.file.Close() }
