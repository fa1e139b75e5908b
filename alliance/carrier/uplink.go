package carrier

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/bus/federation"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// uplink is the connection to a hub.
type uplink struct {
	hub    alliance.NodeID
	member *federation.Member
	stop   context.CancelFunc // of its goroutine; nil before it runs
	done   chan struct{}
}

// kept is an uplink's file.
type kept struct {
	Seed   []byte        `json:"seed"`
	Public string        `json:"public"`
	Access member.Access `json:"access,omitzero"`
}

func (k *Carrier) load(hub alliance.NodeID) (one kept, err error) {
	text, err := os.ReadFile(k.path(hub))
	if err == nil {
		err = json.Unmarshal(text, &one)
	}
	if err != nil && !isMissing(err) {
		err = fmt.Errorf("the link to hub %s: %w: leave it and join again", hub, err)
	}
	return one, err
}

func (k *Carrier) save(hub alliance.NodeID, one kept) error {
	text, err := json.Marshal(one)
	if err == nil {
		err = disk.Replace(k.path(hub), text)
	}
	if err != nil {
		return fmt.Errorf("the link to hub %s: %w", hub, err)
	}
	return nil
}

// TransportKey implements member.Uplink.
func (k *Carrier) TransportKey(_ context.Context, hub alliance.NodeID) (string, error) {
	if !hub.Valid() {
		return "", fmt.Errorf("hub %.80q is no node: %w", hub, fault.Invalid)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	one, err := k.load(hub)
	if err == nil {
		return one.Public, nil
	}
	if !isMissing(err) {
		return "", err
	}
	if one.Seed, one.Public, err = federation.NewSeed(); err != nil {
		return "", err
	}
	return one.Public, k.save(hub, one)
}

// Connect implements member.Uplink. A connection there was is replaced.
func (k *Carrier) Connect(_ context.Context, hub alliance.NodeID, access member.Access) error {
	one, err := k.load(hub)
	if err != nil {
		return err
	}
	one.Access = access
	if err := k.save(hub, one); err != nil {
		return err
	}
	k.drop(hub)
	return k.dial(hub, one) //nolint:contextcheck // it works under Run's, longer than whoever connects
}

// Disconnect implements member.Uplink.
func (k *Carrier) Disconnect(_ context.Context, hub alliance.NodeID) error {
	k.drop(hub)
	if err := os.Remove(k.path(hub)); err != nil && !isMissing(err) {
		return fmt.Errorf("the link to hub %s: %w", hub, err)
	}
	return nil
}

func (k *Carrier) dial(hub alliance.NodeID, one kept) error {
	m, err := federation.Dial(federation.Config{
		URLs: one.Access.Addresses, Credential: one.Access.Credential, Seed: one.Seed, Pin: one.Access.Pin, Proxy: k.c.Proxy,
		Log: k.log.With(slog.String("hub", string(hub))),
	})
	if err != nil {
		return fmt.Errorf("the link to hub %s: %w", hub, err)
	}
	u := &uplink{hub: hub, member: m}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.uplinks[hub] = u
	if k.running != nil {
		k.begin(u)
	}
	return nil
}

// begin hands on what comes from a hub; k.mu is held.
func (k *Carrier) begin(u *uplink) {
	ctx, stop := context.WithCancel(k.running)
	u.stop, u.done = stop, make(chan struct{})
	k.all.Go(func() {
		defer close(u.done)
		k.peer.Wake(u.hub)
		err := u.member.Receive(ctx, func(ctx context.Context, _ string, data []byte) error { return k.arrived(ctx, u.hub, data) })
		if err != nil && ctx.Err() == nil {
			k.log.Error("nothing is received from a hub any more: restart the node", slog.String("hub", string(u.hub)), slog.Any("error", err))
		}
	})
}

// drop ends the connection to a hub, if there is one.
func (k *Carrier) drop(hub alliance.NodeID) {
	k.mu.Lock()
	u := k.uplinks[hub]
	delete(k.uplinks, hub)
	k.mu.Unlock()
	if u == nil {
		return
	}
	if u.stop != nil {
		u.stop()
		go func() { // what is being handled may be what has it dropped
			<-u.done
			u.member.Close()
		}()
		return
	}
	u.member.Close()
}
