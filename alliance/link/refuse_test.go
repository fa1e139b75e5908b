package link_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// pair is two nodes, the first of them on a database.
func pair(t *testing.T, db *store.DB) (w *world, hub, member *node) {
	t.Helper()
	w = &world{}
	return w, w.add(t, db), w.add(t, fresh(t))
}

func fresh(t *testing.T) *store.DB {
	t.Helper()
	return storetest.Open(t, storetest.SQLite(t), link.Room(), diary())
}

func (n *node) state(tb testing.TB, id string, to alliance.NodeID) (d link.Delivery) {
	tb.Helper()
	err := n.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		all, err := n.links.Deliveries(ctx, tx, n.id, id)
		for _, one := range all {
			if one.Neighbour == to {
				d = one
			}
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func (n *node) health(tb testing.TB, of alliance.NodeID) link.Health {
	tb.Helper()
	h, _, err := n.links.Link(context.Background(), of)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

func (n *node) why(tb testing.TB, id string, of alliance.NodeID) string {
	tb.Helper()
	text, err := n.links.Why(context.Background(), id, of)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestARefusalIsCountedAndToldToTheSender(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		_, hub, member := pair(t, db)
		for _, c := range []struct {
			name   string
			h      envelope.Header
			body   string
			reason envelope.Reason
		}{
			{"the handler refuses", envelope.Header{}, "refuse you may not", envelope.NotAllowed},
			{"from the future", envelope.Header{Issued: time.Now().Add(time.Hour), Expires: time.Now().Add(2 * time.Hour)}, "x", envelope.SkewedClock},
			{"not for it", envelope.Header{Audience: alliance.Scope{Sectors: []string{"health"}}}, "x", envelope.WrongAudience},
		} {
			c.h.Kind = "note"
			e := hub.sealAs(t, c.h, c.body)
			h, _ := e.Open()
			hub.send(t, e, member.id)
			eventually(t, c.name, func() bool { return hub.state(t, h.ID, member.id).State == link.Refused })
			if got := hub.state(t, h.ID, member.id); got.Reason != c.reason {
				t.Errorf("%s: %+v", c.name, got)
			}
			if got := hub.why(t, h.ID, member.id); !strings.Contains(got, "refused it") || !strings.Contains(got, string(c.reason)) {
				t.Errorf("%s: why: %s", c.name, got)
			}
			if got := member.why(t, h.ID, hub.id); !strings.Contains(got, "was refused, "+string(c.reason)) {
				t.Errorf("%s: why, there: %s", c.name, got)
			}
		}
		hub.send(t, hub.seal(t, "goes on"), member.id)
		eventually(t, "what follows is handled", func() bool { return len(member.diaryOf(t, hub.id)) == 1 })
		here, there := member.health(t, hub.id).RefusedHere, hub.health(t, member.id).RefusedThere
		if len(here) != 3 || len(there) != 3 {
			t.Errorf("counted: %+v and %+v", here, there)
		}
	}, link.Room(), diary())
}

func TestAnIDIsNotUsedTwice(t *testing.T) {
	t.Parallel()
	_, hub, member := pair(t, fresh(t))
	first := hub.seal(t, "first")
	h, _ := first.Open()
	hub.send(t, first, member.id)
	hub.send(t, first, member.id) // is no second message
	eventually(t, "the first is handled", func() bool { return hub.state(t, h.ID, member.id).State == link.Delivered })
	second := hub.sealAs(t, envelope.Header{Kind: "note", ID: h.ID}, "second")
	err := hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return hub.links.Send(ctx, tx, second, member.id) })
	if err == nil {
		t.Error("another message of the same ID was sent")
	}
	// One that does it all the same: a database that forgot.
	must(t, hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM link_message`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM link_delivery`)
		return err
	}))
	hub.send(t, second, member.id)
	eventually(t, "the second is refused", func() bool { return hub.state(t, h.ID, member.id).Reason == envelope.Replayed })
	if got := member.diaryOf(t, hub.id); len(got) != 1 || got[0] != "first" {
		t.Errorf("handled: %q", got)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func TestAMessageOverTwoWaysIsHandledOnce(t *testing.T) {
	t.Parallel()
	w := &world{}
	author, left, right, member := w.add(t, fresh(t)), w.add(t, fresh(t)), w.add(t, fresh(t)), w.add(t, fresh(t))
	for _, relay := range []*node{left, right} {
		w.restart(t, relay, func(links *link.Links) {
			links.On("note", func(ctx context.Context, tx *store.Tx, in link.Received) error {
				return links.Forward(ctx, tx, in, author.id, member.id)
			})
		})
	}
	e := author.seal(t, "to all")
	h, _ := e.Open()
	author.send(t, e, left.id, right.id)
	both := func(n *node) bool { return n.stateOf(t, author.id, h.ID, member.id).State == link.Delivered }
	eventually(t, "it came over both", func() bool { return both(left) && both(right) })
	if got := len(member.diaryOf(t, left.id)) + len(member.diaryOf(t, right.id)); got != 1 {
		t.Errorf("it was handled %d times", got)
	}
	if got := left.stateOf(t, author.id, h.ID, author.id); got.State != "" {
		t.Errorf("it went back to its author: %+v", got)
	}
}

func (n *node) stateOf(tb testing.TB, author alliance.NodeID, id string, to alliance.NodeID) (d link.Delivery) {
	tb.Helper()
	must(tb, n.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) error {
		all, err := n.links.Deliveries(ctx, tx, author, id)
		for _, one := range all {
			if one.Neighbour == to {
				d = one
			}
		}
		return err
	}))
	return d
}

