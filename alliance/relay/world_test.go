package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/member"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

var ann = audit.Actor{ID: "1", Name: "ann", From: "192.0.2.1"}

// world is an alliance in one process: every node has its own database and the rooms
// that send and forward, and what one puts on a link is looked at before the other
// gets it.
type world struct {
	t     testing.TB
	nodes []*node
	ring  envelope.Passports
	queue []hop
	// held says who was ever given an item, and tried who was offered it.
	held map[relay.Item]map[alliance.NodeID]bool
	// look is called for all that is put on a link.
	look func(h hop, header *envelope.Header)
	// refusals is what nodes refused.
	refusals []string
}

// hop is a message on a link.
type hop struct {
	from, to *node
	e        *envelope.Envelope
}

// node is one organisation. Its place in the alliance can be changed.
type node struct {
	w        *world
	id       *envelope.Identity
	card     alliance.Card
	hubs     []*node
	members  []*node
	unlisted bool // it is not named above its hubs
	seen     map[relay.Item]bool

	db       *store.DB
	timers   *timer.Timers
	relay    *relay.Relay
	sharing  *sharing.Desk
	aid      *aid.Desk
	inbox    *warning.Inbox
	answers  *answer.Answers
	handlers map[string]link.Handler

	told     []aid.Notice
	bulletin []warning.Message // that it is meant for
	groups   map[string]group
}

type group struct {
	hub     alliance.NodeID
	members []alliance.NodeID
}

func rooms() []store.Room {
	return []store.Room{audit.Room(), timer.Room(), warning.Room(), answer.Room(), relay.Room(), sharing.Room(), aid.Room()}
}

