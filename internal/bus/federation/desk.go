package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"

	"tocsin/internal/fault"
)

// What may wait to be handled. More is refused with "come again", so that a
// member that floods fills only its own places.
const (
	memberWaiting = 32
	memberBytes   = 8 << 20
	deskBytes     = 128 << 20
	// hearMessages bounds what the library holds before it is looked at.
	hearMessages = 1 << 16
)

// handle is what is done with what a member sends; the bytes go back to it.
type handle func(ctx context.Context, member string, m *nats.Msg) ([]byte, error)

// desk takes what members send under one prefix and handles it: of one member
// one after the other, the members in turn.
type desk struct {
	hub    *Hub
	prefix string
	crew   *crew

	mu    sync.Mutex
	do    handle           // guarded by mu; nil while nobody handles
	lines map[string]*line // guarded by mu: members of whom something waits
	bytes int              // guarded by mu
}

// line is one member's. Its first item may be in work.
type line struct {
	items []*item
	bytes int
}

type item struct {
	*nats.Msg
	reply string // where the answer is awaited now
}

func newDesk(h *Hub, prefix string, workers int) *desk {
	d := &desk{hub: h, prefix: prefix, lines: map[string]*line{}}
	d.crew = newCrew(workers, d.turn)
	return d
}

// run handles until ctx ends.
func (d *desk) run(ctx context.Context, do handle) error {
	d.mu.Lock()
	busy := d.do != nil
	if !busy {
		d.do = do
	}
	d.mu.Unlock()
	if busy {
		return fmt.Errorf("federation: somebody handles %s already: %w", d.prefix, fault.Conflict)
	}
	defer d.clear()
	sub, err := d.hub.ears.Subscribe(d.prefix+"*", d.arrived)
	if err != nil {
		return unavailable("listen for members", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := sub.SetPendingLimits(hearMessages, deskBytes); err != nil {
		return unavailable("listen for members", err)
	}
	d.crew.begin(ctx)
	defer d.crew.end()
	if err := d.hub.ears.Flush(); err != nil {
		return unavailable("listen for members", err)
	}
	// Members whose messages nobody took have put them off.
	d.hub.call()
	<-ctx.Done()
	return nil
}

// clear refuses what waits: the hub stops.
func (d *desk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for member, l := range d.lines {
		for _, i := range l.items {
			d.refuse(member, i.reply, fmt.Errorf("the hub stops: %w", fault.Unavailable))
		}
	}
	clear(d.lines)
	d.do, d.bytes = nil, 0
}

// arrived puts what came in its line. It must be quick: all members' come here.
func (d *desk) arrived(m *nats.Msg) {
	member, ok := speaker(m.Subject, d.prefix)
	if !ok || !isInbox(m.Reply, member) || d.hub.roster.check(member) != nil {
		d.hub.presence.refused(member)
		return
	}
	if err := d.take(member, m); err != nil {
		d.hub.presence.refused(member)
		d.refuse(member, m.Reply, err)
		return
	}
	d.crew.call(member)
}

func (d *desk) take(member string, m *nats.Msg) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lines[member]
	if l == nil {
		l = &line{}
		d.lines[member] = l
	}
	id := m.Header.Get(idHeader)
	for _, i := range l.items {
		if id != "" && i.Header.Get(idHeader) == id {
			i.reply = m.Reply // it did not wait for the answer
			return nil
		}
	}
	size := len(m.Data)
	if len(l.items) >= memberWaiting || l.bytes+size > memberBytes || d.bytes+size > deskBytes {
		return fmt.Errorf("too much waits at the hub, come again later: %w", fault.Unavailable)
	}
	l.items, l.bytes, d.bytes = append(l.items, &item{m, m.Reply}), l.bytes+size, d.bytes+size
	return nil
}

// turn handles a member's first.
func (d *desk) turn(ctx context.Context, member string) {
	l, first, do := d.first(member)
	if first == nil || do == nil {
		return
	}
	data, err := do(ctx, member, first.Msg)
	d.mu.Lock()
	reply := first.reply
	l.items = l.items[1:]
	l.bytes, d.bytes = l.bytes-len(first.Data), d.bytes-len(first.Data)
	more := len(l.items) > 0
	if !more {
		delete(d.lines, member)
	}
	d.mu.Unlock()
	if more {
		d.crew.call(member)
	}
	if err == nil {
		if err = checkBody(data); err == nil {
			err = d.hub.voice.PublishMsg(&nats.Msg{Subject: reply, Data: data})
		}
	}
	if err != nil {
		d.refuse(member, reply, err)
	}
}

// first returns a member's first item, which only its turn removes.
func (d *desk) first(member string) (*line, *item, handle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.lines[member]
	if l == nil || len(l.items) == 0 {
		return nil, nil, nil
	}
	return l, l.items[0], d.do
}

// refuse tells the member why. What is not for it to know it is not told.
func (d *desk) refuse(member, reply string, cause error) {
	kind, told := kindOf(cause), cause.Error()
	if kind == "" {
		d.hub.log.Warn("what a member sent could not be handled", slog.String("member", member), slog.String("reason", told))
		kind, told = "unavailable", "the hub could not handle it"
	}
	_ = d.hub.voice.PublishMsg(&nats.Msg{Subject: reply, Header: nats.Header{faultHeader: {kind}}, Data: []byte(told)})
}

// kinds are what failures are called on the way.
func kinds() map[string]error {
	return map[string]error{
		"not_found": fault.NotFound, "invalid": fault.Invalid, "forbidden": fault.Forbidden,
		"conflict": fault.Conflict, "unavailable": fault.Unavailable,
	}
}

func kindOf(err error) string {
	for name, kind := range kinds() {
		if errors.Is(err, kind) {
			return name
		}
	}
	return ""
}

// refusal reads what refuse wrote; nil is none.
func refusal(m *nats.Msg) error {
	name := m.Header.Get(faultHeader)
	if name == "" {
		return nil
	}
	kind, ok := kinds()[name]
	if !ok {
		kind = fault.Unavailable
	}
	said := string(m.Data[:min(len(m.Data), 1000)])
	return fmt.Errorf("federation: the hub says: %q: %w", said, kind)
}

// Receive hands on what members publish until ctx ends: of one member in the
// order it came, several members' at once. Whom it is from is sure, the id is
// the member's word. What fn returned nil for the member need not send again;
// any other error is told to the member, which sends it again later: its text
// only if it is one of the kinds of fault.
func (h *Hub) Receive(ctx context.Context, fn func(ctx context.Context, member, id string, data []byte) error) error {
	return h.up.run(ctx, func(ctx context.Context, member string, m *nats.Msg) ([]byte, error) {
		id := m.Header.Get(idHeader)
		if err := errors.Join(checkID(id), checkBody(m.Data)); err != nil {
			return nil, err
		}
		return nil, fn(ctx, member, id, m.Data)
	})
}

// Serve answers what members ask (Member.Request) until ctx ends, under the same
// rules. An answer may be as long as a message.
func (h *Hub) Serve(ctx context.Context, fn func(ctx context.Context, member string, request []byte) ([]byte, error)) error {
	return h.get.run(ctx, func(ctx context.Context, member string, m *nats.Msg) ([]byte, error) {
		if err := checkBody(m.Data); err != nil {
			return nil, err
		}
		return fn(ctx, member, m.Data)
	})
}
