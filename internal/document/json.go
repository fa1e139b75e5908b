package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tocsin/internal/fault"
)

// maxJSON bounds what Read takes: the text that a paper may have, as JSON can
// swell it (six bytes for one) and half as much for what is around it.
const maxJSON = 9 * maxText

// JSON writes the paper in its canonical form: keys sorted, no white space, no
// character escaped that need not be. It is what is stored, hashed and signed.
func (p *Paper) JSON() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	first, err := encode(p)
	if err != nil {
		return nil, fmt.Errorf("write paper as JSON: %w", err)
	}
	// Maps are written in the order of their keys.
	var tree any
	d := json.NewDecoder(bytes.NewReader(first))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("sort paper's JSON: %w", err)
	}
	return encode(tree)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Read reads what JSON wrote, and only that: every accepted paper is written
// again to the same bytes. All else is fault.Invalid: unknown or repeated keys,
// another order, white space, what Check refuses.
func Read(text []byte) (*Paper, error) {
	if len(text) > maxJSON {
		return nil, fmt.Errorf("read paper: %d bytes are more than %d: %w", len(text), maxJSON, fault.Invalid)
	}
	var p Paper
	if err := decode(text, &p); err != nil {
		return nil, fmt.Errorf("read paper: %w: %w", err, fault.Invalid)
	}
	again, err := p.JSON()
	if err != nil {
		return nil, fmt.Errorf("read paper: %w", err)
	}
	if i := differs(text, again); i >= 0 {
		return nil, fmt.Errorf("read paper: not in canonical form at byte %d: %w", i, fault.Invalid)
	}
	return &p, nil
}

// decode reads one JSON value and nothing after it, with known keys only.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the paper")
	}
	return nil
}

// differs returns where two texts first differ, or -1.
func differs(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// MarshalJSON writes each block as an object whose one key is its kind.
func (b Blocks) MarshalJSON() ([]byte, error) {
	list := make([]map[string]Block, len(b))
	for i, block := range b {
		list[i] = map[string]Block{block.kind(): block}
	}
	return encode(list)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (b *Blocks) UnmarshalJSON(text []byte) error {
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*b = make(Blocks, len(list))
	for i, object := range list {
		if len(object) != 1 {
			return fmt.Errorf("a block has %d kinds, not one", len(object))
		}
		for kind, value := range object {
			block, err := readBlock(kind, value)
			if err != nil {
				return fmt.Errorf("block %d, %.40q: %w", i+1, kind, err)
			}
			(*b)[i] = block
		}
	}
	return nil
}

func readBlock(kind string, text []byte) (Block, error) {
	switch kind {
	case Paragraph{}.kind():
		return readAs[Paragraph](text)
	case Heading{}.kind():
		return readAs[Heading](text)
	case Preformatted{}.kind():
		return readAs[Preformatted](text)
	case List{}.kind():
		return readAs[List](text)
	case Fields{}.kind():
		return readAs[Fields](text)
	case Table{}.kind():
		return readAs[Table](text)
	case Timeline{}.kind():
		return readAs[Timeline](text)
	case Checklist{}.kind():
		return readAs[Checklist](text)
	case Signatures{}.kind():
		return readAs[Signatures](text)
	default:
		return nil, errors.New("there is no such kind of block")
	}
}

func readAs[B Block](text []byte) (Block, error) {
	var block B
	err := decode(text, &block)
	return block, err
}
