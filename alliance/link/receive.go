package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

const (
	// workers is how many neighbours' messages are handled at once: enough that on
	// SQLite those of one moment share a commit.
	workers = 64
	// settleWait is how long Receive waits until a message is settled. What takes
	// longer is in memory, and sent again if it does not stay there.
	settleWait = 2 * time.Second
	// maxHeld is how many frames that came too early wait for those before them.
	maxHeld = 64
	// Of refused messages a neighbour has so many for nothing; each further one holds
	// it up for a second, so that a flood of them is no work.
	freeRefusals = 500
	// receiptRate bounds the receipts of one neighbour a second.
	receiptRate = 20
)

// incoming is what came and is not settled yet.
type incoming struct {
	mu      sync.Mutex
	lines   map[alliance.NodeID]*inLine // guarded by mu
	running context.Context             //nolint:containedctx // Run's; nil while it does not run; guarded by mu
	slots   chan struct{}
	owed    chan struct{} // has one when a receipt is owed
	all     sync.WaitGroup
}

func (in *incoming) begin() {
	in.lines, in.slots, in.owed = map[alliance.NodeID]*inLine{}, make(chan struct{}, workers), make(chan struct{}, 1)
}

// open lets neighbours' messages be handled until what it returns is called, which
// waits for those at work.
func (in *incoming) open(ctx context.Context) func() {
	in.mu.Lock()
	in.running = ctx
	in.mu.Unlock()
	return func() {
		in.mu.Lock()
		in.running = nil
		in.mu.Unlock()
		in.all.Wait()
	}
}

// inLine is what came from one neighbour.
type inLine struct {
	node    alliance.NodeID
	limiter *rate.Limiter
	told    *rate.Limiter // of receipts
	penalty *rate.Limiter // of what is refused

	// Guarded by incoming.mu.
	queue  []*arrival
	active bool // a goroutine works on it
	owe    owed
	heard  time.Time
	stuck  trouble
	stand  standing // as committed
	// toldUpTo is up to where a receipt was sent.
	toldUpTo int64
	untold   int // how often the carrier did not take a receipt

	// Owned by the goroutine that works on it.
	loaded bool
	faults int // refusals that were not waited for yet
	at     standing
	held   map[int64]*arrival
	asked  time.Time
}

// standing is how far a neighbour's log was handled.
type standing struct {
	epoch    string
	received int64
	there    int64 // up to where the neighbour has receipts
}

// arrival is a frame that came.
type arrival struct {
	place
	text  []byte
	wrong error // it could not be read
	done  chan error
}

// settledUnless says that a frame needs no other try where there was no error, which
// it returns.
func (a *arrival) settledUnless(err error) error {
	if err == nil {
		a.settled(nil)
	}
	return err
}

// settled says what became of a frame; only what is said first is heard.
func (a *arrival) settled(err error) {
	select {
	case a.done <- err:
	default:
	}
}

func (in *incoming) line(node alliance.NodeID, limits *Limits) *inLine {
	l := in.lines[node]
	if l == nil {
		l = &inLine{
			node: node, held: map[int64]*arrival{},
			limiter: rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst),
			told:    rate.NewLimiter(receiptRate, 10*receiptRate),
			penalty: rate.NewLimiter(1, freeRefusals),
		}
		in.lines[node] = l
	}
	return l
}

// Receive takes what a neighbour published; carriers call it. When it returns nil
// the carrier need not bring the same again: it is settled, or waits here, and
// would be sent again if it were lost. The error is fault.Unavailable when it has
// to come again later: the neighbour's line is full, or Run does not run.
func (l *Links) Receive(ctx context.Context, from alliance.NodeID, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, settleWait)
	defer cancel()
	err := l.offer(ctx, from, data)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}

