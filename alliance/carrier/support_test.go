package carrier_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/carrier"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/bus/federation"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// smallBody bounds bodies at the hub, so that a test need not send the largest.
const smallBody = 200 << 10

// hub is the rooms of one that asks, over a real carrier.
type hub struct {
	identity *envelope.Identity
	db       *store.DB
	carrier  *carrier.Carrier
	links    *link.Links
	answers  *answer.Answers

	mu   sync.Mutex
	ring envelope.Passports // guarded by mu
}

func (h *hub) id() alliance.NodeID { return h.identity.ID() }

// Passport implements envelope.Ring.
func (h *hub) Passport(node alliance.NodeID) (*envelope.Passport, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ring.Passport(node)
}

func identity(t *testing.T) *envelope.Identity {
	t.Helper()
	i, err := envelope.Create(filepath.Join(t.TempDir(), "identity"), time.Now().Add(-3*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func newHub(t *testing.T) *hub {
	t.Helper()
	h := &hub{identity: identity(t), ring: envelope.Passports{}}
	h.ring[h.id()] = h.identity.Passport()
	h.db = storetest.Open(t, storetest.SQLite(t), audit.Room(), timer.Room(), link.Room(), warning.Room(), answer.Room())
	var err error
	h.carrier, err = carrier.Open(t.Context(), carrier.Config{
		Dir: t.TempDir(), Hub: &federation.HubConfig{Dir: t.TempDir(), Listen: federation.Listen{Address: "127.0.0.1:0", Hosts: []string{"127.0.0.1"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.carrier.Close() })
	blobs, err := store.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	trail := audit.New(h.db, time.Now)
	h.links, err = link.New(link.Config{
		DB: h.db, Trail: trail, Identity: h.identity, Ring: h, Blobs: blobs, Carrier: h.carrier, Limits: link.Limits{Body: smallBody},
		Neighbour: func(_ context.Context, _ *store.Tx, node alliance.NodeID) (link.Role, bool, error) {
			_, known := h.Passport(node)
			return link.Below, known, nil
		},
		Carries: func(context.Context, *store.Tx, alliance.NodeID, *envelope.Header) (bool, error) { return true, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.openRooms(trail)
	h.run(t)
	return h
}

func (h *hub) openRooms(trail *audit.Trail) {
	h.answers = answer.New(answer.Config{DB: h.db, Trail: trail, Self: h.id, Seal: h.identity.Seal, Send: h.links.Send})
	inbox := warning.NewInbox(warning.InboxConfig{
		DB: h.db, Trail: trail, Identity: h.identity,
		Uplink: func(context.Context, *store.Tx, alliance.NodeID) (bool, error) { return false, nil },
	})
	kinds := h.answers.Kinds()
	maps.Copy(kinds, inbox.Kinds())
	timers := timer.New(h.db, kinds, timer.Config{})
	h.answers.Use(timers)
	inbox.Join(timers)
	h.links.On(alliance.AnswerKind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
		return h.answers.Answered(ctx, tx, answer.Received(in))
	})
	h.links.On(alliance.WarningKind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
		return inbox.Handle(ctx, tx, warning.Message(in))
	})
}

func (h *hub) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	all.Go(func() { _ = h.links.Run(ctx) })
	all.Go(func() { _ = h.carrier.Run(ctx, h.links) })
	t.Cleanup(func() { cancel(); all.Wait() })
}

// warn asks members something, and returns the warning's ID.
func (h *hub) warn(t *testing.T, members ...alliance.NodeID) string {
	t.Helper()
	w := &alliance.Warning{ID: store.NewID(time.Now()), Number: "2017-001", Author: h.id(), Revision: 1, Colour: alliance.Red, Issued: time.Now().UTC()}
	q := answer.Asking{Warning: w, Message: store.NewID(time.Now())}
	for _, m := range members {
		q.Members = append(q.Members, answer.Expected{Member: m, Name: string(m), Linked: true})
	}
	if err := h.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return h.answers.Asked(ctx, tx, q) }); err != nil {
		t.Fatal(err)
	}
	return w.ID
}

func (h *hub) health(t *testing.T, node alliance.NodeID) link.Health {
	t.Helper()
	health, _, err := h.links.Link(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	return health
}

func (h *hub) refused(t *testing.T, node alliance.NodeID) map[envelope.Reason]int64 {
	t.Helper()
	all := map[envelope.Reason]int64{}
	for _, c := range h.health(t, node).RefusedHere {
		all[c.Reason] = c.Number
	}
	return all
}

// place is a member's state on the board.
func (h *hub) place(t *testing.T, warning string, node alliance.NodeID) answer.State {
	t.Helper()
	m, err := h.answers.Member(t.Context(), warning, node)
	if err != nil {
		t.Fatal(err)
	}
	return m.State
}

// peer is a member that says what a test has it say, in the form of the links.
type peer struct {
	hub      alliance.NodeID
	identity *envelope.Identity
	config   federation.Config
	conn     *federation.Member
	epoch    string
	position int64
}

func (p *peer) id() alliance.NodeID { return p.identity.ID() }

// join admits a member and connects it.
func (h *hub) join(t *testing.T) *peer {
	t.Helper()
	p := &peer{hub: h.id(), identity: identity(t), epoch: store.NewID(time.Now())}
	h.mu.Lock()
	h.ring[p.id()] = p.identity.Passport()
	h.mu.Unlock()
	seed, public, err := federation.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	access, err := h.carrier.Admit(t.Context(), p.id(), public)
	if err != nil {
		t.Fatal(err)
	}
	p.config = federation.Config{URLs: access.Addresses, Credential: access.Credential, Seed: seed, Pin: access.Pin}
	if p.conn, err = federation.Dial(p.config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.conn.Close)
	until(t, "a member connects", func() bool { return p.conn.State().Connected })
	return p
}

// raw is a connection that does what it likes.
func (p *peer) raw(t *testing.T) *nats.Conn {
	t.Helper()
	pair, err := nkeys.FromSeed(p.config.Seed)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(p.config.Pin)
	conn, err := nats.Connect(strings.Join(p.config.URLs, ","), nats.UserJWT(func() (string, error) { return p.config.Credential, nil }, pair.Sign),
		nats.TLSHandshakeFirst(), nats.Secure(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// seal makes a message; what the header does not say is that of an answer to the hub.
func (p *peer) seal(t *testing.T, header envelope.Header, body []byte) *envelope.Envelope {
	t.Helper()
	return sealBy(t, p.identity, p.hub, header, body)
}

func sealBy(t *testing.T, by *envelope.Identity, to alliance.NodeID, header envelope.Header, body []byte) *envelope.Envelope {
	t.Helper()
	now := time.Now()
	if header.ID == "" {
		header.ID = store.NewID(now)
	}
	if header.Kind == "" {
		header.Kind = alliance.AnswerKind
	}
	if len(header.Audience.Members) == 0 {
		header.Audience = alliance.To(to)
	}
	if header.Marking == 0 {
		header.Marking = intel.TLPAmber
	}
	if header.Issued.IsZero() {
		header.Issued, header.Expires = now, now.Add(time.Hour)
	}
	header.Schema = 1
	e, err := by.Seal(header, body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// say sends a message as the next of the member's log.
func (p *peer) say(t *testing.T, e *envelope.Envelope) {
	t.Helper()
	text, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	p.saySealed(t, text)
}

func (p *peer) saySealed(t *testing.T, text []byte) {
	t.Helper()
	p.position++
	line, err := json.Marshal(map[string]any{"epoch": p.epoch, "position": p.position, "before": p.position - 1})
	if err != nil {
		t.Fatal(err)
	}
	const linkFrame = 1
	frame := append(append(append([]byte{linkFrame}, line...), '\n'), text...)
	if err := p.conn.Publish(t.Context(), strconv.FormatInt(p.position, 10), frame); err != nil {
		t.Fatal(err)
	}
}

// soon is a second or two, and what a machine that tests other things too takes.
const soon = 5 * time.Second

// answersSoon answers, and waits until the hub has recorded it.
func (p *peer) answersSoon(t *testing.T, h *hub, warning string, sequence int) {
	t.Helper()
	began := time.Now()
	p.say(t, p.seal(t, envelope.Header{}, answerBody(t, warning, p.id(), sequence)))
	until(t, "an honest member's answer is recorded", func() bool {
		m, err := h.answers.Member(t.Context(), warning, p.id())
		return err == nil && m.Sequence == sequence
	})
	if took := time.Since(began); took > soon {
		t.Errorf("an honest member's answer %d took %s", sequence, took)
	}
}

// flood has a member send what is nothing as fast as it can.
func (p *peer) flood(t *testing.T) (stop func()) {
	t.Helper()
	conn := p.raw(t)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			_ = conn.PublishMsg(&nats.Msg{
				Subject: "up." + string(p.id()), Reply: "_INBOX_" + string(p.id()) + ".x", Data: []byte("\x01this is no frame"),
				Header: nats.Header{"Tocsin-Id": {strconv.Itoa(n)}},
			})
			if n%10 == 0 { // thousands a second, and not all of this processor
				_ = conn.Flush()
				<-tick.C
			}
		}
	})
	return func() { cancel(); all.Wait() }
}
