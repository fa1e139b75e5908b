package archive

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"tocsin/intel"
)

const (
	// groupRows bounds a row group: it is what is read or skipped at once.
	groupRows = 64 << 10
	// minGroupRows is from how many rows on a row group ends where the class
	// does, so that rules for other classes skip it.
	minGroupRows = 16 << 10
	// stepRows is how many rows are handed to the columns at once.
	stepRows = 1024
)

// encoded is a segment ready to be written.
type encoded struct {
	data  []byte
	index part // where its index stands in data
	rows  int
	span  timeSpan
}

// encoder turns rows into a segment.
type encoder struct {
	names   *intel.Names
	rows    []rowRef
	columns []fieldColumn
	byName  []int32 // a name's column, counted from 1
	last    []int32 // by column: the row it was last filled in, counted from 1
	row     int32
	rest    int // how many values of the row are among the rest so far
	raw     int // and among the raw ones
	nanos   bool
	shapes  map[string][]byte
	key     []byte

	index index
	kinds map[*kind]int

	out     bytes.Buffer
	writer  *parquet.GenericWriter[any]
	leaves  leaves
	buffers [][]parquet.Value // by leaf
	nulls   [][]parquet.Value // by column: what a buffer holds at first
	at      int               // the row in the buffers
	filters []filterBuilder   // by column, and one for the rest
}

// encode makes a segment of rows, which it sorts.
func encode(names *intel.Names, codec *zstd.Codec, rows []rowRef) (*encoded, error) {
	sortRows(rows)
	e := &encoder{
		names: names, rows: rows,
		columns: survey(names, rows),
		shapes:  map[string][]byte{},
		kinds:   map[*kind]int{},
	}
	e.nanos = slices.ContainsFunc(rows, func(r rowRef) bool { return r.row().time.Nanosecond()%1000 != 0 })
	e.byName = make([]int32, names.Len())
	for i, c := range e.columns {
		e.byName[c.name] = int32(i + 1)
		e.index.names = append(e.index.names, c.text)
	}
	e.last = make([]int32, len(e.columns))
	e.filters = make([]filterBuilder, len(e.columns)+1)
	schema := newSchema(e.columns, e.nanos)
	e.writer = parquet.NewGenericWriter[any](&e.out, writerOptions(schema, codec)...)
	e.leaves = findLeaves(schema, e.index.names)
	e.buffers = make([][]parquet.Value, len(schema.Columns()))
	for _, leaf := range e.leaves.fields {
		e.nulls = append(e.nulls, slices.Repeat([]parquet.Value{parquet.NullValue().Level(0, 0, leaf)}, min(stepRows, len(rows))))
	}
	for first := 0; first < len(rows); {
		last := e.cut(first)
		if err := e.group(rows[first:last]); err != nil {
			return nil, err
		}
		first = last
	}
	if err := e.writer.Close(); err != nil {
		return nil, err
	}
	return e.finish()
}

// sortRows puts alike rows beside each other.
func sortRows(rows []rowRef) {
	slices.SortFunc(rows, func(a, b rowRef) int {
		x, y := a.row(), b.row()
		if x.kind != y.kind {
			return cmp.Or(strings.Compare(x.kind.group(), y.kind.group()), strings.Compare(x.kind.key, y.kind.key))
		}
		return cmp.Or(bytes.Compare(a.host(), b.host()), x.time.Compare(y.time),
			strings.Compare(x.source.name, y.source.name), cmp.Compare(x.offset, y.offset), cmp.Compare(x.number, y.number))
	})
}

// cut returns where the row group that begins at first ends.
func (e *encoder) cut(first int) int {
	for at := first + 1; at < len(e.rows); at++ {
		if at-first >= groupRows || (at-first >= minGroupRows && e.rows[at].row().kind != e.rows[at-1].row().kind) {
			return at
		}
	}
	return len(e.rows)
}

// group writes a row group.
func (e *encoder) group(rows []rowRef) error {
	g := newGroupIndex(len(e.columns))
	for step := range slices.Chunk(rows, stepRows) {
		for i := range e.buffers {
			e.buffers[i] = e.buffers[i][:0]
		}
		for i, leaf := range e.leaves.fields {
			e.buffers[leaf] = append(e.buffers[leaf], e.nulls[i][:len(step)]...)
		}
		for i, r := range step {
			e.at = i
			e.add(r, &g)
		}
		for i, w := range e.writer.ColumnWriters() {
			if _, err := w.WriteRowValues(e.buffers[i]); err != nil {
				return fmt.Errorf("column %d: %w", i, err)
			}
		}
	}
	if err := e.writer.Flush(); err != nil {
		return err
	}
	for i := range e.columns {
		g.filters[i].filter = e.filters[i].build()
	}
	g.rest.filter = e.filters[len(e.columns)].build()
	e.index.groups = append(e.index.groups, g.done())
	return nil
}

