package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
	"tocsin/telemetry"
)

// Role is what a node does in a cluster.
type Role string

// The roles.
const (
	Intake Role = "intake" // takes telemetry in and publishes it
	Worker Role = "worker" // watches and remembers its share
	Serve  Role = "serve"  // answers people by asking all workers
	All    Role = "all"    // everything
)

// Roles returns all of them, as they are named on the command line.
func Roles() []Role { return []Role{Intake, Worker, Serve, All} }

// ParseRole returns the role of that name; the error is fault.Invalid.
func ParseRole(name string) (Role, error) {
	if role := Role(name); slices.Contains(Roles(), role) {
		return role, nil
	}
	return "", fmt.Errorf("role %q: it is one of %v: %w", name, Roles(), fault.Invalid)
}

// Works reports whether a node of the role is a worker.
func (r Role) Works() bool { return r == Worker || r == All }

// Config says where the cluster is and what this node does in it.
type Config struct {
	Role Role
	// Bus is where the servers are. Its Log is set by Open.
	Bus bus.Config
	// Stream is the stream's name and limits; without a name it is "tocsin".
	// Whoever comes first makes it.
	Stream bus.StreamConfig
	// Name is a worker's among the workers: see bus.ValidName. It is kept for
	// as long as what the worker remembers.
	Name string
	// Dir is where a worker keeps who it is and what it has taken: beside its
	// journal, and for one process at a time.
	Dir string
	// Accept puts a block into a worker's journal and returns when it is on
	// disk. It is called by several goroutines; blocks of one source come in
	// their order.
	Accept func(context.Context, *telemetry.Block) error
	// Answers answer, at a worker, the questions on a topic ("hunt").
	Answers map[string]func(ctx context.Context, question []byte) ([]byte, error)
	// Log gets what an operator should know; nil is silence.
	Log *slog.Logger
}

const defaultStream = "tocsin"

// Cluster is this node's part in a cluster. It is safe for concurrent use.
type Cluster struct {
	config Config
	log    *slog.Logger
	bus    *bus.Bus
	stream *bus.Stream
	pack   *zstd.Encoder
	unpack *zstd.Decoder
	doubts *doubts

	published, taken, again, aside atomic.Uint64
}

// Open connects, and waits for a server until ctx ends, and a minute for it to be ready. The error is
// fault.Invalid when the configuration cannot be used, and otherwise that of
// bus.Connect and bus.Stream. Close the cluster.
func Open(ctx context.Context, c Config) (*Cluster, error) {
	if _, err := ParseRole(string(c.Role)); err != nil {
		return nil, err
	}
	if c.Role.Works() && (!bus.ValidName(c.Name) || c.Dir == "" || c.Accept == nil) {
		return nil, fmt.Errorf("worker %q: it needs a name of letters, digits, '-' and '_', a folder and a journal: %w", c.Name, fault.Invalid)
	}
	if c.Stream.Name == "" {
		c.Stream.Name = defaultStream
	}
	n := &Cluster{config: c, log: c.Log, doubts: newDoubts()}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if n.pack, n.unpack, err = packers(); err != nil {
		return nil, err
	}
	c.Bus.Log = n.log
	if n.bus, err = bus.Connect(ctx, c.Bus); err != nil {
		return nil, err
	}
	if err := n.openStream(ctx); err != nil {
		n.bus.Close()
		return nil, err
	}
	return n, nil
}

const (
	// electWithin is how long servers that start together may take to agree on
	// who leads; until then they answer, and can keep nothing.
	electWithin = time.Minute
	electPause  = time.Second
)

// openStream opens the stream, which servers that have just started may not be
// able to make yet.
func (c *Cluster) openStream(ctx context.Context) (err error) {
	for limit := time.Now().Add(electWithin); ; {
		c.stream, err = c.bus.Stream(ctx, c.config.Stream)
		if !errors.Is(err, fault.Unavailable) || time.Now().After(limit) {
			return err
		}
		c.log.Warn("the NATS servers cannot keep anything yet", slog.String("reason", err.Error()))
		select {
		case <-time.After(electPause):
		case <-ctx.Done():
			return err
		}
	}
}

// Run does a worker's work until ctx ends; other roles only wait. The error is
// that of bus.Consume, or that the worker's folder cannot be used.
func (c *Cluster) Run(ctx context.Context) error {
	if !c.config.Role.Works() {
		<-ctx.Done()
		return nil
	}
	w, err := c.openWorker(ctx)
	if err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	defer w.close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.stream.Consume(ctx, w.who, w.take) })
	for topic, answer := range c.config.Answers {
		group.Go(func() error { return c.stream.Answer(ctx, w.who.Name, topic, answer) })
	}
	return group.Wait()
}

// Ask puts a question to every worker, and says who did not answer and why:
// what only those hold is in no reply. See bus.Stream.Ask.
func (c *Cluster) Ask(ctx context.Context, topic string, question []byte) ([]bus.Reply, []bus.Missing, error) {
	return c.stream.Ask(ctx, topic, question)
}

// Settled returns once workers have taken everything that was accepted before
// the call; see bus.Stream.Settled.
func (c *Cluster) Settled(ctx context.Context) error { return c.stream.Settled(ctx) }

// State is what an operator is shown.
type State struct {
	Role       Role
	Connection bus.State
	// Workers and Backlog are those of the whole cluster, and empty when
	// Problem says why they are not known.
	Workers []bus.Member
	Backlog bus.Backlog
	Problem string
	// Since this process started: blocks published; taken into the journal;
	// not taken because they had been, before a crash; kept aside because
	// they could not be read.
	Published, Taken, Again, Aside uint64
}

// State returns how the cluster is, as far as it is known.
func (c *Cluster) State(ctx context.Context) State {
	s := State{
		Role: c.config.Role, Connection: c.bus.State(), Published: c.published.Load(),
		Taken: c.taken.Load(), Again: c.again.Load(), Aside: c.aside.Load(),
	}
	var err error
	if s.Workers, err = c.stream.Members(ctx); err == nil {
		s.Backlog, err = c.stream.Backlog(ctx)
	}
	if err != nil {
		s.Problem = err.Error()
	}
	return s
}

// Ready says why the servers cannot be reached now; nil when they can. The error
// is fault.Unavailable.
func (c *Cluster) Ready() error {
	s := c.bus.State()
	if s.Connected {
		return nil
	}
	return fmt.Errorf("not connected to NATS: %s: %w", s.Problem, fault.Unavailable)
}

// Forget takes a worker out of those that are asked, when what it remembers is
// gone for good.
func (c *Cluster) Forget(ctx context.Context, worker string) error {
	return c.stream.Forget(ctx, worker)
}

// Close ends the connection; Run must have ended.
func (c *Cluster) Close() {
	c.bus.Close()
	c.unpack.Close()
}
