package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/carrier"
	"tocsin/alliance/envelope"
	"tocsin/alliance/filing"
	"tocsin/alliance/link"
	"tocsin/alliance/member"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/api"
	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// The folders of the alliance in the data directory.
const (
	identityFolder = "identity" // the node's keys
	uplinksFolder  = "uplinks"  // what hubs gave to connect with
	hubFolder      = "hub"      // keys, members and messages of the bus, where the node is a hub
	piecesFolder   = "pieces"   // of long messages, as store.Blobs keeps them
)

// allianceConfig is how the node is a hub; see federation.HubConfig. A node that is
// only a member needs none of it.
type allianceConfig struct {
	// Listen is where members connect, as 0.0.0.0:7422; without it, and without NATS,
	// the node is no hub. WebSocket is the same for members behind proxies.
	Listen    string `yaml:"listen"`
	WebSocket string `yaml:"websocket"`
	// Hosts are the names that members connect to.
	Hosts []string `yaml:"hosts"`
	// NATS are the URLs of a cluster to use instead, PIN the file of its authority.
	NATS []string `yaml:"nats"`
	Pin  string   `yaml:"pin"`
	// TotalsForMembers lets members see how many of all that a warning asked were hit.
	TotalsForMembers bool `yaml:"totals_for_members"`
	// Bytes bounds what waits for members.
	Bytes int64 `yaml:"bytes"`
}

// hub is how the node is a hub; nil where it is none.
func (a *allianceConfig) hub(dir string, log *slog.Logger) (*federation.HubConfig, error) {
	if a.Listen == "" && len(a.NATS) == 0 {
		return nil, nil
	}
	h := &federation.HubConfig{
		Dir: dir, StoreBytes: a.Bytes, Log: log,
		Listen: federation.Listen{Address: a.Listen, WebSocket: a.WebSocket, Hosts: a.Hosts},
	}
	if len(a.NATS) > 0 {
		pin, err := os.ReadFile(a.Pin)
		if err != nil {
			return nil, fmt.Errorf("alliance.pin: %w", err)
		}
		h.External, h.Listen = &federation.External{URLs: a.NATS, Pin: pin}, federation.Listen{}
	}
	return h, nil
}

// allianceRooms are the rooms of the alliance, for the node.
type allianceRooms struct {
	identity *envelope.Identity
	carrier  *carrier.Carrier
	members  *member.Register
	links    *link.Links
	filing   *filing.Desk
	relay    *relay.Relay
	sharing  *sharing.Desk
	aid      *aid.Desk
	logs     *logWatch
}

// openAlliance opens what joins the node to others, but for what needs incidents. An
// identity is made the first time.
func (r *running) openAlliance(ctx context.Context, config *fileConfig) (err error) {
	log := r.log.With(slog.String("room", "alliance"))
	rooms := &allianceRooms{}
	r.alliance = rooms
	if rooms.identity, err = openIdentity(filepath.Join(r.data, identityFolder)); err != nil {
		return err
	}
	hub, err := config.Alliance.hub(filepath.Join(r.data, hubFolder), log)
	if err != nil {
		return usageError{err}
	}
	proxy, err := proxyURL(config.Outbound.Proxy)
	if err != nil {
		return usageError{fmt.Errorf("outbound.proxy: %w", err)}
	}
	if rooms.carrier, err = carrier.Open(ctx, carrier.Config{Dir: filepath.Join(r.data, uplinksFolder), Hub: hub, Proxy: proxy, Log: log}); err != nil {
		return err
	}
	allow, err := fetch.ParseNetworks(config.Outbound.Allow)
	if err != nil {
		return usageError{fmt.Errorf("outbound.allow: %w", err)}
	}
	pin, err := certificatePin(config.TLS.Certificate)
	if err != nil {
		return usageError{err}
	}
	members := member.Config{
		DB: r.people.db, Trail: r.people.trail, Identity: rooms.identity, Now: time.Now, Log: log,
		Send: func(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
			return rooms.links.Send(ctx, tx, e, to...)
		},
		Uplink: rooms.carrier, Address: config.URL, CertificatePin: pin, Proxy: config.Outbound.Proxy, Allow: allow, Organisation: r.proposedCard,
		Connected: func(hub alliance.NodeID) bool {
			_, ok := rooms.connected(hub)
			return ok
		},
		Notify:  func(ctx context.Context, tx *store.Tx, n member.Notice) error { return r.telling.member(ctx, tx, &n) },
		Reached: r.warnLate,
	}
	if hub != nil {
		members.Carrier = rooms.carrier
	}
	if rooms.members, err = member.New(members); err != nil {
		return err
	}
	blobs, err := store.OpenBlobs(filepath.Join(r.data, piecesFolder))
	if err != nil {
		return err
	}
	rooms.links, err = link.New(link.Config{
		DB: r.people.db, Trail: r.people.trail, Identity: rooms.identity, Ring: rooms.members.Ring(), Blobs: blobs, Carrier: rooms.carrier, Log: log, Now: time.Now,
		Neighbour: rooms.neighbour,
		Carries: func(context.Context, *store.Tx, alliance.NodeID, *envelope.Header) (bool, error) {
			return hub != nil, nil // whom it goes on to, each kind's room decides
		},
		Notice: func(ctx context.Context, tx *store.Tx, n link.Notice) error { return r.tellRefusal(ctx, tx, &n) },
	})
	if err != nil {
		return err
	}
	for _, kind := range member.Kinds() {
		rooms.links.On(kind, func(ctx context.Context, tx *store.Tx, in link.Received) error {
			return rooms.members.Received(ctx, tx, &member.Delivery{
				From: in.From, Header: &in.Header, Body: in.Body,
				Forward: func(ctx context.Context, tx *store.Tx, to ...alliance.NodeID) error {
					return rooms.links.Forward(ctx, tx, in, to...)
				},
			})
		})
	}
	return nil
}

