package member_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/member"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

var ann = member.Who{ID: "a", Name: "ann"}

// world is nodes that hear each other: what one sends is received by the other in a
// transaction of its own, as a link does.
type world struct {
	t     *testing.T
	mu    sync.Mutex
	now   time.Time // guarded by mu
	nodes map[alliance.NodeID]*place
	queue []sent // guarded by mu
}

type sent struct {
	from, to alliance.NodeID
	e        *envelope.Envelope
}

// place is one node of a world.
type place struct {
	*member.Register
	w       *world
	db      *store.DB
	trail   *audit.Trail
	carrier *carrier
	notices []string // guarded by w.mu
}

// carrier notes who may connect; it is both ends.
type carrier struct {
	mu  sync.Mutex
	may map[alliance.NodeID]string // guarded by mu
}

func (c *carrier) set(node alliance.NodeID, state string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.may[node] = state
	return nil
}

func (c *carrier) state(node alliance.NodeID) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.may[node]
}

func (c *carrier) Admit(_ context.Context, node alliance.NodeID, key string) (member.Access, error) {
	return member.Access{Credential: "credential of " + key, Addresses: []string{"tls://hub.example:4222"}}, c.set(node, "admitted")
}

func (c *carrier) Suspend(_ context.Context, n alliance.NodeID) error { return c.set(n, "suspended") }

func (c *carrier) Resume(_ context.Context, n alliance.NodeID) error { return c.set(n, "admitted") }

func (c *carrier) Expel(_ context.Context, n alliance.NodeID) error { return c.set(n, "expelled") }

func (c *carrier) TransportKey(context.Context, alliance.NodeID) (string, error) {
	return "UKEY", nil
}

func (c *carrier) Connect(_ context.Context, n alliance.NodeID, a member.Access) error {
	return c.set(n, a.Credential)
}

func (c *carrier) Disconnect(_ context.Context, n alliance.NodeID) error {
	return c.set(n, "disconnected")
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), nodes: map[alliance.NodeID]*place{}}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Millisecond)
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// node makes a node with a card, whose API can be reached.
func (w *world) node(db *store.DB, name string, kind alliance.Kind, sectors ...string) *place {
	w.t.Helper()
	identity, err := envelope.Create(w.t.TempDir(), w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	p := &place{w: w, db: db, carrier: &carrier{may: map[alliance.NodeID]string{}}, trail: audit.New(db, w.clock)}
	server := httptest.NewServer(p.handler())
	w.t.Cleanup(server.Close)
	p.Register, err = member.New(member.Config{
		DB: db, Trail: p.trail, Identity: identity, Now: w.clock, Carrier: p.carrier, Uplink: p.carrier, Address: server.URL, Proxy: fetch.Direct,
		Send: func(_ context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
			tx.Committed(func() { w.send(p.Self(), e, to) })
			return nil
		},
		Connected: func(hub alliance.NodeID) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			at := w.nodes[hub]
			return at == nil || at.carrier.state(p.Self()) == "admitted"
		},
		Notify: func(_ context.Context, tx *store.Tx, n member.Notice) error {
			tx.Committed(func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				p.notices = append(p.notices, n.Kind)
			})
			return nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	timers := timer.New(db, p.Timers(), timer.Config{Now: time.Now})
	p.Join(timers)
	if err := p.Begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	card := alliance.Card{Names: map[string]string{"en": name}, Kind: kind, Sectors: sectors, Regions: []string{"AT"}, TimeZone: "Europe/Vienna"}
	if _, err := p.Describe(w.t.Context(), ann, 0, card); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.nodes[p.Self()] = p
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	running.Go(func() { _ = timers.Run(ctx) })
	w.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return p
}

func (w *world) send(from alliance.NodeID, e *envelope.Envelope, to []alliance.NodeID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, node := range to {
		w.queue = append(w.queue, sent{from, node, e})
	}
}

// deliver carries everything that was sent, until nothing more is.
func (w *world) deliver() {
	w.t.Helper()
	for {
		w.mu.Lock()
		all := w.queue
		w.queue = nil
		w.mu.Unlock()
		if len(all) == 0 {
			return
		}
		for _, s := range all {
			if err := w.receive(s); err != nil {
				w.t.Logf("%s refuses what %s sends: %v", s.to, s.from, err)
			}
		}
	}
}

func (w *world) receive(s sent) error {
	w.mu.Lock()
	p := w.nodes[s.to]
	w.mu.Unlock()
	h, err := s.e.Verify(p.Ring(), w.clock())
	if err != nil {
		return err
	}
	return p.db.Tx(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return p.Received(ctx, tx, &member.Delivery{
			From: s.from, Header: &h, Body: s.e.Body,
			Forward: func(_ context.Context, tx *store.Tx, to ...alliance.NodeID) error {
				passed, err := p.Identity.Countersign(s.e)
				tx.Committed(func() { w.send(s.to, passed, to) })
				return err
			},
		})
	})
}

// handler is the three public routes, as the API has them.
func (p *place) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/alliance/joins", func(rw http.ResponseWriter, r *http.Request) {
		var a member.Asking
		_ = json.NewDecoder(r.Body).Decode(&a)
		q, err := p.Ask(r.Context(), r.RemoteAddr, &a)
		answer(rw, q, err)
	})
	mux.HandleFunc("POST /api/v1/alliance/joins/standing", func(rw http.ResponseWriter, r *http.Request) {
		var ticket member.Ticket
		_ = json.NewDecoder(r.Body).Decode(&ticket)
		s, err := p.Stands(r.Context(), r.RemoteAddr, &ticket)
		answer(rw, s, err)
	})
	mux.HandleFunc("POST /api/v1/alliance/joins/leave", func(rw http.ResponseWriter, r *http.Request) {
		var l member.Leaving
		_ = json.NewDecoder(r.Body).Decode(&l)
		answer(rw, struct{}{}, p.Leaves(r.Context(), r.RemoteAddr, &l))
	})
	return mux
}

