package evtx

import (
	"slices"
	"time"

	"tocsin/intel"
)

// Record says which record was decoded.
type Record struct {
	Number  uint64    // as the log counts, unique in one log (EventRecordID)
	Written time.Time // when it was written to the log, UTC
	Offset  int64     // where it begins in the log, in bytes
}

// Decoder decodes the records of chunks, one chunk after the other. What it
// learns about templates serves all later chunks, of whatever log, so keep it.
// It is for one goroutine; several share one table of names.
type Decoder struct {
	// Want, where set, says which fields are wanted; others are left out, at half
	// the cost of a record when few are wanted. It is asked once for each field of
	// a template, so it must always answer the same, and be set before the first
	// Reset.
	Want func(intel.Name) bool

	names     *intel.Cache
	templates templates
	shapes    library
	clock     clock

	chunk    []byte // what is being decoded, and all that follows is about it
	offset   int64
	walk     walk
	problems []Problem
	values   []value // of the instances being read, the outermost first
	out      output

	// The slow path's memory, and what it may still use of the chunk's limits.
	pool      pool
	top       element
	flatten   flattener
	textLeft  int
	nodesLeft int
	textSpent int
}

// NewDecoder returns a Decoder whose fields are named by the table.
func NewDecoder(names *intel.Names) *Decoder {
	d := &Decoder{names: intel.NewCache(names)}
	d.flatten.d = d
	return d
}

// Reset begins a chunk that lies at an offset of its log, as a Reader gives it.
// The chunk must not change until the next Reset.
func (d *Decoder) Reset(chunk []byte, offset int64) {
	d.chunk, d.offset = slices.Clip(chunk), offset
	d.problems = d.problems[:0]
	d.values = d.values[:0]
	d.templates.nextChunk()
	d.textSpent, d.nodesLeft = 0, maxChunkNodes
	h := readChunkHeader(d.chunk)
	h.check(d.chunk, func(r Reason, at int) { d.problem(r, at, 0) })
	d.walk = newWalk(d.chunk, h)
}

// Problems returns what is wrong with the part of the chunk that was decoded so
// far. They are valid until the next Reset.
func (d *Decoder) Problems() []Problem { return d.problems }

func (d *Decoder) problem(r Reason, at int, record uint64) {
	d.problems = append(d.problems, Problem{Reason: r, Offset: d.offset + int64(at), Record: record})
}

// Next decodes the next record that can be read into a record, which it resets.
// It reports false at the end of the chunk. The values of the fields belong to
// the record and do not need the chunk.
func (d *Decoder) Next(into *intel.Record) (Record, bool) {
	for {
		e, r := d.walk.next(d.chunk)
		switch {
		case r != fine:
			d.problem(r, e.at, 0)
			continue
		case e.size == 0:
			return Record{}, false
		}
		if r := d.decode(e, into); r != fine {
			d.problem(r, e.at, e.number)
			continue
		}
		if d.out.lost {
			d.problem(Value, e.at, e.number)
		}
		return Record{Number: e.number, Written: fileTime(e.written), Offset: d.offset + int64(e.at)}, true
	}
}

// maxGrowth is how much longer the text of a value can be than the value: eight
// bits as a signed number with a comma are five.
const maxGrowth = 5

func (d *Decoder) decode(e entry, into *intel.Record) Reason {
	into.Reset()
	into.Grow(maxGrowth*e.size + 64)
	d.out = output{fields: into.Fields, text: into.Tail()}
	pos, end := e.at+recordHead, e.at+e.size-recordTail
	r := d.compiled(pos, end)
	if r == notCompiled {
		d.values = d.values[:0]
		d.out.fields, d.out.text, d.out.lost = into.Fields, into.Tail(), false
		r = d.tree(pos, end)
	}
	d.values = d.values[:0]
	if r == fine {
		into.Fields = d.out.fields
		into.Keep(d.out.text)
	}
	return r
}

// compiled is the fast path: a record that is one instance, or like others that
// have no template.
func (d *Decoder) compiled(pos, end int) Reason {
	in, r := d.sole(pos, end)
	if r != fine {
		return r
	}
	return d.run(d.programFor(in.template, ""), d.values[in.first:], 0)
}

// tree is the slow path: any record.
func (d *Decoder) tree(pos, end int) Reason {
	nodes := min(d.nodesLeft, maxRecordNodes)
	d.pool.reset(nodes)
	d.textLeft = min(maxChunkText-d.textSpent, maxRecordText)
	d.top.children = d.top.children[:0]
	r := d.document(pos, end, &d.top, 0)
	d.nodesLeft -= nodes - max(0, d.pool.nodes)
	if r != fine {
		return r
	}
	f := &d.flatten
	f.fail, f.path = fine, f.path[:0]
	for i := range d.top.children {
		root := d.top.children[i].child
		f.enter(root.name, 0)
		f.element(root, false)
		break // a record has one root
	}
	d.textSpent += len(d.out.text)
	return f.fail
}
