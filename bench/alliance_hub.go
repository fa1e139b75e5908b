package main

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/carrier"
	"tocsin/alliance/envelope"
	"tocsin/alliance/member"
	"tocsin/alliance/warning"
	"tocsin/client"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/bus/federation"
	"tocsin/internal/store"
)

// allianceHub is a node that members are admitted to before it runs: by the same
// rooms that admit them over its API, but without the wait that the API has each
// address take between two attempts to join.
type allianceHub struct {
	surgeNode
	port     string
	identity *envelope.Identity
	person   *client.Client // a commander who signed in
}

const hubPassword = "a long enough pass phrase"

// hubCard is who warns.
var hubCard = alliance.Card{
	Names: map[string]string{"en": "Authority"}, Kind: alliance.Authority, Sectors: []string{"public_administration"}, Regions: []string{"AT"}, TimeZone: "Europe/Vienna",
	Contacts: []alliance.Contact{{Role: "duty", Mail: "duty@authority.example"}},
}

// memberCard is one of those who are warned: of eight sectors.
func memberCard(n int) alliance.Card {
	sectors := [...]string{"health", "energy", "transport.rail", "banking", "drinking_water", "digital_infrastructure", "food", "waste"}
	return alliance.Card{
		Names: map[string]string{"en": "Works " + strconv.Itoa(n)}, Kind: alliance.Enterprise, Sectors: []string{sectors[n%len(sectors)]}, Regions: []string{"AT"},
		TimeZone: "Europe/Vienna", Contacts: []alliance.Contact{{Role: "duty", Mail: "duty@works.example"}}, Issued: time.Now().UTC(),
	}
}

// newAllianceHub makes a hub's data directory.
func newAllianceHub(ctx context.Context, product, data string) (h *allianceHub, err error) {
	h = &allianceHub{surgeNode: surgeNode{product: product, data: data}}
	if h.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	if err := h.prepare(ctx, "alliance:\n  listen: 127.0.0.1:"+h.port+"\n  hosts: [127.0.0.1]\n"); err != nil {
		return nil, err
	}
	h.identity, err = envelope.Create(filepath.Join(data, "identity"), time.Now().Add(-time.Hour))
	return h, err
}