func answer(rw http.ResponseWriter, out any, err error) {
	status := http.StatusOK
	for kind, code := range map[error]int{fault.NotFound: 404, fault.Invalid: 400, fault.Forbidden: 403, fault.Conflict: 409, fault.Unavailable: 503} {
		if errors.Is(err, kind) {
			status = code
		}
	}
	rw.WriteHeader(status)
	if err != nil {
		out = map[string]string{"detail": err.Error()}
	}
	_ = json.NewEncoder(rw).Encode(out)
}

// join joins a node to a hub and waits until both are.
func (w *world) join(p, hub *place, listing member.Listing) {
	w.t.Helper()
	token, _, err := hub.Invite(w.t.Context(), ann, member.Invitation{})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := p.Apply(w.t.Context(), ann, token.Text(), listing); err != nil {
		w.t.Fatal(err)
	}
	if _, err := hub.Approve(w.t.Context(), ann, member.Decision{Node: p.Self()}); err != nil {
		w.t.Fatal(err)
	}
	p.until(hub.Self(), member.Active)
	w.deliver()
}

// until waits until a link is in a state.
func (p *place) until(node alliance.NodeID, state member.State) member.Member {
	p.w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		m, err := p.see(node)
		if err == nil && m.State == state {
			return m
		}
		if time.Now().After(deadline) {
			p.w.t.Fatalf("member %s is %s (%v), want %s", node, m.State, err, state)
		}
		time.Sleep(2 * time.Millisecond) // it is polled: there is nothing to wait on
	}
}

func (p *place) see(node alliance.NodeID) (m member.Member, err error) {
	err = p.db.Read(p.w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		m, err = p.Member(ctx, tx, node)
		return err
	})
	return m, err
}