func newWorld(t testing.TB, config func(testing.TB) store.Config, cards ...alliance.Card) *world {
	t.Helper()
	w := &world{t: t, ring: envelope.Passports{}, held: map[relay.Item]map[alliance.NodeID]bool{}}
	for k, card := range cards {
		id, err := envelope.Create(t.TempDir(), time.Now().Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		card.Names, card.Issued = map[string]string{"en": fmt.Sprintf("Node %d", k)}, time.Now()
		if err := id.Describe(card); err != nil {
			t.Fatal(err)
		}
		w.ring[id.ID()] = id.Passport()
		n := &node{w: w, id: id, db: storetest.Open(t, config(t), rooms()...), handlers: map[string]link.Handler{}, seen: map[relay.Item]bool{}}
		if n.card, err = id.Passport().Card(); err != nil {
			t.Fatal(err)
		}
		n.open()
		w.nodes = append(w.nodes, n)
	}
	return w
}

// open makes the rooms, wired as a node wires them.
func (n *node) open() {
	t, trail := n.w.t, audit.New(n.db, time.Now)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	n.relay, err = relay.New(relay.Config{
		Identity: n.id, Links: n,
		Onward: func(_ context.Context, _ *store.Tx, label alliance.Label, author, from alliance.NodeID) (relay.Onward, error) {
			around := n.around()
			on := around.Onward(label, author, from)
			to := relay.Onward{To: on.To}
			for _, left := range on.Left {
				to.Left = append(to.Left, left.Reason)
			}
			return to, nil
		},
		Introduce: func(_ context.Context, _ *store.Tx, _ alliance.NodeID, to ...alliance.NodeID) error {
			for _, node := range to {
				if n.neighbour(node) == nil {
					return fmt.Errorf("%s is no neighbour", node)
				}
			}
			return nil
		},
		Below: func(_ context.Context, _ *store.Tx, id alliance.NodeID) (bool, error) {
			return slices.ContainsFunc(n.members, func(m *node) bool { return m.ID() == id }), nil
		},
	})
	must(err)
	hubs := func(context.Context, *store.Tx) (all []alliance.NodeID, err error) {
		for _, h := range n.hubs {
			all = append(all, h.ID())
		}
		return all, nil
	}
	n.sharing, err = sharing.New(sharing.Config{
		DB: n.db, Trail: trail, Links: n, Relay: n.relay, Hubs: hubs,
		Group: func(_ context.Context, _ *store.Tx, id string) (alliance.NodeID, []alliance.NodeID, error) {
			g, ok := n.groups[id]
			if !ok {
				return "", nil, fault.NotFound
			}
			return g.hub, g.members, nil
		},
		Watch: func(context.Context, []sharing.Watched, func(context.Context, *sharing.Share) error) error {
			return nil
		},
	})
	must(err)
	n.aid, err = aid.New(aid.Config{
		DB: n.db, Trail: trail, Links: n, Relay: n.relay, Hubs: hubs,
		Tell: func(_ context.Context, tx *store.Tx, _ audit.Actor, notice aid.Notice) error {
			tx.Committed(func() { n.told = append(n.told, notice) })
			return nil
		},
		Case: func(_ context.Context, _ *store.Tx, word string) (string, error) { return "case " + word, nil },
	})
	must(err)
	n.openWarnings(trail)
	kinds := map[string]timer.Kind{}
	for _, some := range []map[string]timer.Kind{n.sharing.Kinds(), n.aid.Kinds(), n.inbox.Kinds(), n.answers.Kinds()} {
		maps.Copy(kinds, some)
	}
	n.timers = timer.New(n.db, kinds, timer.Config{})
	n.sharing.Join(n.timers)
	n.aid.Join(n.timers)
	n.inbox.Join(n.timers)
	n.answers.Use(n.timers)
}

func (n *node) openWarnings(trail *audit.Trail) {
	n.answers = answer.New(answer.Config{
		DB: n.db, Trail: trail, Self: n.id.ID, Seal: n.id.Seal, Send: n.Send,
		Forward: func(ctx context.Context, tx *store.Tx, in answer.Received, to ...alliance.NodeID) error {
			return n.Forward(ctx, tx, link.Received(in), to...)
		},
		Describe: func(_ context.Context, _ *store.Tx, node alliance.NodeID) (answer.Expected, error) {
			return answer.Expected{Member: node, Linked: true}, nil
		},
	})
	n.handlers[alliance.AnswerKind] = func(ctx context.Context, tx *store.Tx, in link.Received) error {
		return n.answers.Answered(ctx, tx, answer.Received(in))
	}
	n.inbox = warning.NewInbox(warning.InboxConfig{
		DB: n.db, Trail: trail, Identity: n.id, Send: n.Send,
		Uplink: func(_ context.Context, _ *store.Tx, id alliance.NodeID) (bool, error) {
			return slices.ContainsFunc(n.hubs, func(h *node) bool { return h.ID() == id }), nil
		},
		Recipients: func(_ context.Context, _ *store.Tx, author alliance.NodeID, marking intel.Marking, scope alliance.Scope) (warning.Reach, error) {
			return n.reach(author, marking, scope), nil
		},
		Forward: func(ctx context.Context, tx *store.Tx, in warning.Message, to ...alliance.NodeID) error {
			return n.Forward(ctx, tx, link.Received(in), to...)
		},
		Arrived: func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in warning.Message) error {
			tx.Committed(func() { n.bulletin = append(n.bulletin, in) })
			return n.expect(ctx, tx, b, in.Header.ID, in.From)
		},
	})
	n.handlers[alliance.WarningKind] = func(ctx context.Context, tx *store.Tx, in link.Received) error {
		return n.inbox.Handle(ctx, tx, warning.Message(in))
	}
}

// reach is whom something reaches below, as the room of warnings has it.
func (n *node) reach(author alliance.NodeID, marking intel.Marking, scope alliance.Scope) warning.Reach {
	around := n.around()
	from := around.Recipients(marking, scope, author)
	var to warning.Reach
	for k := range from.Direct {
		to.To = append(to.To, warning.Recipient{Node: from.Direct[k].Node})
	}
	for via, nodes := range from.Via {
		to.Carriers = append(to.Carriers, via)
		for _, node := range nodes {
			to.To = append(to.To, warning.Recipient{Node: node, Via: via})
		}
	}
	return to
}

