package federation

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// presence is who is connected, as the servers tell it.
type presence struct {
	hub *Hub

	mu      sync.Mutex
	members map[string]map[connection]time.Time // guarded by mu: since when
	strays  atomic.Uint64
}

// connection is one at one server.
type connection struct {
	server string
	id     uint64
}

func newPresence(h *Hub) *presence {
	return &presence{hub: h, members: map[string]map[connection]time.Time{}}
}

// event is what a server says of a connection.
type event struct {
	Server struct{ ID string }
	Client struct {
		ID    uint64
		User  string // the public key
		Start time.Time
	}
}

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

func (p *presence) read(m *nats.Msg) (e event, member string, ok bool) {
	if err := json.Unmarshal(m.Data, &e); err != nil {
		return e, "", false
	}
	member, ok = p.hub.roster.holder(e.Client.User)
	return e, member, ok
}

func (p *presence) came(m *nats.Msg) {
	e, member, ok := p.read(m)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.members[member] == nil {
		p.members[member] = map[connection]time.Time{}
	}
	p.members[member][connection{e.Server.ID, e.Client.ID}] = e.Client.Start
}

func (p *presence) left(m *nats.Msg) {
	e, member, ok := p.read(m)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.members[member], connection{e.Server.ID, e.Client.ID})
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
