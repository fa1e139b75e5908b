package link

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

// place is where in a neighbour's log a frame stands.
type place struct {
	Epoch    string `json:"epoch,omitempty"`
	Position int64  `json:"position,omitempty"` // from 1; 0 for a receipt
	// Before is the last position before it that there is to be had: who has
	// handled that one has missed nothing.
	Before int64 `json:"before,omitempty"`
	// Confirmed is up to where the sender has receipts.
	Confirmed int64 `json:"confirmed,omitempty"`
}

// maxPlace bounds the first line of a frame.
const maxPlace = 1 << 10

// frame writes a place, in a line of its own, and the bytes of an envelope.
func frame(p place, text []byte) ([]byte, error) {
	line, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return append(append(append(make([]byte, 0, len(line)+1+len(text)), line...), '\n'), text...), nil
}

// readFrame is the reverse; the error is fault.Invalid.
func readFrame(data []byte) (p place, text []byte, err error) {
	end := bytes.IndexByte(data[:min(len(data), maxPlace)], '\n')
	if end < 0 {
		return p, nil, fmt.Errorf("frame: it does not begin with a line that says its place: %w", fault.Invalid)
	}
	if err := json.Unmarshal(data[:end], &p); err != nil {
		return p, nil, fmt.Errorf("frame: %w: %w", err, fault.Invalid)
	}
	if p.Position < 0 || p.Before < 0 || p.Confirmed < 0 || p.Before >= max(p.Position, 1) || len(p.Epoch) > maxEpoch || (p.Position > 0 && p.Epoch == "") {
		return p, nil, fmt.Errorf("frame: position %d after %d of log %.40q cannot be: %w", p.Position, p.Before, p.Epoch, fault.Invalid)
	}
	return p, data[end+1:], nil
}

// maxEpoch is the length of a ULID.
const maxEpoch = 26

// receiptKind is the kind of the envelopes in which receipts travel.
const receiptKind = "link.receipt"

// receipt is what a node says of a neighbour's log.
type receipt struct {
	Epoch string `json:"epoch"`
	// Of the positions above After, up to and with UpTo, all were settled; those
	// in Refused were refused, the others accepted.
	After   int64     `json:"after"`
	UpTo    int64     `json:"up_to"`
	Refused []refused `json:"refused,omitempty"`
	// Again asks for everything above UpTo.
	Again bool `json:"again,omitempty"`
	// Forked says that a position that was settled came with another message.
	Forked bool `json:"forked,omitempty"`
}

// refused is one message that was not accepted; Position is 0 where it had none
// that could be read.
type refused struct {
	Position int64           `json:"position,omitempty"`
	Author   alliance.NodeID `json:"author,omitempty"`
	ID       string          `json:"id,omitempty"`
	Reason   envelope.Reason `json:"reason"`
	Detail   string          `json:"detail,omitempty"`
}
