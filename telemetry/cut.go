package telemetry

import "bytes"

// Cut returns a block of only the record that begins at an offset in the
// source, with all that its decoding needs, or nil when the block does not hold
// it. Its data is a slice of the block's.
func (b *Block) Cut(offset int64) *Block {
	one := &Block{Source: b.Source, Offset: offset, Number: 1, header: b.header, directives: b.directives, path: b.path}
	if events, ok := b.header.(auditEvents); ok {
		begin := 0
		for _, e := range events {
			if e.offset == offset {
				one.Data, one.Number = b.Data[begin:e.end], e.number
				one.header = auditEvents{{len(one.Data), e.number, e.offset}}
				return one
			}
			begin = e.end
		}
		return nil
	}
	at := offset - b.Offset
	if at < 0 || at >= int64(len(b.Data)) || b.Source.Format == EVTX {
		return nil // an event log's record cannot be read without its chunk
	}
	one.Data = b.Data[at:][:b.recordLength(b.Data[at:])]
	one.Number = b.Number + uint64(bytes.Count(b.Data[:at], newline))
	return one
}

// recordLength is how long the record at the start of data is, at most.
func (b *Block) recordLength(data []byte) int {
	switch header := b.header.(type) {
	case csvTable:
		if n := header.dialect.End(data, true); n > 0 {
			return n
		}
	case nil:
		if n, ok := objectEnd(data); ok && b.Source.Format == JSON && data[0] == '{' {
			return n
		}
		if end := []byte("</Event>"); b.Source.Format == EventXML && bytes.Contains(data, end) {
			return bytes.Index(data, end) + len(end)
		}
	}
	if n := bytes.IndexByte(data, '\n'); n >= 0 {
		return n
	}
	return len(data)
}
