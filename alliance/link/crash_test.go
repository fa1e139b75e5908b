package link_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/crash"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// childVariable holds what a process needs that is a node until it is killed.
const childVariable = "TOCSIN_LINK_CHILD"

// station is a node of the crash test: its neighbour is in another process.
type station struct {
	Dir      string
	Database store.Config
	Own      string // the file of the address it listens at
	Other    string // that of the neighbour
	Peer     envelope.Passport
	// Steps has it say each step on standard output.
	Steps bool
}

// phone is a carrier over HTTP on the loopback.
type phone struct {
	station
	id    alliance.NodeID
	links *link.Links
}

func (p *phone) step(what string) {
	if p.Steps {
		fmt.Println(what)
	}
}

func (p *phone) address() (string, error) {
	text, err := os.ReadFile(p.Other)
	return "http://" + string(text), err
}

func (p *phone) Publish(ctx context.Context, _ alliance.NodeID, _ string, data []byte) error {
	p.step("publish")
	defer p.step("published")
	address, err := p.address()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(data))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}

func (p *phone) Fetch(context.Context, alliance.NodeID, string) ([]byte, error) {
	return nil, errors.New("no pieces are sent here")
}

func (p *phone) Generation(alliance.NodeID) string { return "phone" }

func (p *phone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.step("receive")
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = p.links.Receive(r.Context(), p.Peer.Node(), data)
	}
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	p.step("received")
}

// Passport implements envelope.Ring.
func (p *phone) Passport(id alliance.NodeID) (*envelope.Passport, bool) {
	return &p.Peer, id == p.Peer.Node()
}

// run is the node, until its context ends. Every few moments it sends a message
// and, in the same transaction, writes down that it did.
func (p *phone) run(ctx context.Context, sends int) (err error) {
	identity, err := envelope.Load(filepath.Join(p.Dir, "identity"))
	if err != nil {
		return err
	}
	p.id = identity.ID()
	db, err := store.Open(ctx, p.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	blobs, err := store.OpenBlobs(filepath.Join(p.Dir, "pieces"))
	if err != nil {
		return err
	}
	n := &node{id: p.id, db: db, identity: identity}
	p.links, err = link.New(link.Config{
		DB: db, Identity: identity, Ring: p, Blobs: blobs, Carrier: p, Limits: quick,
		Neighbour: func(context.Context, *store.Tx, alliance.NodeID) (link.Role, bool, error) {
			return link.Above, true, nil
		},
	})
	if err != nil {
		return err
	}
	p.links.On("note", func(ctx context.Context, tx *store.Tx, in link.Received) error {
		p.step("handle")
		return n.note(ctx, tx, in)
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { _ = server.Serve(listener) })
	defer server.Close()
	if err := os.WriteFile(p.Own, []byte(listener.Addr().String()), 0o600); err != nil {
		return err
	}
	all.Go(func() { p.talk(ctx, db, identity, sends) })
	return p.links.Run(ctx)
}

func (p *phone) talk(ctx context.Context, db *store.DB, identity *envelope.Identity, sends int) {
	for ; sends > 0 && ctx.Err() == nil; sends-- {
		_ = db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			now := time.Now()
			e, err := identity.Seal(envelope.Header{ID: store.NewID(now), Kind: "note", Schema: 1, Issued: now, Expires: now.Add(time.Hour)}, []byte("x"))
			if err != nil {
				return err
			}
			h, err := e.Open()
			if err != nil {
				return err
			}
			if err := p.links.Send(ctx, tx, e, p.Peer.Node()); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `INSERT INTO diary (author, id, neighbour, body, n) SELECT $1, $2, 'sent', 'x', 1 + (SELECT COUNT(*) FROM diary)`, string(p.id), h.ID)
			return err
		})
		p.step("sent")
		time.Sleep(10 * time.Millisecond) // so that steps of all kinds mix
	}
}

// Two nodes in processes of their own, either of which is killed at any step, again
// and again: what was sent was handled once, in order.
func TestNothingIsLostOrDoubledByAKill(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		a, b := stations(t, config)
		for kill := range crash.Kills(t) {
			victim, witness := a, b
			if kill%2 == 1 {
				victim, witness = b, a
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- (&phone{station: witness}).run(ctx, 5) }()
			victim.Steps = true
			text, err := json.Marshal(victim)
			must(t, err)
			crash.Kill(t, childVariable, string(text), 1+rand.IntN(60), func(string) {})
			cancel()
			must(t, <-done)
		}
		settleStations(t, a, b)
	})
}

func settleStations(t *testing.T, a, b station) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 2)
	for _, s := range []station{a, b} {
		go func() { done <- (&phone{station: s}).run(ctx, 1) }()
	}
	dbs := []*store.DB{reader(t, a.Database), reader(t, b.Database)}
	sent := func(i int) string { return strings.Join(idsOf(t, dbs[i], "neighbour = 'sent'"), " ") }
	handled := func(i int) string { return strings.Join(idsOf(t, dbs[i], "neighbour <> 'sent'"), " ") }
	eventually(t, "all is handled", func() bool { return sent(0) == handled(1) && sent(1) == handled(0) })
	t.Logf("%d and %d bytes of IDs", len(sent(0)), len(sent(1)))
	cancel()
	must(t, errors.Join(<-done, <-done))
	if sent(0) != handled(1) || sent(1) != handled(0) || sent(0) == "" {
		t.Errorf("sent %s and %s\nhandled %s and %s", sent(0), sent(1), handled(1), handled(0))
	}
}

func reader(t *testing.T, config store.Config) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), config)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func idsOf(t *testing.T, db *store.DB, where string) (all []string) {
	t.Helper()
	must(t, db.Read(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = store.All(ctx, tx, store.Value[string], `SELECT id FROM diary WHERE `+where+` ORDER BY n`)
		return err
	}))
	return all
}

func stations(t *testing.T, config store.Config) (a, b station) {
	t.Helper()
	dir := t.TempDir()
	found := func(name string, config store.Config) station {
		home := filepath.Join(dir, name)
		newIdentity(t, filepath.Join(home, "identity"))
		db, err := store.Open(t.Context(), config)
		must(t, err)
		must(t, db.Migrate(t.Context(), link.Room(), diary()))
		must(t, db.Close())
		return station{Dir: home, Database: config, Own: filepath.Join(dir, name+".address")}
	}
	a, b = found("a", config), found("b", storetest.SQLite(t))
	passport := func(s station) envelope.Passport {
		i, err := envelope.Load(filepath.Join(s.Dir, "identity"))
		must(t, err)
		return *i.Passport()
	}
	a.Peer, b.Peer = passport(b), passport(a)
	a.Other, b.Other = b.Own, a.Own
	return a, b
}

// beStation is the process that is killed.
func beStation(text string) error {
	p := &phone{}
	if err := json.NewDecoder(bufio.NewReader(strings.NewReader(text))).Decode(&p.station); err != nil {
		return err
	}
	return p.run(context.Background(), 1<<30)
}
