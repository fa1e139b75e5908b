package auditd

import (
	"bytes"
	"slices"
	"strconv"
)

// Event is the lines of one event.
type Event struct {
	// Text is the lines, with a newline between them, in the order in which
	// they came. It is valid until the function that was given it returns.
	Text []byte
	// Number and Offset are those of the first line, as Add was told.
	Number uint64
	Offset int64
	// Early is set when the event was handed out before it was known to be
	// complete, because too many were open or the stream ended.
	Early bool
}

// Bounds of what a Joiner holds.
const (
	// openLimit is how many events may be open. Records of different events
	// interleave as the processors of a machine do; without the mark of an
	// event's end, which old kernels do not write, an event stays open longer.
	openLimit = 128
	// eventLimit is how long an event may get. The kernel cuts command lines
	// at 128 KiB an argument; the longest events seen have a megabyte.
	eventLimit = 4 << 20
	// heldLimit is how much all open events hold together.
	heldLimit = 16 << 20
	// patience is how many seconds of the log's own time an event stays open,
	// as the audit userspace's own readers wait (auparse, eoe_timeout).
	patience = 2
	// settled is how many further records must have come as well: on a quiet
	// machine a record that was overtaken by one comes seconds of log later.
	settled = 8
)

// Joiner puts the lines of events together. An event is complete with its EOE
// or PROCTITLE record, when its type is one that comes alone, or when the log
// has moved on two seconds and eight records. What was lost is not waited for
// longer. It is not safe for concurrent use.
type Joiner struct {
	emit func(Event)
	open []*openEvent // in the order of their first lines
	free []*openEvent
	held int // bytes in open
	seen int // records so far
}

type openEvent struct {
	Event
	touched int // how many records had been seen at its last
	node    []byte
	second  int64
	time    []byte
	serial  uint64
}

// NewJoiner returns a joiner that hands each event to emit.
func NewJoiner(emit func(Event)) *Joiner { return &Joiner{emit: emit} }

// Add takes the next line, its number and offset in the source. It copies the
// line. The only error is ErrNotAudit; blank lines and the marks that ausearch
// puts between events are passed over.
func (j *Joiner) Add(line []byte, number uint64, offset int64) error {
	line = bytes.TrimRight(line, "\r\n")
	stamp, err := ParseStamp(line)
	if err != nil {
		if isOrnament(line) {
			return nil
		}
		return err
	}
	serial, err := strconv.ParseUint(string(stamp.Serial), 10, 64)
	if err != nil {
		return ErrNotAudit
	}
	whole, _, _ := bytes.Cut(stamp.Time, []byte("."))
	second, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return ErrNotAudit
	}
	j.seen++
	ends := endOf(stamp.Type)
	if ends == alone {
		j.emit(Event{Text: line, Number: number, Offset: offset})
		return nil
	}
	e := j.find(&stamp, serial)
	if e == nil {
		e = j.begin(&stamp, second, serial, number, offset)
	}
	j.add(e, line)
	if ends == last {
		j.close(e, false)
	}
	return nil
}

// ending says what a record's type tells about the end of its event.
type ending uint8

const (
	goesOn ending = iota
	last
	alone
)

func endOf(typ []byte) ending {
	switch string(typ) {
	case "SYSCALL", "PATH", "CWD", "EXECVE", "SOCKADDR":
		return goesOn // nearly all records, told without the table
	case "PROCTITLE", "EOE", "1327", "1320":
		return last
	}
	_, numbers := types()
	number, known := numbers[string(typ)]
	if !known {
		number, _ = strconv.Atoi(string(typ))
	}
	// Programs, not the kernel, write these (linux/audit.h, "the message types
	// are divided into blocks").
	if (number >= 1100 && number < 1300) || (number >= 2100 && number < 3000) {
		return alone
	}
	return goesOn
}

// find returns the open event of that stamp. It is nearly always the newest.
func (j *Joiner) find(s *Stamp, serial uint64) *openEvent {
	for _, e := range slices.Backward(j.open) {
		if e.serial == serial && bytes.Equal(e.time, s.Time) && bytes.Equal(e.node, s.Node) {
			return e
		}
	}
	return nil
}

// begin opens an event, after closing those that have waited long enough or
// for which there is no room.
func (j *Joiner) begin(s *Stamp, second int64, serial, number uint64, offset int64) *openEvent {
	for i := 0; i < len(j.open); {
		e := j.open[i]
		if e.second+patience <= second && j.seen-e.touched > settled && bytes.Equal(e.node, s.Node) {
			j.close(e, false)
			continue
		}
		i++
	}
	if len(j.open) >= openLimit {
		j.close(j.open[0], true)
	}
	e := &openEvent{}
	if n := len(j.free); n > 0 {
		e, j.free = j.free[n-1], j.free[:n-1]
	}
	e.Event = Event{Text: e.Text[:0], Number: number, Offset: offset}
	e.node = append(e.node[:0], s.Node...)
	e.time = append(e.time[:0], s.Time...)
	e.second, e.serial = second, serial
	j.open = append(j.open, e)
	return e
}

func (j *Joiner) add(e *openEvent, line []byte) {
	if len(e.Text) > 0 && len(e.Text)+len(line) > eventLimit {
		j.held -= len(e.Text)
		e.Early = true
		j.emit(e.Event)
		e.Text = e.Text[:0]
	}
	e.touched = j.seen
	before := len(e.Text)
	if before > 0 {
		e.Text = append(e.Text, '\n')
	}
	e.Text = append(e.Text, line...)
	j.held += len(e.Text) - before
	for j.held > heldLimit && j.open[0] != e {
		j.close(j.open[0], true)
	}
}

// keepLimit bounds the memory that a closed event keeps for the next one.
const keepLimit = 64 << 10

func (j *Joiner) close(e *openEvent, early bool) {
	e.Early = e.Early || early
	j.held -= len(e.Text)
	j.emit(e.Event)
	if i := slices.Index(j.open, e); i >= 0 {
		j.open = slices.Delete(j.open, i, i+1)
	}
	if cap(e.Text) > keepLimit {
		e.Text = nil
	}
	j.free = append(j.free, e)
}

// Each calls visit with the lines so far of each event that waits for more
// records, valid during the call, and the number and offset of its first line.
func (j *Joiner) Each(visit func(text []byte, number uint64, offset int64)) {
	for _, e := range j.open {
		visit(e.Text, e.Number, e.Offset)
	}
}

// Open returns how many events wait for more records.
func (j *Joiner) Open() int { return len(j.open) }

// Flush hands out what is open, when the stream has ended or has been quiet
// for as long as records of one event can be apart.
func (j *Joiner) Flush() {
	for len(j.open) > 0 {
		j.close(j.open[0], true)
	}
}
