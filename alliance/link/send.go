package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const (
	// window is how much of one log is published before others have their turn.
	window = 64
	// publishers is how many neighbours are published to at once: each waits for the
	// carrier's acknowledgement, and costs a goroutine.
	publishers = 256
	// roundBytes bounds the messages that are in memory for one round.
	roundBytes = 32 << 20
	// publishWait is how long the carrier may take.
	publishWait = 30 * time.Second
	// With these a carrier that refuses is tried again, for ever.
	firstRetry = 100 * time.Millisecond
	lastRetry  = time.Minute
	// lookEvery is how often the carrier's generation is looked at while something
	// is unconfirmed, and how long the database is waited for.
	lookEvery = time.Second
)

// line is what goes to one neighbour, while there is something; owned by Run.
type line struct {
	log
	dirty   bool // there may be something to publish
	busy    bool // a goroutine publishes to it
	rewinds int  // how often log was set back: what was published before says nothing
	tag     string
	fails   int
	retryAt time.Time
	probes  int
	probeAt time.Time // when the first unconfirmed one is sent again; zero while there is none
	// lastRewind is when the neighbour last had something sent again.
	lastRewind time.Time
}

// sender is one Run's work on the outbox.
type sender struct {
	*Links
	lines   map[alliance.NodeID]*line
	slots   chan struct{} // holds one for each that publishes
	results chan result
	pending []result // to be written down
	all     sync.WaitGroup
}

// result is what became of a turn.
type result struct {
	node      alliance.NodeID
	rewinds   int
	probe     bool
	published int64 // the last position that the carrier took, 0 for none
	expired   []int64
	more      bool   // the turn ended before the log did
	away      string // why nothing can go now
	err       error
	// generation is what the carrier's was before.
	generation string
}

// send publishes what the outbox holds until the context ends.
func (l *Links) send(ctx context.Context) error {
	s := &sender{Links: l, lines: map[alliance.NodeID]*line{}, slots: make(chan struct{}, publishers), results: make(chan result, publishers)}
	defer s.stop()
	if err := s.untilThere(ctx, s.begin); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.untilThere(ctx, s.pass); err != nil {
			return err
		}
		s.wait(ctx)
	}
	return nil
}

// stop waits for those who publish; what they say is not needed any more.
func (s *sender) stop() {
	done := make(chan struct{})
	go func() { s.all.Wait(); close(done) }()
	for {
		select {
		case <-s.results:
		case <-done:
			return
		}
	}
}

// untilThere does something, again while the database is unavailable.
func (l *Links) untilThere(ctx context.Context, do func(context.Context) error) error {
	for {
		err := do(ctx)
		switch {
		case err == nil, ctx.Err() != nil:
			return nil
		case !errors.Is(err, fault.Unavailable):
			return fmt.Errorf("links: %w", err)
		}
		l.log.WarnContext(ctx, "links wait for the database", slog.Any("error", err))
		pause(ctx, lookEvery)
	}
}

func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// begin takes up the logs of which something is unconfirmed.
func (s *sender) begin(ctx context.Context) error {
	var logs []log
	err := s.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		logs, err = unfinished(ctx, tx)
		return err
	})
	for _, o := range logs {
		s.lines[o.Node] = &line{log: o, dirty: true}
		s.await(s.lines[o.Node])
	}
	return err
}

// await sets when the first unconfirmed message is sent again.
func (s *sender) await(l *line) {
	if l.Confirmed >= l.Sent {
		l.probeAt, l.probes = time.Time{}, 0
		return
	}
	wait := s.c.Limits.ResendAfter
	for range l.probes {
		if wait *= 2; wait >= s.c.Limits.ResendMost {
			wait = s.c.Limits.ResendMost
			break
		}
	}
	l.probeAt = s.now().Add(wait)
}

