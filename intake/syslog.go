package intake

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/intake/framing"
)

// startSyslog opens all syslog listeners and serves them in the group.
func (in *Intake) startSyslog(ctx context.Context, group *errgroup.Group) error {
	for _, address := range in.config.SyslogUDP {
		if err := in.startUDP(ctx, group, address); err != nil {
			return err
		}
	}
	for _, address := range in.config.SyslogTCP {
		l, err := in.listen(ctx, "syslog over TCP", address)
		if err != nil {
			return err
		}
		group.Go(func() error { return in.serveSyslog(ctx, l) })
	}
	for _, address := range in.config.SyslogTLS {
		l, err := in.listen(ctx, "syslog over TLS", address)
		if err != nil {
			return err
		}
		config := in.tls.Clone()
		if in.config.RequireClientCert {
			config.ClientAuth = tls.RequireAndVerifyClientCert
		}
		group.Go(func() error { return in.serveSyslog(ctx, tls.NewListener(l, config)) })
	}
	return nil
}

// serveSyslog takes connections until ctx ends, and waits for them.
func (in *Intake) serveSyslog(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var open sync.WaitGroup
	defer open.Wait()
	for pause := firstPause; ; {
		conn, err := l.Accept()
		if err == nil {
			pause = firstPause
			open.Go(func() { in.syslogConnection(ctx, conn) })
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		// Out of file descriptors, most likely: that passes.
		in.log.LogAttrs(ctx, slog.LevelWarn, "syslog connection not accepted", slog.Any("error", err))
		_ = pauseFor(ctx, pause) // what ended it is told by Accept
		pause = min(2*pause, lastPause)
	}
}

// batchBytes is how much of a connection is handed on at once.
const batchBytes = 256 << 10

// syslogConnection reads a connection to its end, or until ctx ends; then what
// has come is still handed on.
func (in *Intake) syslogConnection(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	interrupted := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer interrupted()
	sender, err := in.syslogSender(ctx, conn)
	if err != nil {
		in.log.LogAttrs(ctx, slog.LevelInfo, "syslog sender refused", slog.String("address", hostOf(conn.RemoteAddr())), slog.Any("error", err))
		return
	}
	c := &syslogReader{in: in, sender: sender, conn: conn, frames: framing.NewReader(conn, in.config.Limits.Message)}
	if err := c.run(ctx); err != nil {
		in.log.LogAttrs(ctx, slog.LevelInfo, "syslog connection ended", slog.String("sender", sender), slog.Any("error", err))
	}
}

// syslogSender names the sender: as its certificate does, else by address.
func (in *Intake) syslogSender(ctx context.Context, conn net.Conn) (string, error) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return hostOf(conn.RemoteAddr()), nil
	}
	ctx, cancel := context.WithTimeout(ctx, in.config.Limits.Slow)
	defer cancel()
	if err := secure.HandshakeContext(ctx); err != nil {
		return "", err
	}
	if chains := secure.ConnectionState().VerifiedChains; len(chains) > 0 {
		if name := chains[0][0].Subject.CommonName; name != "" {
			return "certificate:" + label(name), nil
		}
	}
	return hostOf(conn.RemoteAddr()), nil
}

// syslogReader reads one connection.
type syslogReader struct {
	in     *Intake
	sender string
	conn   net.Conn
	frames *framing.Reader
	batch  gathered
}

func (c *syslogReader) run(ctx context.Context) error {
	for {
		if !c.frames.Ready() || c.batch.bytes >= batchBytes {
			if err := c.flush(ctx); err != nil {
				return err
			}
			if ctx.Err() != nil && !c.frames.Ready() {
				return nil
			}
			c.patience(ctx)
		}
		message, err := c.frames.Next()
		switch {
		case err == nil:
			if message = bytes.TrimRight(message, "\r\n\x00"); len(message) > 0 {
				c.batch.add(c.in.syslogSource(c.sender, message), message)
			}
		case errors.Is(err, framing.ErrTooLong):
			c.in.sources.source("syslog", c.sender).drop(reasonTooLong, 1)
		default:
			return errors.Join(c.flush(ctx), c.ended(ctx, err))
		}
	}
}

// patience says how long to wait for the next message: long between messages,
// not long within one.
func (c *syslogReader) patience(ctx context.Context) {
	wait := c.in.config.Limits.Idle
	if c.frames.Buffered() > 0 {
		wait = c.in.config.Limits.Slow
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(wait))
	if ctx.Err() != nil { // it may have ended in between
		_ = c.conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// ended tells an ordinary end from one that loses something.
func (c *syslogReader) ended(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, io.EOF) || ctx.Err() != nil:
		return nil
	case errors.Is(err, framing.ErrLost):
		c.in.sources.source("syslog", c.sender).drop(reasonFrame, 1)
	case errors.Is(err, os.ErrDeadlineExceeded) && c.frames.Buffered() > 0:
		c.in.sources.source("syslog", c.sender).drop(reasonSlow, 1)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil // said nothing for long; it connects again
	}
	return err
}

// flush hands on what was read. When ctx has ended it gets a little longer: TCP
// has told the sender already that it came.
func (c *syslogReader) flush(ctx context.Context) error {
	if len(c.batch.by) == 0 {
		return nil
	}
	var failed error
	for s, p := range c.batch.by {
		err := c.in.persist(ctx, s, p)
		if err != nil && ctx.Err() != nil {
			err = c.in.lastTry(ctx, s, p)
		}
		if err != nil {
			s.drop(reasonOf(ctx, err), p.records)
			failed = errors.Join(failed, err)
		}
	}
	c.batch = gathered{}
	return failed
}

// lastTry hands on what was in hand when the node had to stop.
func (in *Intake) lastTry(ctx context.Context, s *source, p *pending) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin/2)
	defer cancel()
	return in.persist(grace, s, p)
}

func reasonOf(ctx context.Context, err error) string {
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return reasonStopping
	}
	return reasonFailed
}
