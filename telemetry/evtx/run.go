package evtx

import "tocsin/intel"

// output is the record being made.
type output struct {
	fields []intel.Field
	text   []byte // the fields' values, one behind the other
	lost   bool   // a value did not fit its type
}

// field adds a field whose value was appended to b from start on.
func field(fields []intel.Field, name intel.Name, kind intel.Kind, b []byte, start int) []intel.Field {
	return append(fields, intel.Field{Value: b[start:len(b):len(b)], Name: name, Kind: kind})
}

// run makes the fields of an instance. It answers notCompiled when the record
// needs the tree.
func (d *Decoder) run(p *program, values []value, nesting int) Reason {
	if !p.usable {
		return notCompiled
	}
	if len(d.out.fields)+len(p.ops) > maxFields {
		return TooLarge
	}
	fields, b := d.out.fields, d.out.text
	var marks [maxMarks]int
	attributes := false // the element has some
	for i := 0; i < len(p.ops); i++ {
		o := &p.ops[i]
		if o.code == opConst {
			fields = append(fields, intel.Field{Value: o.data, Name: o.name, Kind: o.kind})
			continue
		}
		var v value
		if int(o.slot) < len(values) {
			v = values[o.slot]
		}
		if o.drop && o.code <= opData && v.typ < typeXML {
			continue
		}
		raw := v.bytes(d.chunk)
		empty := isEmpty(v.typ, raw)
		name := o.name
		switch o.code {
		case opLeaf:
			if empty {
				if !o.drop {
					fields = append(fields, intel.Field{Name: name, Kind: intel.Null})
				}
				continue
			}
		case opText:
			if empty {
				continue
			}
		case opData:
			if empty {
				if !o.drop {
					fields = append(fields, intel.Field{Value: b[len(b):], Name: name})
				}
				continue
			}
			if items, ok := arrayOf(v.typ, raw); ok {
				if !o.drop {
					fields, b = d.items(fields, b, name, items)
				}
				continue
			}
		case opAttr:
			attributes = !empty || attributes && !o.first
			if empty {
				continue
			}
		case opBody:
			if empty {
				if !attributes && !o.drop {
					fields = append(fields, intel.Field{Name: name, Kind: intel.Null})
				}
				continue
			}
			if attributes {
				name = o.text
			}
		case opNoBody:
			if !attributes && !o.drop {
				fields = append(fields, intel.Field{Name: name, Kind: intel.Null})
			}
			continue
		case opChild:
			if empty {
				continue
			}
			if v.typ != typeXML {
				return notCompiled
			}
		case opGuard:
			if int(o.slot) < len(values) && v.null() {
				i += int(o.skip)
			}
			continue
		case opMark:
			marks[o.slot] = len(fields)
			continue
		case opNullIfNone:
			if marks[o.slot] == len(fields) {
				fields = append(fields, intel.Field{Name: name, Kind: intel.Null})
			}
			continue
		}
		if v.typ >= typeXML {
			if v.typ == typeXML {
				if o.nest == nil {
					return notCompiled
				}
				d.out.fields, d.out.text = fields, b
				if r := d.nested(o.nest, v, nesting); r != fine {
					return r
				}
				fields, b = d.out.fields, d.out.text
				continue
			}
			if _, ok := arrayOf(v.typ, raw); ok {
				return notCompiled // its element is repeated and numbered
			}
		}
		if o.drop && name == o.name || o.dropText && name == o.text {
			continue
		}
		start := len(b)
		var kind intel.Kind
		var ok bool
		if b, kind, ok = d.appendValue(b, v.typ, raw); !ok {
			d.out.lost = true
		}
		fields = field(fields, name, kind, b, start)
	}
	d.out.fields, d.out.text = fields, b
	return fine
}

// items makes a field of each item of an array.
func (d *Decoder) items(fields []intel.Field, b []byte, name intel.Name, items array) ([]intel.Field, []byte) {
	for {
		item, more := items.next()
		if !more {
			return fields, b
		}
		start := len(b)
		kind := intel.Text
		if !isEmpty(items.typ, item) {
			b, kind, _ = d.appendValue(b, items.typ, item)
		}
		fields = field(fields, name, kind, b, start)
	}
}

// nested makes the fields of the elements that a value is.
func (d *Decoder) nested(n *nest, v value, nesting int) Reason {
	if nesting >= maxNesting {
		return notCompiled
	}
	in, r := d.sole(int(v.at), int(v.at)+int(v.size))
	if r != fine {
		return r
	}
	defer d.pop(in.first)
	p := d.programFor(in.template, n.prefix)
	if n.clashes(p.root) {
		return notCompiled
	}
	return d.run(p, d.values[in.first:], nesting+1)
}