// pass takes in what was said meanwhile, writes it down in one transaction, and
// starts what is to be published.
func (s *sender) pass(ctx context.Context) error {
	dirty, receipts := s.out.take()
	for node := range dirty {
		l, there := s.lines[node]
		if !there {
			l = &line{log: log{Node: node}}
			s.lines[node] = l
		}
		l.dirty, l.fails, l.retryAt = true, 0, time.Time{}
	}
	s.gather()
	if err := s.settle(ctx, receipts); err != nil {
		return err
	}
	return s.start(ctx)
}

// gather takes the results that are there.
func (s *sender) gather() {
	for {
		select {
		case r := <-s.results:
			s.pending = append(s.pending, r)
		default:
			return
		}
	}
}

// wait returns when there is something to do.
func (s *sender) wait(ctx context.Context) {
	next := s.now().Add(time.Hour)
	for _, l := range s.lines {
		switch {
		case l.busy || len(s.slots) == cap(s.slots): // a result will come
		case l.dirty:
			next = earlier(next, l.retryAt)
		case !l.probeAt.IsZero():
			next = earlier(next, earlier(later(l.retryAt, l.probeAt), s.now().Add(lookEvery)))
		}
	}
	timer := time.NewTimer(max(next.Sub(s.now()), 0))
	defer timer.Stop()
	select {
	case r := <-s.results:
		s.pending = append(s.pending, r)
	case <-s.out.wake:
	case <-timer.C:
	case <-ctx.Done():
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// start gives a turn to each line that has something.
func (s *sender) start(ctx context.Context) error {
	if s.c.Carrier == nil {
		clear(s.lines)
		return nil
	}
	now := s.now()
	var ready, probes []alliance.NodeID
	for node, l := range s.lines {
		switch {
		case l.busy || now.Before(l.retryAt):
		case l.dirty:
			ready = append(ready, node)
		case !l.probeAt.IsZero() && !now.Before(l.probeAt):
			probes = append(probes, node)
		case l.probeAt.IsZero():
			delete(s.lines, node)
		}
	}
	slices.Sort(ready) // the same in every run, which is easier to follow
	for len(ready)+len(probes) > 0 {
		free := cap(s.slots) - len(s.slots)
		if free == 0 {
			return nil // a result will wake us
		}
		some := ready[:min(len(ready), free, maxMarks)]
		ready = ready[len(some):]
		tried := probes[:min(len(probes), free-len(some))]
		probes = probes[len(tried):]
		turns, err := s.turns(ctx, some, tried)
		if err != nil {
			return err
		}
		for _, t := range turns {
			l := s.lines[t.Node]
			l.busy, l.dirty = true, l.dirty && (t.more || t.probe)
			s.slots <- struct{}{}
			s.all.Go(func() {
				r := s.publish(ctx, t)
				<-s.slots
				s.results <- r
			})
		}
	}
	return nil
}

// turn is what is published to one neighbour without a pause.
type turn struct {
	log
	result
	tag   string
	rows  []delivery
	texts map[string][]byte
}

// key names a message in a map.
func key(author alliance.NodeID, id string) string { return string(author) + "/" + id }

// turns reads what each line publishes next. Lines that have nothing are not among
// them.
func (s *sender) turns(ctx context.Context, ready, probes []alliance.NodeID) (turns []*turn, err error) {
	err = s.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		turns = nil
		byNode := map[alliance.NodeID]*turn{}
		if err := s.refresh(ctx, tx, ready); err != nil {
			return err
		}
		for _, node := range ready {
			byNode[node] = s.turn(node)
		}
		if err := s.fill(ctx, tx, byNode); err != nil {
			return err
		}
		for _, node := range probes {
			t := s.turn(node)
			t.probe, t.tag = true, s.newTag()
			if t.rows, err = dueAfter(ctx, tx, t.log, t.Confirmed, 1); err != nil {
				return err
			}
			byNode[node] = t
		}
		texts, size := map[string][]byte{}, 0
		for _, node := range slices.Sorted(maps.Keys(byNode)) {
			t := byNode[node]
			_, active, err := s.c.Neighbour(ctx, tx, node)
			if err != nil {
				return err
			}
			if !active {
				t.away = "the link is not in use"
			} else if t.generation == "" {
				t.away = "there is no connection to it"
			}
			if t.away != "" {
				t.rows = nil
			}
			t.texts = texts
			if err := t.load(ctx, tx, &size); err != nil {
				return err
			}
			turns = append(turns, t)
		}
		return nil
	})
	return slices.DeleteFunc(turns, func(t *turn) bool {
		if len(t.rows) > 0 {
			return false
		}
		s.nothing(t)
		return true
	}), err
}

