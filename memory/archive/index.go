package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// index says of a segment what is needed to decide whether it must be read, and
// the checksums of its parts. It stands in the segment's file between the
// columns and Parquet's own footer, where other readers do not look.
type index struct {
	footer part // Parquet's metadata, at the end of the file
	kinds  []kind
	names  []string // of the columns that hold fields
	groups []groupIndex
}

// part is a range of a segment's file.
type part struct {
	offset, size int64
	sum          uint32
}

// groupIndex is of one row group.
type groupIndex struct {
	rows     int
	timeless bool     // some rows say no time
	min, max int64    // of the times that there are, in microseconds; min > max when there is none
	hosts    []string // nil: too many to list
	sources  []string // nil: too many to list
	kinds    []int    // indexes into the segment's
	chunks   []part   // by Parquet column
	filters  []columnFilter
	rest     restFilter
}

// columnFilter is of one field's column.
type columnFilter struct {
	present bool // some row has a value
	filter  filter
}

// restFilter is of the fields that have no column, or are in the row again.
type restFilter struct {
	names  []string // nil: too many to list
	filter filter
}

// maxListed bounds the hosts, sources and names that an index lists of a row
// group: beyond it nothing is skipped by them.
const maxListed = 1024

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errIndex   = errors.New("index is cut short or damaged")
)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// indexVersion is written first, and changes with the form.
const indexVersion = 1

func (x *index) encode() []byte {
	var w indexWriter
	w.number(indexVersion)
	w.part(x.footer)
	w.number(len(x.kinds))
	for _, k := range x.kinds {
		for _, text := range [...]string{k.key, k.product, k.service, k.categories} {
			w.bytes([]byte(text))
		}
	}
	w.texts(x.names)
	w.number(len(x.groups))
	for i := range x.groups {
		w.group(&x.groups[i])
	}
	return w.out
}

type indexWriter struct{ out []byte }

func (w *indexWriter) number(n int)   { w.out = binary.AppendUvarint(w.out, uint64(n)) }
func (w *indexWriter) signed(n int64) { w.out = binary.AppendVarint(w.out, n) }
func (w *indexWriter) bytes(b []byte) { w.number(len(b)); w.out = append(w.out, b...) }

func (w *indexWriter) bool(b bool) {
	if b {
		w.number(1)
	} else {
		w.number(0)
	}
}

// texts writes a list; that it is nil is kept.
func (w *indexWriter) texts(list []string) {
	if list == nil {
		w.number(0)
		return
	}
	w.number(len(list) + 1)
	for _, text := range list {
		w.bytes([]byte(text))
	}
}

func (w *indexWriter) part(p part) {
	w.number(int(p.offset))
	w.number(int(p.size))
	w.number(int(p.sum))
}

func (w *indexWriter) group(g *groupIndex) {
	w.number(g.rows)
	w.bool(g.timeless)
	w.signed(g.min)
	w.signed(g.max)
	w.texts(g.hosts)
	w.texts(g.sources)
	w.number(len(g.kinds))
	for _, k := range g.kinds {
		w.number(k)
	}
	w.number(len(g.chunks))
	for _, p := range g.chunks {
		w.part(p)
	}
	w.number(len(g.filters))
	for _, f := range g.filters {
		w.bool(f.present)
		w.bytes(f.filter)
	}
	w.texts(g.rest.names)
	w.bytes(g.rest.filter)
}

// decodeIndex reads an index; its filters are parts of data.
func decodeIndex(data []byte) (*index, error) {
	r := indexReader{in: data}
	if version := r.number(math.MaxInt32); version != indexVersion && r.err == nil {
		return nil, fmt.Errorf("index is of version %d, which this program does not read", version)
	}
	x := &index{footer: r.part()}
	for n := r.count(4); n > 0 && r.err == nil; n-- {
		x.kinds = append(x.kinds, kind{string(r.bytes()), string(r.bytes()), string(r.bytes()), string(r.bytes())})
	}
	x.names = r.texts()
	for n := r.count(8); n > 0 && r.err == nil; n-- {
		x.groups = append(x.groups, r.group(x))
	}
	if r.err != nil {
		return nil, r.err
	}
	return x, nil
}

// indexReader reads what an indexWriter wrote. After an error it reads nothing
// but zeros.
type indexReader struct {
	in  []byte
	err error
}

func (r *indexReader) fail() {
	r.in, r.err = nil, errIndex
}

func (r *indexReader) number(most uint64) int64 {
	n, size := binary.Uvarint(r.in)
	if size <= 0 || n > most {
		r.fail()
		return 0
	}
	r.in = r.in[size:]
	return int64(n)
}

func (r *indexReader) signed() int64 {
	n, size := binary.Varint(r.in)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.in = r.in[size:]
	return n
}

// count reads how many things of some least size follow: never more than fit.
func (r *indexReader) count(least int) int {
	return int(r.number(uint64(len(r.in) / least)))
}

func (r *indexReader) bool() bool { return r.number(1) == 1 }

func (r *indexReader) bytes() []byte {
	n := r.count(1)
	if n > len(r.in) { // the length took bytes itself
		r.fail()
		return nil
	}
	b := r.in[:n:n]
	r.in = r.in[n:]
	return b
}

func (r *indexReader) texts() []string {
	n := int(r.number(maxListed + 1))
	if n == 0 {
		return nil
	}
	list := []string{}
	for ; n > 1 && r.err == nil; n-- {
		list = append(list, string(r.bytes()))
	}
	return list
}

func (r *indexReader) part() part {
	return part{r.number(math.MaxInt64), r.number(math.MaxInt64), uint32(r.number(math.MaxUint32))}
}

func (r *indexReader) group(x *index) (g groupIndex) {
	g.rows = int(r.number(groupRows))
	g.timeless = r.bool()
	g.min, g.max = r.signed(), r.signed()
	g.hosts, g.sources = r.texts(), r.texts()
	for n := r.count(1); n > 0 && r.err == nil; n-- {
		k := int(r.number(math.MaxInt32))
		if k >= len(x.kinds) {
			r.fail()
			break
		}
		g.kinds = append(g.kinds, k)
	}
	for n := r.count(3); n > 0 && r.err == nil; n-- {
		g.chunks = append(g.chunks, r.part())
	}
	for n := r.count(2); n > 0 && r.err == nil; n-- {
		g.filters = append(g.filters, columnFilter{present: r.bool(), filter: r.filter()})
	}
	g.rest = restFilter{names: r.texts(), filter: r.filter()}
	if len(g.filters) != len(x.names) && r.err == nil {
		r.fail()
	}
	return g
}

// filter reads a filter; its size must be one that a builder makes.
func (r *indexReader) filter() filter {
	f := r.bytes()
	if n := len(f); n&(n-1) != 0 || n > 1<<maxFilterBits/8 {
		r.fail()
		return nil
	}
	return f
}
