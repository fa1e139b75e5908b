package carrier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/intel"
	"tocsin/internal/store"
)

// A hostile member says what it may not, over a real connection, and floods the hub
// while it does. Each refusal is counted with its reason, and meanwhile another
// member's answers are recorded as ever.
func TestHostileMemberIsRefusedAndOthersAreServed(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	good, bad := h.join(t), h.join(t)
	flood := h.join(t)
	stop := flood.flood(t)
	defer stop()
	warning := h.warn(t, good.id(), bad.id())
	answer := func(by alliance.NodeID) []byte { return answerBody(t, warning, by, 1) }
	now := time.Now()
	cases := []struct {
		name   string
		send   func() // one message, at the next position
		reason envelope.Reason
	}{
		{"an answer for another", func() { bad.say(t, bad.seal(t, envelope.Header{}, answer(good.id()))) }, envelope.NotAllowed},
		{"in another's name", func() {
			e := bad.seal(t, envelope.Header{}, answer(good.id()))
			e.Header = bytes.ReplaceAll(e.Header, []byte(bad.id()), []byte(good.id()))
			e.Signatures[0].Node = good.id()
			bad.say(t, e)
		}, envelope.BadSignature},
		{"another's message", func() { bad.say(t, good.seal(t, envelope.Header{}, answer(good.id()))) }, envelope.BadSignature},
		{"with a key that nobody certified", func() {
			e := bad.seal(t, envelope.Header{}, answer(bad.id()))
			e.Signatures[0].Key = flood.seal(t, envelope.Header{}, nil).Signatures[0].Key
			bad.say(t, e)
		}, envelope.BadSignature},
		{"by a node that nobody knows", func() {
			stranger := identity(t)
			bad.say(t, sealBy(t, stranger, h.id(), envelope.Header{}, answer(stranger.ID())))
		}, envelope.UnknownSender},
		{"changed by a byte", func() {
			e := bad.seal(t, envelope.Header{}, answer(bad.id()))
			e.Body[len(e.Body)/2] ^= 1
			bad.say(t, e)
		}, envelope.BadBody},
		{"for another alone", func() {
			bad.say(t, bad.seal(t, envelope.Header{Audience: alliance.To(good.id()), Marking: intel.TLPRed}, answer(bad.id())))
		}, envelope.WrongAudience},
		{"expired", func() {
			bad.say(t, bad.seal(t, envelope.Header{Issued: now.Add(-2 * time.Hour), Expires: now.Add(-time.Hour)}, answer(bad.id())))
		}, envelope.Expired},
		{"from the future", func() {
			bad.say(t, bad.seal(t, envelope.Header{Issued: now.Add(24 * time.Hour), Expires: now.Add(48 * time.Hour)}, answer(bad.id())))
		}, envelope.SkewedClock},
		{"no envelope", func() { bad.saySealed(t, []byte(`{"header":[1,2`)) }, envelope.Malformed},
		{"an envelope of nothing", func() { bad.saySealed(t, []byte(`{}`)) }, envelope.Malformed},
		{"an answer that is none", func() {
			bad.say(t, bad.seal(t, envelope.Header{}, []byte(`{"warning":"`+strings.Repeat("x", 1000)+`"}`)))
		}, envelope.Malformed},
		{"an answer with half a million questions", func() {
			bad.say(t, bad.seal(t, envelope.Header{}, hugeAnswer(t, warning, bad.id())))
		}, envelope.Malformed},
		{"a body over the limit", func() { bad.say(t, bad.seal(t, envelope.Header{}, bytes.Repeat([]byte(" "), smallBody+1))) }, link.TooMuch},
		{"an answer to what nobody asked", func() { bad.say(t, bad.seal(t, envelope.Header{}, answerBody(t, store.NewID(now), bad.id(), 1))) }, envelope.NotAllowed},
		{"a warning of its own", func() {
			bad.say(t, bad.seal(t, envelope.Header{Kind: alliance.WarningKind}, bulletin(t, bad.id())))
		}, envelope.NotAllowed},
	}
	rounds := 0
	for _, c := range cases {
		before := h.refused(t, bad.id())[c.reason]
		c.send()
		until(t, c.name+": it is counted as "+string(c.reason), func() bool { return h.refused(t, bad.id())[c.reason] == before+1 })
		if h.place(t, warning, bad.id()) != "silent" {
			t.Errorf("%s: it is on the board", c.name)
		}
		rounds++
		good.answersSoon(t, h, warning, rounds)
	}
	// What it may say it still may, and once only.
	e := bad.seal(t, envelope.Header{}, answerBody(t, warning, bad.id(), 1))
	bad.say(t, e)
	until(t, "its own answer is recorded", func() bool { return h.place(t, warning, bad.id()) == "clear" })
	header, err := e.Open()
	if err != nil {
		t.Fatal(err)
	}
	before := h.refused(t, bad.id())[envelope.Replayed]
	bad.say(t, bad.seal(t, envelope.Header{ID: header.ID}, answerBody(t, warning, bad.id(), 2)))
	until(t, "an ID used twice is counted", func() bool { return h.refused(t, bad.id())[envelope.Replayed] == before+1 })
	accepted := h.health(t, bad.id()).In.Accepted
	bad.say(t, e) // the same again is no second message
	bad.say(t, bad.seal(t, envelope.Header{}, answerBody(t, warning, bad.id(), 3)))
	until(t, "a replay counts once", func() bool { return h.health(t, bad.id()).In.Accepted == accepted+1 })
	if !slices.ContainsFunc(h.health(t, flood.id()).RefusedHere, func(c link.Count) bool { return c.Reason == envelope.Malformed && c.Number > 0 }) {
		t.Errorf("the flood is not counted: %+v", h.health(t, flood.id()).RefusedHere)
	}
	good.answersSoon(t, h, warning, rounds+1)
}

