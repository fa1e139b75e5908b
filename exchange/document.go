package exchange

import (
	"bytes"
	"io"

	"tocsin/exchange/misp"
	"tocsin/exchange/stix"
	"tocsin/intel"
)

// recognise tells the format from the beginning.
func recognise(head []byte) Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	if len(text) == 0 || (text[0] != '{' && text[0] != '[') || !bytes.Contains(text, []byte(`"`)) {
		return List
	}
	if stix.Recognise(text) {
		return STIX
	}
	return MISP
}

// document reads a document of one piece.
func (r *reading) document(in io.Reader) error {
	part := r.builder.Part(0)
	defer part.Close()
	visit := func(i *intel.Indicator) {
		if err := part.Add(i); err != nil {
			r.pass("too long to be kept", i.ID, 1)
		}
	}
	pass := func(path, reason string) { r.pass(reason, path, 1) }
	if r.format == STIX {
		return stix.Indicators(in, r.Origin, visit, pass)
	}
	return misp.Indicators(in, r.Origin, visit, pass)
}