// below returns the nodes that p knows behind its members.
func (p *place) below() []alliance.NodeID {
	p.w.t.Helper()
	var all []alliance.NodeID
	err := p.db.Read(p.w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		known, err := p.Behind(ctx, tx)
		for _, k := range known {
			all = append(all, k.Node)
		}
		return err
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	return all
}

// each runs a test on n databases of each engine, for the nodes of a world.
func each(t *testing.T, do func(t *testing.T, all []*store.DB), n int) {
	t.Helper()
	rooms := []store.Room{audit.Room(), timer.Room(), member.Room()}
	for name, open := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := make([]*store.DB, n)
			for k := range all {
				all[k] = storetest.Open(t, open(t), rooms...)
			}
			do(t, all)
		})
	}
}

// TestNodeJoinsAndBothSidesAreActive is the way from a pasted token to green, and
// what each side knows of the other then.
func TestNodeJoinsAndBothSidesAreActive(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub, works := w.node(all[0], "National authority", alliance.Authority), w.node(all[1], "A works", alliance.Enterprise, "energy")
		token, invitation, err := hub.Invite(t.Context(), ann, member.Invitation{Kind: alliance.Enterprise, Sectors: []string{"energy"}})
		if err != nil {
			t.Fatal(err)
		}
		a, err := works.Apply(t.Context(), ann, token.Text(), "")
		if err != nil || a.State != member.Pending {
			t.Fatal(a, err)
		}
		m, err := hub.see(works.Self())
		if err != nil || m.State != member.Pending || m.Card.Names["en"] != "A works" || m.Role != member.Down {
			t.Fatal(m, err)
		}
		if m, err = hub.Approve(t.Context(), ann, member.Decision{Node: works.Self(), Version: m.Version}); err != nil || m.State != member.Active {
			t.Fatal(m, err)
		}
		up := works.until(hub.Self(), member.Active)
		if up.Role != member.Up || up.Card.Names["en"] != "National authority" {
			t.Error(up)
		}
		works.carried(hub.Self(), "credential of UKEY") // just after it is written down
		if _, ok := works.Ring().Passport(hub.Self()); !ok {
			t.Error("the hub's passport is not known")
		}
		if _, ok := hub.Ring().Passport(works.Self()); !ok {
			t.Error("the member's passport is not known")
		}
		list, err := hub.Invitations(t.Context())
		if err != nil || len(list) != 1 || list[0].Used == nil || list[0].UsedBy != works.Self() || list[0].ID != invitation.ID {
			t.Error(list, err)
		}
		entries, err := hub.trail.List(t.Context(), audit.Filter{Kind: "member", Subject: string(works.Self())}, "", 100)
		if err != nil || len(entries) < 2 {
			t.Error("the trail does not say who joined", entries, err)
		}
	}, 2)
}