// offer is Receive that waits until it is settled or the context ends.
func (l *Links) offer(ctx context.Context, from alliance.NodeID, data []byte) error {
	if !from.Valid() || from == l.self {
		return fmt.Errorf("receive from %q: it is no neighbour: %w", from, fault.Invalid)
	}
	p, text, err := readFrame(data)
	if err == nil && len(data) > MaxFrame {
		err = fmt.Errorf("frame: %d bytes are more than %d: %w", len(data), MaxFrame, fault.Invalid)
	}
	if err == nil && p.Position == 0 {
		return l.hear(ctx, from, text)
	}
	a := &arrival{place: p, text: text, wrong: err, done: make(chan error, 1)}
	if err := l.queueUp(from, a); err != nil { //nolint:contextcheck // it is handled though nobody waits any more
		return err
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errBusy = fmt.Errorf("links: more than is handled comes from this neighbour: %w", fault.Unavailable)

func (l *Links) queueUp(from alliance.NodeID, a *arrival) error {
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	ctx := l.in.running
	if ctx == nil {
		return fmt.Errorf("links do not run: %w", fault.Unavailable)
	}
	n := l.in.line(from, &l.c.Limits)
	n.heard = l.now()
	if len(n.queue) >= l.c.Limits.Queue {
		return errBusy
	}
	n.queue = append(n.queue, a)
	if !n.active {
		n.active = true
		l.in.all.Go(func() { l.work(ctx, n) })
	}
	return nil
}

// work handles what waits in a line, in order.
func (l *Links) work(ctx context.Context, n *inLine) {
	for {
		l.in.mu.Lock()
		if len(n.queue) == 0 || ctx.Err() != nil {
			for _, a := range n.queue {
				a.settled(fmt.Errorf("links stop: %w", fault.Unavailable))
			}
			n.queue, n.active = nil, false
			l.in.mu.Unlock()
			return
		}
		a := n.queue[0]
		n.queue[0] = nil
		n.queue = n.queue[1:]
		l.in.mu.Unlock()
		if n.patience(ctx) != nil {
			a.settled(fmt.Errorf("links stop: %w", fault.Unavailable))
			continue
		}
		if err := l.take(ctx, n, a); err != nil {
			a.settled(fmt.Errorf("links stop: %w", fault.Unavailable))
		}
	}
}

// patience waits until the neighbour may have another message handled.
func (n *inLine) patience(ctx context.Context) error {
	for ; n.faults > 0; n.faults-- {
		if err := n.penalty.Wait(ctx); err != nil {
			return err
		}
	}
	return n.limiter.Wait(ctx)
}

// take handles one frame, and those that waited for it. The error is that of the
// context.
func (l *Links) take(ctx context.Context, n *inLine, a *arrival) error {
	if err := l.persist(ctx, n, a, func(ctx context.Context) error { return l.load(ctx, n) }); err != nil {
		return err
	}
	if a.wrong != nil {
		r := refused{Reason: envelope.Malformed, Detail: a.wrong.Error()}
		return a.settledUnless(l.persist(ctx, n, a, func(ctx context.Context) error { return l.refuseLoose(ctx, n, r) }))
	}
	switch {
	case a.Epoch < n.at.epoch: // of a log that was replaced
		a.settled(nil)
		return nil
	case a.Epoch > n.at.epoch:
		n.at = standing{epoch: a.Epoch}
		clear(n.held)
		l.in.mu.Lock()
		n.toldUpTo = 0
		l.in.mu.Unlock()
	}
	n.at.there = a.Confirmed // what was told before may have been lost
	switch {
	case a.Position <= n.at.received:
		return a.settledUnless(l.persist(ctx, n, a, func(ctx context.Context) error { return l.repeated(ctx, n, a) }))
	case a.Before > n.at.received:
		l.hold(n, a)
		return nil
	}
	for ; a != nil; a = n.next() {
		if err := a.settledUnless(l.persist(ctx, n, a, func(ctx context.Context) error { return l.accept(ctx, n, a) })); err != nil {
			return err
		}
	}
	return nil
}

// hold keeps a frame that came before those that precede it, and asks for them.
func (l *Links) hold(n *inLine, a *arrival) {
	if len(n.held) < maxHeld {
		n.held[a.Position] = a
	}
	a.settled(nil)
	now := l.now()
	if ask := now.Sub(n.asked); ask < l.c.Limits.askEvery() && ask >= 0 {
		return
	}
	n.asked = now
	l.oweReceipt(n, owed{again: true})
}

// next returns the held frame whose turn it is.
func (n *inLine) next() *arrival {
	for position, a := range n.held {
		if position <= n.at.received {
			delete(n.held, position)
		} else if a.Before <= n.at.received {
			delete(n.held, position)
			return a
		}
	}
	return nil
}

// persist does something until it succeeds, later and later; the error is that of
// the context. What holds a line up is shown.
func (l *Links) persist(ctx context.Context, n *inLine, a *arrival, do func(context.Context) error) error {
	for fails := 1; ; fails++ {
		select {
		case l.in.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		err := do(ctx)
		<-l.in.slots
		if err == nil {
			if fails > 1 {
				l.stuck(n, "")
			}
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.stuck(n, fmt.Sprintf("position %d: %v", a.Position, err))
		if fails == 1 {
			l.log.WarnContext(ctx, "a message can't be handled, and is tried again", slog.String("neighbour", string(n.node)),
				slog.Int64("position", a.Position), slog.Any("error", err))
		}
		pause(ctx, retryAfter(fails))
	}
}

func (l *Links) stuck(n *inLine, reason string) {
	l.in.mu.Lock()
	defer l.in.mu.Unlock()
	if reason == "" {
		n.stuck = trouble{}
	} else if n.stuck.reason != reason {
		n.stuck = trouble{l.now(), clean(reason)}
	}
}

// load reads how far the line is, once.
func (l *Links) load(ctx context.Context, n *inLine) error {
	if n.loaded {
		return nil
	}
	err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		in, err := inOf(ctx, tx, n.node)
		n.at = standing{epoch: in.epoch, received: in.received, there: min(in.told, in.received)}
		return err
	})
	if n.loaded = err == nil; n.loaded {
		l.in.mu.Lock()
		n.toldUpTo = n.at.there
		l.in.mu.Unlock()
	}
	return err
}

// repeated settles a frame whose position was settled before. That it is another
// message means that the neighbour's database was restored from a backup.
func (l *Links) repeated(ctx context.Context, n *inLine, a *arrival) error {
	forked := false
	if e, err := envelope.Parse(a.text); err == nil {
		if h, err := e.Open(); err == nil && l.now().Before(h.Expires) {
			err := l.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
				forked, err = isForked(ctx, tx, n.node, a.place, &h)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	l.oweReceipt(n, owed{forked: forked})
	return nil
}
