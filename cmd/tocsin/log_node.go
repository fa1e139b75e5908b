package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/member"
	"tocsin/alliance/transparency"
	"tocsin/api"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/people"
)

// What stands in witnessFolder of the data directory must be in no backup: it is
// there to tell a node that was put back from one that was started again.
const (
	witnessFolder = "witness"
	witnessFile   = "log"
)

// newMonitor returns what watches the logs of this node's hubs.
func (r *running) newMonitor() *transparency.Monitor {
	return transparency.NewMonitor(transparency.MonitorConfig{
		DB: r.people.db, Now: time.Now,
		Keys: r.hubKeys,
		Alarm: func(ctx context.Context, tx *store.Tx, a transparency.Alarm) error {
			return r.telling.logAlarm(ctx, tx, &a)
		},
	})
}

// hubKeys are the keys that a hub signs or signed with, without those it revoked.
func (r *running) hubKeys(_ context.Context, _ *store.Tx, hub alliance.NodeID) ([]ed25519.PublicKey, error) {
	p, known := r.alliance.members.Ring().Passport(hub)
	if !known {
		return nil, fmt.Errorf("hub %s is not known here: %w", hub, fault.NotFound)
	}
	return signingKeys(p), nil
}

// signingKeys are the keys of a passport, without those revoked.
func signingKeys(p *envelope.Passport) []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, c := range p.Certificates {
		if !slices.ContainsFunc(p.Revocations, func(r envelope.Revocation) bool { return r.Key.Equal(c.Key) }) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// openLog opens the log of what this node warns of.
func (r *running) openLog(ctx context.Context) error {
	identity := r.alliance.identity
	own, err := transparency.OpenLog(ctx, transparency.Config{
		DB: r.people.db, Trail: r.people.trail, Node: identity.ID(), Key: identity.Signer(),
		Earlier: signingKeys(identity.Passport()),
		Witness: filepath.Join(r.data, witnessFolder, witnessFile),
		Members: r.alliance.below, Now: time.Now, Log: r.log.With(slog.String("room", "transparency")),
	})
	if err != nil {
		return err
	}
	r.transparency = &api.TransparencyLog{Own: own, Monitor: r.monitor}
	return nil
}

// below are the members that are active.
func (a *allianceRooms) below(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error) {
	all, err := a.members.Below(ctx, tx)
	return activeOf(all), err
}

// activeOf are those of neighbours that have a node and whose link is active.
func activeOf(all []member.Member) []alliance.NodeID {
	var active []alliance.NodeID
	for i := range all {
		if all[i].State == member.Active && !all[i].NoNode {
			active = append(active, all[i].Node)
		}
	}
	return active
}

// logAlarm tells the person on duty and the commanders what is wrong with a hub's
// log.
func (t *telling) logAlarm(ctx context.Context, tx *store.Tx, a *transparency.Alarm) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	if len(data) > notify.MaxData {
		if data, err = json.Marshal(map[string]string{"id": a.ID, "kind": string(a.Kind)}); err != nil {
			return err
		}
	}
	_, err = t.Post(ctx, tx, notify.Message{
		ID: "log-" + a.ID, Event: "log.alarm", About: "log of hub " + string(a.Hub),
		Title: "The log of a hub: " + string(a.Kind), Text: a.Text + "\n\nSee: tocsin log alarms", Data: data,
		To: []notify.Address{notify.To("duty", ""), notify.To("role", string(people.Commander))},
	})
	return err
}