// TestRefusalsSayWhy: each reason why a hub does not take a node is told in words.
func TestRefusalsSayWhy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub, works, other := w.node(all[0], "Hub", alliance.Association), w.node(all[1], "Works", alliance.Enterprise), w.node(all[2], "Other", alliance.Enterprise)
		invite := func(i member.Invitation) string {
			token, _, err := hub.Invite(t.Context(), ann, i)
			if err != nil {
				t.Fatal(err)
			}
			return token.Text()
		}
		want := func(what string, kind error, err error) {
			t.Helper()
			if err == nil || !errors.Is(err, kind) || !strings.Contains(err.Error(), what) {
				t.Errorf("got %v, want %q", err, what)
			}
		}
		_, err := works.Apply(t.Context(), ann, invite(member.Invitation{Kind: alliance.Support}), "")
		want("the invitation is for the kind support", fault.Forbidden, err)
		_, err = works.Apply(t.Context(), ann, invite(member.Invitation{Sectors: []string{"health"}}), "")
		want("the invitation is for the sectors", fault.Forbidden, err)
		_, err = hub.Apply(t.Context(), ann, invite(member.Invitation{}), "")
		want("this node's own", fault.Conflict, err)

		token := invite(member.Invitation{})
		if _, err := works.Apply(t.Context(), ann, token, ""); err != nil {
			t.Fatal(err)
		}
		_, err = other.Apply(t.Context(), ann, token, "")
		want("used already", fault.Forbidden, err)
		_, err = works.Apply(t.Context(), ann, token, "")
		want("waits for its decision", fault.Conflict, err)
		if _, err := hub.Refuse(t.Context(), ann, member.Decision{Node: works.Self(), Reason: "unknown here"}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
			a, err := works.Application(t.Context(), hub.Self())
			if err == nil && a.State == member.Refused {
				if a.Reason != "unknown here" {
					t.Error(a)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(a, err)
			}
		}

		_, err = works.Apply(t.Context(), ann, token, "")
		want("used here", fault.Conflict, err)
		expired := invite(member.Invitation{})
		w.pass(member.DefaultExpiry + time.Hour)
		_, err = other.Apply(t.Context(), ann, expired, "")
		want("expired", fault.Forbidden, err)
		withdrawn, i, err := hub.Invite(t.Context(), ann, member.Invitation{})
		if err == nil {
			err = hub.Withdraw(t.Context(), ann, i.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = other.Apply(t.Context(), ann, withdrawn.Text(), "")
		want("not known here, or was withdrawn", fault.Forbidden, err)
	}, 3)
}

// TestChainIsKnownAboveAndBelow: an authority learns of an association's members
// who want to be listed, and of the number of others; members learn who is above,
// and a node that would become its own ancestor is refused.
func TestChainIsKnownAboveAndBelow(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		authority, association := w.node(all[0], "Authority", alliance.Authority), w.node(all[1], "Association", alliance.Association)
		listed, shy := w.node(all[2], "Listed", alliance.Enterprise), w.node(all[3], "Shy", alliance.Enterprise)
		w.join(listed, association, member.Listed)
		w.join(association, authority, member.Listed)
		w.join(shy, association, member.Anonymous)
		if got := authority.below(); !slices.Equal(got, []alliance.NodeID{listed.Self()}) {
			t.Errorf("the authority knows %v", got)
		}
		if m, err := authority.see(association.Self()); err != nil || m.Unlisted != 1 {
			t.Error("unlisted", m.Unlisted, err)
		}
		if _, ok := listed.Ring().Passport(authority.Self()); !ok {
			t.Error("a member does not know who is above its hub")
		}
		// The authority may not become a member of its member's member.
		token, _, err := listed.Invite(t.Context(), ann, member.Invitation{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := authority.Apply(t.Context(), ann, token.Text(), ""); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "circle") {
			t.Error("a loop was not refused:", err)
		}
		// A new card goes up.
		card, err := listed.Passport().Card()
		if err != nil {
			t.Fatal(err)
		}
		card.Names["en"] = "Listed Ltd"
		if _, err := listed.Describe(t.Context(), ann, card.Revision, card); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		p, _ := authority.Ring().Passport(listed.Self())
		if got, err := p.Card(); err != nil || got.Names["en"] != "Listed Ltd" {
			t.Error(got, err)
		}
		// Who is suspended is not reached any more, and hears why.
		if _, err := association.Suspend(t.Context(), ann, member.Decision{Node: listed.Self(), Reason: "under investigation"}); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := authority.below(); len(got) != 0 {
			t.Errorf("the authority still knows %v", got)
		}
		association.carried(listed.Self(), "suspended")
		if m := listed.until(association.Self(), member.Suspended); m.Reason != "under investigation" {
			t.Error(m)
		}
		if _, err := association.Resume(t.Context(), ann, member.Decision{Node: listed.Self()}); err != nil {
			t.Fatal(err)
		}
		association.carried(listed.Self(), "admitted")
		w.deliver()
		if state, err := listed.Look(t.Context(), association.Self()); err != nil || state != member.Active {
			t.Error(state, err)
		}
		if got := authority.below(); !slices.Equal(got, []alliance.NodeID{listed.Self()}) {
			t.Errorf("after it was resumed the authority knows %v", got)
		}
		// And who leaves is gone.
		if err := listed.Leave(t.Context(), ann, association.Self(), "we merge"); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if m := association.until(listed.Self(), member.Left); m.Reason != "we merge" {
			t.Error(m)
		}
		association.carried(listed.Self(), "expelled")
		if got := authority.below(); len(got) != 0 {
			t.Errorf("the authority still knows %v", got)
		}
	}, 4)
}