// expect opens a board.
func (n *node) expect(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, message string, uplink alliance.NodeID) error {
	q := answer.Asking{Warning: b.Content, Message: message, Uplink: uplink}
	for _, to := range n.reach(b.Content.Author, b.Content.Marking, b.Content.Scope).To {
		if to.Via == "" {
			q.Members = append(q.Members, answer.Expected{Member: to.Node, Linked: true})
		}
	}
	if len(q.Members) == 0 {
		return nil
	}
	return n.answers.Asked(ctx, tx, q)
}

func (n *node) ID() alliance.NodeID { return n.id.ID() }

// On implements Handlers.
func (n *node) On(kind string, h link.Handler) { n.handlers[kind] = h }

func (n *node) neighbour(id alliance.NodeID) *node {
	for _, one := range slices.Concat(n.hubs, n.members) {
		if one.ID() == id {
			return one
		}
	}
	return nil
}

// around is what the node knows of the nodes around it.
func (n *node) around() member.Surroundings {
	s := member.Surroundings{Self: n.ID()}
	for _, h := range n.hubs {
		s.Hubs = append(s.Hubs, member.Member{Node: h.ID(), Card: h.card, Role: member.Up, State: member.Active})
	}
	for _, m := range n.members {
		listed, hidden := m.known()
		s.Members = append(s.Members, member.Member{Node: m.ID(), Card: m.card, Role: member.Down, State: member.Active, Unlisted: hidden})
		for _, b := range listed {
			s.Behind = append(s.Behind, member.Known{Node: b.ID(), Card: b.card, Through: m.ID()})
		}
	}
	return s
}

// known returns which nodes below are named above, and how many are not, as that is
// told.
func (n *node) known() (listed []*node, hidden int) {
	for _, m := range n.members {
		below, more := m.known()
		hidden += more
		if m.unlisted {
			hidden += 1 + len(below)
			continue
		}
		listed = append(listed, m)
		listed = append(listed, below...)
	}
	if 0 < hidden && hidden < member.LeastUnlisted {
		hidden = 1
	}
	return listed, hidden
}

// below reports whether a node is below this one, however deep.
func (n *node) below(other *node) bool {
	return slices.ContainsFunc(n.members, func(m *node) bool { return m == other || m.below(other) })
}

// Send puts a message on links, as link.Links does, once the transaction is kept.
func (n *node) Send(_ context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
	for _, id := range to {
		other := n.neighbour(id)
		if other == nil {
			n.w.t.Errorf("%s sends to %s, which is no neighbour", n.ID(), id)
			continue
		}
		tx.Committed(func() { n.w.queue = append(n.w.queue, hop{n, other, e}) })
	}
	return nil
}

// Forward is that of link.Links.
func (n *node) Forward(ctx context.Context, tx *store.Tx, in link.Received, to ...alliance.NodeID) error {
	to = slices.DeleteFunc(slices.Clone(to), func(id alliance.NodeID) bool {
		return id == in.From || slices.ContainsFunc(in.Envelope.Signatures, func(s envelope.Signature) bool { return s.Node == id })
	})
	if len(to) == 0 {
		return nil
	}
	e, err := n.id.Countersign(in.Envelope)
	if err != nil {
		return err
	}
	return n.Send(ctx, tx, e, to...)
}

// settle delivers until nothing is under way.
func (w *world) settle() {
	w.t.Helper()
	for len(w.queue) > 0 {
		h := w.queue[0]
		w.queue = w.queue[1:]
		w.deliver(h)
	}
}

