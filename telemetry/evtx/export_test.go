package evtx

import "tocsin/intel"

// NextByTree is Next by the slow path alone.
func (d *Decoder) NextByTree(into *intel.Record) (Record, bool) {
	for {
		e, r := d.walk.next(d.chunk)
		if r == fine && e.size == 0 {
			return Record{}, false
		}
		if r != fine {
			continue
		}
		into.Reset()
		d.out = output{fields: into.Fields, text: into.Tail()}
		r = d.tree(e.at+recordHead, e.at+e.size-recordTail)
		d.values = d.values[:0]
		if r == fine {
			into.Fields = d.out.fields
			into.Keep(d.out.text)
			return Record{Number: e.number, Offset: d.offset + int64(e.at)}, true
		}
	}
}

// Compiles reports whether the record is decoded by the fast path.
func (d *Decoder) Compiles(into *intel.Record) (compiled, ok bool) {
	e, r := d.walk.next(d.chunk)
	if r != fine || e.size == 0 {
		return false, r != fine
	}
	into.Reset()
	d.out = output{fields: into.Fields, text: into.Tail()}
	r = d.compiled(e.at+recordHead, e.at+e.size-recordTail)
	d.values = d.values[:0]
	return r == fine, true
}
