package csvlog

import (
	"bytes"

	"tocsin/intel"
)

// Decoder reads records. It is not safe for concurrent use; make one for each
// goroutine.
type Decoder struct {
	names   *intel.Names
	header  *Header
	columns []intel.Name
}

// NewDecoder returns a decoder that has no header yet.
func NewDecoder(names *intel.Names) *Decoder { return &Decoder{names: names} }

// Use makes the decoder read the records that follow under the header. It
// costs nothing when the header is the one already in use. Nil means that
// there is none, so that records are refused with ErrNoHeader.
func (d *Decoder) Use(h *Header) {
	if h == d.header {
		return
	}
	d.header = h
	d.columns = d.columns[:0]
	if h == nil {
		return
	}
	for _, name := range h.Names {
		d.columns = append(d.columns, d.names.Path([]byte(name)))
	}
}

// Decode appends a record's values to rec, under the header in use. Values
// point into the record unless they hold a doubled quote. When it returns an
// error, one of this package's, rec is as it was.
func (d *Decoder) Decode(record []byte, rec *intel.Record) error {
	if d.header == nil {
		return ErrNoHeader
	}
	before := len(rec.Fields)
	record = trimEnd(record)
	if bytes.IndexByte(record, '"') < 0 {
		return d.bare(record, rec)
	}
	c := cells{text: record, separator: d.header.dialect.Separator}
	for i := 0; c.next(); i++ {
		if i < len(d.columns) {
			d.add(&c, d.columns[i], rec)
		} else if len(c.value) > 0 {
			rec.Fields = rec.Fields[:before]
			return ErrColumns
		}
	}
	return nil
}

// bare reads a record without quotes.
func (d *Decoder) bare(record []byte, rec *intel.Record) error {
	before := len(rec.Fields)
	for i, more := 0, true; more; i++ {
		value := record
		end := bytes.IndexByte(record, d.header.dialect.Separator)
		if more = end >= 0; more {
			value, record = record[:end], record[end+1:]
		}
		if len(value) == 0 {
			continue
		}
		if i >= len(d.columns) {
			rec.Fields = rec.Fields[:before]
			return ErrColumns
		}
		rec.Add(d.columns[i], intel.KindOf(value), value)
	}
	return nil
}

func (d *Decoder) add(c *cells, name intel.Name, rec *intel.Record) {
	switch {
	case !c.quoted && len(c.value) == 0:
	case !c.quoted:
		rec.Add(name, intel.KindOf(c.value), c.value)
	case c.plain():
		rec.Add(name, intel.Text, c.value)
	default:
		rec.Grow(len(c.value) + len(c.rest))
		rec.AddTail(name, intel.Text, c.unquoted(rec.Tail()))
	}
}