// put appends a value to a leaf's buffer.
func (e *encoder) put(leaf int, v parquet.Value, repetition, definition int) {
	e.buffers[leaf] = append(e.buffers[leaf], v.Level(repetition, definition, leaf))
}

func (e *encoder) text(leaf int, text []byte) { e.put(leaf, parquet.ByteArrayValue(text), 0, 0) }

// optional puts a text, or null when it is empty.
func (e *encoder) optional(leaf int, text []byte) {
	if len(text) == 0 {
		e.put(leaf, parquet.NullValue(), 0, 0)
		return
	}
	e.put(leaf, parquet.ByteArrayValue(text), 0, 1)
}

// add puts a row into the buffers, and what it holds into the index.
func (e *encoder) add(r rowRef, g *groupBuilder) {
	row := r.row()
	e.row++
	e.when(row.time, g)
	host := validText(r.host())
	e.optional(e.leaves.host, host)
	e.text(e.leaves.source, []byte(row.source.name))
	e.text(e.leaves.format, []byte(row.source.format))
	e.put(e.leaves.number, parquet.Int64Value(int64(row.number)), 0, 0)
	e.put(e.leaves.offset, parquet.Int64Value(row.offset), 0, 0)
	e.optional(e.leaves.product, []byte(row.kind.product))
	e.optional(e.leaves.service, []byte(row.kind.service))
	e.optional(e.leaves.category, []byte(row.kind.categories))
	e.text(e.leaves.class, []byte(row.kind.key))
	g.add(host, row.source.name, e.kind(row.kind))
	e.fields(r, g)
}

// validText makes text UTF-8, as Parquet wants it.
func validText(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return bytes.ToValidUTF8(text, []byte("\uFFFD"))
}

func (e *encoder) kind(k *kind) int {
	n, ok := e.kinds[k]
	if !ok {
		n = len(e.index.kinds)
		e.kinds[k] = n
		e.index.kinds = append(e.index.kinds, *k)
	}
	return n
}

func (e *encoder) when(t time.Time, g *groupBuilder) {
	if t.IsZero() {
		e.put(e.leaves.time, parquet.NullValue(), 0, 0)
		g.timeless = true
	} else {
		µs := t.UnixMicro()
		e.put(e.leaves.time, parquet.Int64Value(µs), 0, 1)
		g.min, g.max = min(g.min, µs), max(g.max, µs)
	}
	if e.nanos {
		e.put(e.leaves.nanos, parquet.Int32Value(int32(t.Nanosecond()%1000)), 0, 0)
	}
}

// fields puts the fields of a row: each in its column, where it has one and is
// the first of its name, else among the rest.
func (e *encoder) fields(r rowRef, g *groupBuilder) {
	fields := r.fields()
	e.key, e.rest, e.raw = e.key[:0], 0, 0
	for i := range fields {
		f := &fields[i]
		value := f.value.of(r.batch.text)
		column, first := e.claim(f.name)
		valid := utf8.Valid(value)
		switch {
		case !valid:
			e.putRaw(f.name, value, g)
		case f.kind == intel.Null:
		case first:
			g.filters[column].present = true
			e.filters[column].add(value)
			e.value(column, value)
		default:
			e.putRest(f.name, value, g)
		}
		e.key = append(binary.LittleEndian.AppendUint32(e.key, uint32(f.name)), byte(f.kind), 0)
		if !valid {
			e.key[len(e.key)-1] = 1
		}
	}
	e.absent()
	e.text(e.leaves.shape, e.shape(fields))
}

// claim returns a name's column, and whether the row has not filled it yet.
func (e *encoder) claim(name intel.Name) (column int, first bool) {
	if int(name) >= len(e.byName) || e.byName[name] == 0 {
		return none, false
	}
	column = int(e.byName[name] - 1)
	first = e.last[column] != e.row
	e.last[column] = e.row
	return column, first
}

func (e *encoder) putRaw(name intel.Name, value []byte, g *groupBuilder) {
	e.put(e.leaves.raw, parquet.ByteArrayValue(value), min(e.raw, 1), 1)
	e.raw++
	e.aside(name, value, g)
}

