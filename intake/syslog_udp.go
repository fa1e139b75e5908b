package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// udpReadBuffer is what the operating system is asked to hold while we are
	// busy; it may give less.
	udpReadBuffer = 4 << 20
	// udpEvery is how long datagrams wait to be handed on together.
	udpEvery = 100 * time.Millisecond
	// udpHands is how many sources are handed on at once.
	udpHands = 16
	// maxDatagram is the longest there is.
	maxDatagram = 64 << 10
)

// overUDP is what the listener is called.
const overUDP = "syslog over UDP"

// datagrams is what came on one UDP address and waits. A sender of datagrams
// cannot be told to wait: when the queue is full they are dropped, and counted.
type datagrams struct {
	in      *Intake
	address string
	conn    *net.UDPConn
	over    chan struct{} // closed when nothing more is read

	mu      sync.Mutex
	waiting gathered // guarded by mu
	handed  int      // bytes being handed on; guarded by mu
}

func (in *Intake) startUDP(ctx context.Context, group *errgroup.Group, address string) error {
	var config net.ListenConfig
	packets, err := config.ListenPacket(ctx, "udp", address)
	if err != nil {
		return fmt.Errorf("%s: %w", overUDP, err)
	}
	conn, ok := packets.(*net.UDPConn)
	if !ok {
		return fmt.Errorf("%s: %s is no UDP address", overUDP, address)
	}
	_ = conn.SetReadBuffer(udpReadBuffer) // what it gives is what there is
	in.listensOn(overUDP, conn.LocalAddr())
	d := &datagrams{in: in, address: address, conn: conn, over: make(chan struct{})}
	group.Go(func() error { return d.read(ctx) })
	group.Go(func() error { return d.handOn(ctx) })
	return nil
}

// read takes datagrams until ctx ends. Each is one message (RFC 5426 §3.1).
func (d *datagrams) read(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = d.conn.Close() })
	defer stop()
	defer close(d.over)
	buffer := make([]byte, maxDatagram)
	for {
		n, from, err := d.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			d.in.log.LogAttrs(ctx, slog.LevelWarn, "datagram not read", slog.Any("error", err))
			continue
		}
		if message := bytes.TrimRight(buffer[:n], "\r\n\x00"); len(message) > 0 {
			d.add(from.Addr().Unmap().String(), message)
		}
	}
}

func (d *datagrams) add(sender string, message []byte) {
	s := d.in.syslogSource(sender, message)
	if len(message) > d.in.config.Limits.Message {
		s.drop(reasonTooLong, 1)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting.bytes+d.handed+len(message) > d.in.config.Limits.UDPQueue {
		s.drop(reasonQueue, 1)
		return
	}
	d.waiting.add(s, message)
}

// handOn hands on what came, until ctx ends and nothing is left.
func (d *datagrams) handOn(ctx context.Context) error {
	tick := time.NewTicker(udpEvery)
	defer tick.Stop()
	kernel := newKernelDrops(d.conn)
	for round := 0; ; round++ {
		select {
		case <-d.over:
			d.flush(ctx)
			return nil
		case <-tick.C:
			d.flush(ctx)
		}
		if round%100 == 0 {
			if n := kernel.since(); n > 0 { // before their senders are known
				d.in.sources.listener(overUDP, d.address).drop(reasonKernel, n)
			}
		}
	}
}

// flush hands on what waits, sources beside each other so that they share
// writes to disk and none waits for another's limit.
func (d *datagrams) flush(ctx context.Context) {
	d.mu.Lock()
	batch := d.waiting
	d.waiting, d.handed = gathered{}, batch.bytes
	d.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(udpHands)
	for s, p := range batch.by {
		group.Go(func() error {
			d.one(ctx, s, p)
			return nil
		})
	}
	_ = group.Wait() // none fails
	d.mu.Lock()
	d.handed = 0
	d.mu.Unlock()
}

func (d *datagrams) one(ctx context.Context, s *source, p *pending) {
	if _, ok := s.allowance.take(d.in.now(), p.records); !ok { // nobody can be told how long to wait
		s.drop(reasonSourceRate, p.records)
		return
	}
	err := d.in.persistTaken(ctx, s, p)
	if err != nil && ctx.Err() != nil {
		err = d.in.lastTry(ctx, s, p)
	}
	if err != nil {
		s.drop(reasonOf(ctx, err), p.records)
	}
}