func TestWhatIsNotUnderstoodIsKeptUntilItIs(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, hub, member := pair(t, db)
		unknown := member.sealAs(t, envelope.Header{Kind: "novel"}, "unknown kind")
		later := member.sealAs(t, envelope.Header{Kind: "note", Schema: 2}, "later schema")
		member.send(t, unknown, hub.id)
		member.send(t, later, hub.id)
		member.send(t, member.seal(t, "understood"), hub.id)
		eventually(t, "what follows is handled", func() bool { return len(hub.diaryOf(t, member.id)) == 1 })
		h, _ := unknown.Open()
		eventually(t, "the sender hears of it", func() bool { return member.state(t, h.ID, hub.id).Reason == envelope.NewerVersion })
		if got := member.state(t, h.ID, hub.id).State; got != link.Delivered {
			t.Errorf("state %s", got)
		}
		if kept, err := hub.links.Kept(t.Context()); err != nil || len(kept) != 2 {
			t.Fatalf("kept: %v %v", kept, err)
		}
		w.restart(t, hub, func(links *link.Links) { // an upgrade
			links.OnSchema("note", 2, hub.note)
			links.On("novel", hub.note)
		})
		eventually(t, "what was kept is handled", func() bool { return len(hub.diaryOf(t, member.id)) == 3 })
		if got := strings.Join(hub.diaryOf(t, member.id), ", "); got != "understood, unknown kind, later schema" {
			t.Errorf("handled: %s", got)
		}
		if kept, err := hub.links.Kept(t.Context()); err != nil || len(kept) != 0 {
			t.Errorf("kept: %v %v", kept, err)
		}
	}, link.Room(), diary())
}

func TestAHandlerThatFailsHoldsUpItsNeighbourOnly(t *testing.T) {
	t.Parallel()
	w := &world{}
	hub, one, other := w.add(t, fresh(t)), w.add(t, fresh(t)), w.add(t, fresh(t))
	broken := make(chan struct{})
	w.restart(t, hub, func(links *link.Links) {
		links.On("note", func(ctx context.Context, tx *store.Tx, in link.Received) error {
			if string(in.Body) == "first" {
				select {
				case <-broken:
				default:
					_ = hub.note(ctx, tx, in) // which must be undone
					return errors.New("the disk is away")
				}
			}
			return hub.note(ctx, tx, in)
		})
	})
	one.send(t, one.seal(t, "first"), hub.id)
	one.send(t, one.seal(t, "second"), hub.id)
	other.send(t, other.seal(t, "other"), hub.id)
	eventually(t, "the other is served", func() bool { return len(hub.diaryOf(t, other.id)) == 1 })
	eventually(t, "it is shown what holds the line up", func() bool { return strings.Contains(hub.health(t, one.id).In.Trouble, "the disk is away") })
	if got := hub.diaryOf(t, one.id); len(got) != 0 {
		t.Errorf("handled: %q", got)
	}
	close(broken)
	eventually(t, "it goes on", func() bool { return strings.Join(hub.diaryOf(t, one.id), " ") == "first second" })
}

func TestALinkThatIsNotInUseKeepsWhatGoesOverIt(t *testing.T) {
	t.Parallel()
	w, hub, member := pair(t, fresh(t))
	w.use(member.id, false)
	hub.send(t, hub.seal(t, "to the suspended"), member.id)
	member.send(t, member.seal(t, "of the suspended"), hub.id)
	eventually(t, "it is refused", func() bool { return len(hub.health(t, member.id).RefusedHere) == 1 })
	if got := hub.diaryOf(t, member.id); len(got) != 0 {
		t.Errorf("handled: %q", got)
	}
	w.use(member.id, true)
	hub.links.Wake(member.id)
	eventually(t, "both arrive", func() bool { return len(hub.diaryOf(t, member.id)) == 1 && len(member.diaryOf(t, hub.id)) == 1 })
}

func (w *world) use(id alliance.NodeID, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off[id] = !on
}

func TestAFloodIsRefusedAndOthersAreServed(t *testing.T) {
	t.Parallel()
	w := &world{}
	w.tweak = func(c *link.Config) { c.Limits.DayBytes = 20 << 10 }
	hub, hostile, other := w.add(t, fresh(t)), w.add(t, fresh(t)), w.add(t, fresh(t))
	big := strings.Repeat("x", 3<<10)
	for range 10 {
		hostile.send(t, hostile.seal(t, big), hub.id)
	}
	other.send(t, other.seal(t, "served"), hub.id)
	eventually(t, "the rest is refused", func() bool {
		here := hub.health(t, hostile.id).RefusedHere
		return len(here) == 1 && here[0].Reason == link.TooMuch && here[0].Number+int64(len(hub.diaryOf(t, hostile.id))) == 10
	})
	eventually(t, "the other is served", func() bool { return len(hub.diaryOf(t, other.id)) == 1 })
	garbage := []string{"", "{}", "{}\n", "{\"position\":1,\"epoch\":\"a\"}\nnonsense", strings.Repeat("y", link.MaxFrame+1), "{\"position\":-1}\n{}"}
	for _, text := range garbage {
		_ = hub.links.Receive(t.Context(), hostile.id, []byte(text))
	}
	eventually(t, "garbage is counted", func() bool {
		var malformed int64
		for _, c := range hub.health(t, hostile.id).RefusedHere {
			if c.Reason == envelope.Malformed {
				malformed = c.Number
			}
		}
		return malformed >= 4
	})
}
