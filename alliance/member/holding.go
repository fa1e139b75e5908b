package member

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// HoldingKind is what sort of thing a holding is.
type HoldingKind string

// The kinds of holdings.
const (
	Network HoldingKind = "network"
	ASN     HoldingKind = "asn"
	Domain  HoldingKind = "domain"
)

// Holding is a network, a number of an autonomous system or a domain.
type Holding struct {
	Kind  HoldingKind `json:"kind"`
	Value string      `json:"value"` // in normal form
}

// holdingsOf returns what a card claims, in normal form. The card was checked.
func holdingsOf(c *alliance.Card) []Holding {
	var all []Holding
	for _, p := range c.Networks {
		all = append(all, Holding{Network, normalNetwork(p).String()})
	}
	for _, n := range c.ASNs {
		all = append(all, Holding{ASN, strconv.FormatUint(uint64(n), 10)})
	}
	for _, d := range c.Domains {
		if o, err := observable.Parse(intel.Domain, d); err == nil {
			all = append(all, Holding{Domain, o.Value})
		}
	}
	return all
}

// normalNetwork is a network without bits of hosts, and an IPv4 one as such.
func normalNetwork(p netip.Prefix) netip.Prefix {
	if at := p.Addr(); at.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(at.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Held is a holding of a node, and whether this node confirmed it.
type Held struct {
	Node alliance.NodeID `json:"node"`
	Holding
	Confirmed *time.Time `json:"confirmed,omitempty"`
	By        string     `json:"by,omitempty"` // who confirmed it
}

// ParseHolding reads a network, an AS number (AS64500) or a domain. The error is
// fault.Invalid.
func ParseHolding(text string) (Holding, error) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil && p.Bits() > 0 {
		return Holding{Network, normalNetwork(p).String()}, nil
	}
	if at, err := netip.ParseAddr(text); err == nil && at.Zone() == "" {
		return Holding{Network, normalNetwork(netip.PrefixFrom(at, at.BitLen())).String()}, nil
	}
	if digits, ok := strings.CutPrefix(strings.ToUpper(text), "AS"); ok {
		if n, err := strconv.ParseUint(digits, 10, 32); err == nil {
			return Holding{ASN, strconv.FormatUint(n, 10)}, nil
		}
	}
	o, err := observable.Parse(intel.Domain, text)
	if err != nil || observable.Registered(o.Value) == "" {
		return Holding{}, fmt.Errorf("%.80q is no network (192.0.2.0/24), AS number (AS64500) or domain: %w", text, fault.Invalid)
	}
	return Holding{Domain, o.Value}, nil
}

// Holdings returns what a node claims to hold.
func (r *Register) Holdings(ctx context.Context, node alliance.NodeID) (all []Held, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectHeld(ctx, tx, node)
		return err
	})
	return all, err
}

// Confirm confirms holdings that a node's card claims, all where none is named, so
// that addresses in them are routed to it. The error is fault.NotFound for one that
// the card does not claim, fault.Conflict for one that is confirmed as another's.
func (r *Register) Confirm(ctx context.Context, who Who, node alliance.NodeID, holdings ...Holding) ([]Held, error) {
	return r.settle(ctx, node, holdings, func(ctx context.Context, tx *store.Tx, h Holding) error { return r.confirm(ctx, tx, who, node, h) })
}

// Doubt takes confirmations back, all where none is named.
func (r *Register) Doubt(ctx context.Context, who Who, node alliance.NodeID, holdings ...Holding) ([]Held, error) {
	return r.settle(ctx, node, holdings, func(ctx context.Context, tx *store.Tx, h Holding) error {
		if err := updateHolding(ctx, tx, node, h, time.Time{}, ""); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "member.doubt", subject(node), h, nil)
	})
}

func (r *Register) settle(ctx context.Context, node alliance.NodeID, holdings []Holding, one func(context.Context, *store.Tx, Holding) error) (all []Held, err error) {
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		card, err := selectCard(ctx, tx, node)
		if err != nil {
			return fmt.Errorf("member %.40q: %w", node, err)
		}
		claimed := holdingsOf(&card)
		wanted := holdings
		if len(wanted) == 0 {
			wanted = claimed
		}
		for _, h := range wanted {
			if !slices.Contains(claimed, h) {
				return fmt.Errorf("the card of %s does not claim the %s %s: %w", nameOf(&card), h.Kind, h.Value, fault.NotFound)
			}
			if err := one(ctx, tx, h); err != nil {
				return err
			}
		}
		all, err = selectHeld(ctx, tx, node)
		return err
	})
	return all, err
}

func (r *Register) confirm(ctx context.Context, tx *store.Tx, who Who, node alliance.NodeID, h Holding) error {
	owner, err := selectOwner(ctx, tx, h)
	switch {
	case errors.Is(err, fault.NotFound):
	case err != nil:
		return err
	case owner == node:
		return nil
	default:
		return fmt.Errorf("the %s %s is confirmed as that of node %s: take that back first ('tocsin member doubt'): %w", h.Kind, h.Value, owner, fault.Conflict)
	}
	if err := updateHolding(ctx, tx, node, h, r.now(), who.Name); err != nil {
		return err
	}
	return r.Trail.Record(ctx, tx, who, "member.confirm", subject(node), nil, h)
}
