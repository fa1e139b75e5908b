package evtx_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"tocsin/intel"
	"tocsin/telemetry/evtx"
)

// seeds are chunks of all shapes.
func seeds() [][]byte {
	inner := &el{name: "EventData", children: []any{
		dataElement("A", slot(0)),
		dataElement("B", slot(1)),
		&el{name: "Data", depends: 3, children: []any{slot(2)}},
	}}
	outer := event(
		&el{name: "System", attrs: []at{{"x", "1"}, {"y", slot(1)}}, children: []any{slot(0), &el{name: "Z", depends: 2, children: []any{"z", ref("lt")}}}},
		slot(2),
	)
	mixed := newBuilder()
	mixed.define(inner)
	mixed.event(outer, val{0x11, le(8, 1<<57)}, text("y"), mixed.nested(inner, text("v"), val{0x88, le(8, 5)}, val{0x81, units("a\x00b\x00")}))
	mixed.stream(func() { mixed.element(event(&el{name: "A", children: []any{"x", char(65)}}), false) })
	types := newBuilder()
	shape := event()
	var values []val
	for typ := range 0x16 {
		shape.children = append(shape.children, &el{name: "V", children: []any{slot(2 * typ)}}, &el{name: "W", children: []any{slot(2*typ + 1)}})
		values = append(values, val{byte(typ), make([]byte, 16)}, val{byte(typ) | 0x80, make([]byte, 32)})
	}
	types.event(shape, values...)
	return [][]byte{mixed.chunk(), types.chunk(), tenRecords()}
}

// FuzzDecoder decodes a chunk by programs and by trees: neither panics, both
// read the same, and a chunk that was decoded before is decoded the same again.
func FuzzDecoder(f *testing.F) {
	for _, chunk := range seeds() {
		f.Add(bytes.TrimRight(chunk, "\x00"))
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		if len(chunk) > 64<<10 {
			return
		}
		names := intel.NewNames(nil)
		d, slow := evtx.NewDecoder(names), evtx.NewDecoder(names)
		var a, b intel.Record
		d.Reset(chunk, 0)
		slow.Reset(chunk, 0)
		var first []string
		for {
			r, ok := d.Next(&a)
			other, otherOK := slow.NextByTree(&b)
			if ok != otherOK || r.Number != other.Number {
				t.Fatalf("record %d %v by program, %d %v by tree", r.Number, ok, other.Number, otherOK)
			}
			if !ok {
				break
			}
			got, want := flatten(names, &a), flatten(names, &b)
			if sorted(got) != sorted(want) {
				t.Fatalf("by program:\n%s\nby tree:\n%s", sorted(got), sorted(want))
			}
			for _, field := range a.Fields {
				if !utf8.Valid(field.Value) {
					t.Fatalf("%q is not UTF-8", field.Value)
				}
			}
			first = append(first, sorted(got))
		}
		d.Reset(chunk, 0)
		for _, want := range first {
			if _, ok := d.Next(&a); !ok || sorted(flatten(names, &a)) != want {
				t.Fatal("decoded otherwise the second time")
			}
		}
	})
}

// FuzzReader reads logs put together from pieces, each a kind and a length in
// two bytes (so that inputs stay small): each byte is given out at most once, in
// order, and the reader ends.
func FuzzReader(f *testing.F) {
	kinds := [][]byte{fileHeader(), tenRecords(), make([]byte, 64<<10), bytes.Repeat([]byte("noise"), 1<<14), []byte("ElfChnk\x00"), []byte("ElfFile\x00")}
	f.Add([]byte{0, 255, 1, 255, 2, 255, 1, 255})
	f.Add([]byte{3, 1, 1, 200, 1, 255, 3, 100, 4, 255})
	f.Fuzz(func(t *testing.T, pieces []byte) {
		var log []byte
		for ; len(pieces) >= 2 && len(log) < 1<<20; pieces = pieces[2:] {
			kind := kinds[int(pieces[0])%len(kinds)]
			log = append(log, kind[:len(kind)*int(pieces[1])/255]...)
		}
		r, err := evtx.NewReader(bytes.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		var buf []byte
		for end := int64(0); ; {
			chunk, offset, err := r.Next(buf)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if offset < end || len(chunk) == 0 || len(chunk) > 64<<10 || !bytes.Equal(log[offset:offset+int64(len(chunk))], chunk) {
				t.Fatalf("chunk of %d bytes at %d after %d", len(chunk), offset, end)
			}
			end = offset + int64(len(chunk))
			buf = chunk
		}
	})
}
