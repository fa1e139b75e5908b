package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
)

// presence is who is connected, as the servers tell it.
type presence struct {
	hub    *Hub
	strays atomic.Uint64

	mu      sync.Mutex
	members map[string]map[connection]time.Time // guarded by mu: since when
	whose   map[connection]string               // guarded by mu
	closed  map[connection]bool                 // guarded by mu: while we look who was there before us
}

// connection is one at one server.
type connection struct {
	server string
	id     uint64
}

func newPresence(h *Hub) *presence {
	return &presence{hub: h, members: map[string]map[connection]time.Time{}, whose: map[connection]string{}}
}

// event is what a server says of a connection.
type event struct {
	Server struct{ ID string }
	Client struct {
		ID    uint64
		Start time.Time
		JWT   string // the only part that the client cannot choose
	}
}

func (e event) connection() connection { return connection{e.Server.ID, e.Client.ID} }

func (p *presence) listen(ctx context.Context) error {
	account := "$SYS.ACCOUNT." + p.hub.keys.accountID
	for subject, fn := range map[string]nats.MsgHandler{
		account + ".CONNECT": p.came, account + ".DISCONNECT": p.left,
	} {
		sub, err := p.hub.watch.Subscribe(subject, fn)
		if err != nil {
			return unavailable("listen for connections", err)
		}
		// To miss one is to be wrong until that member connects again.
		if err := sub.SetPendingLimits(-1, -1); err != nil {
			return unavailable("listen for connections", err)
		}
	}
	return p.look(ctx)
}

// look finds who connected before we listened.
func (p *presence) look(ctx context.Context) error {
	p.mu.Lock()
	p.closed = map[connection]bool{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		p.closed = nil
		p.mu.Unlock()
	}()
	for _, server := range p.hub.broker.ids() {
		limited, cancel := context.WithTimeout(ctx, requestWait)
		err := retry(limited, func() error { return p.lookAt(limited, server) })
		cancel()
		if err != nil && ctx.Err() == nil { // it may have gone since
			p.hub.log.Warn("a server does not tell who is connected", slog.String("server", server), slog.String("reason", err.Error()))
		}
	}
	return ctx.Err()
}

func (p *presence) lookAt(ctx context.Context, server string) error {
	for seen, more := 0, true; more; {
		n, err := p.page(ctx, server, seen)
		if err != nil {
			return unavailable("ask who is connected", err)
		}
		seen, more = seen+n, n == pageConnections
	}
	return nil
}

// pageConnections is how many connections a server tells at once.
const pageConnections = 500

func (p *presence) page(ctx context.Context, server string, from int) (int, error) {
	m, err := p.hub.watch.RequestWithContext(ctx, "$SYS.REQ.SERVER."+server+".CONNZ",
		fmt.Appendf(nil, `{"auth":true,"acc":%q,"offset":%d,"limit":%d}`, p.hub.keys.accountID, from, pageConnections))
	if err != nil {
		return 0, err
	}
	var told struct {
		Data struct {
			Connections []struct {
				CID   uint64
				Start time.Time
				JWT   string
			}
		}
	}
	if err := json.Unmarshal(m.Data, &told); err != nil {
		return 0, err
	}
	for _, c := range told.Data.Connections {
		p.is(connection{server, c.CID}, c.JWT, c.Start)
	}
	return len(told.Data.Connections), nil
}

func (p *presence) came(m *nats.Msg) {
	var e event
	if err := json.Unmarshal(m.Data, &e); err == nil {
		p.is(e.connection(), e.Client.JWT, e.Client.Start)
	}
}

// is notes a connection that has authenticated by this credential.
func (p *presence) is(c connection, credential string, start time.Time) {
	claims, err := jwt.DecodeUserClaims(credential)
	if err != nil || CheckName(claims.Name) != nil {
		return // the hub's own have names that no member can have
	}
	if p.add(claims.Name, c, start) > memberConnections {
		p.refused(claims.Name)
		// The server does nothing for who wants no answer.
		_ = p.hub.watch.PublishRequest("$SYS.REQ.SERVER."+c.server+".KICK", p.hub.watch.NewInbox(), fmt.Appendf(nil, `{"cid":%d}`, c.id))
	}
}

// memberConnections is how many a member may have: one, and a few that its
// server does not know to be dead yet.
const memberConnections = 8

// add returns how many connections the member has then.
func (p *presence) add(member string, c connection, start time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed[c] {
		return 0
	}
	if p.members[member] == nil {
		p.members[member] = map[connection]time.Time{}
	}
	p.members[member][c] = start
	p.whose[c] = member
	return len(p.members[member])
}

func (p *presence) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.members)
}

func (p *presence) left(m *nats.Msg) {
	var e event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		p.closed[e.connection()] = true
	}
	member := p.whose[e.connection()]
	delete(p.whose, e.connection())
	delete(p.members[member], e.connection())
	if len(p.members[member]) == 0 {
		delete(p.members, member)
	}
}

// refused counts what no member of ours sends.
func (p *presence) refused(string) { p.strays.Add(1) }

func (p *presence) since(member string) (since time.Time, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.members[member] {
		if !ok || t.Before(since) {
			since, ok = t, true
		}
	}
	return since, ok
}

// Connected says whether a member is connected now, and since when.
func (h *Hub) Connected(member string) (since time.Time, ok bool) { return h.presence.since(member) }
