package telemetry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"tocsin/internal/fault"
	"tocsin/telemetry/csvlog"
)

// A block on the wire is self-contained: it can be decoded by another process,
// on another machine, long after its source is gone. Version 1 is: the version,
// then as uvarints and texts (a uvarint length and the bytes) the source's name,
// format and time of writing (microseconds since 1970, 0 for none), offset,
// number, path, the problems, the kind of header with what makes it, the data.

const wireVersion = 1

// headerKind says what a block needs to know from earlier in its source.
type headerKind uint64

const (
	noHeader headerKind = iota
	jsonByLine
	zeekHeader
	w3cHeader
	csvHeader
	auditHeader
)

// wireLimit bounds what lengths on the wire are believed: the longest record
// with room for what stands beside it.
const wireLimit = 4 * MaxRecord

var errWire = fmt.Errorf("block on the wire: %w", fault.Invalid)

// NewBlock returns a block of whole records of a source, for what does not come
// through a Reader: JSON objects one after the other, or lines. The data must
// not change any more.
func NewBlock(source *Source, data []byte) *Block {
	return &Block{Source: source, Data: data, Number: 1}
}

// AppendBinary appends the block as ReadBlock reads it. It never fails; the
// error makes it an encoding.BinaryAppender.
func (b *Block) AppendBinary(to []byte) ([]byte, error) {
	to = append(to, wireVersion)
	to = appendText(to, []byte(b.Source.Name))
	to = appendText(to, []byte(b.Source.Format))
	written := int64(0)
	if !b.Source.Written.IsZero() {
		written = b.Source.Written.UnixMicro()
	}
	to = binary.AppendVarint(to, written)
	to = binary.AppendUvarint(to, uint64(b.Offset))
	to = binary.AppendUvarint(to, b.Number)
	to = appendText(to, []byte(b.path))
	to = binary.AppendUvarint(to, uint64(len(b.Problems)))
	for _, p := range b.Problems {
		to = appendText(to, []byte(p.Reason))
		to = appendText(to, []byte(p.Detail))
		to = binary.AppendUvarint(to, uint64(p.Offset))
		to = binary.AppendUvarint(to, p.Count)
	}
	to = b.appendHeader(to)
	return appendText(to, b.Data), nil
}

func (b *Block) appendHeader(to []byte) []byte {
	switch header := b.header.(type) {
	case byLine:
		return binary.AppendUvarint(to, uint64(jsonByLine))
	case csvTable:
		to = binary.AppendUvarint(to, uint64(csvHeader))
		to = append(to, header.dialect.Separator)
		return appendText(to, []byte(header.line))
	case auditEvents:
		to = binary.AppendUvarint(to, uint64(auditHeader))
		to = binary.AppendUvarint(to, uint64(len(header)))
		for _, e := range header {
			to = binary.AppendUvarint(to, uint64(e.end))
			to = binary.AppendUvarint(to, e.number)
			to = binary.AppendUvarint(to, uint64(e.offset))
		}
		return to
	}
	switch b.Source.Format {
	case ZeekTSV:
		return appendText(binary.AppendUvarint(to, uint64(zeekHeader)), b.directives)
	case W3C:
		return appendText(binary.AppendUvarint(to, uint64(w3cHeader)), b.directives)
	}
	return binary.AppendUvarint(to, uint64(noHeader))
}

func appendText(to, text []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// ReadBlock returns the block that AppendBinary wrote. Its Data is a slice of
// wire, which must not change while the block is used. What is no block is an
// error that is fault.Invalid.
func ReadBlock(wire []byte) (*Block, error) {
	if len(wire) == 0 || wire[0] != wireVersion {
		return nil, fmt.Errorf("%w: not of version %d; a newer tocsin wrote it", errWire, wireVersion)
	}
	r := &wireReader{rest: wire[1:]}
	b := &Block{Source: &Source{Name: string(r.text()), Format: Format(r.text())}}
	if written := r.varint(); written != 0 {
		b.Source.Written = time.UnixMicro(written).UTC()
	}
	b.Offset, b.Number, b.path = int64(r.uvarint()), r.uvarint(), string(r.text())
	for range r.count() {
		b.Problems = append(b.Problems, Problem{
			Reason: string(r.text()), Detail: string(r.text()), Offset: int64(r.uvarint()), Count: r.uvarint(),
		})
	}
	r.header(b)
	b.Data = r.text()
	if events, ok := b.header.(auditEvents); ok && len(events) > 0 && events[len(events)-1].end > len(b.Data) {
		r.failed = true
	}
	if r.failed || len(r.rest) > 0 {
		return nil, fmt.Errorf("%w: cut short or longer than it says", errWire)
	}
	return b, nil
}

// wireReader reads a block; after a failure every read is empty.
type wireReader struct {
	rest   []byte
	failed bool
}

func (r *wireReader) header(b *Block) {
	switch headerKind(r.uvarint()) {
	case noHeader:
	case jsonByLine:
		b.header = byLine{}
	case zeekHeader:
		r.directives(b, &zeekDirectives{})
	case w3cHeader:
		r.directives(b, &w3cDirectives{})
	case csvHeader:
		b.header = r.table()
	case auditHeader:
		b.header = r.audit()
	default:
		r.failed = true
	}
}

func (r *wireReader) directives(b *Block, d directives) {
	path := b.path
	for line := range bytes.Lines(r.text()) {
		_ = d.directive(bytes.TrimSuffix(line, newline)) // told when it was read first
	}
	b.under(d)
	b.path = path
}

func (r *wireReader) table() csvTable {
	table := csvTable{dialect: csvlog.Dialect{Separator: r.byte()}, line: string(r.text())}
	if table.line != "" {
		var err error
		table.header, err = table.dialect.Header([]byte(table.line))
		r.failed = r.failed || err != nil
	}
	return table
}

func (r *wireReader) audit() auditEvents {
	var events auditEvents
	end := 0
	for range r.count() {
		e := auditEvent{end: int(r.uvarint()), number: r.uvarint(), offset: int64(r.uvarint())}
		if e.end < end || e.end > wireLimit {
			r.failed = true
			return nil
		}
		end = e.end
		events = append(events, e)
	}
	return events
}

func (r *wireReader) uvarint() uint64 {
	n, size := binary.Uvarint(r.rest)
	return took(r, n, size)
}

func (r *wireReader) varint() int64 {
	n, size := binary.Varint(r.rest)
	return took(r, n, size)
}

func took[N int64 | uint64](r *wireReader, n N, size int) N {
	if size <= 0 {
		r.failed, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count reads how many things follow; each takes at least a byte.
func (r *wireReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.failed, r.rest = true, nil
		return 0
	}
	return int(n)
}

func (r *wireReader) byte() byte {
	if len(r.rest) == 0 {
		r.failed = true
		return 0
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	return c
}

func (r *wireReader) text() []byte {
	n := r.count()
	text := r.rest[:n:n]
	r.rest = r.rest[n:]
	return text
}
