package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// idleWithin is how long a connection may be kept open between requests:
	// shippers keep theirs between batches.
	idleWithin = 2 * time.Minute
	// headerBytes bounds the header of a request: a token and what browsers send
	// take a tenth.
	headerBytes = 64 << 10
)

// Serve serves HTTP on the configured address until ctx ends, by a handler that
// holds Handler and what else the node offers there. Requests under way then get
// some seconds to be finished, are broken off after that, and have ended when
// Serve returns.
func (in *Intake) Serve(ctx context.Context, handler http.Handler) error {
	l, err := in.listen(ctx, "HTTP", in.config.Listen)
	if err != nil {
		return err
	}
	if in.tls != nil {
		config := in.tls.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
		if in.config.Certificates != nil {
			config.NextProtos = append(config.NextProtos, challengeProtocol)
		}
		l = tls.NewListener(l, config)
	}
	working, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	requests := &underWay{handler: handler}
	server := &http.Server{
		Handler:           requests,
		BaseContext:       func(net.Listener) context.Context { return working },
		ReadHeaderTimeout: in.config.Limits.Slow,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(in.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("HTTP on %s: %w", in.config.Listen, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	err = server.Shutdown(grace)
	if err != nil {
		in.log.WarnContext(ctx, "requests are broken off: they took too long")
		abandon()
		err = server.Close()
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	requests.wait(abandonWithin)
	return err
}

// challengeProtocol is by what an ACME authority asks for a proof on the port
// itself (RFC 8737).
const challengeProtocol = "acme-tls/1"

// underWay knows how many requests are being answered.
type underWay struct {
	handler http.Handler
	count   atomic.Int64
}

func (u *underWay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.count.Add(1)
	defer u.count.Add(-1)
	u.handler.ServeHTTP(w, r)
}

// wait waits until none is, but not for ever.
func (u *underWay) wait(most time.Duration) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for limit := time.After(most); u.count.Load() > 0; {
		select {
		case <-look.C:
		case <-limit:
			return
		}
	}
}