// carried waits until the carrier has followed, which has to be within a second.
func (p *place) carried(node alliance.NodeID, state string) {
	p.w.t.Helper()
	began := time.Now()
	for p.carrier.state(node) != state {
		if time.Since(began) > 20*time.Second {
			p.w.t.Fatalf("the carrier has %q, want %q", p.carrier.state(node), state)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRenewedKeyIsLearntAndDistrustedOneRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub, m := w.node(all[0], "Hub", alliance.Authority), w.node(all[1], "Member", alliance.Enterprise)
		w.join(m, hub, member.Listed)
		// While it was stopped its key was renewed: at the next start all learn of it.
		if err := m.Identity.Renew("", w.clock()); err != nil {
			t.Fatal(err)
		}
		if err := m.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		p, ok := hub.Ring().Passport(m.Self())
		if !ok || !slices.ContainsFunc(p.Certificates, func(c envelope.Certificate) bool { return c.Key.Equal(m.Identity.Key()) }) {
			t.Error("the hub does not know the new key")
		}
		d, ok := hub.Ring().(envelope.Distruster)
		if !ok {
			t.Fatal("the ring does not say what is not trusted")
		}
		if _, err := hub.Distrust(t.Context(), ann, string(m.Self()), ""); !errors.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := hub.Distrust(t.Context(), ann, hub.Self().Fingerprint(), "a mistake"); !errors.Is(err, fault.Conflict) {
			t.Errorf("itself: %v", err)
		}
		if _, err := hub.Distrust(t.Context(), ann, string(m.Self()), "its chief called"); err != nil {
			t.Fatal(err)
		}
		if why, ok := d.Distrusted(m.Self().Fingerprint()); !ok || why.Reason != "its chief called" || why.By != "ann" {
			t.Errorf("distrusted: %v, %v", why, ok)
		}
		if err := hub.Trust(t.Context(), ann, m.Self().Fingerprint()); err != nil {
			t.Fatal(err)
		}
		if _, ok := d.Distrusted(m.Self().Fingerprint()); ok {
			t.Error("it is still distrusted")
		}
		if err := hub.Trust(t.Context(), ann, m.Self().Fingerprint()); !errors.Is(err, fault.NotFound) {
			t.Errorf("trusted twice: %v", err)
		}
	}, 2)
}

func TestBusFollowsTheRegisterAfterARestore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub, active, away := w.node(all[0], "Hub", alliance.Authority), w.node(all[1], "Active", alliance.Enterprise), w.node(all[2], "Away", alliance.Enterprise)
		w.join(active, hub, member.Listed)
		w.join(away, hub, member.Listed)
		if _, err := hub.Suspend(t.Context(), ann, member.Decision{Node: away.Self(), Reason: "under investigation"}); err != nil {
			t.Fatal(err)
		}
		hub.carried(away.Self(), "suspended")
		hub.carrier.mu.Lock()
		clear(hub.carrier.may) // the bus of the backup knows nobody
		hub.carrier.mu.Unlock()
		if err := hub.Reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		hub.carried(active.Self(), "admitted")
		hub.carried(away.Self(), "suspended")
	}, 3)
}

// Admitted implements member.Roster.
func (c *carrier) Admitted(node alliance.NodeID) (string, bool) {
	switch c.state(node) {
	case "admitted":
		return "UKEY", false
	case "suspended":
		return "UKEY", true
	default:
		return "", false
	}
}
