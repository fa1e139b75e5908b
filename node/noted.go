package node

import (
	"context"
	"encoding/binary"
	"fmt"

	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// notedEntries is how many of the journal's last entries Noted goes through: far
// more than are under way at once, which is all that a crash leaves in doubt,
// and read in a second.
const notedEntries = 4096

// AcceptNoted is Accept for an intake that notes something with a block, such
// as how far it has read a file: block and note are on disk together or not at
// all. It returns the number of the journal's entry.
func (n *Node) AcceptNoted(ctx context.Context, b *telemetry.Block, note []byte) (entry uint64, err error) {
	var text []byte
	if len(note) == 0 {
		text, err = appendEntry(nil, markLive, b)
	} else {
		text, err = b.AppendBinary(appendNote([]byte{markNoted}, note))
	}
	if err != nil {
		return 0, err
	}
	return n.memory.Journal.Append(ctx, text)
}

// Noted hands on the notes of the journal's last entries that have one, the
// oldest first, each with its block; the note must not be kept. It is what an
// intake learns after a crash from.
func (n *Node) Noted(visit func(entry uint64, note []byte, b *telemetry.Block)) error {
	last := n.memory.Journal.Last()
	r := n.memory.Journal.Read(last - min(last, notedEntries))
	defer func() { _ = r.Close() }()
	for {
		entry, ok, err := r.Poll()
		if err != nil || !ok {
			return err
		}
		note, block, err := splitNote(entry.Bytes)
		if err != nil || note == nil {
			continue // Run says what cannot be read
		}
		if b, err := telemetry.ReadBlock(block); err == nil {
			visit(entry.Number, note, b)
		}
	}
}

func appendNote(to, note []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(note))), note...)
}

// splitNote returns the note of an entry, nil when it has none, and its block.
func splitNote(entry []byte) (note, block []byte, err error) {
	if len(entry) == 0 || entry[0] != markNoted {
		return nil, entry[min(markLength, len(entry)):], nil
	}
	rest := entry[markLength:]
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > uint64(len(rest)-n) {
		return nil, nil, fmt.Errorf("an entry of the journal with half a note: %w", fault.Invalid)
	}
	rest = rest[n:]
	return rest[:length], rest[length:], nil
}
