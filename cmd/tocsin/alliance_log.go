package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/transparency"
	"tocsin/intel"
	"tocsin/internal/store"
	"tocsin/internal/strictjson"
)

// The kinds of envelope by which a member compares its hub's log with what it saw.
const (
	logWantKind  = "log.want"  // transparency.Want, to the hub
	logShownKind = "log.shown" // shownLogs, to the member
)

// shownLogs is the body of logShownKind.
type shownLogs struct {
	Logs []transparency.Shown `json:"logs"`
}

const (
	// logSoon is how long after something came a hub's log is asked for it, so that
	// what comes together is asked for once, and answers to a warning go first.
	logSoon = 20 * time.Second
	// logDaily is how often it is asked when nothing came.
	logDaily = 24 * time.Hour
	// logKeeps is how long such a message may be on its way.
	logKeeps = 7 * 24 * time.Hour
)

// logWatch asks hubs for their logs.
type logWatch struct {
	*running
	ids store.IDs
	mu  sync.Mutex
	due map[alliance.NodeID]time.Time // guarded by mu
}

// openLogWatch has the links hand it what is the logs'.
func (r *running) openLogWatch() {
	w := &logWatch{running: r, due: map[alliance.NodeID]time.Time{}}
	r.alliance.logs = w
	r.alliance.links.On(logWantKind, w.wanted)
	r.alliance.links.On(logShownKind, w.shown)
}

// soon asks a hub a while from now.
func (w *logWatch) soon(hub alliance.NodeID) {
	at := time.Now().Add(logSoon + rand.N(logSoon)) //nolint:gosec // members must not ask in one moment, no more
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.due[hub]; !ok || at.Before(before) {
		w.due[hub] = at
	}
}

// run asks every hub after the start, whenever something came from it, and daily.
func (w *logWatch) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
		if err := w.ask(ctx); err != nil && ctx.Err() == nil {
			w.log.Warn("a hub's log cannot be asked for", slog.Any("error", err))
		}
	}
}

func (w *logWatch) ask(ctx context.Context) error {
	var hubs []alliance.NodeID
	err := w.people.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		hubs, err = w.alliance.above(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, hub := range hubs {
		w.mu.Lock()
		at, known := w.due[hub]
		due := !known || !time.Now().Before(at)
		if due {
			w.due[hub] = time.Now().Add(logDaily)
		}
		w.mu.Unlock()
		if !due {
			continue
		}
		err = errors.Join(err, w.people.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			want, err := w.monitor.Want(ctx, tx, hub)
			if err != nil {
				return err
			}
			return w.send(ctx, tx, hub, logWantKind, "", want)
		}))
	}
	return err
}

func (w *logWatch) send(ctx context.Context, tx *store.Tx, to alliance.NodeID, kind, about string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	now := time.Now()
	e, err := w.alliance.identity.Seal(envelope.Header{
		ID: w.ids.Next(now), Kind: kind, Schema: 1, Audience: alliance.To(to), Marking: intel.TLPAmber, Issued: now, Expires: now.Add(logKeeps), About: about,
	}, text)
	if err != nil {
		return err
	}
	return w.alliance.links.Send(ctx, tx, e, to)
}

// byNeighbour refuses what the neighbour that it came from did not make.
func byNeighbour(in *link.Received) error {
	if in.Header.Author != in.From {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("a %s is between neighbours", in.Header.Kind)}
	}
	return nil
}

// wanted shows a member what it wants of our log.
func (w *logWatch) wanted(ctx context.Context, tx *store.Tx, in link.Received) error {
	if err := byNeighbour(&in); err != nil {
		return err
	}
	var want transparency.Want
	if err := strictjson.Read(bytes.NewReader(in.Body), &want); err != nil {
		return err
	}
	shown, err := w.transparency.Own.Answer(ctx, tx, in.From, &want)
	if err != nil || len(shown) == 0 {
		return err
	}
	return w.send(ctx, tx, in.From, logShownKind, in.Header.ID, shownLogs{shown})
}

// shown takes up what a hub shows of its logs.
func (w *logWatch) shown(ctx context.Context, tx *store.Tx, in link.Received) error {
	if err := byNeighbour(&in); err != nil {
		return err
	}
	var shown shownLogs
	if err := strictjson.Read(bytes.NewReader(in.Body), &shown); err != nil {
		return err
	}
	return w.monitor.See(ctx, tx, in.From, shown.Logs)
}

// above are the hubs that are active.
func (a *allianceRooms) above(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error) {
	all, err := a.members.Uplinks(ctx, tx)
	return activeOf(all), err
}

// logged enters a message of ours in our log, in the transaction that records it.
func (r *running) logged(ctx context.Context, tx *store.Tx, kind transparency.Kind, e *envelope.Envelope) error {
	_, err := r.transparency.Own.Append(ctx, tx, transparency.Entry{Kind: kind, Time: time.Now(), Envelope: transparency.DigestOf(e.Header)})
	return err
}

// expectInLog has a hub's log watched for what the hub itself issued and sent here.
func (r *running) expectInLog(ctx context.Context, tx *store.Tx, kind transparency.Kind, in *answer.Received) error {
	if in.Header.Author != in.From {
		return nil // it is in its author's log, which this node does not see
	}
	role, err := r.alliance.isHub(ctx, tx, in.From)
	if err != nil || !role {
		return err
	}
	tx.Committed(func() { r.alliance.logs.soon(in.From) })
	return r.monitor.Received(ctx, tx, in.From, kind, transparency.DigestOf(in.Envelope.Header))
}

// isHub reports whether a node is a hub of this one.
func (a *allianceRooms) isHub(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error) {
	role, active, err := a.neighbour(ctx, tx, node)
	return active && role == link.Above, err
}
