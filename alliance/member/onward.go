package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tocsin/alliance"
	"tocsin/intel"
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

// Surroundings are the nodes around one, as it knows them: what is decided about
// recipients is decided by them alone.
type Surroundings struct {
	Self    alliance.NodeID
	Hubs    []Member // above
	Members []Member // below
	Behind  []Known  // below members
}

// Recipients decides who below gets something; see Register.Recipients.
func (s *Surroundings) Recipients(marking intel.Marking, scope alliance.Scope, author alliance.NodeID) Reach {
	return reach(s.Members, s.Behind, marking, scope, author)
}

// Onward decides where something goes that author made and a neighbour gave to this
// node; see Register.Onward.
func (s *Surroundings) Onward(label alliance.Label, author, from alliance.NodeID) Onward {
	reach := s.Recipients(label.Marking, label.Scope, author)
	to := Onward{To: reach.Neighbours(), Left: reach.Left}
	if from == "" || !holds(s.Hubs, from) {
		to.upwards(s.Hubs, s.below(), label, author)
	}
	to.To = slices.DeleteFunc(to.To, func(n alliance.NodeID) bool { return n == from })
	return to
}

// below returns this node and those below it.
func (s *Surroundings) below() map[alliance.NodeID]bool {
	all := map[alliance.NodeID]bool{s.Self: true}
	for k := range s.Members {
		all[s.Members[k].Node] = true
	}
	for k := range s.Behind {
		all[s.Behind[k].Node] = true
	}
	return all
}

// Onward decides where something goes from here that author made: downwards to whom
// Recipients says, and unless it came from above upwards, to hubs that it is meant
// for, and to those through which others may be reached that it is meant for. What
// came from above goes to no other hub: two alliances that a node is in are not
// joined by it. From is the neighbour it came from, empty where it is made here.
// Nobody is in it whom alliance.May does not allow.
func (r *Register) Onward(ctx context.Context, tx *store.Tx, label alliance.Label, author, from alliance.NodeID) (Onward, error) {
	s := Surroundings{Self: r.Self()}
	var err error
	if s.Hubs, err = selectMembers(ctx, tx, Up); err != nil {
		return Onward{}, err
	}
	if s.Members, err = selectMembers(ctx, tx, Down); err != nil {
		return Onward{}, err
	}
	if s.Behind, err = selectKnown(ctx, tx, false); err != nil {
		return Onward{}, err
	}
	return s.Onward(label, author, from), nil
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
