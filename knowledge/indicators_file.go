package knowledge

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"tocsin/intel/pack"
	"tocsin/internal/fault"
)

// A set's file: this line, the length of the description (four bytes,
// big-endian), the description as JSON, the pack.
const setMagic = "tocsin indicators 1\n"

// maxDescription bounds a set's description.
const maxDescription = 1 << 16

func writeSet(to io.Writer, s IndicatorSet, p *pack.Pack) error {
	description, err := json.Marshal(s)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(to, 1<<20)
	head := binary.BigEndian.AppendUint32([]byte(setMagic), uint32(len(description)))
	for _, b := range [][]byte{head, description} {
		if _, err := out.Write(b); err != nil {
			return err
		}
	}
	if err := p.Write(out); err != nil {
		return err
	}
	return out.Flush()
}

func readSet(from io.Reader, content bool) (s IndicatorSet, p *pack.Pack, err error) {
	in := bufio.NewReader(from)
	head := make([]byte, len(setMagic)+4)
	if _, err := io.ReadFull(in, head); err != nil || !bytes.HasPrefix(head, []byte(setMagic)) {
		return s, nil, fmt.Errorf("it is no set of indicators, or damaged: %w", fault.Invalid)
	}
	size := binary.BigEndian.Uint32(head[len(setMagic):])
	if size > maxDescription {
		return s, nil, fmt.Errorf("it is damaged: %w", fault.Invalid)
	}
	description := make([]byte, size)
	if _, err := io.ReadFull(in, description); err != nil {
		return s, nil, fmt.Errorf("it is damaged: %w: %w", err, fault.Invalid)
	}
	if err := json.Unmarshal(description, &s); err != nil {
		return s, nil, fmt.Errorf("it is damaged: %w: %w", err, fault.Invalid)
	}
	if !content {
		return s, nil, nil
	}
	p, err = pack.Read(in)
	return s, p, err
}
