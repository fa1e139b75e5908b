package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Cards is the body of an envelope of kind CardKind: what changed of who its sender
// is, and of who is reached through it.
type Cards struct {
	// Sequence grows with each: what came later and is older changes nothing.
	Sequence int64           `json:"sequence"`
	Own      json.RawMessage `json:"own"` // the sender's passport
	// Nodes are passports of nodes below the sender, Gone nodes that are no longer.
	Nodes []json.RawMessage `json:"nodes,omitempty"`
	Gone  []alliance.NodeID `json:"gone,omitempty"`
	// Unlisted is how many members the sender does not name, where that is told to
	// its hub; 1 stands for fewer than LeastUnlisted.
	Unlisted *int `json:"unlisted,omitempty"`
	// Above are the passports of all that is above the sender, where that is told to
	// its members.
	Above *[]json.RawMessage `json:"above,omitempty"`
	// Peers are passports that a member needs to verify what follows: of another
	// member that grants it a mandate.
	Peers []json.RawMessage `json:"peers,omitempty"`
	// Listing is what a member wants from now on.
	Listing Listing `json:"listing,omitempty"`
	// Met are passports of nodes whose messages the sender passes on.
	Met []json.RawMessage `json:"met,omitempty"`
}

// reachChanged tells neighbours what a change of a link means to them: hubs hear who
// is, or is not any more, below; members who is above.
func (r *Register) reachChanged(ctx context.Context, tx *store.Tx, m *Member) error {
	if m.Role == Up {
		if m.State == Active {
			if err := r.tellAll(ctx, tx, m.Node); err != nil {
				return err
			}
		}
		return r.tellDown(ctx, tx)
	}
	behind, err := selectBehind(ctx, tx, m.Node)
	if err != nil {
		return err
	}
	all := slices.Concat(behind, []alliance.NodeID{m.Node})
	if err := r.tellUp(ctx, tx, all...); err != nil || m.State != Active {
		return err
	}
	return r.Reached(ctx, tx, all...)
}

// tellUp tells active hubs how nodes below are reached now.
func (r *Register) tellUp(ctx context.Context, tx *store.Tx, nodes ...alliance.NodeID) error {
	hubs, err := selectActive(ctx, tx, Up)
	if err != nil || len(hubs) == 0 {
		return err
	}
	listed, err := selectListed(ctx, tx)
	if err != nil {
		return err
	}
	c, err := r.cards(ctx, tx)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if text, ok := listed[node]; ok {
			c.Nodes = append(c.Nodes, json.RawMessage(text))
		} else {
			c.Gone = append(c.Gone, node)
		}
	}
	n, err := r.unlisted(ctx, tx)
	if err != nil {
		return err
	}
	c.Unlisted = &n
	return r.tell(ctx, tx, c, hubs...)
}

// tellAll tells a hub everything: it is new.
func (r *Register) tellAll(ctx context.Context, tx *store.Tx, hub alliance.NodeID) error {
	listed, err := selectListed(ctx, tx)
	if err != nil {
		return err
	}
	c, err := r.cards(ctx, tx)
	if err != nil {
		return err
	}
	var nodes []alliance.NodeID
	for node := range listed {
		nodes = append(nodes, node)
	}
	for _, node := range sorted(nodes) {
		c.Nodes = append(c.Nodes, json.RawMessage(listed[node]))
	}
	n, err := r.unlisted(ctx, tx)
	if err != nil {
		return err
	}
	c.Unlisted = &n
	return r.tell(ctx, tx, c, hub)
}

// tellDown tells active members who is above.
func (r *Register) tellDown(ctx context.Context, tx *store.Tx) error {
	members, err := selectActive(ctx, tx, Down)
	if err != nil || len(members) == 0 {
		return err
	}
	c, err := r.cards(ctx, tx)
	if err != nil {
		return err
	}
	above, err := r.passportsAbove(ctx, tx)
	if err != nil {
		return err
	}
	c.Above = &above
	return r.tell(ctx, tx, c, members...)
}

// cards begins what is told to neighbours.
func (r *Register) cards(ctx context.Context, tx *store.Tx) (*Cards, error) {
	n, err := nextSequence(ctx, tx)
	if err != nil {
		return nil, err
	}
	own, err := json.Marshal(r.Identity.Passport())
	return &Cards{Sequence: n, Own: own}, err
}

