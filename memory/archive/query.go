package archive

import (
	"time"

	"tocsin/intel"
	"tocsin/telemetry"
)

// Query says which events a scan hands on.
type Query struct {
	// Since and Until leave out events before and from then on, where set.
	// Events that do not say when they happened are handed on.
	Since, Until time.Time
	// Hosts and Sources are the only ones wanted, where there are any, as events
	// name them.
	Hosts, Sources []string
	// LogSources are wanted, where there are any: one must take an event's class.
	LogSources []intel.LogSource
	// Needles are texts of which one at least must stand in a field, in capital
	// or small letters; where there are any. What cannot hold one is skipped;
	// what is handed on may still hold none.
	Needles []string
	// Ask says what is asked of events of a class; where set, rows come with the
	// fields asked for only, until Row.Complete. It may be called by several
	// goroutines.
	Ask func(*intel.Class) Interest
	// Workers is how many goroutines read; 0 means 1.
	Workers int
	// Progress is told how many segments have been begun, of how many that may
	// hold something wanted; may be nil.
	Progress func(begun, total int)
}

// Interest is what somebody asks of events of one class.
type Interest struct {
	// None: events of the class are not wanted.
	None bool
	// Fields are wanted of them; All: every field.
	Fields []intel.Name
	All    bool
	// Clues are texts without any of which an event is not wanted; where there
	// are none, every event is.
	Clues []Clue
}

// Clue is a text that stands in a field of one of those names; in any field,
// where there are no names. Capitals do not count.
type Clue struct {
	Fields []intel.Name
	Text   string
}

// Row is an event out of the archive. It is valid during the call that it is
// handed to.
type Row struct {
	telemetry.Event
	reader *groupReader
	at     int
	whole  bool
}

// Complete fetches what of the event was not asked for: its time, host, source
// and all fields, in their order.
func (r *Row) Complete() error {
	if r.whole {
		return nil
	}
	r.whole = true
	return r.reader.complete(r)
}

// ScanStats says what a scan read, and what it could not.
type ScanStats struct {
	Segments int // that there are
	Skipped  int // of them: nothing in them could be wanted
	Groups   int // row groups of the others
	Passed   int // of them: nothing in them could be wanted
	// Events were looked at in what was read; Rows were handed on.
	Events, Rows int64
	Bytes        int64 // read from disk
	// Damaged says of each segment that could not be read, or not whole, why.
	Damaged []Damage
	// Partial: the scan did not see all it was asked to, for damage or because
	// it was ended early.
	Partial bool
}

// Damage is a segment that could not be read whole.
type Damage struct {
	Segment string
	Reason  string
	Events  int // how many it holds; some may have been handed on
}
