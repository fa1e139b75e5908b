package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

// readNode is who may see how the node does, from other machines.
const readNode = people.ReadNode

// alive says that the process answers, and nothing else: whoever restarts what is
// not alive must not restart a node whose disk is full.
func alive(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// readiness is what /readyz answers.
type readiness struct {
	Ready bool        `json:"ready"`
	Parts []partState `json:"parts,omitempty"`
}

// partState is how one part does.
type partState struct {
	Name   string `json:"name"`
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
}

// checkWithin is how long all parts together may take to say how they do: what
// asks waits a few seconds at most.
const checkWithin = 3 * time.Second

// readyz says whether the node can work, and to who may know it, which part
// cannot and why.
func (a *api) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkWithin)
	defer cancel()
	told := readiness{Ready: true}
	for _, part := range a.Ready {
		state := partState{Name: part.Name, Ready: true}
		if err := checked(ctx, part.Check); err != nil {
			state.Ready, state.Reason, told.Ready = false, err.Error(), false
		}
		told.Parts = append(told.Parts, state)
	}
	status := http.StatusOK
	if !told.Ready {
		status = http.StatusServiceUnavailable
		a.Log.DebugContext(r.Context(), "not ready", slog.Any("parts", told.Parts))
	}
	if !a.mayKnow(r) {
		told.Parts = nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(told)
}

// checked asks one part, but does not wait for one that hangs: its goroutine
// ends when the part answers.
func checked(ctx context.Context, check func(context.Context) error) error {
	answer := make(chan error, 1)
	go func() { answer <- check(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return errHangs
	}
}

// mayKnow reports whether a request may see how the node does.
func (a *api) mayKnow(r *http.Request) bool {
	if fromHere(r) {
		return true
	}
	_, err := a.Tokens.Allow(r.Context(), people.Credential(r.Header.Get("Authorization")), readNode)
	return err == nil
}

// fromHere reports whether a request was made on this machine, to it by name, and
// by nobody else's order: not through a proxy that runs here, and not by a page
// that a browser here has open.
func fromHere(r *http.Request) bool {
	for _, header := range [...]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via", "Origin"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && remote.Addr().Unmap().IsLoopback() && isLoopbackName(r.Host)
}

func isLoopbackName(hostPort string) bool {
	host := hostPort
	if h, _, err := net.SplitHostPort(hostPort); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// errHangs says that a part did not say how it does in time.
var errHangs = fmt.Errorf("it does not answer: %w", fault.Unavailable)
