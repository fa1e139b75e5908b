package pack

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// A pack on disk is frames: one with the header as JSON, then one for each
// chunk. A frame is the length of its content (four bytes, big-endian), the
// CRC-32C of it (four bytes), the content.

// header comes first.
type header struct {
	Count   int            `json:"count"`
	Chunks  int            `json:"chunks"`
	Origins []intel.Origin `json:"origins"`
}

// maxFrame bounds a frame: a header with an origin for each of a million
// indicators has 200 MB.
const maxFrame = 1 << 30

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Write writes the pack whole, in the form that Read reads.
func (p *Pack) Write(to io.Writer) error {
	text, err := json.Marshal(header{p.count, len(p.chunks), p.origins})
	if err != nil {
		return err
	}
	if len(text) > maxFrame {
		return fmt.Errorf("what is said of the indicators takes %d bytes; %d can be kept: %w", len(text), maxFrame, fault.Invalid)
	}
	if err := writeFrame(to, text); err != nil {
		return err
	}
	for _, chunk := range p.chunks {
		if err := writeFrame(to, chunk); err != nil {
			return err
		}
	}
	return nil
}

func writeFrame(to io.Writer, content []byte) error {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(content, castagnoli))
	if _, err := to.Write(head); err != nil {
		return err
	}
	_, err := to.Write(content)
	return err
}

// Read reads a pack that Write wrote. The error is fault.Invalid for anything
// else: a flipped bit, a missing end, entries that are none.
func Read(from io.Reader) (*Pack, error) {
	text, err := readFrame(from, maxFrame)
	if err != nil {
		return nil, err
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, damaged(err)
	}
	p := &Pack{origins: h.Origins}
	for range h.Chunks {
		content, err := readFrame(from, MaxChunk)
		if err != nil {
			return nil, err
		}
		n, err := Chunk(content).check(len(h.Origins))
		if err != nil {
			return nil, err
		}
		p.count += n
		p.chunks = append(p.chunks, content)
	}
	if p.count != h.Count {
		return nil, damaged(fmt.Errorf("%d indicators where %d should be", p.count, h.Count))
	}
	return p, nil
}

func damaged(err error) error {
	return fmt.Errorf("the indicators are damaged: %w: %w", err, fault.Invalid)
}

// readFrame reads content as it comes, so that a wrong length allocates no more
// than is there.
func readFrame(from io.Reader, limit uint32) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, damaged(err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > limit {
		return nil, damaged(fmt.Errorf("a piece of %d bytes", size))
	}
	const trusted = 1 << 20
	content := make([]byte, 0, min(size, trusted))
	for uint32(len(content)) < size {
		step := min(size-uint32(len(content)), max(uint32(len(content)), trusted))
		start := len(content)
		grown := make([]byte, start+int(step))
		copy(grown, content)
		if _, err := io.ReadFull(from, grown[start:]); err != nil {
			return nil, damaged(err)
		}
		content = grown
	}
	if crc32.Checksum(content, castagnoli) != binary.BigEndian.Uint32(head[4:]) {
		return nil, damaged(errors.New("the checksum of a piece is wrong"))
	}
	return content, nil
}

// check walks all entries and counts them.
func (c Chunk) check(origins int) (n int, err error) {
	for place := 0; place < len(c); n++ {
		e, next, ok := c.At(place)
		if !ok || int64(e.Origin) >= int64(origins) {
			return n, damaged(fmt.Errorf("no indicator at %d of a piece", place))
		}
		place = next
	}
	return n, nil
}