func (r *Register) tell(ctx context.Context, tx *store.Tx, c *Cards, to ...alliance.NodeID) error {
	e, err := r.sealFor(CardKind, lasting, c, to...)
	if err != nil {
		return err
	}
	return r.Send(ctx, tx, e, to...)
}

// unlisted is how many members are not named above, as far as that is told.
func (r *Register) unlisted(ctx context.Context, tx *store.Tx) (int, error) {
	n, err := countUnlisted(ctx, tx)
	if 0 < n && n < LeastUnlisted {
		n = 1
	}
	return n, err
}

// Delivery is an envelope of one of Kinds that a neighbour delivered, verified and
// not yet seen.
type Delivery struct {
	From   alliance.NodeID // the neighbour
	Header *envelope.Header
	Body   []byte
	// Forward countersigns it and queues it for neighbours; nil passes nothing on.
	Forward func(ctx context.Context, tx *store.Tx, to ...alliance.NodeID) error
}

// Received acts on a delivery, in the transaction that records it. The error is an
// *envelope.Refusal or fault.Invalid for one that must not be tried again.
func (r *Register) Received(ctx context.Context, tx *store.Tx, d *Delivery) error {
	from, h, body := d.From, d.Header, d.Body
	role, active, err := selectStanding(ctx, tx, from)
	if err != nil {
		return err
	}
	if !active {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("node %s is no active neighbour", from)}
	}
	switch h.Kind {
	case envelope.PassportKind:
		return r.passportCame(ctx, tx, from, role, h, body)
	case CardKind:
		return r.cardsCame(ctx, tx, from, role, h, body)
	case GroupKind:
		return r.groupCame(ctx, tx, from, role, h, body)
	case MandateKind:
		return r.mandateCame(ctx, tx, d)
	default:
		return fmt.Errorf("envelope of kind %.40q is none of members: %w", h.Kind, fault.Invalid)
	}
}

// byNeighbour refuses what the neighbour did not make itself.
func byNeighbour(from alliance.NodeID, h *envelope.Header) error {
	if h.Author != from {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("%s of node %s came from node %s", h.Kind, h.Author, from)}
	}
	return nil
}

func (r *Register) cardsCame(ctx context.Context, tx *store.Tx, from alliance.NodeID, role Role, h *envelope.Header, body []byte) error {
	if err := byNeighbour(from, h); err != nil {
		return err
	}
	c := Cards{}
	if err := readBody(body, &c); err != nil {
		return err
	}
	return r.ownCame(ctx, tx, from, role, &c)
}

// ownCame records what a neighbour says of itself, and then the rest.
func (r *Register) ownCame(ctx context.Context, tx *store.Tx, from alliance.NodeID, role Role, c *Cards) error {
	own, err := envelope.ParsePassport(c.Own)
	if err != nil {
		return err
	}
	if own.Node() != from {
		return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf("node %s sent the card of node %s as its own", from, own.Node())}
	}
	renamed, err := r.keep(ctx, tx, own)
	if err != nil {
		return err
	}
	if renamed {
		if err := r.Trail.Record(ctx, tx, Who{ID: string(from), Name: string(from)}, "member.card", subject(from), nil, json.RawMessage(own.CardText)); err != nil {
			return err
		}
	}
	if err := r.met(ctx, tx, c.Met); err != nil {
		return err
	}
	if role == Up {
		return r.hubTold(ctx, tx, from, c, renamed)
	}
	return r.memberTold(ctx, tx, from, c, renamed)
}

// passportCame keeps the passport that a neighbour brings of itself: it may be
// signed with a key that nobody knew before it.
func (r *Register) passportCame(ctx context.Context, tx *store.Tx, from alliance.NodeID, role Role, h *envelope.Header, body []byte) error {
	if err := byNeighbour(from, h); err != nil {
		return err
	}
	return r.ownCame(ctx, tx, from, role, &Cards{Own: body})
}