func (e *encoder) putRest(name intel.Name, value []byte, g *groupBuilder) {
	e.put(e.leaves.restName, parquet.ByteArrayValue(validText([]byte(e.names.Text(name)))), min(e.rest, 1), 1)
	e.put(e.leaves.restValue, parquet.ByteArrayValue(value), min(e.rest, 1), 1)
	e.rest++
	e.aside(name, value, g)
}

// aside tells the index of a value that is not in a column of its own.
func (e *encoder) aside(name intel.Name, value []byte, g *groupBuilder) {
	e.filters[len(e.columns)].add(value)
	g.name(e.names.Text(name))
}

func (e *encoder) value(column int, value []byte) {
	leaf := e.leaves.fields[column]
	v := parquet.ByteArrayValue(value)
	if e.columns[column].columnType == integer {
		n, _ := wholeNumber(value) // the survey saw that it is one
		v = parquet.Int64Value(n)
	}
	e.buffers[leaf][e.at] = v.Level(0, 1, leaf)
}

// absent puts null where the row has no list.
func (e *encoder) absent() {
	if e.rest == 0 {
		e.put(e.leaves.restName, parquet.NullValue(), 0, 0)
		e.put(e.leaves.restValue, parquet.NullValue(), 0, 0)
	}
	if e.raw == 0 {
		e.put(e.leaves.raw, parquet.NullValue(), 0, 0)
	}
}

// shape returns the text of the fields' shape; e.key holds the same in numbers.
func (e *encoder) shape(fields []field) []byte {
	if known, ok := e.shapes[string(e.key)]; ok {
		return known
	}
	var text []byte
	for i, f := range fields {
		text = appendShaped(text, shaped{e.names.Text(f.name), f.kind, e.key[6*i+5] == 1})
	}
	e.shapes[string(e.key)] = text
	return text
}

// finish puts the index between the columns and Parquet's metadata, which
// nothing before points behind.
func (e *encoder) finish() (*encoded, error) {
	data := e.out.Bytes()
	if len(data) < 12 {
		return nil, errIndex
	}
	footer := len(data) - 8 - int(binary.LittleEndian.Uint32(data[len(data)-8:]))
	e.checksums(data)
	// The metadata's own place does not matter to its content, nor to its sum.
	e.index.footer = part{0, int64(len(data) - footer), checksum(data[footer:])}
	made := e.index.encode()
	out := slices.Concat(data[:footer], made, data[footer:])
	s := &encoded{data: out, index: part{int64(footer), int64(len(made)), checksum(made)}, rows: len(e.rows), span: noTime()}
	for i := range e.index.groups {
		s.span.join(&e.index.groups[i])
	}
	return s, nil
}

// checksums notes where each column of each row group stands, and its sum.
func (e *encoder) checksums(data []byte) {
	for i, g := range e.writer.File().Metadata().RowGroups {
		for _, c := range g.Columns {
			meta := &c.MetaData
			at := meta.DataPageOffset
			if meta.DictionaryPageOffset != 0 {
				at = min(at, meta.DictionaryPageOffset)
			}
			size := meta.TotalCompressedSize
			e.index.groups[i].chunks = append(e.index.groups[i].chunks, part{at, size, checksum(data[at : at+size])})
		}
	}
}

// timeSpan is the times of events, in microseconds.
type timeSpan struct {
	min, max int64 // min > max: none says its time
	timeless bool  // some say none
}

func noTime() timeSpan { return timeSpan{min: math.MaxInt64, max: math.MinInt64} }

func (s *timeSpan) join(g *groupIndex) {
	s.min, s.max, s.timeless = min(s.min, g.min), max(s.max, g.max), s.timeless || g.timeless
}

// leaves are the Parquet columns' numbers.
type leaves struct {
	time, nanos, host, source, format, number, offset, product, service, category, class, shape int
	restName, restValue, raw                                                                    int
	fields                                                                                      []int
}

// none is the number of a column that is not there.
const none = -1

func findLeaves(schema *parquet.Schema, names []string) leaves {
	find := func(path ...string) int {
		leaf, ok := schema.Lookup(path...)
		if !ok {
			return none
		}
		return leaf.ColumnIndex
	}
	l := leaves{
		time: find(columnTime), nanos: find(columnNanos), host: find(columnHost), source: find(columnSource),
		format: find(columnFormat), number: find(columnNumber), offset: find(columnOffset), product: find(columnProduct),
		service: find(columnService), category: find(columnCategory), class: find(columnClass), shape: find(columnFields),
		restName: find(pathRestName...), restValue: find(pathRestValue...), raw: find(pathRaw...),
	}
	for _, name := range names {
		l.fields = append(l.fields, find(name))
	}
	return l
}
