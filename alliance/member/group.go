package member

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Group is members that share with each other. Its name and members are for those
// who are in it, and for who manages it; others know at most that it has so many.
type Group struct {
	ID string `json:"id"`
	// Hub is whose group it is.
	Hub     alliance.NodeID   `json:"hub"`
	Name    string            `json:"name,omitempty"`
	Members []alliance.NodeID `json:"members,omitempty"`
	// AtLeast is how many members it has at least, as far as others may know: 0 while
	// it has fewer, or where nothing is to be known of it.
	AtLeast int       `json:"at_least,omitempty"`
	By      string    `json:"by,omitempty"`
	Changed time.Time `json:"changed"`
	// Least is what AtLeast is once there are so many; 0 keeps the group unknown.
	Least int `json:"least,omitempty"`
}

// Limits of groups. A group of fewer than three gives its members away to each
// other's neighbours.
const (
	leastLeast   = 3
	maxGroups    = 1000
	maxGroupSize = 10_000
)

// GroupTold is the body of an envelope of kind GroupKind.
type GroupTold struct {
	Group
	// Out is set where the recipient is not, or not any more, in the group, or the
	// group is no more.
	Out bool `json:"out,omitempty"`
}

// SetGroup makes a group of members of this node, or changes it where ID is set, and
// tells those in it. The error is fault.Invalid, or fault.NotFound for a member or
// group that is not there.
func (r *Register) SetGroup(ctx context.Context, who Who, g Group) (Group, error) {
	g.Members = distinct(slices.Clone(g.Members))
	switch {
	case g.Name == "" || !plain(g.Name):
		return g, fmt.Errorf("group: a name of up to %d bytes: %w", maxText, fault.Invalid)
	case g.Least != 0 && g.Least < leastLeast:
		return g, fmt.Errorf("group: others may know of at least %d members, or of nothing: %w", leastLeast, fault.Invalid)
	case len(g.Members) > maxGroupSize:
		return g, fmt.Errorf("group: more than %d members: %w", maxGroupSize, fault.Invalid)
	}
	err := r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		var before *Group
		if g.ID != "" {
			was, err := r.ownGroup(ctx, tx, g.ID)
			if err != nil {
				return err
			}
			before = &was
		}
		for _, node := range g.Members {
			m, err := r.Member(ctx, tx, node)
			if err == nil && m.Role != Down {
				err = fmt.Errorf("node %s is no member of this node: %w", node, fault.Invalid)
			}
			if err != nil {
				return fmt.Errorf("group: %w", err)
			}
		}
		if before == nil {
			if n, err := countGroups(ctx, tx); err != nil || n >= maxGroups {
				return errors.Join(err, tooMany(n >= maxGroups, "group: there are %d: %w", n))
			}
			g.ID = store.NewID(r.now())
		}
		g.Hub, g.By, g.Changed = r.Self(), who.Name, r.now()
		return r.groupChanged(ctx, tx, who, before, &g)
	})
	return g, err
}

func tooMany(is bool, format string, n int) error {
	if !is {
		return nil
	}
	return fmt.Errorf(format, n, fault.Conflict)
}

func (r *Register) ownGroup(ctx context.Context, tx *store.Tx, id string) (Group, error) {
	g, err := selectGroup(ctx, tx, id)
	if err == nil && g.Hub != r.Self() {
		err = fmt.Errorf("it is node %s's: %w", g.Hub, fault.Forbidden)
	}
	if err != nil {
		return g, fmt.Errorf("group %.40q: %w", id, err)
	}
	return g, nil
}

// groupChanged writes a group and tells those who are, or were, in it.
func (r *Register) groupChanged(ctx context.Context, tx *store.Tx, who Who, before, g *Group) error {
	if err := upsertGroup(ctx, tx, g); err != nil {
		return err
	}
	var was any
	var out []alliance.NodeID
	if before != nil {
		was = before
		for _, node := range before.Members {
			if !slices.Contains(g.Members, node) {
				out = append(out, node)
			}
		}
	}
	if err := r.Trail.Record(ctx, tx, who, "group.set", groupSubject(g.ID), was, g); err != nil {
		return err
	}
	return errors.Join(r.tellGroup(ctx, tx, &GroupTold{Group: *g}, g.Members), r.tellGroup(ctx, tx, &GroupTold{Group: Group{ID: g.ID, Hub: g.Hub, Changed: g.Changed}, Out: true}, out))
}