// memberTold records who is below a member, and tells the hubs above.
func (r *Register) memberTold(ctx context.Context, tx *store.Tx, from alliance.NodeID, c *Cards, renamed bool) error {
	var changed []alliance.NodeID
	if renamed {
		changed = append(changed, from)
	}
	for _, text := range c.Nodes {
		p, err := envelope.ParsePassport(text)
		if err == nil && p.Node() == r.Self() {
			return r.loop(ctx, tx, from)
		}
		if err == nil {
			_, err = r.keep(ctx, tx, p)
		}
		if errors.Is(err, fault.Invalid) || errors.Is(err, fault.Forbidden) || errors.Is(err, fault.NotFound) {
			// One bad card of many must not hide the others.
			r.Log.Warn("a card below a member is refused", slog.String("member", string(from)), slog.String("reason", plainly(err.Error())))
			continue
		}
		if err != nil {
			return err
		}
		if err := upsertWay(ctx, tx, p.Node(), from, false, false, c.Sequence); err != nil {
			return err
		}
		changed = append(changed, p.Node())
	}
	for _, node := range c.Gone {
		if err := loseWay(ctx, tx, node, from, c.Sequence); err != nil {
			return err
		}
		changed = append(changed, node)
	}
	m, err := selectMember(ctx, tx, from)
	if err != nil {
		return err
	}
	before := m
	if c.Unlisted != nil {
		m.Unlisted = min(max(*c.Unlisted, 0), maxMembers)
	}
	if c.Listing == Listed || c.Listing == Anonymous {
		m.Listing = c.Listing
	}
	if m.Unlisted != before.Unlisted || m.Listing != before.Listing {
		if err := updateLink(ctx, tx, &m); err != nil {
			return err
		}
		if err := r.Trail.Record(ctx, tx, Who{ID: string(from), Name: nameOf(&m.Card)}, "member.listing", subject(from), linkShown(&before), linkShown(&m)); err != nil {
			return err
		}
		changed = append(changed, from)
	}
	if len(changed) == 0 {
		return nil
	}
	all := distinct(changed)
	if err := r.tellUp(ctx, tx, all...); err != nil {
		return err
	}
	return r.Reached(ctx, tx, all...)
}

func distinct(nodes []alliance.NodeID) []alliance.NodeID { return slices.Compact(sorted(nodes)) }

// hubTold records who is above a hub, and tells the members.
func (r *Register) hubTold(ctx context.Context, tx *store.Tx, from alliance.NodeID, c *Cards, renamed bool) error {
	changed := renamed
	peers, err := passports(c.Peers)
	if err != nil {
		return err
	}
	for _, p := range peers {
		if _, err := r.keep(ctx, tx, p); err != nil {
			return err
		}
	}
	if c.Above != nil {
		above, err := passports(*c.Above)
		if err != nil {
			return err
		}
		for _, p := range above {
			if p.Node() == r.Self() {
				return r.loop(ctx, tx, from)
			}
		}
		if err := r.aboveHub(ctx, tx, from, above, c.Sequence); err != nil {
			return err
		}
		changed = true
	}
	if !changed {
		return nil
	}
	return r.tellDown(ctx, tx)
}

// aboveHub makes those given all that is known to be above a hub.
func (r *Register) aboveHub(ctx context.Context, tx *store.Tx, hub alliance.NodeID, above []*envelope.Passport, sequence int64) error {
	if err := loseAbove(ctx, tx, hub, sequence); err != nil {
		return err
	}
	for _, p := range above {
		if _, err := r.keep(ctx, tx, p); err != nil {
			return err
		}
		if err := upsertWay(ctx, tx, p.Node(), hub, true, false, sequence); err != nil {
			return err
		}
	}
	return nil
}

// loop stops exchange with a neighbour by whom this node is its own ancestor.
func (r *Register) loop(ctx context.Context, tx *store.Tx, from alliance.NodeID) error {
	before, err := selectMember(ctx, tx, from)
	if err != nil {
		return err
	}
	m := before
	m.State, m.Since, m.Reason = Suspended, r.now(), "this node is above and below it: what is sent would go round in a circle"
	if err := r.change(ctx, tx, r.node(), "member.loop", &before, &m); err != nil {
		return err
	}
	return r.Notify(ctx, tx, Notice{Kind: "loop", Member: from, Name: nameOf(&m.Card), Reason: m.Reason})
}
