package answer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

var ann = audit.Actor{ID: "1", Name: "ann", From: "192.0.2.1"}

func rooms() []store.Room { return []store.Room{audit.Room(), timer.Room(), answer.Room()} }

// party is one node of an alliance: its identity, database and answers.
type party struct {
	*answer.Answers
	t       testing.TB
	net     *network
	id      *envelope.Identity
	db      *store.DB
	timers  *timer.Timers
	memory  func(ctx context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error)
	watched []answer.Watching
	notices []answer.Notice
	refused []error
}

func (p *party) ID() alliance.NodeID { return p.id.ID() }

// network carries envelopes between parties, verified, exactly once.
type network struct {
	t       testing.TB
	mu      sync.Mutex
	now     time.Time
	parties map[alliance.NodeID]*party
	ring    envelope.Passports
	queue   []carried
	sent    []carried // all that ever was
}

type carried struct {
	from, to alliance.NodeID
	text     []byte
}

func newNetwork(t testing.TB) *network {
	t.Helper()
	return &network{t: t, now: time.Date(2017, 5, 12, 8, 0, 0, 0, time.UTC), parties: map[alliance.NodeID]*party{}, ring: envelope.Passports{}}
}

func (n *network) time() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

func (n *network) pass(d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = n.now.Add(d)
}

// author adds a party that takes nothing in, and has no database.
func (n *network) author() *party {
	n.t.Helper()
	id, err := envelope.Create(n.t.TempDir(), n.time())
	if err != nil {
		n.t.Fatal(err)
	}
	n.ring[id.ID()] = id.Passport()
	return &party{t: n.t, net: n, id: id}
}

// join adds a party over a database of its own.
func (n *network) join(db *store.DB) *party {
	n.t.Helper()
	id, err := envelope.Create(n.t.TempDir(), n.time())
	if err != nil {
		n.t.Fatal(err)
	}
	p := &party{t: n.t, net: n, id: id, db: db}
	n.parties[id.ID()], n.ring[id.ID()] = p, id.Passport()
	p.Answers = answer.New(answer.Config{
		DB: db, Trail: audit.New(db, n.time), Self: id.ID, Seal: id.Seal, Now: n.time,
		Send: func(_ context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
			text, err := e.Bytes()
			tx.Committed(func() { n.carry(id.ID(), text, to) })
			return err
		},
		Forward: func(_ context.Context, tx *store.Tx, in answer.Received, to ...alliance.NodeID) error {
			e, err := id.Countersign(in.Envelope)
			if err != nil {
				return err
			}
			text, err := e.Bytes()
			tx.Committed(func() { n.carry(id.ID(), text, to) })
			return err
		},
		Hunt: func(ctx context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error) {
			return p.memory(ctx, w, whole)
		},
		Watch: func(_ context.Context, open []answer.Watching) error {
			p.watched = open
			return nil
		},
		Notify: func(_ context.Context, tx *store.Tx, notice answer.Notice) error {
			tx.Committed(func() { p.notices = append(p.notices, notice) })
			return nil
		},
		Describe: func(_ context.Context, _ *store.Tx, member alliance.NodeID) (answer.Expected, error) {
			return answer.Expected{Member: member, Name: "known by its association", Sector: "energy", Region: "CN"}, nil
		},
	})
	p.timers = timer.New(db, p.Kinds(), timer.Config{Now: n.time})
	p.Use(p.timers)
	return p
}

// party is join with a SQLite database.
func (n *network) party() *party {
	n.t.Helper()
	return n.join(storetest.Open(n.t, storetest.SQLite(n.t), rooms()...))
}

func (n *network) carry(from alliance.NodeID, text []byte, to []alliance.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range to {
		n.queue, n.sent = append(n.queue, carried{from, one, text}), append(n.sent, carried{from, one, text})
	}
}

// deliver hands over all that is under way, and what follows from it.
func (n *network) deliver() {
	n.t.Helper()
	for {
		n.mu.Lock()
		queue := n.queue
		n.queue = nil
		n.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, c := range queue {
			n.hand(c)
		}
	}
}

func (n *network) hand(c carried) {
	n.t.Helper()
	e, err := envelope.Parse(c.text)
	if err != nil {
		n.t.Fatal(err)
	}
	h, err := e.Verify(n.ring, n.time())
	if err != nil {
		n.t.Fatal(err)
	}
	if !slices.Contains(h.Audience.Members, c.to) {
		n.t.Errorf("%s is sent to %s, whom it does not mean", h.Kind, c.to)
	}
	to, ok := n.parties[c.to]
	if !ok {
		return
	}
	in := answer.Received{From: c.from, Envelope: e, Header: h, Body: e.Body, At: n.time()}
	err = to.db.Tx(n.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		switch h.Kind {
		case alliance.AnswerKind:
			return to.Answered(ctx, tx, in)
		case alliance.TotalsKind:
			return to.Totalled(ctx, tx, in)
		case alliance.MeasureKind:
			return to.MeasureReported(ctx, tx, in)
		}
		return fmt.Errorf("kind %s", h.Kind)
	})
	if r, refused := envelope.RefusalOf(err); refused {
		to.refused = append(to.refused, r)
	} else if err != nil {
		n.t.Fatal(err)
	}
}