func groupSubject(id string) audit.Subject { return audit.Subject{Kind: "group", ID: id} }

// tellGroup sends what is told of a group to those of some nodes that are active.
func (r *Register) tellGroup(ctx context.Context, tx *store.Tx, told *GroupTold, to []alliance.NodeID) error {
	active, err := selectActive(ctx, tx, Down)
	if err != nil {
		return err
	}
	var reached []alliance.NodeID
	for _, node := range to {
		if slices.Contains(active, node) {
			reached = append(reached, node)
		}
	}
	if len(reached) == 0 {
		return nil
	}
	e, err := r.sealFor(GroupKind, lasting, told, reached...)
	if err != nil {
		return err
	}
	return r.Send(ctx, tx, e, reached...)
}

// EndGroup removes a group of this node's. Those in it are told.
func (r *Register) EndGroup(ctx context.Context, who Who, id string) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		g, err := r.ownGroup(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := deleteGroup(ctx, tx, id); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, who, "group.end", groupSubject(id), g, nil); err != nil {
			return err
		}
		return r.tellGroup(ctx, tx, &GroupTold{Group: Group{ID: id, Hub: g.Hub, Changed: r.now()}, Out: true}, g.Members)
	})
}

// Groups returns the groups as a viewer may see them: a node that is in a group, and
// this node itself, see all of it; others its number of members at most, and
// nothing of one that is smaller.
func (r *Register) Groups(ctx context.Context, tx *store.Tx, viewer alliance.NodeID) ([]Group, error) {
	all, err := selectGroups(ctx, tx)
	if err != nil {
		return nil, err
	}
	seen := []Group{}
	for _, g := range all {
		if g, ok := g.seenBy(viewer, viewer == r.Self()); ok {
			seen = append(seen, g)
		}
	}
	return seen, nil
}

// Outside is what anybody may see of a group: that there is one of at least so
// many; false where not even that.
func (g *Group) Outside() (Group, bool) { return g.seenBy("", false) }

func (g *Group) seenBy(viewer alliance.NodeID, own bool) (Group, bool) {
	atLeast := 0
	if g.Least > 0 && len(g.Members) >= g.Least {
		atLeast = g.Least
	}
	if own || slices.Contains(g.Members, viewer) {
		full := *g
		full.AtLeast = atLeast
		return full, true
	}
	// Not even when it changed: that tells who joined it.
	return Group{ID: g.ID, Hub: g.Hub, AtLeast: atLeast}, atLeast > 0
}

// groupCame records what a hub tells of a group.
func (r *Register) groupCame(ctx context.Context, tx *store.Tx, from alliance.NodeID, role Role, h *envelope.Header, body []byte) error {
	if err := byNeighbour(from, h); err != nil {
		return err
	}
	told := GroupTold{}
	if err := readBody(body, &told); err != nil {
		return err
	}
	switch {
	case role != Up || told.Hub != from:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "the group is not the sender's"}
	case told.ID == "" || len(told.ID) > store.IDLength || !plain(told.Name) || len(told.Members) > maxGroupSize:
		return fmt.Errorf("group: %w", fault.Invalid)
	}
	before, err := selectGroup(ctx, tx, told.ID)
	known := err == nil
	switch {
	case err != nil && !errors.Is(err, fault.NotFound):
		return err
	case known && before.Hub != from:
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: "the group is another hub's"}
	case known && before.Changed.After(told.Changed): // it came late
		return nil
	}
	who := Who{ID: string(from), Name: string(from)}
	if told.Out {
		if !known {
			return nil
		}
		if err := deleteGroup(ctx, tx, told.ID); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "group.out", groupSubject(told.ID), before, nil)
	}
	for _, node := range told.Members {
		if !node.Valid() {
			return fmt.Errorf("group: %.40q is no node: %w", node, fault.Invalid)
		}
	}
	told.By = ""
	if err := upsertGroup(ctx, tx, &told.Group); err != nil {
		return err
	}
	return r.Trail.Record(ctx, tx, who, "group.told", groupSubject(told.ID), nil, told.Group)
}
