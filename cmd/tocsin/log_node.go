package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/transparency"
	"tocsin/api"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/people"
)

// The folders of the log in the data directory. What stands in witnessFolder must be
// in no backup: it is there to tell a node that was put back from one that was
// started again.
const (
	identityFolder = "identity"
	witnessFolder  = "witness"
	witnessFile    = "log"
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
func (r *running) hubKeys(ctx context.Context, tx *store.Tx, hub alliance.NodeID) ([]ed25519.PublicKey, error) {
	if r.passport != nil {
		p, err := r.passport(ctx, tx, hub)
		if err != nil {
			return nil, err
		}
		return signingKeys(p), nil
	}
	return nil, fmt.Errorf("hub %s is not known here: %w", hub, fault.NotFound)
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

// openLog opens the log of this node, once it has an identity.
func (r *running) openLog(ctx context.Context) error {
	identity, err := envelope.Load(filepath.Join(r.data, identityFolder))
	if errors.Is(err, fault.NotFound) {
		return nil // it is in no alliance yet
	}
	if err != nil {
		return err
	}
	own, err := transparency.OpenLog(ctx, transparency.Config{
		DB: r.people.db, Trail: r.people.trail, Node: identity.ID(), Key: identity.Signer(),
		Earlier: signingKeys(identity.Passport()),
		Witness: filepath.Join(r.data, witnessFolder, witnessFile),
		Members: r.members, Now: time.Now, Log: r.log.With(slog.String("room", "transparency")),
	})
	if err != nil {
		return err
	}
	r.transparency = &api.TransparencyLog{Own: own, Monitor: r.monitor}
	return nil
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
