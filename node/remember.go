package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/detect"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/memory/journal"
	"tocsin/memory/ledger"
	"tocsin/telemetry"
)

const (
	// stretchBytes is how much one worker works on at once: what is committed
	// together. Larger makes the ledger cheaper, smaller keeps workers even and
	// findings early.
	stretchBytes = 2 << 20
	// stretchesPerWorker bounds what is under way.
	stretchesPerWorker = 2
	// againAfter is how long Run waits when the disk refuses: time for somebody
	// or something to make room.
	againAfter = time.Second
)

// stretch is entries of the journal that follow each other, for one worker.
type stretch struct {
	order   uint64
	entries []journal.Entry
}

func (s *stretch) last() uint64 { return s.entries[len(s.entries)-1].Number }

// worked is what became of a stretch.
type worked struct {
	order     uint64
	last      uint64
	seen      *ledger.Batch
	events    []archived
	findings  []*detect.Finding
	detection *detection // that found them
	asked     []*detect.Finding
	asking    *asking // that found those
	past      bool    // something in it was not watched
	heard     []Heard
	malformed []malformed
}

// archived is the events of one entry.
type archived struct {
	entry uint64
	batch *archive.Batch
}

// malformed is a record that could not be read.
type malformed struct {
	reason string
	record *telemetry.Block
}