// A file that a member hands over goes the same way as what it sends.
func TestHostileBundleIsRefused(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	good, bad := h.join(t), h.join(t)
	var sound bytes.Buffer
	w, err := envelope.NewBundle(&sound, bad.identity, time.Now())
	if err == nil {
		err = w.Envelope(bad.seal(t, envelope.Header{}, []byte("{}")))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"nothing":         {},
		"garbage":         bytes.Repeat([]byte{0xff, '\n'}, 1000),
		"an endless line": bytes.Repeat([]byte("x"), 4<<20),
		"cut":             sound.Bytes()[:sound.Len()/2],
		"a byte changed":  bytes.Replace(sound.Bytes(), []byte(bad.id()), []byte(good.id()), 1),
		"not exported":    sound.Bytes(), // sealed, but no log of a link
	} {
		if _, err := h.links.Import(t.Context(), bytes.NewReader(text)); err == nil {
			t.Errorf("%s: it was taken in", name)
		}
	}
	warning := h.warn(t, good.id())
	good.answersSoon(t, h, warning, 1)
}

// Who listens to what is not addressed to it hears nothing.
func TestEavesdropperHearsNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t)
	good, bad := h.join(t), h.join(t)
	conn := bad.raw(t)
	heard := make(chan *nats.Msg, 100)
	for _, subject := range []string{">", "up.>", "up.*", "down.>", "down." + string(good.id()), "next.*", "get.*", "$JS.API.>", "_INBOX_" + string(good.id()) + ".>"} {
		if _, err := conn.ChanSubscribe(subject, heard); err != nil {
			t.Fatal(err)
		}
		_ = conn.Publish(subject, []byte("x")) // that is refused too
	}
	warning := h.warn(t, good.id())
	for n := 1; n <= 3; n++ {
		good.answersSoon(t, h, warning, n)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	for len(heard) > 0 {
		if m := <-heard; !strings.HasPrefix(m.Subject, "live.") {
			t.Errorf("it heard %s: %.80q", m.Subject, m.Data)
		}
	}
}

func answerBody(t *testing.T, warning string, member alliance.NodeID, sequence int) []byte {
	t.Helper()
	return encode(t, alliance.Answer{Warning: warning, Revision: 1, Member: member, Sequence: sequence, At: time.Now().UTC(), Verdict: alliance.Clear})
}

// hugeAnswer has more groups than any answer needs.
func hugeAnswer(t *testing.T, warning string, member alliance.NodeID) []byte {
	t.Helper()
	a := alliance.Answer{Warning: warning, Revision: 1, Member: member, Sequence: 1, At: time.Now().UTC(), Verdict: alliance.CannotTell, Reason: "x"}
	for range 1500 {
		a.Rest = append(a.Rest, alliance.Group{Verdict: alliance.CannotTell, Reason: "y", Questions: "0-499999"})
	}
	return encode(t, a)
}

func bulletin(t *testing.T, author alliance.NodeID) []byte {
	t.Helper()
	w := &alliance.Warning{
		ID: store.NewID(time.Now()), Number: "2017-001", Author: author, Revision: 1, Category: "MI", Colour: alliance.Yellow, Issued: time.Now().UTC(),
		Effective: time.Now().UTC(), Marking: intel.TLPAmber, Texts: []alliance.Text{{Language: "en", Title: "Panic", Body: "Pull the plugs."}},
	}
	return encode(t, alliance.Bulletin{Change: alliance.IssuedChange, Warning: w.ID, Number: w.Number, Revision: 1, At: time.Now().UTC(), Content: w})
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// until waits for something that comes within moments.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal(what + ": it does not come")
		case <-tick.C:
		}
	}
}
