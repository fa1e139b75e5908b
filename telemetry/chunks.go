package telemetry

import (
	"errors"
	"io"

	"tocsin/telemetry/evtx"
)

// chunks reads a Windows event log to its end: a block is a chunk, which holds
// all that its records need.
func (s *splitter) chunks() error {
	log, err := evtx.NewReader(s.in)
	if err != nil {
		return s.reader.problem(s.source.Name, readProblem(err, 0))
	}
	told := 0
	for {
		b := s.reader.block(s.source)
		chunk, offset, err := log.Next(b.Data)
		if err == nil {
			b.Data, b.Offset = chunk, offset
		}
		b.Problems, told = problemsSince(log, told)
		if err != nil && !errors.Is(err, io.EOF) {
			b.Problems = append(b.Problems, readProblem(err, offset))
		}
		s.meter.tell(&s.reader.done)
		if handed := s.emit(b); handed != nil || err != nil {
			return handed
		}
	}
}

// problemsSince returns the problems that a log has beyond the first told.
func problemsSince(log *evtx.Reader, told int) ([]Problem, int) {
	all, _ := log.Problems()
	var fresh []Problem
	for _, p := range all[told:] {
		fresh = append(fresh, Problem{Reason: p.Reason.String(), Offset: p.Offset, Count: 1})
	}
	return fresh, len(all)
}

// evtxChunk decodes a chunk.
func (d *Decoder) evtxChunk(b *Block) error {
	d.evtx.Reset(b.Data, b.Offset)
	for {
		record, ok := d.evtx.Next(&d.event.Record)
		if !ok {
			break
		}
		d.event.Number, d.event.Offset = record.Number, record.Offset
		if err := d.finish(); err != nil {
			return err
		}
	}
	for _, p := range d.evtx.Problems() {
		d.problem(p.Reason.String(), p.Offset)
	}
	return nil
}
