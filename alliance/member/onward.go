package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Onward is where something goes from here that members may say to each other.
type Onward struct {
	// To are active neighbours that it is sent to: those that it is meant for, and
	// those that are to pass it on.
	To []alliance.NodeID
	// Left are those that do not get it, and why not.
	Left []LeftOut
}

// Onward decides where something goes that author made: downwards to whom Recipients
// says, and unless it came from above upwards, to hubs that it is meant for, and to
// those through which others may be reached that it is meant for. What came from
// above goes to no other hub: two alliances that a node is in are not joined by it.
// Nobody is in it whom alliance.May does not allow.
func (r *Register) Onward(ctx context.Context, tx *store.Tx, label alliance.Label, author, from alliance.NodeID) (Onward, error) {
	reach, err := r.Recipients(ctx, tx, label.Marking, label.Scope, author)
	if err != nil {
		return Onward{}, err
	}
	to := Onward{To: reach.Neighbours(), Left: reach.Left}
	if from != "" {
		role, _, err := selectStanding(ctx, tx, from)
		if err != nil {
			return Onward{}, err
		}
		if role == Up {
			return to.without(from), nil
		}
	}
	hubs, err := selectMembers(ctx, tx, Up)
	if err != nil {
		return Onward{}, err
	}
	below, err := r.below(ctx, tx, label.Scope)
	if err != nil {
		return Onward{}, err
	}
	to.upwards(hubs, below, label, author)
	return to.without(from), nil
}

func (o *Onward) without(node alliance.NodeID) Onward {
	o.To = slices.DeleteFunc(o.To, func(n alliance.NodeID) bool { return n == node })
	return *o
}

// below returns which of the nodes that a scope names are this one, or below it.
func (r *Register) below(ctx context.Context, tx *store.Tx, scope alliance.Scope) (map[alliance.NodeID]bool, error) {
	all := map[alliance.NodeID]bool{r.Self(): true}
	if !namedOnly(scope) {
		return all, nil
	}
	members, err := selectMembers(ctx, tx, Down)
	if err != nil {
		return nil, err
	}
	for k := range members {
		all[members[k].Node] = true
	}
	behind, err := selectKnown(ctx, tx, false)
	for k := range behind {
		all[behind[k].Node] = true
	}
	return all, err
}

// upwards adds the hubs.
func (o *Onward) upwards(hubs []Member, below map[alliance.NodeID]bool, label alliance.Label, author alliance.NodeID) {
	elsewhere := func(hub alliance.NodeID) bool { // is somebody meant who may be reached through it?
		return !namedOnly(label.Scope) || slices.ContainsFunc(label.Scope.Members, func(n alliance.NodeID) bool {
			return n != hub && n != author && !below[n] && !slices.ContainsFunc(hubs, func(m Member) bool { return m.Node == n })
		})
	}
	for k := range hubs {
		m := &hubs[k]
		if m.Node == author || m.State == Pending || m.State == Refused {
			continue
		}
		if m.State != Active {
			o.Left = append(o.Left, LeftOut{m.Node, nameOf(&m.Card), "its link is " + string(m.State)})
			continue
		}
		ok, reason := alliance.May(label.Marking, label.Scope, author, &m.Card, false)
		if !ok && elsewhere(m.Node) {
			ok, reason = alliance.May(label.Marking, label.Scope, author, &m.Card, true)
		}
		if ok {
			o.To = append(o.To, m.Node)
		} else {
			o.Left = append(o.Left, LeftOut{m.Node, nameOf(&m.Card), reason})
		}
	}
}

// Introduce tells neighbours the passport of a node whose message they are about to
// get, and which they may not know: without it they could not verify that. It goes
// before what is sent to them later in the transaction.
func (r *Register) Introduce(ctx context.Context, tx *store.Tx, node alliance.NodeID, to ...alliance.NodeID) error {
	to = slices.DeleteFunc(slices.Clone(to), func(n alliance.NodeID) bool { return n == node })
	if node == r.Self() || len(to) == 0 {
		return nil // they know us
	}
	p, err := selectPassport(ctx, tx, node)
	if err != nil {
		return fmt.Errorf("introduce node %s: %w", node, err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	c, err := r.cards(ctx, tx)
	if err != nil {
		return err
	}
	c.Met = []json.RawMessage{text}
	return r.tell(ctx, tx, c, to...)
}

// met keeps passports of nodes that a neighbour introduces. They are neither below it
// nor above it as far as this node is concerned: nothing is sent to them by that.
func (r *Register) met(ctx context.Context, tx *store.Tx, texts []json.RawMessage) error {
	if len(texts) > maxMet {
		return fmt.Errorf("more than %d nodes are introduced at once: %w", maxMet, fault.Invalid)
	}
	all, err := passports(texts)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Node() == r.Self() {
			continue
		}
		if _, err := r.keep(ctx, tx, p); err != nil && !errors.Is(err, fault.NotFound) { // it has no card
			return err
		}
	}
	return nil
}

// maxMet is how many nodes a neighbour may introduce in one message.
const maxMet = 16
