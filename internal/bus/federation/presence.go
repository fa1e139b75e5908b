package federation

import (
	"encoding/json"
	"fmt"
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

func (p *presence) listen() error {
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
	if err := p.hub.watch.Flush(); err != nil {
		return unavailable("listen for connections", err)
	}
	return nil
}

func (p *presence) came(m *nats.Msg) {
	var e event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return
	}
	claims, err := jwt.DecodeUserClaims(e.Client.JWT)
	if err != nil || CheckName(claims.Name) != nil {
		return // the hub's own have names that no member can have
	}
	if p.add(claims.Name, e) > memberConnections {
		p.refused(claims.Name)
		kick := fmt.Sprintf("$SYS.REQ.SERVER.%s.KICK", e.Server.ID)
		_ = p.hub.watch.Publish(kick, fmt.Appendf(nil, `{"cid":%d}`, e.Client.ID))
	}
}

// memberConnections is how many a member may have: one, and a few that its
// server does not know to be dead yet.
const memberConnections = 8

// add returns how many connections the member has then.
func (p *presence) add(member string, e event) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.members[member] == nil {
		p.members[member] = map[connection]time.Time{}
	}
	p.members[member][e.connection()] = e.Client.Start
	p.whose[e.connection()] = member
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