// serveAlliance gives the API the rooms of the alliance.
func (r *running) serveAlliance(c *api.Config) {
	c.Members, c.Connected, c.Links, c.Filings = r.alliance.members, r.alliance.connected, r.alliance.links, r.alliance.filing
	c.Sharing, c.Aid = r.alliance.sharing, r.alliance.aid
	c.Warnings, c.Arrivals, c.Answers, c.Transparency = r.warnings.desk, r.warnings.inbox, r.answers, r.transparency
}

// openIdentity opens the node's keys, which are made where there are none.
func openIdentity(dir string) (*envelope.Identity, error) {
	i, err := envelope.Load(dir)
	if errors.Is(err, fault.NotFound) {
		return envelope.Create(dir, time.Now())
	}
	return i, err
}

// kinds are those of the timers of the alliance's rooms.
func (a *allianceRooms) kinds() map[string]timer.Kind {
	kinds := map[string]timer.Kind{}
	maps.Copy(kinds, a.members.Timers())
	maps.Copy(kinds, a.sharing.Kinds())
	maps.Copy(kinds, a.aid.Kinds())
	return kinds
}

// begin hands the rooms the timers and reads what they keep in memory.
func (a *allianceRooms) begin(ctx context.Context, timers *timer.Timers) error {
	a.members.Join(timers)
	a.sharing.Join(timers)
	a.aid.Join(timers)
	if err := a.members.Begin(ctx); err != nil {
		return err
	}
	return a.members.Reconcile(ctx)
}

// neighbour says what a node is to this one.
func (a *allianceRooms) neighbour(ctx context.Context, tx *store.Tx, node alliance.NodeID) (link.Role, bool, error) {
	role, active, err := a.members.Neighbour(ctx, tx, node)
	switch role {
	case member.Up:
		return link.Above, active, err
	case member.Down:
		return link.Below, active, err
	default:
		return "", false, err
	}
}

// run works until ctx ends.
func (a *allianceRooms) run(ctx context.Context) []func() error {
	return []func() error{
		func() error { return a.members.Run(ctx) },
		func() error { return a.links.Run(ctx) },
		func() error { return a.logs.run(ctx) },
		func() error { return a.sharing.Run(ctx) },
		func() error { return a.carrier.Run(ctx, a.links) },
	}
}

// connected says whether a hub is connected to, or a member is connected, and since
// when.
func (a *allianceRooms) connected(node alliance.NodeID) (since time.Time, ok bool) {
	return a.carrier.Connected(node)
}

func (a *allianceRooms) close() error {
	if a == nil || a.carrier == nil {
		return nil
	}
	return a.carrier.Close()
}

// proxyURL reads a proxy as outbound.proxy names it; nil for none.
func proxyURL(text string) (*url.URL, error) {
	if text == "" || text == "none" {
		return nil, nil
	}
	return url.Parse(text)
}
