package telemetry

// NewLines is NewBlock for records that stand one on a line, whatever their
// format: of JSON, too, a line that is broken then harms no other.
func NewLines(source *Source, data []byte) *Block {
	b := NewBlock(source, data)
	if source.Format == JSON {
		b.header = byLine{}
	}
	return b
}
