package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/node"
)

// watchFeed names the findings of the node's own watch.
const watchFeed = "watch"

// raising makes alerts of what the node's watch finds. The findings are read
// from where the node keeps them, and how far they were raised is kept with the
// alerts: none is lost or raised twice when the process dies.
type raising struct {
	node     *node.Node
	register *incident.Register
	log      *slog.Logger
	wake     chan struct{}
}

func newRaising(n *node.Node, register *incident.Register, log *slog.Logger) *raising {
	return &raising{node: n, register: register, log: log, wake: make(chan struct{}, 1)}
}

// found says that there is something to raise. It does not wait.
func (r *raising) found() {
	select {
	case r.wake <- struct{}{}:
	default: // it is awake already
	}
}

const (
	// raiseAtOnce bounds how many findings one transaction raises: on SQLite those
	// who open incidents wait for it.
	raiseAtOnce = 250
	// raiseAgain is when what could not be raised is tried again.
	raiseAgain = 5 * time.Second
)

// Run raises what is found until ctx ends.
func (r *raising) Run(ctx context.Context) error {
	for {
		var again <-chan time.Time
		if err := r.catchUp(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("findings cannot be raised as alerts for now; trying again", slog.Any("error", err))
			again = time.After(raiseAgain)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-again:
		}
	}
}

// catchUp raises all that is kept and not raised yet.
func (r *raising) catchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		position, err := r.register.Position(ctx, watchFeed)
		if err != nil {
			return err
		}
		batch := raiseBatch{position: position}
		if err := r.node.Findings(position, batch.add); err != nil {
			return err
		}
		if batch.position == position {
			return nil
		}
		if err := r.raise(ctx, &batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// raise raises a batch in as many transactions as it takes: its position is
// written with the last of them, and what is raised again until then counts once.
func (r *raising) raise(ctx context.Context, batch *raiseBatch) error {
	if batch.skipped > 0 {
		r.log.Error("findings are kept that cannot be read", slog.Int("count", batch.skipped))
	}
	who := audit.Actor{ID: "node", Name: "node", From: "watch"}
	left := batch.findings
	for len(left) > raiseAtOnce {
		if _, err := r.register.Raise(ctx, who, left[:raiseAtOnce]); err != nil {
			return err
		}
		left = left[raiseAtOnce:]
	}
	raised, err := r.register.RaiseFrom(ctx, who, watchFeed, batch.position, left)
	for _, i := range raised.Opened {
		r.log.Info("a playbook opened an incident", slog.String("number", i.Number))
	}
	return err
}

// raiseBatch is findings up to a position.
type raiseBatch struct {
	position uint64
	findings []incident.Finding
	skipped  int
}

// add takes what was found up to a position, and reports whether there is room
// for more.
func (b *raiseBatch) add(position uint64, lines []byte) bool {
	b.position = position
	n := 0
	for line := range bytes.Lines(lines) {
		n++
		f, err := readFinding(line)
		if err != nil {
			b.skipped++
			continue
		}
		// Two events that say the same are two findings here, where each is kept once.
		f.ID = findingID(line, strconv.FormatUint(position, 10), strconv.Itoa(n))
		if alerting(&f) {
			b.findings = append(b.findings, f)
		}
	}
	return len(b.findings) < raiseAtOnce
}

// alerting reports whether a finding is one for a person: informational rules
// are there to add context, and no alert is to come of them (Sigma rules 2.1,
// "level").
func alerting(f *incident.Finding) bool { return f.Severity != intel.Informational }

// readFinding reads a finding as output.JSONL writes it.
func readFinding(line []byte) (incident.Finding, error) {
	var l struct {
		Time  *time.Time     `json:"time"`
		Level intel.Severity `json:"level"`
		Rule  struct {
			ID    string `json:"id"`
			Title string `json:"title"`
		} `json:"rule"`
		Event struct {
			Host string `json:"host"`
		} `json:"event"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return incident.Finding{}, fmt.Errorf("finding: %w: %w", err, fault.Invalid)
	}
	f := incident.Finding{
		ID: findingID(line), Rule: l.Rule.ID, Title: l.Rule.Title, Severity: l.Level, Host: l.Event.Host, Body: bytes.TrimSpace(line),
	}
	if f.Rule == "" {
		f.Rule = l.Rule.Title // a rule need not have an ID
	}
	if f.Rule == "" {
		return f, errors.New("finding: it names no rule")
	}
	if l.Time != nil {
		f.At = *l.Time
	}
	f.Fit()
	return f, nil
}

// findingID names a finding by all that it says, and by where it was found.
func findingID(line []byte, where ...string) string {
	h := sha256.New()
	h.Write(bytes.TrimSpace(line))
	for _, w := range where {
		h.Write([]byte{0})
		h.Write([]byte(w))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