// refresh reads where logs stand.
func (s *sender) refresh(ctx context.Context, tx *store.Tx, nodes []alliance.NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	logs, err := logsOf(ctx, tx, nodes)
	for _, o := range logs {
		s.lines[o.Node].log = o
	}
	return err
}

func (s *sender) turn(node alliance.NodeID) *turn {
	l := s.lines[node]
	return &turn{log: l.log, tag: l.tag, result: result{node: node, rewinds: l.rewinds, generation: s.c.Carrier.Generation(node)}}
}

func (s *sender) newTag() string { return strconv.FormatInt(s.now().UnixNano(), 36) }

// fill reads what comes next in each log. Where positions are missing, since they
// were pruned, a log is asked alone.
func (s *sender) fill(ctx context.Context, tx *store.Tx, turns map[alliance.NodeID]*turn) error {
	if len(turns) == 0 {
		return nil
	}
	rows, err := due(ctx, tx, slices.Sorted(maps.Keys(turns)), window)
	if err != nil {
		return err
	}
	for _, d := range rows {
		turns[d.Node].rows = append(turns[d.Node].rows, d)
	}
	for _, t := range turns {
		if len(t.rows) == 0 && t.Allotted > t.Sent {
			if t.rows, err = dueAfter(ctx, tx, t.log, t.Sent, window); err != nil {
				return err
			}
		}
		t.more = len(t.rows) > 0 && t.rows[len(t.rows)-1].Position < t.Allotted
	}
	return nil
}

// load reads the messages of a turn, and cuts it where they become too many.
func (t *turn) load(ctx context.Context, tx *store.Tx, size *int) error {
	for i, d := range t.rows {
		if _, have := t.texts[key(d.Author, d.ID)]; have {
			continue
		}
		if *size > roundBytes {
			t.rows, t.more = t.rows[:i], true
			return nil
		}
		text, err := messageText(ctx, tx, d.Author, d.ID)
		if err != nil {
			return err
		}
		t.texts[key(d.Author, d.ID)] = text
		*size += len(text)
	}
	return nil
}

// nothing lets a line rest that had nothing, or may not be used.
func (s *sender) nothing(t *turn) {
	l := s.lines[t.Node]
	switch {
	case t.away != "":
		l.retryAt = s.now().Add(lastRetry)
		s.out.note(t.Node, t.away, s.now())
	case t.more: // too much was in memory already
	case t.probe:
		l.probeAt = time.Time{} // all was withdrawn, has expired or was pruned
	default:
		l.dirty = false
	}
}

// publish hands a turn to the carrier, one message after the other.
func (s *sender) publish(ctx context.Context, t *turn) result {
	r := t.result
	before := t.Sent
	if r.probe {
		before = t.Confirmed
	}
	for _, d := range t.rows {
		if !s.now().Before(d.Expires) {
			r.expired = append(r.expired, d.Position)
			continue
		}
		data, err := frame(place{t.Epoch, d.Position, before, t.Confirmed}, t.texts[key(d.Author, d.ID)])
		if err == nil {
			err = s.put(ctx, t.Node, t.Epoch+"."+strconv.FormatInt(d.Position, 10)+t.tag, data)
		}
		if err != nil {
			r.err, r.more = err, true
			break
		}
		before, r.published = d.Position, d.Position
	}
	return r
}

func (l *Links) put(ctx context.Context, to alliance.NodeID, id string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	return l.c.Carrier.Publish(ctx, to, id, data)
}
