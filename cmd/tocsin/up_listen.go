package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"tocsin/intake"
	"tocsin/internal/certificate"
)

// listening is where a node is reached, and how it comes by its certificates.
type listening struct {
	intake    intake.Config
	authority *certificate.Authority // nil without ACME
	http      string                 // where it answers the authority; "" for nowhere
	answers   http.Handler           // what it answers there
}

func (l *listening) read(config fileConfig, data string) (err error) {
	l.intake, l.authority, err = config.intake(data)
	if l.http = config.TLS.ACME.HTTP; l.http != "" && l.authority != nil {
		l.answers = l.authority.Challenges() // before a certificate is asked for
	}
	return err
}

// fetch gets the certificates that are not there yet. That it cannot be done now
// is said; it is tried again when somebody connects.
func (l *listening) fetch(ctx context.Context, log *slog.Logger) {
	if l.authority == nil {
		return
	}
	got := make(chan error, 1)
	go func() { got <- l.authority.Fetch() }() // ends by its own limits
	select {
	case err := <-got:
		if err != nil {
			log.Error("no certificate from the authority for now; it is asked again when somebody connects", slog.Any("error", err))
			return
		}
		log.Info("certificates are there")
	case <-ctx.Done():
	}
}

const (
	// challengeWithin bounds a request of the authority: it is a few hundred bytes.
	challengeWithin = 10 * time.Second
	// challengeBytes bounds its header.
	challengeBytes = 8 << 10
)

// challenges answers the authority over plain HTTP until ctx ends, where that is
// configured; everybody else is sent to HTTPS.
func (l *listening) challenges(ctx context.Context) error {
	if l.answers == nil {
		return nil
	}
	server := &http.Server{
		Addr: l.http, Handler: l.answers, ReadTimeout: challengeWithin, WriteTimeout: challengeWithin,
		MaxHeaderBytes: challengeBytes, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return fmt.Errorf("requests of the certificates' authority: %w", err)
	case <-ctx.Done():
	}
	err := server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
