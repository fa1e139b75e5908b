package member

import (
	"context"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/internal/store"
)

// Reach is whom something reaches from this node downwards.
type Reach struct {
	// Direct are active members that it is meant for, to whom it is sent.
	Direct []Member
	// Via are active members that are to pass it on, and to whom of those behind
	// them; nobody where the member has only some that it does not name. One may be
	// in Direct too.
	Via map[alliance.NodeID][]alliance.NodeID
	// ByMail are members without a node that it is meant for.
	ByMail []Member
	// Left are those that do not get it, and why not.
	Left []LeftOut
}

// LeftOut is somebody who does not get something.
type LeftOut struct {
	Node   alliance.NodeID `json:"node"`
	Name   string          `json:"name"`
	Reason string          `json:"reason"`
}

// Neighbours returns to whom it is sent: Direct and Via, each once.
func (to *Reach) Neighbours() []alliance.NodeID {
	var all []alliance.NodeID
	for k := range to.Direct {
		all = append(all, to.Direct[k].Node)
	}
	for hub := range to.Via {
		if !holds(to.Direct, hub) {
			all = append(all, hub)
		}
	}
	return sorted(all)
}

// Recipients decides who below this node gets something with a marking and a scope
// that author made. Nobody is in it whom alliance.May does not allow.
func (r *Register) Recipients(ctx context.Context, tx *store.Tx, marking intel.Marking, scope alliance.Scope, author alliance.NodeID) (Reach, error) {
	members, err := selectMembers(ctx, tx, Down)
	if err != nil {
		return Reach{}, err
	}
	behind, err := selectKnown(ctx, tx, false)
	if err != nil {
		return Reach{}, err
	}
	return reach(members, behind, marking, scope, author), nil
}

func reach(members []Member, behind []Known, marking intel.Marking, scope alliance.Scope, author alliance.NodeID) Reach {
	to := Reach{Via: map[alliance.NodeID][]alliance.NodeID{}}
	through := map[alliance.NodeID][]*Known{}
	for k := range behind {
		through[behind[k].Through] = append(through[behind[k].Through], &behind[k])
	}
	for k := range members {
		m := &members[k]
		if m.Node == author || m.State == Pending || m.State == Refused {
			continue
		}
		if m.State != Active {
			to.leave(m.Node, &m.Card, "its link is "+string(m.State))
			for _, n := range through[m.Node] {
				to.leave(n.Node, &n.Card, "the link to "+nameOf(&m.Card)+" is "+string(m.State))
			}
			continue
		}
		ok, reason := alliance.May(marking, scope, author, &m.Card, false)
		switch {
		case !ok:
			to.leave(m.Node, &m.Card, reason)
		case m.NoNode:
			to.ByMail = append(to.ByMail, *m)
		default:
			to.Direct = append(to.Direct, *m)
		}
		if !m.NoNode {
			to.through(m, through[m.Node], marking, scope, author)
		}
	}
	return to
}

// through decides whether a member passes it on, and to whom.
func (to *Reach) through(hub *Member, behind []*Known, marking intel.Marking, scope alliance.Scope, author alliance.NodeID) {
	carries, why := alliance.May(marking, scope, author, &hub.Card, true)
	var meant []alliance.NodeID
	for _, n := range behind {
		if n.Node == author {
			continue
		}
		ok, reason := alliance.May(marking, scope, author, &n.Card, false)
		switch {
		case !ok:
			to.leave(n.Node, &n.Card, reason)
		case !carries:
			to.leave(n.Node, &n.Card, why)
		default:
			meant = append(meant, n.Node)
		}
	}
	if carries && (len(meant) > 0 || hub.Unlisted > 0 && !namedOnly(scope)) {
		to.Via[hub.Node] = sorted(meant)
	}
}

// namedOnly reports whether a scope means those alone that it names: a hub's
// unlisted members are not among them, since nobody above knows their IDs.
func namedOnly(s alliance.Scope) bool {
	return len(s.Members) > 0 && len(s.Kinds) == 0 && len(s.Sectors) == 0 && len(s.Regions) == 0
}

func (to *Reach) leave(node alliance.NodeID, card *alliance.Card, reason string) {
	to.Left = append(to.Left, LeftOut{node, nameOf(card), reason})
}
