package telemetry

import "bytes"

// elementEnd closes an event of exported Windows event logs, whose elements
// follow each other on one line or many.
var elementEnd = []byte("</Event>")

// elements cuts behind whole events.
func elements(data []byte, end bool) (int, uint64) {
	n, records := len(data), uint64(bytes.Count(data, elementEnd))
	if !end {
		n = bytes.LastIndex(data, elementEnd)
		if n >= 0 {
			n += len(elementEnd)
		}
	}
	return max(n, 0), records
}

// xmlBlock decodes a block of events.
func (d *Decoder) xmlBlock(b *Block) error {
	at := b.Offset
	rest := b.Data
	for number := b.Number; len(rest) > 0; number++ {
		element, after, whole := bytes.Cut(rest, elementEnd)
		begin := bytes.Index(element, []byte("<Event"))
		for begin >= 0 && bytes.HasPrefix(element[begin:], []byte("<Events")) {
			begin++ // the list that holds the events
			next := bytes.Index(element[begin:], []byte("<Event"))
			if next < 0 {
				begin = next
				break
			}
			begin += next
		}
		if begin < 0 {
			return nil
		}
		where := at + int64(begin)
		size := len(element) + len(elementEnd)
		if !whole {
			size = len(element)
		}
		if err := d.xml.Decode(rest[begin:size], d.begin(number, where)); err != nil {
			d.problem(reasonOf(err), where)
		} else if err := d.finish(); err != nil {
			return err
		}
		rest, at = after, at+int64(size)
	}
	return nil
}