// settle lets everything happen that is due.
func (n *network) settle() {
	n.t.Helper()
	for {
		for _, p := range n.parties {
			if err := p.timers.Settle(n.t.Context()); err != nil {
				n.t.Fatal(err)
			}
		}
		n.mu.Lock()
		idle := len(n.queue) == 0
		n.mu.Unlock()
		if idle {
			return
		}
		n.deliver()
	}
}

// tell brings a bulletin from an uplink.
func (p *party) tell(from *party, change alliance.Change, w alliance.Warning) {
	p.t.Helper()
	b := alliance.Bulletin{Change: change, Warning: w.ID, Number: w.Number, Revision: w.Revision, At: p.net.time()}
	if !change.Ends() {
		b.Content = &w
	}
	in := answer.Received{From: from.ID(), Header: envelope.Header{ID: fmt.Sprintf("%s-%d", w.ID, w.Revision), Author: w.Author}, At: p.net.time()}
	err := p.db.Tx(p.t.Context(), func(ctx context.Context, tx *store.Tx) error { return p.Arrived(ctx, tx, in, &b) })
	if err != nil {
		p.t.Fatal(err)
	}
}

// asks opens the board of a warning.
func (p *party) asks(w alliance.Warning, uplink alliance.NodeID, members ...answer.Expected) {
	p.t.Helper()
	err := p.db.Tx(p.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return p.Asked(ctx, tx, answer.Asking{Warning: &w, Message: w.ID + "-1", Uplink: uplink, Members: members})
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *party) expected(name, sector string) answer.Expected {
	return answer.Expected{Member: p.ID(), Name: name, Sector: sector, Region: "CN-31", Linked: true}
}

func (p *party) board(warning string) answer.Board {
	p.t.Helper()
	b, err := p.Board(p.t.Context(), warning)
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// sum is a board's sum as text, without what is zero.
func sum(s answer.Sum) string {
	var parts []string
	for _, c := range []struct {
		n    int
		name string
	}{{s.Hit, "hit"}, {s.Exposed, "exposed"}, {s.CannotTell, "cannot tell"}, {s.Clear, "clear"}, {s.Silent, "silent"}, {s.Blind, "blind"}} {
		if c.n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	return strings.Join(parts, ", ")
}

func (p *party) shown(warning string) answer.Shown {
	p.t.Helper()
	s, err := p.Show(p.t.Context(), warning)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// wannaCry is a warning with two indicators and a rule.
func wannaCry(author *party) alliance.Warning {
	return alliance.Warning{
		ID: "01BG000000WARNING000000001", Number: "2017-001", Revision: 1, Author: author.ID(), Colour: alliance.Red, Category: "malware",
		Issued: author.net.time(), Effective: author.net.time(), Marking: intel.TLPAmber,
		Texts: []alliance.Text{{Language: "en", Title: "WannaCry"}},
		Indicators: []alliance.Indicator{
			{Kind: intel.Domain, Value: "kill.example", Action: intel.DoNotBlock, Why: "the worm stops when it answers"},
			{Kind: intel.SHA256, Value: strings.Repeat("ab", 32), Action: intel.Block},
		},
		Rules: []alliance.Rule{{ID: "11111111-1111-4111-8111-111111111111", Text: "title: x"}},
	}
}

// says is a memory that says the same to every question.
func says(v alliance.Verdict) func(context.Context, *alliance.Warning, bool) (alliance.Answer, error) {
	return func(_ context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error) {
		return said(w, whole, v, v), nil
	}
}

// said is an answer in which the indicators have one verdict and the rules, which
// are asked of the archive, another.
func said(w *alliance.Warning, whole bool, indicators, rules alliance.Verdict) (a alliance.Answer) {
	give := func(q int, v alliance.Verdict, reason string) {
		if v == alliance.Hit {
			at := time.Date(2017, 5, 12, 7, 0, 0, 0, time.UTC)
			a.Hits = append(a.Hits, alliance.QuestionHit{Question: q, Verdict: v, Sightings: alliance.Sightings{Events: 2, Hosts: 1, First: &at, Last: &at}})
			return
		}
		g := alliance.Group{Verdict: v, Reason: reason, Questions: strconv.Itoa(q)}
		if v == alliance.Clear {
			since := time.Date(2017, 5, 1, 0, 0, 0, 0, time.UTC)
			g.Coverage = &alliance.Coverage{Since: since, Until: since.Add(240 * time.Hour), HostsKnown: 10, HostsCovered: 10, Share: 1}
		}
		a.Rest = append(a.Rest, g)
	}
	for i := range w.Indicators {
		give(i, indicators, "as the test says")
	}
	for i := range w.Rules {
		if !whole {
			a.Partial = true
			give(len(w.Indicators)+i, alliance.CannotTell, alliance.ReasonLater)
			continue
		}
		give(len(w.Indicators)+i, rules, "as the test says")
	}
	a.Conclude()
	return a
}

// answerSent returns the bodies of the answers that left a party.
func (n *network) answersOf(p *party) (all []alliance.Answer) {
	n.t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.sent {
		e, err := envelope.Parse(c.text)
		if err != nil {
			n.t.Fatal(err)
		}
		if h, err := e.Open(); err != nil || h.Kind != alliance.AnswerKind || c.from != p.ID() || h.Author != p.ID() {
			continue
		}
		var a alliance.Answer
		if err := json.Unmarshal(e.Body, &a); err != nil {
			n.t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func containsBytes(text []byte, part string) bool { return strings.Contains(string(text), part) }
