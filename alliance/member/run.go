package member

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/store"
)

const (
	// wakeRun is what Run waits on for new applications; no request has this ID.
	wakeRun = "run"
	// againAfter is how long Run rests after a hub did not answer, and how often it
	// looks for what another node on the same database wrote.
	againAfter = 3 * time.Second
	// askWithin bounds one question to a hub, on top of what it is asked to wait.
	askWithin = 20 * time.Second
	// refusalBytes bounds why a hub refuses.
	refusalBytes = 64 << 10
)

// Run waits for what hubs decide about this node's applications, until the context
// ends. It may run once in each process.
func (r *Register) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	var mu sync.Mutex
	at := map[string]bool{} // applications that are being waited for; guarded by mu
	last := map[alliance.NodeID]askedLast{}
	for ctx.Err() == nil {
		since := r.now().Add(-2 * againAfter).UnixMicro()
		woken, stop, ok := r.waits.on(wakeRun)
		if !ok {
			woken, stop = nil, func() {}
		}
		pending, err := r.pending(ctx)
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("applications cannot be read", slog.Any("error", err))
		}
		for _, a := range pending {
			mu.Lock()
			if !at[a.ID] {
				at[a.ID] = true
				all.Go(func() {
					r.await(ctx, &a)
					mu.Lock()
					defer mu.Unlock()
					delete(at, a.ID)
				})
			}
			mu.Unlock()
		}
		r.lookAgain(ctx, last)
		wait(ctx, woken, againAfter)
		stop()
		if err := r.refresh(ctx, since); err != nil && ctx.Err() == nil {
			r.Log.Warn("members cannot be read", slog.Any("error", err))
		}
	}
	return nil
}

// askedLast is when a hub was asked last how this node stands, and how often in a row.
type askedLast struct {
	at    time.Time
	times int
}

// longestRest is how long Run rests at most before it asks a hub again that does not
// let this node in.
const longestRest = time.Minute

// lookAgain asks hubs how this node stands that it is suspended at, or cannot connect
// to: the less often the longer that lasts.
func (r *Register) lookAgain(ctx context.Context, before map[alliance.NodeID]askedLast) {
	var hubs []Member
	err := r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		hubs, err = selectMembers(ctx, tx, Up)
		return err
	})
	if err != nil {
		return // it is read again soon
	}
	for k := range hubs {
		hub := &hubs[k]
		away := hub.State == Suspended || hub.State == Active && r.Connected != nil && !r.Connected(hub.Node)
		if !away {
			delete(before, hub.Node)
			continue
		}
		last := before[hub.Node]
		if r.Now().Sub(last.at) < min(againAfter<<min(last.times, 5), longestRest) {
			continue
		}
		before[hub.Node] = askedLast{r.Now(), last.times + 1}
		if _, err := r.Look(ctx, hub.Node); err != nil && ctx.Err() == nil {
			r.Log.Debug("a hub cannot be asked how this node stands", slog.String("hub", string(hub.Node)), slog.Any("error", err))
		}
	}
}

func (r *Register) pending(ctx context.Context) (all []Application, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectApplications(ctx, tx, Pending)
		return err
	})
	return all, err
}

// await waits until an application is decided.
func (r *Register) await(ctx context.Context, a *Application) {
	for ctx.Err() == nil {
		state, err := r.hear(ctx, a, MaxWait)
		switch {
		case err == nil && state != Pending:
			r.Log.Info("a hub has decided", slog.String("hub", string(a.Hub)), slog.String("state", string(state)))
			return
		case err != nil && ctx.Err() == nil:
			r.Log.Warn("a hub cannot be asked how this node stands", slog.String("hub", string(a.Hub)), slog.Any("error", err))
			if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Conflict) {
				if err := r.applied(ctx, r.node(), a, Refused, plainly(err.Error())); err != nil {
					r.Log.Error("an application cannot be ended", slog.Any("error", err))
				}
				return
			}
			wait(ctx, nil, againAfter)
		}
	}
}

// Look asks a hub how this node stands there now: after its connection ended, for
// one. The error is fault.NotFound for a node that is no hub of this one.
func (r *Register) Look(ctx context.Context, hub alliance.NodeID) (State, error) {
	a, err := r.Application(ctx, hub)
	if err != nil {
		return "", err
	}
	return r.hear(ctx, &a, 0)
}

// Leave ends this node's membership with a hub, at once. The hub is told; while it
// cannot be reached the error is fault.Unavailable, and this node has left anyway.
func (r *Register) Leave(ctx context.Context, who Who, hub alliance.NodeID, reason string) error {
	if !plain(reason) {
		return fmt.Errorf("leave: a reason of up to %d bytes: %w", maxText, fault.Invalid)
	}
	a, err := r.Application(ctx, hub)
	if err != nil {
		return err
	}
	if a.State != Active && a.State != Pending && a.State != Suspended {
		return fmt.Errorf("hub %s: this node is no member of it (%s): %w", hub, a.State, fault.Conflict)
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		was := a
		was.State, was.Reason, was.Changed = Left, reason, r.now()
		if err := updateApplication(ctx, tx, a.ID, Left, reason, was.Changed); err != nil {
			return err
		}
		before, err := selectMember(ctx, tx, hub)
		if errors.Is(err, fault.NotFound) {
			return r.Trail.Record(ctx, tx, who, "member.application", subject(hub), a, was)
		}
		if err != nil {
			return err
		}
		m := before
		m.State, m.Reason, m.Since = Left, reason, r.now()
		return r.change(ctx, tx, who, "member.leave", &before, &m)
	})
	if err != nil {
		return err
	}
	return r.sayLeave(ctx, &a, reason)
}

