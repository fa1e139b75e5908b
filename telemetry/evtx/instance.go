package evtx

import "encoding/binary"

// instance is a template and the values that fill it. The values are a part of
// the Decoder's values: those from first on.
type instance struct {
	template *template
	first    int
	end      int // where the stream goes on
}

// An instance is: a byte, the definition's number (4), its offset (4), the
// definition itself if this is its first use, the number of values (4), a
// descriptor of four bytes for each (size, type, nothing), the values.
const (
	instanceHead   = 9
	instanceOffset = 5
	descriptorSize = 4
)

// instance reads the instance at pos, behind its token, in a stream that ends at
// end. Its values are pushed on d.values; the caller pops them.
func (d *Decoder) instance(pos, end int) (instance, Reason) {
	chunk := d.chunk
	if pos+instanceHead+4 > end {
		return instance{}, Content
	}
	offset := binary.LittleEndian.Uint32(chunk[pos+instanceOffset:])
	pos += instanceHead
	if int(offset) == pos {
		if pos+definitionHead+4 > end {
			return instance{}, Content
		}
		size := int(binary.LittleEndian.Uint32(chunk[pos+definitionSize:]))
		if size < 0 || size > end-pos-definitionHead-4 {
			return instance{}, Content
		}
		pos += definitionHead + size
	}
	count := int(binary.LittleEndian.Uint32(chunk[pos:]))
	pos += 4
	if count < 0 || count > maxValues || count*descriptorSize > end-pos {
		return instance{}, Content
	}
	in := instance{template: d.templates.at(chunk, offset), first: len(d.values)}
	if in.template == nil {
		return instance{}, Template
	}
	descriptors := chunk[pos : pos+count*descriptorSize]
	at := pos + len(descriptors)
	for ; len(descriptors) >= descriptorSize; descriptors = descriptors[descriptorSize:] {
		size := binary.LittleEndian.Uint16(descriptors)
		d.values = append(d.values, value{at: uint32(at), size: size, typ: descriptors[2]})
		at += int(size)
	}
	if at > end {
		d.values = d.values[:in.first]
		return instance{}, Content
	}
	in.end = at
	return in, fine
}

// sole reads a stream that is one instance and nothing else, or that has no
// instance. Its values are pushed on d.values.
func (d *Decoder) sole(pos, end int) (instance, Reason) {
	start := pos
	if pos < end && d.chunk[pos] == tokenFragment {
		start += fragmentSize
	}
	if start >= end || d.chunk[start] != tokenInstance {
		return d.shape(pos, end)
	}
	in, r := d.instance(start+1, end)
	if r == fine && in.end < end && d.chunk[in.end] != tokenEnd {
		d.pop(in.first)
		return instance{}, notCompiled
	}
	return in, r
}

// fragmentSize is the size of a fragment header with its token.
const fragmentSize = 4

func (d *Decoder) pop(first int) { d.values = d.values[:first] }
