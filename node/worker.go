package node

import (
	"time"

	"tocsin/detect"
	"tocsin/intel"
	"tocsin/telemetry"
)

// sampleEvery is how many events pass for one whose matching is timed: reading
// the clock for each would cost as much as matching. The first event of a class
// is always timed, as rules are compiled for it.
const sampleEvery = 32

// tally counts what a piece held.
type tally struct {
	events, bytes        uint64
	withoutTime, outside uint64
	decoding, matching   time.Duration
	classes              map[*intel.Class]uint64
}

// worker decodes and matches pieces. It belongs to one goroutine.
type worker struct {
	*watching
	decoder   *telemetry.Decoder
	inspector *detect.Inspector

	// What matching the events took that were timed, over all pieces: one of a
	// few events may have none.
	sampled int
	clocked time.Duration
	known   map[*intel.Class]bool // classes of which an event was seen

	// What follows belongs to the piece at hand.
	out    outcome
	untold int          // events whose matching was not timed
	class  *intel.Class // of the last events, and how many they are
	run    uint64
}

func (w *watching) newWorker() *worker {
	inspector := w.detector.NewInspector(w.Naive)
	inspector.Brief = w.Brief
	return &worker{
		watching:  w,
		decoder:   telemetry.NewDecoder(w.Mappings, w.names),
		inspector: inspector,
		known:     map[*intel.Class]bool{},
	}
}

// work decodes and matches one piece, and gives its memory back.
func (w *worker) work(p piece) outcome {
	started := time.Now()
	w.out = outcome{order: p.order, source: p.block.Source, tally: tally{bytes: uint64(len(p.block.Data)), classes: map[*intel.Class]uint64{}}}
	w.untold, w.class, w.run = 0, nil, 0
	// visit never fails, so neither does Decode.
	w.out.problems, _ = w.decoder.Decode(p.block, w.visit)
	w.countClass(nil)
	p.block.Release()
	if w.sampled > 0 {
		w.out.matching += w.clocked * time.Duration(w.untold) / time.Duration(w.sampled)
	}
	w.out.decoding = max(0, time.Since(started)-w.out.matching)
	w.eventsRead.Add(w.out.events)
	return w.out
}

func (w *worker) visit(e *telemetry.Event) error {
	w.out.events++
	first := w.countClass(e.Class)
	if e.Time.IsZero() {
		w.out.withoutTime++
	} else if (!w.Since.IsZero() && e.Time.Before(w.Since)) || (!w.Until.IsZero() && !e.Time.Before(w.Until)) {
		w.out.outside++
		return nil
	}
	// The second event is timed too, lest a short watch has no sample.
	if !first && w.out.events%sampleEvery != 2 {
		w.untold++
		w.inspect(e)
		return nil
	}
	started := time.Now()
	w.inspect(e)
	took := time.Since(started)
	w.out.matching += took
	if !first {
		w.clocked += took
		w.sampled++
	}
	return nil
}

func (w *worker) inspect(e *telemetry.Event) {
	w.out.findings = w.inspector.Inspect(e, w.out.findings)
}

// countClass counts events by class, and reports whether this is the first of
// its class. Neighbouring events are mostly alike, so a map is asked only when
// the class changes.
func (w *worker) countClass(class *intel.Class) (first bool) {
	if class == w.class {
		w.run++
		return false
	}
	if w.class != nil {
		w.out.classes[w.class] += w.run
	}
	w.class, w.run = class, 1
	first = !w.known[class]
	w.known[class] = true
	return first
}
