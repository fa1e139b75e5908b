package archive

import (
	"math"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/telemetry"
)

// Batch holds copies of the events of one journal entry until they are
// written. Fill it in one goroutine and hand it to Archive.Put, which owns it
// from then on.
type Batch struct {
	archive *Archive
	rows    []row
	fields  []field
	text    []byte // what fields and hosts point into
}

// row is an event without its fields.
type row struct {
	kind   *kind
	source *source
	host   span
	time   time.Time
	number uint64
	offset int64
	first  int32 // its fields: fields[first:last]
	last   int32
}

// source is where events come from, shared by those that stand together.
type source struct{ name, format string }

func (b *Batch) source(s *telemetry.Source) *source {
	at := source{strings.ToValidUTF8(s.Name, "\uFFFD"), string(s.Format)}
	if n := len(b.rows); n > 0 && *b.rows[n-1].source == at {
		return b.rows[n-1].source
	}
	return &at
}

// span is a part of a batch's or a column's text.
type span struct{ at, size uint32 }

func (s span) of(text []byte) []byte { return text[s.at : s.at+s.size : s.at+s.size] }

type field struct {
	value span
	name  intel.Name
	kind  intel.Kind
}

// maxBatchText bounds the text of a batch: spans count in 32 bits. It is far
// more than a journal entry can hold (64 MiB).
const maxBatchText = math.MaxUint32 / 2

// NewBatch returns an empty batch. It may be called by any goroutine.
func (a *Archive) NewBatch() *Batch { return &Batch{archive: a} }

// Add copies an event. A time outside the years 0 to 9999 is kept as none. It returns false when the batch is full (2 GiB of text):
// then nothing was taken, and another batch of the same entry has to be begun.
func (b *Batch) Add(e *telemetry.Event) bool {
	return b.add(e, b.archive.kinds.of(e.Class))
}

func (b *Batch) add(e *telemetry.Event, k *kind) bool {
	size := len(e.Host)
	for i := range e.Fields {
		size += len(e.Fields[i].Value)
	}
	if len(b.text)+size > maxBatchText || len(b.fields)+len(e.Fields) > math.MaxInt32 {
		return false
	}
	r := row{
		kind: k, source: b.source(e.Source),
		host: b.keep(e.Host), time: e.Time, number: e.Number, offset: e.Offset,
		first: int32(len(b.fields)),
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		b.fields = append(b.fields, field{value: b.keep(f.Value), name: f.Name, kind: f.Kind})
	}
	if year := r.time.Year(); year < 0 || year > 9999 {
		r.time = time.Time{}
	}
	r.last = int32(len(b.fields))
	b.rows = append(b.rows, r)
	return true
}

// Len returns how many events the batch holds.
func (b *Batch) Len() int { return len(b.rows) }

func (b *Batch) keep(text []byte) span {
	s := span{uint32(len(b.text)), uint32(len(text))}
	b.text = append(b.text, text...)
	return s
}

// fieldSize is what a field takes in memory beside its text.
const fieldSize = 16

// size is about what the batch takes in memory.
func (b *Batch) size() int64 {
	return int64(len(b.text)) + fieldSize*int64(len(b.fields)) + rowSize*int64(len(b.rows))
}

const rowSize = 96

// rowRef is a row in its batch.
type rowRef struct {
	batch *Batch
	at    int32
}

func (r rowRef) row() *row       { return &r.batch.rows[r.at] }
func (r rowRef) fields() []field { w := r.row(); return r.batch.fields[w.first:w.last] }
func (r rowRef) host() []byte    { return r.row().host.of(r.batch.text) }
func (r rowRef) size() int64 {
	size := int64(rowSize)
	for _, f := range r.fields() {
		size += fieldSize + int64(f.value.size)
	}
	return size
}