func (w *world) deliver(h hop) {
	w.t.Helper()
	header, err := h.e.Verify(w.ring, time.Now())
	if err != nil {
		w.t.Fatalf("what goes from %s to %s: %v", h.from.ID(), h.to.ID(), err)
	}
	item := relay.Item{Author: header.Author, ID: header.ID}
	if w.look != nil {
		w.look(h, &header)
	}
	if w.held[item] == nil {
		w.held[item] = map[alliance.NodeID]bool{}
	}
	w.held[item][h.to.ID()] = true
	if h.to.seen[item] {
		return
	}
	err = h.to.db.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return h.to.handlers[header.Kind](ctx, tx, link.Received{From: h.from.ID(), Envelope: h.e, Header: header, Body: h.e.Body, At: time.Now()})
	})
	switch _, refused := envelope.RefusalOf(err); {
	case err == nil:
		h.to.seen[item] = true
	case refused || errors.Is(err, fault.Invalid) || errors.Is(err, fault.Forbidden):
		h.to.seen[item] = true
		w.refusals = append(w.refusals, fmt.Sprintf("%s of %s at %s: %v", header.Kind, header.Author, h.to.ID(), err))
	default:
		w.t.Fatalf("%s at %s: %v", header.Kind, h.to.ID(), err)
	}
}

// link makes a node a member of another.
func (w *world) link(member, hub int) {
	w.nodes[member].hubs = append(w.nodes[member].hubs, w.nodes[hub])
	w.nodes[hub].members = append(w.nodes[hub].members, w.nodes[member])
}

// apart ends all links.
func (w *world) apart() {
	for _, n := range w.nodes {
		n.hubs, n.members, n.unlisted, n.groups, n.bulletin, n.told = nil, nil, false, nil, nil, nil
	}
	w.held, w.refusals, w.queue = map[relay.Item]map[alliance.NodeID]bool{}, nil, nil
}

// warn issues a warning, as a desk does.
func (n *node) warn(title string, label alliance.Label) {
	t := n.w.t
	t.Helper()
	now := time.Now().UTC().Truncate(time.Microsecond)
	id := store.NewID(now)
	w := &alliance.Warning{
		ID: id, Number: "2017-" + id[len(id)-6:], Revision: 1, Author: n.ID(), Category: "MI", Colour: alliance.Yellow, Scope: label.Scope, Issued: now, Effective: now,
		Marking: label.Marking, Texts: []alliance.Text{{Language: "en", Title: title, Body: "It spreads."}},
		Indicators: []alliance.Indicator{{Kind: intel.Domain, Value: "evil.example"}},
	}
	b := alliance.Bulletin{Change: alliance.IssuedChange, Warning: id, Number: w.Number, Revision: 1, At: now, Content: w}
	body, err := json.Marshal(&b)
	if err != nil {
		t.Fatal(err)
	}
	e, err := n.id.Seal(envelope.Header{
		ID: id, Kind: alliance.WarningKind, Schema: 1, Audience: label.Scope, Marking: label.Marking, Issued: now, Expires: now.Add(time.Hour), About: id,
	}, body)
	if err != nil {
		t.Fatal(err)
	}
	around := n.around()
	reach := around.Recipients(label.Marking, label.Scope, n.ID())
	err = n.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := n.expect(ctx, tx, &b, id, ""); err != nil {
			return err
		}
		return n.Send(ctx, tx, e, reach.Neighbours()...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// answer answers a warning that came, as the room of answers does.
func (n *node) answer(in *warning.Message) {
	t := n.w.t
	t.Helper()
	var b alliance.Bulletin
	if err := json.Unmarshal(in.Body, &b); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	body, err := json.Marshal(&alliance.Answer{
		Warning: b.Warning, Revision: b.Revision, Member: n.ID(), Sequence: 1, At: now, Verdict: alliance.CannotTell, Reason: "nothing is kept",
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := n.id.Seal(envelope.Header{
		ID: store.NewID(now), Kind: alliance.AnswerKind, Schema: 1, Audience: alliance.To(in.Header.Author), Marking: intel.TLPAmber,
		Issued: now, Expires: now.Add(time.Hour), About: in.Header.ID,
	}, body)
	if err != nil {
		t.Fatal(err)
	}
	err = n.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return n.Send(ctx, tx, e, in.From) })
	if err != nil {
		t.Fatal(err)
	}
}

// says reports whether header or body name something.
func says(e *envelope.Envelope, text string) bool {
	return bytes.Contains(e.Header, []byte(text)) || bytes.Contains(e.Body, []byte(text))
}
