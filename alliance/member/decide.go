package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Decision is what somebody decides about a member.
type Decision struct {
	Node alliance.NodeID
	// Version is the link's as it was seen; 0 is any.
	Version int64
	// Reason is told to the member, and needed to refuse, suspend and expel.
	Reason string
	// Kind is what an approved member is in this link; empty for what its card says.
	Kind alliance.Kind
	// Confirm confirms all that the card of an approved member claims to hold.
	Confirm bool
}

// Approve admits a node that asked to join.
func (r *Register) Approve(ctx context.Context, who Who, d Decision) (Member, error) {
	if d.Kind != "" && !slices.Contains(alliance.Kinds(), d.Kind) {
		return Member{}, fmt.Errorf("kind %.20q: use one of %v: %w", d.Kind, alliance.Kinds(), fault.Invalid)
	}
	return r.decide(ctx, who, "member.approve", d, Active, []State{Pending}, func(ctx context.Context, tx *store.Tx, m *Member) error {
		if d.Kind != "" {
			m.Kind = d.Kind
		}
		m.Was = ""
		if err := forgetWays(ctx, tx, m.Node); err != nil { // of a membership before
			return err
		}
		if err := decideRequest(ctx, tx, m.Request, Active, who.Name, d.Reason, r.now()); err != nil {
			return err
		}
		if !d.Confirm {
			return nil
		}
		for _, h := range holdingsOf(&m.Card) {
			if err := r.confirm(ctx, tx, who, m.Node, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// Refuse turns down a node that asked to join. The reason is told to it.
func (r *Register) Refuse(ctx context.Context, who Who, d Decision) (Member, error) {
	return r.decide(ctx, who, "member.refuse", d, Refused, []State{Pending}, func(ctx context.Context, tx *store.Tx, m *Member) error {
		return decideRequest(ctx, tx, m.Request, Refused, who.Name, d.Reason, r.now())
	})
}

// Suspend stops all exchange with a member, or with a hub, until Resume.
func (r *Register) Suspend(ctx context.Context, who Who, d Decision) (Member, error) {
	return r.decide(ctx, who, "member.suspend", d, Suspended, []State{Active}, nil)
}

// Resume takes up exchange with who was suspended.
func (r *Register) Resume(ctx context.Context, who Who, d Decision) (Member, error) {
	return r.decide(ctx, who, "member.resume", d, Active, []State{Suspended}, nil)
}

// Expel ends a membership. The node may be invited again.
func (r *Register) Expel(ctx context.Context, who Who, d Decision) (Member, error) {
	return r.decide(ctx, who, "member.expel", d, Expelled, []State{Active, Suspended}, nil)
}

// decide changes the state of a link, and what follows from that: the member is
// told, what it reached is told to those above, and the carrier follows. The error
// is fault.NotFound, fault.Conflict for a link in another state or version, and
// fault.Invalid where a reason is wanted.
func (r *Register) decide(ctx context.Context, who Who, action string, d Decision, to State, from []State, also func(context.Context, *store.Tx, *Member) error) (m Member, err error) {
	if needs := to != Active; needs && d.Reason == "" || !plain(d.Reason) {
		return m, fmt.Errorf("member %s: say why, in up to %d bytes: it is told to the member: %w", d.Node, maxText, fault.Invalid)
	}
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		before, err := r.Member(ctx, tx, d.Node)
		switch {
		case err != nil:
			return err
		case d.Version != 0 && d.Version != before.Version:
			return fmt.Errorf("member %s was changed meanwhile: look again: %w", d.Node, fault.Conflict)
		case !slices.Contains(from, before.State):
			return fmt.Errorf("member %s is %s, and must be %s for that: %w", d.Node, before.State, states(from), fault.Conflict)
		case before.Role == Up && (to == Expelled || before.State == Pending):
			return fmt.Errorf("node %s is a hub of this node: leave it ('tocsin member leave'): %w", d.Node, fault.Conflict)
		}
		m = before
		m.State, m.Reason, m.Since = to, d.Reason, r.now()
		if also != nil {
			if err := also(ctx, tx, &m); err != nil {
				return err
			}
		}
		return r.change(ctx, tx, who, action, &before, &m)
	})
	return m, err
}

func states(all []State) string {
	words := make([]string, len(all))
	for k, s := range all {
		words[k] = string(s)
	}
	return strings.Join(words, " or ")
}

// change writes a link that stands otherwise than before, and what follows. The
// member itself asks how it stands as soon as its connection ends (Run): a message
// queued here would reach it only once it is resumed.
func (r *Register) change(ctx context.Context, tx *store.Tx, who Who, action string, before, m *Member) error {
	if err := updateLink(ctx, tx, m); err != nil {
		return err
	}
	m.Version = before.Version + 1
	if err := r.Trail.Record(ctx, tx, who, action, subject(m.Node), linkShown(before), linkShown(m)); err != nil {
		return err
	}
	if err := r.Notify(ctx, tx, Notice{Kind: string(m.State), Member: m.Node, Name: nameOf(&m.Card), Reason: m.Reason}); err != nil {
		return err
	}
	if err := r.follow(ctx, tx, m); err != nil {
		return err
	}
	if m.Role == Down {
		tx.Committed(func() { r.waits.wake(m.Request) })
	}
	return r.reachChanged(ctx, tx, m)
}

// linkShown is what the trail keeps of a link.
func linkShown(m *Member) any {
	return map[string]any{"role": m.Role, "state": m.State, "kind": m.Kind, "listing": m.Listing, "reason": m.Reason, "name": nameOf(&m.Card)}
}

const (
	// carrierKind are timers that make the carrier follow a link.
	carrierKind = "member.carrier"
	// carrierAttempts, later and later, bridge days in which the carrier is off.
	carrierAttempts = 40
)

// follow has the carrier follow a link, after the commit.
func (r *Register) follow(ctx context.Context, tx *store.Tx, m *Member) error {
	if r.timers == nil || m.NoNode {
		return nil
	}
	payload, err := json.Marshal(m.Node)
	if err != nil {
		return err
	}
	return r.timers.Schedule(ctx, tx, timer.Timer{ID: carrierKind + "/" + string(m.Node), Kind: carrierKind, Subject: string(m.Node), Due: r.now(), Payload: payload})
}

// Timers returns what is done with the register's timers, for timer.New.
func (r *Register) Timers() map[string]timer.Kind {
	return map[string]timer.Kind{carrierKind: {Handle: r.followed, Attempts: carrierAttempts}}
}

// Reconcile brings the carrier to what the register says of every member, where the
// two differ: one was restored from a backup. It is called once, at the start.
func (r *Register) Reconcile(ctx context.Context) error {
	roster, ok := r.Carrier.(Roster)
	if !ok {
		return nil
	}
	var members []Member
	err := r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		members, err = selectMembers(ctx, tx, Down)
		return err
	})
	if err != nil {
		return fmt.Errorf("members: %w", err)
	}
	differ := 0
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		for k := range members {
			m := &members[k]
			if m.NoNode || m.State == Pending {
				continue
			}
			key, err := selectTransport(ctx, tx, m.Node)
			if err != nil {
				return err
			}
			admitted, suspended := roster.Admitted(m.Node)
			want := m.State == Active || m.State == Suspended
			if want && admitted == key && suspended == (m.State == Suspended) || !want && admitted == "" {
				continue
			}
			differ++
			if err := r.follow(ctx, tx, m); err != nil {
				return err
			}
		}
		return nil
	})
	if differ > 0 && err == nil {
		r.Log.Warn("the hub's bus knew members otherwise than the register, and follows it now", slog.Int("members", differ))
	}
	return err
}

