package telemetry

import (
	"errors"
	"time"

	"tocsin/telemetry/auditd"
)

// auditEvents is the header of a block of audit events: where each event ends
// in the block, and where it began in the source.
type auditEvents []auditEvent

type auditEvent struct {
	end    int
	number uint64
	offset int64
}

// idleLooks is how many looks at a followed audit log without anything new end
// the wait for what belongs to an event: two seconds, as the joiner waits.
const idleLooks = int(2 * time.Second / pollEvery)

// auditJoin puts the records of one event, which other events' may interrupt,
// together before they are handed on.
type auditJoin struct {
	s      *splitter
	joiner *auditd.Joiner
	next   func(*Block) error // takes blocks of whole events
	out    *Block
	events auditEvents
	failed error
	idle   int
	after  Place // behind the lines that were taken
}

// audit makes the splitter hand on blocks of whole audit events.
func (s *splitter) audit() {
	j := &auditJoin{s: s, next: s.emit}
	j.joiner = auditd.NewJoiner(j.event)
	s.emit = j.lines
	s.resumed = j.resumed
	s.read = func() error {
		if wait := s.idle; wait != nil {
			s.idle = func() error { return j.wait(wait) }
		}
		if err := s.text(); err != nil {
			return err
		}
		j.joiner.Flush()
		return j.hand()
	}
}

// event takes an event that is complete.
func (j *auditJoin) event(e auditd.Event) {
	if j.out == nil {
		j.out = j.s.reader.block(j.s.source)
		j.out.Offset, j.out.Number = e.Offset, e.Number
	}
	j.out.Data = append(j.out.Data, e.Text...)
	j.events = append(j.events, auditEvent{len(j.out.Data), e.Number, e.Offset})
	// Of a followed log the place behind this event is not known before the
	// lines that came with it are all taken.
	if len(j.out.Data) >= blockSize && j.failed == nil && j.s.idle == nil {
		j.failed = j.hand()
	}
}

// lines takes a block of lines.
func (j *auditJoin) lines(b *Block) error {
	defer b.Release()
	j.idle = 0
	j.after = b.after
	problems := b.Problems
	err := walkLines(b, func(line []byte, number uint64, at int64) error {
		if err := j.joiner.Add(line, number, at); err != nil {
			problems = countProblem(problems, err.Error(), at)
		}
		return j.failed
	})
	if err != nil {
		return err
	}
	if len(problems) > 0 && j.out == nil {
		j.out = j.s.reader.block(j.s.source)
	}
	if j.out != nil {
		j.out.Problems = append(j.out.Problems, problems...)
	}
	if j.s.live || j.s.idle != nil {
		return j.hand()
	}
	return nil
}

// wait waits for a followed log to grow, and ends the wait for what belongs to
// an event when it does not.
func (j *auditJoin) wait(wait func() error) error {
	if j.idle++; j.idle == idleLooks {
		j.joiner.Flush()
		if err := errors.Join(j.failed, j.hand()); err != nil {
			return err
		}
	}
	return wait()
}

// hand hands the events on that were collected.
func (j *auditJoin) hand() error {
	if j.failed != nil || j.out == nil {
		return j.failed
	}
	b := j.out
	b.header = j.events
	b.after = j.after
	b.after.Pending = j.pending()
	j.out, j.events = nil, nil
	return j.next(b)
}

// auditBlock decodes a block of audit events.
func (d *Decoder) auditBlock(b *Block) error {
	events, _ := b.header.(auditEvents)
	begin := 0
	for _, e := range events {
		rec := d.begin(e.number, e.offset)
		if err := d.auditd.Decode(b.Data[begin:e.end], rec); err != nil {
			d.problem(err.Error(), e.offset)
		} else if err := d.finish(); err != nil {
			return err
		}
		begin = e.end
	}
	return nil
}
