package federation_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
)

// hostile connects with a member's credential and a program of its own.
func hostile(t *testing.T, c federation.Config) (conn *nats.Conn, refusals func() []string) {
	t.Helper()
	pair, err := nkeys.FromSeed(c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog()
	conn, err = nats.Connect(strings.Join(c.URLs, ","), nats.UserJWT(func() (string, error) { return c.Credential, nil }, pair.Sign),
		nats.TLSHandshakeFirst(), nats.RootCAs(authorityFile(t, c.Pin)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { l.add(err.Error()) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, l.all
}

func TestMemberCanNeitherForgeNorEavesdrop(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	victim := admit(t, h, "victim")
	atVictim, atHub := newLog(), newLog()
	receive(t, dial(t, victim), atVictim)
	collect(t, h, atHub)
	conn, refusals := hostile(t, admit(t, h, "hostile"))

	for _, subject := range []string{
		"up.victim", "up.victim.chunk", "up.hostile.chunk", "next.victim", "get.victim", "down.victim", "down.hostile", "live.all", "live.ask", "live.x",
		"_INBOX_victim.next.x", "_INBOX.x", "$SYS.REQ.SERVER.PING", "$SYS.REQ.CLAIMS.UPDATE", "$SYS.REQ.USER.INFO",
		"$JS.API.STREAM.INFO.DOWN", "$JS.API.STREAM.MSG.GET.DOWN", "$JS.API.DIRECT.GET.DOWN", "$JS.API.STREAM.PURGE.DOWN", "$JS.API.STREAM.CREATE.MINE",
		"$JS.API.STREAM.DELETE.DOWN", "$JS.API.CONSUMER.CREATE.DOWN", "$JS.API.CONSUMER.MSG.NEXT.DOWN.victim", "$JS.ACK.DOWN.victim.1", "$JS.API.INFO",
	} {
		before := len(refusals())
		if err := conn.Publish(subject, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		until(t, "publish to "+subject+" is refused", func() bool { return len(refusals()) > before })
	}
	for _, subject := range []string{
		">", "*", "up.*", "up.victim", "next.*", "get.*", "down.>", "down.hostile", "_INBOX.>", "_INBOX_victim.>", "_INBOX_*.>", "$SYS.>", "$JS.>", "live", "*.all",
	} {
		before := len(refusals())
		sub, err := conn.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "subscribe to "+subject+" is refused", func() bool { return len(refusals()) > before })
		_ = sub.Unsubscribe()
	}
	publish(t, h, "victim", "1", "true")
	if got := atVictim.wait(t, 1); !slices.Equal(got, []string{"1 true"}) {
		t.Errorf("the victim got %q", got)
	}
	if got := atHub.all(); len(got) != 0 {
		t.Errorf("the hub got %q", got)
	}
}

// The hub answers a member nowhere but in its own inbox: else it would publish
// for the member.
func TestHubIsNoDeputy(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	atVictim, atHub := newLog(), newLog()
	receive(t, member(t, h, "victim"), atVictim)
	collect(t, h, atHub)
	conn, _ := hostile(t, admit(t, h, "hostile"))
	publish(t, h, "hostile", "1", "forged")
	for _, reply := range []string{"down.victim", "live.all", "_INBOX_victim.next.x.1", "_INBOX_hostile", "_INBOX_hostile.", "$JS.API.STREAM.DELETE.DOWN", ""} {
		for _, subject := range []string{"up.hostile", "next.hostile", "get.hostile"} {
			if err := conn.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Header: nats.Header{"Tocsin-Id": {"forged"}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	// What it sends properly is behind all that, and is taken.
	own := &nats.Msg{Subject: "up.hostile", Reply: "_INBOX_hostile.x", Header: nats.Header{"Tocsin-Id": {"proper"}}}
	if err := conn.PublishMsg(own); err != nil {
		t.Fatal(err)
	}
	if got := atHub.wait(t, 1); !slices.Equal(got, []string{"hostile proper "}) {
		t.Errorf("the hub got %q", got)
	}
	publish(t, h, "victim", "1", "true")
	if got := atVictim.wait(t, 1); !slices.Equal(got, []string{"1 true"}) {
		t.Errorf("the victim got %q", got)
	}
}

func TestExpelledAndSuspendedAreDroppedWithinASecond(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	gone, paused, stays := member(t, h, "gone"), member(t, h, "paused"), member(t, h, "stays")
	for _, m := range []*federation.Member{gone, paused, stays} {
		if !m.State().Connected {
			t.Fatalf("%s: %+v", m.Name(), m.State())
		}
	}
	publish(t, h, "paused", "1", "kept")
	began := time.Now()
	if err := h.Expel(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	until(t, "who is expelled has no connection", func() bool { return !gone.State().Connected })
	if err := h.Suspend(t.Context(), "paused"); err != nil {
		t.Fatal(err)
	}
	until(t, "who is suspended has no connection", func() bool { return !paused.State().Connected })
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	until(t, "both know why", func() bool { return gone.State().Refused && paused.State().Refused })
	if !stays.State().Connected {
		t.Errorf("stays: %+v", stays.State())
	}
	if err := h.Publish(t.Context(), "gone", "2", nil); !errors.Is(err, fault.NotFound) {
		t.Errorf("publish to who is expelled: %v", err)
	}
	if err := h.Publish(t.Context(), "paused", "2", nil); !errors.Is(err, fault.Forbidden) {
		t.Errorf("publish to who is suspended: %v", err)
	}
	if err := h.Expel(t.Context(), "gone"); !errors.Is(err, fault.NotFound) {
		t.Errorf("expelled again: %v", err)
	}
	if err := h.Resume(t.Context(), "paused"); err != nil {
		t.Fatal(err)
	}
	l := newLog()
	receive(t, paused, l)
	if got := l.wait(t, 1); !slices.Equal(got, []string{"1 kept"}) {
		t.Errorf("who is resumed got %q", got)
	}
	if got, want := h.Members(), []string{"paused", "stays"}; !slices.Equal(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
}