// followed brings the carrier to what the link says now, whatever it was before.
func (r *Register) followed(ctx context.Context, t timer.Timer) (timer.Effect, error) {
	var node alliance.NodeID
	if err := json.Unmarshal(t.Payload, &node); err != nil {
		return nil, errors.Join(err, timer.ErrHopeless)
	}
	var m Member
	var transport string
	err := r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if m, err = selectMember(ctx, tx, node); err == nil {
			transport, err = selectTransport(ctx, tx, node)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	done := func(context.Context, *store.Tx) error { return nil }
	if m.Role == Up {
		return done, r.followUp(ctx, &m)
	}
	if r.Carrier == nil {
		return done, nil
	}
	switch m.State {
	case Active:
		if _, err := r.Carrier.Admit(ctx, node, transport); err != nil {
			return nil, err
		}
		err = r.Carrier.Resume(ctx, node)
	case Suspended: // it may be unknown there, where the hub was restored
		if _, err := r.Carrier.Admit(ctx, node, transport); err != nil {
			return nil, err
		}
		err = r.Carrier.Suspend(ctx, node)
	case Expelled, Left, Refused:
		err = r.Carrier.Expel(ctx, node)
	case Pending: // it has no connection
	}
	return done, err
}

// followUp ends the connection to a hub that was left. One that is made is made by
// whoever heard of the admission.
func (r *Register) followUp(ctx context.Context, m *Member) error {
	if r.Uplink == nil || m.State == Active || m.State == Pending || m.State == Suspended {
		return nil
	}
	return r.Uplink.Disconnect(ctx, m.Node)
}
