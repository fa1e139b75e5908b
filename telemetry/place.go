package telemetry

// Place is a place in a followed file that reading can go on from, also in
// another process: what stood before it has been handed on, but for what
// Pending holds. It is written down as JSON.
type Place struct {
	Offset int64  `json:"offset"`
	Number uint64 `json:"number"` // of the record that begins there
	// Directives are the lines that say how what follows is to be read, of the
	// formats that have such.
	Directives []byte `json:"directives,omitempty"`
	// Pending are audit events that were not complete.
	Pending []PendingEvent `json:"pending,omitempty"`
}

// PendingEvent is the lines so far of an audit event.
type PendingEvent struct {
	Text   []byte `json:"text"`
	Number uint64 `json:"number"` // of its first line
	Offset int64  `json:"offset"`
}

// After returns the place behind a block that Tail handed on. It is the zero
// Place for a block of any other origin, and for one behind which the next
// record's place is not known yet.
func (b *Block) After() Place { return b.after }
