package link_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/alliance/link/linktest"
	"tocsin/intel"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// node is a node with links, and a table of what its handler did.
type node struct {
	id       alliance.NodeID
	db       *store.DB
	identity *envelope.Identity
	blobs    *store.Blobs
	links    *link.Links
	stop     func()
}

// world is nodes that are all neighbours, on one net.
type world struct {
	net   linktest.Net
	mu    sync.Mutex
	ring  envelope.Passports
	off   map[alliance.NodeID]bool // links that are not in use
	tweak func(c *link.Config)
}

// Passport implements envelope.Ring.
func (w *world) Passport(id alliance.NodeID) (*envelope.Passport, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ring.Passport(id)
}

func (w *world) neighbour(_ context.Context, _ *store.Tx, id alliance.NodeID) (link.Role, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return link.Below, !w.off[id], nil
}

// diary is the table of what was handled.
func diary() store.Room {
	return store.Room{Name: "diary", Files: diaryFiles}
}

// quick limits make a link as impatient as a test is.
var quick = link.Limits{ResendAfter: 50 * time.Millisecond, ResendMost: 200 * time.Millisecond, ReceiptEvery: time.Millisecond}

func newIdentity(tb testing.TB, dir string) *envelope.Identity {
	tb.Helper()
	i, err := envelope.Create(dir, time.Now().Add(-time.Hour))
	if err != nil {
		tb.Fatal(err)
	}
	card := alliance.Card{Kind: alliance.Enterprise, Issued: time.Now(), Names: map[string]string{"en": "A works"}}
	if err := i.Describe(card); err != nil {
		tb.Fatal(err)
	}
	return i
}

// add makes a node that works on a database.
func (w *world) add(tb testing.TB, db *store.DB) *node {
	tb.Helper()
	n := &node{db: db, identity: newIdentity(tb, tb.TempDir())}
	n.id = n.identity.ID()
	w.mu.Lock()
	if w.ring == nil {
		w.ring, w.off = envelope.Passports{}, map[alliance.NodeID]bool{}
	}
	w.ring[n.id] = n.identity.Passport()
	w.mu.Unlock()
	blobs, err := store.OpenBlobs(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	n.blobs = blobs
	w.start(tb, n)
	return n
}

// restart stops a node and starts it with other handlers.
func (w *world) restart(tb testing.TB, n *node, set func(links *link.Links)) {
	tb.Helper()
	n.stop()
	w.startWith(tb, n, set)
}

// start runs the links of a node, as after a restart.
func (w *world) start(tb testing.TB, n *node) {
	tb.Helper()
	w.startWith(tb, n, func(links *link.Links) { links.On("note", n.note) })
}

func (w *world) startWith(tb testing.TB, n *node, set func(links *link.Links)) {
	tb.Helper()
	c := link.Config{
		DB: n.db, Identity: n.identity, Ring: w, Neighbour: w.neighbour, Blobs: n.blobs,
		Carrier: w.net.Carrier(n.id), Limits: quick,
	}
	if w.tweak != nil {
		w.tweak(&c)
	}
	links, err := link.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	n.links = links
	set(links)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- links.Run(ctx) }()
	w.net.Join(n.id, links)
	stopped := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	n.stop = stopped
	tb.Cleanup(stopped)
}

// note writes down that a message was handled; a row that is there already would
// be an error.
func (n *node) note(ctx context.Context, tx *store.Tx, in link.Received) error {
	text := string(in.Body)
	if rest, ok := strings.CutPrefix(text, "refuse "); ok {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: rest}
	}
	if len(text) > 100 {
		text = fmt.Sprintf("%d bytes", len(text))
	}
	_, err := tx.Exec(ctx, `INSERT INTO diary (author, id, neighbour, body, n) SELECT $1, $2, $3, $4, 1 + (SELECT COUNT(*) FROM diary)`,
		string(in.Header.Author), in.Header.ID, string(in.From), text)
	return err
}

// diaryOf returns the bodies of what was handled, in order.
func (n *node) diaryOf(tb testing.TB, from alliance.NodeID) []string {
	tb.Helper()
	var all []string
	err := n.db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = store.All(ctx, tx, store.Value[string], `SELECT body FROM diary WHERE neighbour = $1 ORDER BY n`, string(from))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// seal makes a message to everyone.
func (n *node) seal(tb testing.TB, body string) *envelope.Envelope {
	tb.Helper()
	return n.sealAs(tb, envelope.Header{Kind: "note"}, body)
}

func (n *node) sealAs(tb testing.TB, h envelope.Header, body string) *envelope.Envelope {
	tb.Helper()
	now := time.Now()
	if h.ID == "" {
		h.ID = store.NewID(now)
	}
	if h.Schema == 0 {
		h.Schema = 1
	}
	if h.Issued.IsZero() {
		h.Issued, h.Expires = now, now.Add(time.Hour)
	}
	h.Marking = intel.TLPGreen
	e, err := n.identity.Seal(h, []byte(body))
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

func (n *node) send(tb testing.TB, e *envelope.Envelope, to ...alliance.NodeID) {
	tb.Helper()
	err := n.db.Tx(context.Background(), func(ctx context.Context, tx *store.Tx) error { return n.links.Send(ctx, tx, e, to...) })
	if err != nil {
		tb.Fatal(err)
	}
}

// eventually waits until something holds.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	for until := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			tb.Fatal("it did not come about: " + what)
		}
	}
}

func TestWhatIsSentIsHandledOnceAndInOrder(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{}
		hub := w.add(t, db)
		member := w.add(t, storetest.Open(t, storetest.SQLite(t), link.Room(), diary()))
		var want []string
		for i := range 50 {
			body := fmt.Sprintf("message %d", i)
			want = append(want, body)
			hub.send(t, hub.seal(t, body), member.id)
		}
		eventually(t, "all are handled", func() bool { return len(member.diaryOf(t, hub.id)) == len(want) })
		if got := member.diaryOf(t, hub.id); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("handled: %q", got)
		}
	}, link.Room(), diary())
}
