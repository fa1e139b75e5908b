package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"tocsin/people"
	"tocsin/telemetry"
)

// Accept takes a block over. It returns once the block is kept such that a
// crash does not lose it, and may go on using it. With it a note is kept, where
// there is one, for Recall, and the number of the entry that holds both is
// returned; where notes cannot be kept it is 0. An error that is
// fault.Unavailable says that there is no room now: the sender is told to come
// again. It is called concurrently.
type Accept func(ctx context.Context, b *telemetry.Block, note []byte) (entry uint64, err error)

// Intake listens and hands on what arrives. It is safe for concurrent use.
type Intake struct {
	config Config
	log    *slog.Logger
	tokens *people.Tokens
	accept Accept
	now    func() time.Time

	tls     *tls.Config
	sources *registry
	aside   *Aside
	doubts  *doubts
	answers *answers
	places  []cursor            // of followed files, as Recall found them; owned by Recall, then Run
	slots   *semaphore.Weighted // requests worked on
	memory  *semaphore.Weighted // bytes of requests being read
	senders *limiters           // by token

	mu    sync.Mutex
	addrs map[string][]net.Addr // what is listened on, by use; guarded by mu
}

// New returns an intake that takes from whoever shows a token that may send.
// The error is fault.Invalid for a configuration that cannot be run; see
// Config.Check.
func New(config Config, log *slog.Logger, tokens *people.Tokens, accept Accept) (*Intake, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	config = config.WithDefaults()
	secure, err := config.TLS()
	if err != nil {
		return nil, err
	}
	in := &Intake{
		config: config, log: log, tokens: tokens, accept: accept, now: time.Now, tls: secure,
		slots:   semaphore.NewWeighted(int64(config.Limits.Requests)),
		memory:  semaphore.NewWeighted(config.Limits.Memory),
		senders: newLimiters(config.Limits.TokenEvents),
		addrs:   map[string][]net.Addr{},
		doubts:  newDoubts(),
	}
	registryFile, answersFile := "", ""
	if config.Dir != "" {
		registryFile, answersFile = config.registryPath(), filepath.Join(config.Dir, "answers")
	}
	if in.answers, err = openAnswers(answersFile); err != nil {
		return nil, err
	}
	if in.sources, err = openRegistry(registryFile, config.Limits, in.now, config.Metrics); err != nil {
		return nil, err
	}
	in.aside = config.OpenAside(in.now)
	return in, nil
}

// Aside returns what could not be read and is kept for a replay.
func (in *Intake) Aside() *Aside { return in.aside }

// Close gives back what Recall opened, once Run and Serve have ended.
func (in *Intake) Close() error { return in.answers.close() }

// stopWithin is how long listeners get to finish what they have in hand. A node
// has to be gone within ten seconds, as who supervises it expects: the rest is
// for memory to write what it holds.
const stopWithin = 5 * time.Second

// abandonWithin is how long requests get to notice that they are broken off.
const abandonWithin = 2 * time.Second

// Run listens on every address but that of HTTP, and follows files, until ctx
// ends. It then takes no more, finishes what it has in hand within five
// seconds, and returns nil; an error says what could not be listened on.
func (in *Intake) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, start := range []func(context.Context, *errgroup.Group) error{in.startSyslog, in.startOTLP, in.startFollow} {
		if err := start(ctx, group); err != nil {
			group.Go(func() error { return err })
			break
		}
	}
	group.Go(func() error {
		in.keepRegistry(ctx)
		return nil
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lossesWithin)
	defer cancel()
	in.tellLosses(last)
	return errors.Join(err, in.sources.save())
}

const (
	// lossesEvery is how often the memory is told of losses: what a crash makes it
	// not know is a second's.
	lossesEvery = time.Second
	// lossesWithin is how long that may take at the end.
	lossesWithin = time.Second
)

// saveEvery is how often the registry of sources is written: what a crash
// loses of it are counts of the last seconds.
const saveEvery = 10 * time.Second

func (in *Intake) keepRegistry(ctx context.Context) {
	tick, losses := time.NewTicker(saveEvery), time.NewTicker(lossesEvery)
	defer tick.Stop()
	defer losses.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-losses.C:
			in.tellLosses(ctx)
		case <-tick.C:
			if err := in.sources.save(); err != nil {
				in.log.LogAttrs(ctx, slog.LevelWarn, "registry of sources not saved", slog.Any("error", err))
			}
			in.aside.Tidy()
		}
	}
}

// listen opens a TCP listener that bounds its connections.
func (in *Intake) listen(ctx context.Context, use, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", use, err)
	}
	in.listensOn(use, l.Addr())
	return bound(l, in.config.Limits.Connections, in.config.Limits.PerAddress, func() {
		in.sources.listener(use, address).drop(reasonConnections, 1)
	}), nil
}

func (in *Intake) listensOn(use string, addr net.Addr) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.addrs[use] = append(in.addrs[use], addr)
	in.log.Info("listening", slog.String("use", use), slog.String("address", addr.String()))
}

// Addresses returns what is listened on, by use: "HTTP", "OTLP", "syslog over
// UDP", "syslog over TCP", "syslog over TLS".
func (in *Intake) Addresses(use string) []net.Addr {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]net.Addr(nil), in.addrs[use]...)
}
