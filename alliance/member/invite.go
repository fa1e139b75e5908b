package member

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Invitation is a secret with which one node may ask to join, once.
type Invitation struct {
	ID string `json:"id"`
	// Kind, Sectors and Regions limit who may ask with it: the kind must be the
	// card's, and each sector and region of the card one of those or below one.
	// Empty ones do not.
	Kind      alliance.Kind   `json:"kind,omitempty"`
	Sectors   []string        `json:"sectors,omitempty"`
	Regions   []string        `json:"regions,omitempty"`
	Note      string          `json:"note,omitempty"` // whom it is for
	By        string          `json:"by"`
	Made      time.Time       `json:"made"`
	Expires   time.Time       `json:"expires"`
	Used      *time.Time      `json:"used,omitempty"`
	UsedBy    alliance.NodeID `json:"used_by,omitempty"`
	Withdrawn *time.Time      `json:"withdrawn,omitempty"`

	hash string
}

// Limits of invitations.
const (
	// DefaultExpiry leaves a weekend to answer in.
	DefaultExpiry  = 72 * time.Hour
	longestExpiry  = 90 * 24 * time.Hour
	maxInvitations = 10_000 // that are open
)

// Invite makes an invitation and returns the token, which is told this once. Kind,
// Sectors, Regions, Note and Expires of in count; without Expires it is
// DefaultExpiry. The error is fault.Invalid, also where nobody configured at what
// address this node is reached.
func (r *Register) Invite(ctx context.Context, who Who, in Invitation) (*Token, Invitation, error) {
	if r.Carrier == nil {
		return nil, in, fmt.Errorf("invite: members could not connect to this node: set 'alliance: {listen: HOST:PORT}' in the configuration, and restart it: %w", fault.Conflict)
	}
	address := *r.reached.Load()
	if address == "" {
		return nil, in, fmt.Errorf("invite: this node does not know its own address: set 'url' in the configuration, as https://HOST:PORT: %w", fault.Invalid)
	}
	now := r.now()
	if in.Expires.IsZero() {
		in.Expires = now.Add(DefaultExpiry)
	}
	if err := in.check(now); err != nil {
		return nil, in, err
	}
	token, err := newToken(address, r.Self(), r.CertificatePin)
	if err != nil {
		return nil, in, fmt.Errorf("invite: %w", err)
	}
	in.ID, in.By, in.Made, in.Expires, in.hash = store.NewID(now), who.Name, now, in.Expires.UTC().Truncate(time.Microsecond), hashOf(token.secret[:])
	in.Used, in.UsedBy, in.Withdrawn = nil, "", nil
	err = r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		n, err := countInvitations(ctx, tx, now)
		if err != nil {
			return err
		}
		if n >= maxInvitations {
			return fmt.Errorf("invite: %d invitations are open: withdraw some: %w", n, fault.Conflict)
		}
		if err := insertInvitation(ctx, tx, &in); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "member.invite", audit.Subject{Kind: "invitation", ID: in.ID}, nil, in)
	})
	return token, in, err
}

func (i *Invitation) check(now time.Time) error {
	probe := alliance.Card{Names: map[string]string{"en": "-"}, Kind: alliance.Enterprise, Sectors: i.Sectors, Regions: i.Regions}
	if err := checkCard(&probe); err != nil {
		return fmt.Errorf("invitation: %w", err)
	}
	switch {
	case i.Kind != "" && !slices.Contains(alliance.Kinds(), i.Kind):
		return fmt.Errorf("invitation: kind %.20q: use one of %v: %w", i.Kind, alliance.Kinds(), fault.Invalid)
	case !plain(i.Note):
		return fmt.Errorf("invitation: a note of up to %d bytes: %w", maxText, fault.Invalid)
	case !i.Expires.After(now) || i.Expires.Sub(now) > longestExpiry:
		return fmt.Errorf("invitation: it expires from now on and within %d days: %w", longestExpiry/(24*time.Hour), fault.Invalid)
	}
	return nil
}

// fits says why a card is not one that may use the invitation; nil when it may.
func (i *Invitation) fits(c *alliance.Card) error {
	refuse := func(what string, is, wanted any) error {
		return fmt.Errorf("the invitation is for the %s %v, and the card says %v: ask for another, or correct the card: %w", what, wanted, is, fault.Forbidden)
	}
	if i.Kind != "" && c.Kind != i.Kind {
		return refuse("kind", c.Kind, i.Kind)
	}
	sectors, regions := alliance.Scope{Sectors: i.Sectors}, alliance.Scope{Regions: i.Regions}
	for _, s := range c.Sectors {
		if !sectors.Means(&alliance.Card{Sectors: []string{s}}) {
			return refuse("sectors", c.Sectors, i.Sectors)
		}
	}
	for _, g := range c.Regions {
		if !regions.Means(&alliance.Card{Regions: []string{g}}) {
			return refuse("regions", c.Regions, i.Regions)
		}
	}
	if len(i.Sectors) > 0 && len(c.Sectors) == 0 {
		return refuse("sectors", "none", i.Sectors)
	}
	if len(i.Regions) > 0 && len(c.Regions) == 0 {
		return refuse("regions", "none", i.Regions)
	}
	return nil
}

// Invitations returns the invitations, the newest first; those that are used,
// withdrawn or expired too.
func (r *Register) Invitations(ctx context.Context) (all []Invitation, err error) {
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectInvitations(ctx, tx)
		return err
	})
	return all, err
}

// Withdraw makes an invitation useless that was not used. The error is
// fault.NotFound, or fault.Conflict for one that was used.
func (r *Register) Withdraw(ctx context.Context, who Who, id string) error {
	return r.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err := selectInvitation(ctx, tx, id)
		switch {
		case err != nil:
			return fmt.Errorf("invitation %.40q: %w", id, err)
		case i.Used != nil:
			return fmt.Errorf("invitation %s was used by node %s: refuse or expel that: %w", i.ID, i.UsedBy, fault.Conflict)
		case i.Withdrawn != nil:
			return nil
		}
		if err := withdrawInvitation(ctx, tx, i.ID, r.now()); err != nil {
			return err
		}
		return r.Trail.Record(ctx, tx, who, "member.withdraw", audit.Subject{Kind: "invitation", ID: i.ID}, i, nil)
	})
}

// now is the time as tables keep it.
func (r *Register) now() time.Time { return r.Now().UTC().Truncate(time.Microsecond) }
