package ledger

import (
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2"
)

// mergerName is stored with the data, which cannot be opened under another.
// What a merge means never changes either; a new meaning is a new version in
// the values.
const mergerName = "tocsin.ledger.1"

// merger joins what is written under one key: sightings under an observable's,
// hours under a presence's. The order of operands does not matter.
func merger() *pebble.Merger {
	return &pebble.Merger{
		Name: mergerName,
		Merge: func(key, value []byte) (pebble.ValueMerger, error) {
			if len(key) > 0 && key[0] == spacePresence {
				m := &hoursMerger{}
				return m, m.MergeNewer(value)
			}
			m := &sightingMerger{}
			return m, m.sum.decode(value)
		},
	}
}

type sightingMerger struct{ sum, operand sighting }

// MergeNewer implements pebble.ValueMerger.
func (m *sightingMerger) MergeNewer(value []byte) error {
	if err := m.operand.decode(value); err != nil {
		return err
	}
	m.sum.join(&m.operand)
	return nil
}

// MergeOlder implements pebble.ValueMerger.
func (m *sightingMerger) MergeOlder(value []byte) error { return m.MergeNewer(value) }

// Finish implements pebble.ValueMerger.
func (m *sightingMerger) Finish(bool) ([]byte, io.Closer, error) {
	return m.sum.append(make([]byte, 0, 48)), nil, nil
}

// hours are the hours of a day, one bit each, the first hour lowest: those
// with events, and those in which something was lost.
type hours struct{ seen, unhealthy uint32 }

// allHours are the bits of a whole day.
const allHours = 1<<24 - 1

// hoursBytes is the length of hours as they are kept.
const hoursBytes = 6

func (h hours) append(b []byte) []byte {
	both := binary.BigEndian.AppendUint64(nil, uint64(h.seen&allHours)<<24|uint64(h.unhealthy&allHours))
	return append(b, both[8-hoursBytes:]...)
}

func decodeHours(b []byte) (hours, error) {
	if len(b) != hoursBytes {
		return hours{}, errValue
	}
	return hours{
		seen:      uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		unhealthy: uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5]),
	}, nil
}

type hoursMerger struct{ sum hours }

// MergeNewer implements pebble.ValueMerger.
func (m *hoursMerger) MergeNewer(value []byte) error {
	h, err := decodeHours(value)
	m.sum.seen |= h.seen
	m.sum.unhealthy |= h.unhealthy
	return err
}

// MergeOlder implements pebble.ValueMerger.
func (m *hoursMerger) MergeOlder(value []byte) error { return m.MergeNewer(value) }

// Finish implements pebble.ValueMerger.
func (m *hoursMerger) Finish(bool) ([]byte, io.Closer, error) {
	return m.sum.append(nil), nil, nil
}