// Run works on what Accept and Ingest put into the journal until ctx ends:
// workers decode, match and collect, one goroutine commits in the journal's
// order, one writes to the archive. What was not finished is begun again by the
// next Run.
//
// Where the disk refuses it waits and tries again; it fails with what cannot be
// mended by waiting.
func (n *Node) Run(ctx context.Context) error {
	if err := n.memory.RestoreHolds(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	workers := n.workers()
	group, ctx := errgroup.WithContext(ctx)
	stretches := make(chan stretch)
	done := make(chan *worked, workers*stretchesPerWorker)
	free := make(chan struct{}, workers*stretchesPerWorker) // full: the journal waits
	group.Go(func() error {
		defer close(stretches)
		return n.readJournal(ctx, free, stretches)
	})
	group.Go(func() error {
		defer close(done)
		var working errgroup.Group
		for range workers {
			working.Go(func() error {
				r := n.newRememberer()
				for s := range stretches {
					done <- r.work(s)
				}
				return nil
			})
		}
		return working.Wait()
	})
	committed := make(chan struct{}, 1)
	group.Go(func() error { return n.commitInOrder(ctx, done, free, committed) })
	group.Go(func() error { return n.settle(ctx, committed) })
	group.Go(func() error { return n.keep(ctx) })
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// readJournal cuts the journal into stretches: whatever is there, up to
// stretchBytes, so that a quiet node is fast and a busy one thorough.
func (n *Node) readJournal(ctx context.Context, free chan<- struct{}, stretches chan<- stretch) error {
	r := n.memory.Journal.Read(n.start())
	defer func() { _ = r.Close() }()
	for order := uint64(0); ; order++ {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		s := stretch{order: order}
		entry, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("journal: %w", fault.Unavailable)
		}
		size := 0
		for ok := true; ok && err == nil; {
			s.entries = append(s.entries, entry)
			if size += len(entry.Bytes); size >= stretchBytes {
				break
			}
			entry, ok, err = r.Poll()
		}
		if err != nil {
			return err
		}
		stretches <- s // a worker is free, or will be
	}
}

// rememberer works on stretches. It belongs to one goroutine.
type rememberer struct {
	node      *Node
	decoder   *telemetry.Decoder
	extractor *observable.Extractor
	sources   map[*intel.Class][]intel.LogSource
	detection *detection
	inspector *detect.Inspector // of the detection
	asking    *asking
	asked     *detect.Inspector // of asking; nil where no warning asks

	// What follows belongs to the stretch at hand.
	out     *worked
	batch   *archive.Batch // nil for an entry that is archived already
	seen    *ledger.Batch  // nil for one that is in the ledger already
	watched bool
	heard   Heard
	event   *telemetry.Event
}

func (n *Node) newRememberer() *rememberer {
	r := &rememberer{
		node: n, decoder: telemetry.NewDecoder(n.config.Mappings, n.names), extractor: observable.NewExtractor(n.names),
		sources: map[*intel.Class][]intel.LogSource{},
	}
	if n.config.Malformed != nil {
		r.decoder.Malformed = func(reason string, record *telemetry.Block) { // part of a journal's entry, which lives on
			r.out.malformed = append(r.out.malformed, malformed{reason, record})
		}
	}
	return r
}

// work decodes the blocks of a stretch and collects what is to be kept of their
// events.
func (r *rememberer) work(s stretch) *worked {
	m := r.node.memory
	if d := r.node.detection.Load(); d != r.detection {
		r.inspector, r.detection = d.detector.NewInspector(false), d
	}
	if a := r.node.asked.Load(); a != r.asking {
		r.asked, r.asking = a.inspector(), a
	}
	r.out = &worked{order: s.order, last: s.last(), seen: m.Ledger.NewBatch(), detection: r.detection, asking: r.asking}
	inLedger, inFindings := m.Ledger.Cursor(), r.node.findings.before
	for _, e := range s.entries {
		mark, block, err := parseEntry(e.Bytes)
		if err != nil {
			r.node.log.Error("an entry of the journal cannot be read", slog.Uint64("entry", e.Number), errorAttr(err))
			continue
		}
		r.seen, r.batch = nil, nil
		if e.Number > inLedger {
			r.seen = r.out.seen
		}
		if e.Number > m.Archive.Cursor() {
			r.batch = m.Archive.NewBatch()
		}
		r.watched = mark == markLive && e.Number > inFindings
		r.out.past = r.out.past || !r.watched
		r.block(block)
		r.keep(e.Number)
	}
	return r.out
}

// block decodes one block.
func (r *rememberer) block(b *telemetry.Block) {
	if at, ok := b.Loss(); ok {
		if r.seen != nil {
			r.seen.Present(b.Source.Name, intel.LogSource{}, nil, at, true)
		}
		return
	}
	r.heard = Heard{Source: b.Source, Bytes: uint64(len(b.Data))}
	r.heard.Problems, _ = r.decoder.Decode(b, r.visit) // visit never fails
	r.losses(b.Source.Name)
	r.out.heard = append(r.out.heard, r.heard)
}

// keep hands on what was collected for the archive.
func (r *rememberer) keep(entry uint64) {
	if r.batch != nil {
		r.out.events = append(r.out.events, archived{entry, r.batch})
	}
}

func (r *rememberer) visit(e *telemetry.Event) error {
	r.heard.Events++
	if e.Time.After(r.heard.Newest) {
		r.heard.Newest = e.Time
	}
	if r.watched {
		r.out.findings = r.inspector.Inspect(e, r.out.findings)
		if r.asked != nil {
			r.out.asked = r.asked.Inspect(e, r.out.asked)
		}
	}
	if r.batch != nil && !r.batch.Add(e) {
		r.node.log.Error("an event is too large to be archived", slog.String("source", e.Source.Name), slog.Uint64("record", e.Number))
	}
	if r.seen != nil {
		r.event = e
		r.extractor.Each(&e.Record, r.see)
		for _, source := range r.logSources(e.Class) {
			r.seen.Present(e.Source.Name, source, e.Host, e.Time, false)
		}
	}
	return nil
}

// losses notes that something of a block could not be read, so that its source
// does not count as having watched in that hour, whatever of it was read.
func (r *rememberer) losses(source string) {
	if r.seen == nil || len(r.heard.Problems) == 0 {
		return
	}
	at, now := r.heard.Newest, time.Now()
	if at.Year() < ledger.PastLimit || at.After(now.Add(ledger.FutureLimit)) { // which the ledger would pass over
		at = now
	}
	r.seen.Present(source, intel.LogSource{}, nil, at, true)
}

func (r *rememberer) see(kind intel.ObservableKind, value []byte) {
	r.seen.See(r.event.Source.Name, kind, value, r.event.Host, r.event.Time)
}

func (r *rememberer) logSources(class *intel.Class) []intel.LogSource {
	sources, ok := r.sources[class]
	if !ok {
		sources = memory.LogSources(class)
		r.sources[class] = sources
	}
	return sources
}

// commitInOrder commits what workers made in the order of the journal.
func (n *Node) commitInOrder(ctx context.Context, done <-chan *worked, free <-chan struct{}, committed chan<- struct{}) error {
	early := map[uint64]*worked{}
	c := committer{node: n, committed: committed}
	next := uint64(0)
	var failed error
	for w := range done {
		early[w.order] = w
		for early[next] != nil && failed == nil {
			failed = c.commit(ctx, early[next])
			delete(early, next)
			next++
			<-free
		}
		if failed != nil && ctx.Err() == nil {
			return failed
		}
	}
	return failed
}

// committer keeps what workers made. It belongs to one goroutine.
type committer struct {
	node      *Node
	committed chan<- struct{} // poked after each stretch
	detection *detection
	sink      *detect.Sink // of the detection
}

// commit keeps one stretch's results: findings first, since they are awaited.
func (c *committer) commit(ctx context.Context, w *worked) error {
	n := c.node
	if w.detection != c.detection {
		c.sink, c.detection = w.detection.detector.NewSink(false), w.detection
	}
	var told []*detect.Finding
	for _, f := range w.findings {
		told = append(told, c.sink.Take(f)...)
	}
	for _, f := range w.asked {
		if f.Rule != nil { // indicators are watched for as all others are
			told = append(told, f)
		}
	}
	if err := n.patiently(ctx, func() error { return n.findings.add(ctx, w.last, told) }); err != nil {
		return err
	}
	if w.last > n.memory.Ledger.Cursor() {
		if err := n.patiently(ctx, func() error { return n.memory.Ledger.Commit(ctx, w.seen, w.last) }); err != nil {
			return err
		}
	}
	for _, a := range w.events {
		n.memory.Archive.Put(a.entry, a.batch)
	}
	n.memory.Archive.Commit(w.last)
	n.tell(told, w)
	n.came(w.last)
	select {
	case c.committed <- struct{}{}:
	default: // it will look anyway
	}
	return n.uncrowd(ctx)
}

// settle writes to the archive what was committed, so that findings and the
// ledger do not wait for it.
func (n *Node) settle(ctx context.Context, committed <-chan struct{}) error {
	silence := time.NewTicker(tidyEvery) // what came last is written as well
	defer silence.Stop()
	for {
		select {
		case <-committed:
		case <-silence.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := n.memory.Archive.Settle(); err != nil {
			n.cannotArchive(err)
		}
	}
}

// uncrowd waits while the archive holds more than it should: then the journal
// grows, and at last refuses senders.
func (n *Node) uncrowd(ctx context.Context) error {
	for n.memory.Archive.Crowded() {
		err := n.memory.Archive.Flush()
		if err == nil {
			return nil
		}
		n.cannotArchive(err)
		if err := pause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// cannotArchive says so. The events are kept, and stay in the journal: a later
// call writes them.
func (n *Node) cannotArchive(err error) {
	n.log.Error("cannot archive for now", errorAttr(err))
}

// tell hands on what others want to know of a stretch.
func (n *Node) tell(found []*detect.Finding, w *worked) {
	n.metrics.worked(found, w)
	if n.config.Found != nil {
		for _, f := range found {
			n.config.Found(f)
		}
	}
	if n.config.Asked != nil {
		for _, f := range w.asked {
			w.asking.tell(f, n.config.Asked)
		}
	}
	if n.config.Past != nil && w.past {
		n.config.Past()
	}
	if n.config.Heard != nil {
		for _, h := range w.heard {
			n.config.Heard(h)
		}
	}
	for _, m := range w.malformed {
		n.config.Malformed(m.reason, m.record)
	}
}

// patiently tries again while something is unavailable, as a full disk is: what
// is not committed stays in the journal, which refuses senders once it is full.
func (n *Node) patiently(ctx context.Context, try func() error) error {
	for {
		err := try()
		if !errors.Is(err, fault.Unavailable) {
			return err
		}
		n.log.Error("cannot remember for now; trying again", errorAttr(err))
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(againAfter):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func errorAttr(err error) slog.Attr { return slog.Any("error", err) }