func freePort(ctx context.Context) (string, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// admit makes members of the identities, each with its transport key, and calls each
// with what the hub gives them. The hub does not run.
func (h *allianceHub) admit(ctx context.Context, identities []*envelope.Identity, keyOf func(n int) (string, error), each func(n int, a member.Access) error) (err error) {
	db, err := store.Open(ctx, store.Config{Path: filepath.Join(h.data, "tocsin.db")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	k, err := carrier.Open(ctx, carrier.Config{
		Dir: filepath.Join(h.data, "uplinks"),
		Hub: &federation.HubConfig{Dir: filepath.Join(h.data, "hub"), Listen: federation.Listen{Address: "127.0.0.1:" + h.port, Hosts: []string{"127.0.0.1"}}},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	register, err := member.New(member.Config{DB: db, Trail: audit.New(db, time.Now), Identity: h.identity, Now: time.Now, Carrier: k, Address: "https://hub.example:8617"})
	if err != nil {
		return err
	}
	if err := register.Begin(ctx); err != nil {
		return err
	}
	who := member.Who{ID: "bench", Name: "bench"}
	if _, err := h.identity.Passport().Card(); err != nil {
		if _, err := register.Describe(ctx, who, 0, hubCard); err != nil {
			return err
		}
	}
	return atOnce(len(identities), func(n int) error {
		key, err := keyOf(n)
		if err != nil {
			return err
		}
		if err := joinDirectly(ctx, register, who, identities[n], n, key); err != nil {
			return fmt.Errorf("member %d: %w", n, err)
		}
		access, err := k.Admit(ctx, identities[n].ID(), key)
		if err != nil {
			return err
		}
		return each(n, access)
	})
}

// atOnce does something for each number, some at the same time: transactions share
// their commits.
func atOnce(count int, do func(n int) error) error {
	const most = 64
	var all sync.WaitGroup
	failed := make(chan error, count)
	slots := make(chan struct{}, most)
	for n := range count {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if err := do(n); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// joinDirectly invites a node, has it ask and admits it.
func joinDirectly(ctx context.Context, register *member.Register, who member.Who, node *envelope.Identity, n int, key string) error {
	token, _, err := register.Invite(ctx, who, member.Invitation{Kind: alliance.Enterprise})
	if err != nil {
		return err
	}
	asking, err := askingOf(token.Text(), node, register.Self(), key, n)
	if err != nil {
		return err
	}
	// Each asks from an address of its own: an address may ask twenty times.
	if _, err := register.Ask(ctx, "10."+strconv.Itoa(n>>16)+"."+strconv.Itoa(n>>8&255)+"."+strconv.Itoa(n&255), asking); err != nil {
		return err
	}
	_, err = register.Approve(ctx, who, member.Decision{Node: node.ID()})
	return err
}

// askingOf is what a node posts that joins (docs/alliance.md): the secret of the
// invitation is in the token behind version, flags and the hub.
func askingOf(token string, node *envelope.Identity, hub alliance.NodeID, key string, n int) (*member.Asking, error) {
	const hubAt, secretAt, secretBytes = 2, 2 + 27, 32
	raw, err := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).DecodeString(strings.TrimPrefix(token, member.TokenPrefix))
	if err != nil || len(raw) < secretAt+secretBytes || alliance.NodeID(raw[hubAt:secretAt]) != hub {
		return nil, errors.New("the token of an invitation has another form by now")
	}
	secret := raw[secretAt : secretAt+secretBytes]
	hash, ticket := sha256.Sum256(secret), sha256.Sum256([]byte("ticket "+strconv.Itoa(n)+string(node.ID())))
	body, err := json.Marshal(map[string]string{
		"invitation": hex.EncodeToString(hash[:]), "ticket": hex.EncodeToString(ticket[:]), "transport": key, "listing": string(member.Listed),
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	e, err := node.Seal(envelope.Header{
		ID: store.NewID(now), Kind: "member.join", Schema: 1, Audience: alliance.To(hub), Marking: intel.TLPAmber, Issued: now, Expires: now.Add(time.Minute),
	}, body)
	if err != nil {
		return nil, err
	}
	a := &member.Asking{Secret: hex.EncodeToString(secret)}
	if a.Passport, err = json.Marshal(node.Passport()); err != nil {
		return nil, err
	}
	a.Envelope, err = e.Bytes()
	return a, err
}

// open starts the hub and signs its commander in.
func (h *allianceHub) open(ctx context.Context) error {
	if err := h.start(ctx); err != nil {
		return err
	}
	if h.person == nil {
		out, err := exec.CommandContext(ctx, h.product, "user", "create", "--data", h.data, "commander", "--role", "commander").Output()
		if err != nil {
			return fmt.Errorf("make an account: %w", err)
		}
		link := strings.TrimSpace(string(out))
		anybody, err := client.New(h.url, "")
		if err != nil {
			return err
		}
		body := map[string]string{"password": hubPassword}
		if err := anybody.Post(ctx, "/api/v1/links/"+link[strings.LastIndexByte(link, '/')+1:], body, nil); err != nil {
			return err
		}
	}
	var err error
	h.person, err = client.SignIn(ctx, h.url, "commander", hubPassword)
	return err
}

// issue drafts, approves and issues a warning, and returns its ID and when it was
// issued. Nothing is asked that a node does not check in earnest.
func (h *allianceHub) issue(ctx context.Context, d *warning.Draft) (id string, at time.Time, err error) {
	var r warning.Record
	if err := h.person.Post(ctx, "/api/v1/warnings", d, &r); err != nil {
		return "", at, fmt.Errorf("draft: %w", err)
	}
	path := "/api/v1/warnings/" + r.ID
	for _, step := range []struct {
		part string
		in   any
	}{{"/approve", map[string]string{"sha256": r.SHA256}}, {"/issue", map[string]string{}}} {
		at = time.Now()
		if _, err := h.person.Call(ctx, client.Request{Method: http.MethodPost, Path: path + step.part, In: step.in, Version: "*"}, &r); err != nil {
			return r.ID, at, fmt.Errorf("%s: %w", step.part, err)
		}
	}
	return r.ID, at, nil
}

// board is the sums of a warning's board.
func (h *allianceHub) board(ctx context.Context, id string) (b answer.Board, err error) {
	return b, h.person.Get(ctx, "/api/v1/warnings/"+id+"/board", &b)
}

// places are all members on the board.
func (h *allianceHub) places(ctx context.Context, id string) (all []answer.Placed, err error) {
	for cursor := ""; ; {
		var page struct {
			Items []answer.Placed
			Next  string
		}
		query := url.Values{"limit": {"1000"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		if _, err := h.person.Call(ctx, client.Request{Method: http.MethodGet, Path: "/api/v1/warnings/" + id + "/board/members", Query: query}, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

// processCPU is what a process has used so far (proc(5): utime and stime, in
// hundredths of a second).
func processCPU(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const utime, stime = 11, 12 // counted behind the name
	ticks := 0
	for _, at := range [...]int{utime, stime} {
		n, err := strconv.Atoi(fields[at])
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
