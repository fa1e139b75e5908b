package telemetry

import (
	"bytes"
	"errors"

	"tocsin/intel"
	"tocsin/telemetry/otlp"
)

// otlpFormat is what mappings call OpenTelemetry's own JSON.
const otlpFormat = "otlp"

var errTrailing = errors.New("text after the JSON object on its line")

// jsonBlock decodes a block of JSON: a line at a time where the source is
// lines, so that a broken one harms no other, else an object at a time.
func (d *Decoder) jsonBlock(b *Block) error {
	if b.header == (byLine{}) {
		return walkLines(b, d.object)
	}
	offset := 0
	for number := b.Number; ; number++ {
		begin, after := nextObject(b.Data[offset:])
		if begin == len(b.Data)-offset {
			return nil
		}
		at := b.Offset + int64(offset+begin)
		if after == 0 {
			d.problem("JSON ends early", at)
			return nil
		}
		if err := d.object(b.Data[offset+begin:offset+after], number, at); err != nil {
			return err
		}
		offset += after
	}
}

// object decodes an object that may be several events.
func (d *Decoder) object(text []byte, number uint64, at int64) error {
	rec := d.begin(number, at)
	if otlp.Looks(text) {
		d.hint.Format = otlpFormat
		defer func() { d.hint.Format = string(JSON) }()
		err := d.otlp.Decode(text, rec, d.finish)
		if errors.Is(err, otlp.ErrMalformed) {
			d.problem(err.Error(), at)
			return nil
		}
		return err
	}
	if inside := wrapped(text); inside != nil {
		return d.elements(inside, number, at+int64(len(text)-len(inside)))
	}
	if err := d.jsonLine(text, rec); err != nil {
		d.problem(reasonOf(err), at)
		return nil
	}
	return d.finish()
}

// wrapped returns what follows the opening bracket of an array of records that
// is an object's first member, or nil.
func wrapped(text []byte) []byte {
	if !bytes.HasPrefix(text, []byte(`{"Records":[{`)) && !bytes.HasPrefix(text, []byte(`{"records":[{`)) {
		return nil
	}
	return text[len(`{"Records":[`):]
}

// elements decodes the objects of an array as events with the number of the
// line they stand on.
func (d *Decoder) elements(array []byte, number uint64, at int64) error {
	for offset := 0; ; {
		begin, after := nextObject(array[offset:])
		if after == 0 {
			return nil
		}
		text := array[offset+begin : offset+after]
		where := at + int64(offset+begin)
		if err := d.jsonLine(text, d.begin(number, where)); err != nil {
			d.problem(reasonOf(err), where)
		} else if err := d.finish(); err != nil {
			return err
		}
		offset += after
	}
}

// jsonLine decodes one object.
func (d *Decoder) jsonLine(text []byte, rec *intel.Record) error {
	n, err := d.json.Decode(text, rec)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(text[n:])) > 0 {
		return errTrailing
	}
	return nil
}