// Leaving is what a member posts that leaves.
type Leaving struct {
	Ticket   string          `json:"ticket"`
	Envelope json.RawMessage `json:"envelope"`
}

type leaving struct {
	Reason string `json:"reason"`
}

func (r *Register) sayLeave(ctx context.Context, a *Application, reason string) error {
	e, err := r.sealFor(leaveKind, askingExpiry, &leaving{reason}, a.Hub)
	if err != nil {
		return err
	}
	text, err := e.Bytes()
	if err != nil {
		return err
	}
	return r.askHub(ctx, a, "/api/v1/alliance/joins/leave", &Leaving{a.ticket, text}, nil)
}

// Leaves takes a member's word that it leaves. Said again it changes nothing.
func (r *Register) Leaves(ctx context.Context, from string, l *Leaving) error {
	secret, ok := readSecret(l.Ticket)
	if !ok {
		return fmt.Errorf("leave: the ticket is none: %w", fault.Invalid)
	}
	q, m, err := r.ticket(ctx, hashOf(secret))
	if err != nil {
		return cmpThrottled(r.tries.take(from), err)
	}
	p, ok := r.ring.Passport(m.Node)
	if !ok {
		return fmt.Errorf("leave: node %s has no card here: %w", m.Node, fault.NotFound)
	}
	said := leaving{}
	if err := r.signed(l.Envelope, p, leaveKind, &said); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := r.Member(ctx, tx, m.Node)
		if err != nil || before.Request != q.ID || before.State == Left || before.State == Expelled || before.State == Refused {
			return err
		}
		m := before
		m.State, m.Reason, m.Since = Left, plainly(said.Reason), r.now()
		if before.State == Pending {
			if err := decideRequest(ctx, tx, q.ID, Left, nameOf(&m.Card), m.Reason, r.now()); err != nil {
				return err
			}
		}
		return r.change(ctx, tx, Who{ID: string(m.Node), Name: nameOf(&m.Card), From: from}, "member.leave", &before, &m)
	})
}

// askHub posts to a hub over HTTP, believing the pinned certificate alone where the
// invitation had one. Refusals have the kind that the hub gave them.
func (r *Register) askHub(ctx context.Context, a *Application, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	allow := slices.Clone(r.Allow)
	if a.private {
		allow = append(allow, hostNetworks(a.Address)...)
	}
	client, err := fetch.New(fetch.Config{Allow: allow, Proxy: r.Proxy, Pin: a.pin})
	if err != nil {
		return err
	}
	defer client.Close()
	response, err := client.Do(ctx, fetch.Request{
		Method: http.MethodPost, Address: a.Address + path, Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body: body, Plain: strings.HasPrefix(a.Address, "http://"), Within: MaxWait + askWithin, MaxBytes: MaxAsking + maxAbove,
	})
	if err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if !response.OK() {
		return refusedBy(a, response)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("hub: %w: %w", err, fault.Unavailable)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(out); err != nil {
		return fmt.Errorf("hub %s does not answer as a Tocsin does: %w", fetch.Name(a.Address), fault.Unavailable)
	}
	return nil
}

// maxAbove bounds the passports above a hub in its answer.
const maxAbove = 4 << 20

// refusedBy is what a hub said no with, harmless to show.
func refusedBy(a *Application, response *fetch.Response) error {
	text, _ := io.ReadAll(io.LimitReader(response.Body, refusalBytes)) // the status tells
	var p struct{ Title, Detail string }
	said := response.Text()
	if json.Unmarshal(text, &p) == nil && p.Detail+p.Title != "" {
		if said = p.Detail; said == "" {
			said = p.Title
		}
	}
	kind := fault.Unavailable
	switch response.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		kind = fault.Invalid
	case http.StatusForbidden, http.StatusUnauthorized:
		kind = fault.Forbidden
	case http.StatusNotFound:
		kind = fault.NotFound
	case http.StatusConflict:
		kind = fault.Conflict
	}
	return fmt.Errorf("hub %s: %s: %w", fetch.Name(a.Address), strings.TrimSuffix(plainly(said), ": "+kind.Error()), kind)
}

// hostNetworks are the networks that an invitation into a private network leads to:
// the one address that it names.
func hostNetworks(address string) []netip.Prefix {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	at, err := netip.ParseAddr(u.Hostname())
	if err != nil || !at.IsLoopback() && !at.IsPrivate() {
		return nil
	}
	return []netip.Prefix{netip.PrefixFrom(at, at.BitLen())}
}
