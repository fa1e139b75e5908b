package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/people"
)

// AllianceMember is a neighbour in the alliance as the API tells of it.
type AllianceMember struct {
	member.Member
	// Fingerprint is what is read out by telephone to be sure whose node it is.
	Fingerprint string `json:"fingerprint"`
	// Connected says whether it is connected now, and since when; nil where that is
	// not known.
	Connected *time.Time `json:"connected,omitempty"`
}

func (m AllianceMember) tag() string { return tag(m.Version) }

func shownMember(m *member.Member) AllianceMember {
	return AllianceMember{Member: *m, Fingerprint: m.Node.Fingerprint()}
}

// errNoAlliance is for a node that takes part in none.
var errNoAlliance = fmt.Errorf("this node keeps no alliance: %w", fault.NotFound)

// members returns the register of members.
func (a *api) members() (*member.Register, error) {
	if a.Members == nil {
		return nil, errNoAlliance
	}
	return a.Members, nil
}

// readMembers runs do on one state of the register.
func readMembers[T any](ctx context.Context, a *api, do func(ctx context.Context, tx *store.Tx, r *member.Register) (T, error)) (out T, err error) {
	r, err := a.members()
	if err != nil {
		return out, err
	}
	err = r.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		out, err = do(ctx, tx, r)
		return err
	})
	return out, err
}

// nodeOf reads the node in a path. The error is fault.NotFound, as for any that is
// not there.
func nodeOf(r *http.Request) (alliance.NodeID, error) {
	id, err := alliance.ParseNodeID(r.PathValue("node"))
	if err != nil {
		return "", fmt.Errorf("%.60q is no node: %w", r.PathValue("node"), fault.NotFound)
	}
	return id, nil
}

// membersAsked is the query of members.
type membersAsked struct {
	Role  string `query:"role" doc:"down for members, up for hubs; by default both."`
	State string `query:"state" doc:"Only those in this state."`
}

func (a *api) listMembers(r *http.Request, q *membersAsked) ([]AllianceMember, error) {
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, m *member.Register) ([]AllianceMember, error) {
		all, err := m.Neighbours(ctx, tx)
		shown := []AllianceMember{}
		for k := range all {
			if (q.Role == "" || string(all[k].Role) == q.Role) && (q.State == "" || string(all[k].State) == q.State) {
				shown = append(shown, a.seen(&all[k]))
			}
		}
		return shown, err
	})
}

// seen adds what is known of the connection.
func (a *api) seen(m *member.Member) AllianceMember {
	shown := shownMember(m)
	if a.Connected != nil {
		if since, ok := a.Connected(m.Node); ok {
			shown.Connected = &since
		}
	}
	return shown
}

func (a *api) readMember(r *http.Request) (AllianceMember, error) {
	node, err := nodeOf(r)
	if err != nil {
		return AllianceMember{}, err
	}
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, reg *member.Register) (AllianceMember, error) {
		m, err := reg.Member(ctx, tx, node)
		return a.seen(&m), err
	})
}

// KnownNodes are the nodes that are no neighbours.
type KnownNodes struct {
	Below []member.Known `json:"below"`
	Above []member.Known `json:"above"`
}

func (a *api) listKnown(r *http.Request) (KnownNodes, error) {
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, reg *member.Register) (k KnownNodes, err error) {
		if k.Below, err = reg.Behind(ctx, tx); err != nil {
			return k, err
		}
		k.Above, err = reg.Above(ctx, tx)
		k.Below, k.Above = listed(k.Below), listed(k.Above)
		return k, err
	})
}

func (a *api) addMember(r *http.Request, w *member.Without) (AllianceMember, error) {
	reg, err := a.members()
	if err != nil {
		return AllianceMember{}, err
	}
	m, err := reg.AddWithout(r.Context(), people.Actor(r.Context()), *w)
	return shownMember(&m), err
}

func (a *api) changeMember(r *http.Request, w *member.Without) (AllianceMember, error) {
	version, reg, node, err := a.changing(r)
	if err != nil {
		return AllianceMember{}, err
	}
	m, err := reg.ChangeWithout(r.Context(), people.Actor(r.Context()), node, version, *w)
	return shownMember(&m), err
}

// changing is what a change of a member begins with.
func (a *api) changing(r *http.Request) (version int64, reg *member.Register, node alliance.NodeID, err error) {
	if reg, err = a.members(); err != nil {
		return 0, nil, "", err
	}
	if node, err = nodeOf(r); err != nil {
		return 0, nil, "", err
	}
	version, err = ifMatch(r)
	return version, reg, node, err
}

// MemberApproval is how a node is admitted.
type MemberApproval struct {
	Reason string        `json:"reason,omitempty"`
	Kind   alliance.Kind `json:"kind,omitempty"` // in this link, where it is not the card's
	// Confirm confirms all networks, AS numbers and domains that its card claims.
	Confirm bool `json:"confirm,omitempty"`
}

// MemberReason is why something is done about a member; it is told to the member.
type MemberReason struct {
	Reason string `json:"reason,omitempty"`
}

type deciding func(*member.Register, context.Context, member.Who, member.Decision) (member.Member, error)

func (a *api) decideMember(r *http.Request, d member.Decision, do deciding) (AllianceMember, error) {
	version, reg, node, err := a.changing(r)
	if err != nil {
		return AllianceMember{}, err
	}
	d.Node, d.Version = node, version
	m, err := do(reg, r.Context(), people.Actor(r.Context()), d)
	return shownMember(&m), err
}

func (a *api) approveMember(r *http.Request, in *MemberApproval) (AllianceMember, error) {
	return a.decideMember(r, member.Decision{Reason: in.Reason, Kind: in.Kind, Confirm: in.Confirm}, (*member.Register).Approve)
}

func (a *api) refuseMember(r *http.Request, in *MemberReason) (AllianceMember, error) {
	return a.decideMember(r, member.Decision{Reason: in.Reason}, (*member.Register).Refuse)
}

func (a *api) suspendMember(r *http.Request, in *MemberReason) (AllianceMember, error) {
	return a.decideMember(r, member.Decision{Reason: in.Reason}, (*member.Register).Suspend)
}

func (a *api) resumeMember(r *http.Request, in *MemberReason) (AllianceMember, error) {
	return a.decideMember(r, member.Decision{Reason: in.Reason}, (*member.Register).Resume)
}

func (a *api) expelMember(r *http.Request, in *MemberReason) (AllianceMember, error) {
	return a.decideMember(r, member.Decision{Reason: in.Reason}, (*member.Register).Expel)
}

// HoldingsNamed are holdings as people write them: 192.0.2.0/24, AS64500, a domain.
type HoldingsNamed struct {
	Holdings []string `json:"holdings,omitempty"` // all where none is named
}

func (a *api) listHoldings(r *http.Request) ([]member.Held, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return nil, err
	}
	all, err := reg.Holdings(r.Context(), node)
	return listed(all), err
}

func (a *api) settleHoldings(r *http.Request, in *HoldingsNamed, do func(*member.Register, context.Context, member.Who, alliance.NodeID, ...member.Holding) ([]member.Held, error)) ([]member.Held, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return nil, err
	}
	var named []member.Holding
	for _, text := range in.Holdings {
		h, err := member.ParseHolding(text)
		if err != nil {
			return nil, err
		}
		named = append(named, h)
	}
	all, err := do(reg, r.Context(), people.Actor(r.Context()), node, named...)
	return listed(all), err
}

func (a *api) confirmHoldings(r *http.Request, in *HoldingsNamed) ([]member.Held, error) {
	return a.settleHoldings(r, in, (*member.Register).Confirm)
}

func (a *api) doubtHoldings(r *http.Request, in *HoldingsNamed) ([]member.Held, error) {
	return a.settleHoldings(r, in, (*member.Register).Doubt)
}

func (a *api) listPhones(r *http.Request) ([]member.Phone, error) {
	node, err := nodeOf(r)
	if err != nil {
		return nil, err
	}
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, reg *member.Register) ([]member.Phone, error) {
		all, err := reg.Phones(ctx, tx, node)
		return listed(all), err
	})
}

func (a *api) setPhones(r *http.Request, in *[]member.Phone) ([]member.Phone, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return nil, err
	}
	if err := reg.SetPhones(r.Context(), people.Actor(r.Context()), node, *in); err != nil {
		return nil, err
	}
	return a.listPhones(r)
}

// InvitationAsked is what an invitation is to be.
type InvitationAsked struct {
	Kind    alliance.Kind `json:"kind,omitempty"`
	Sectors []string      `json:"sectors,omitempty"`
	Regions []string      `json:"regions,omitempty"`
	Note    string        `json:"note,omitempty"`
	// Expires is when it is good no more, by default 72 h from now.
	Expires time.Time `json:"expires,omitzero"`
}

// InvitationMade is a new invitation, with the token that is told this once.
type InvitationMade struct {
	Token      string            `json:"token"`
	Invitation member.Invitation `json:"invitation"`
}

func (a *api) inviteMember(r *http.Request, in *InvitationAsked) (InvitationMade, error) {
	reg, err := a.members()
	if err != nil {
		return InvitationMade{}, err
	}
	token, made, err := reg.Invite(r.Context(), people.Actor(r.Context()), member.Invitation{
		Kind: in.Kind, Sectors: in.Sectors, Regions: in.Regions, Note: in.Note, Expires: in.Expires,
	})
	if err != nil {
		return InvitationMade{}, err
	}
	return InvitationMade{token.Text(), made}, nil
}

func (a *api) listInvitations(r *http.Request) ([]member.Invitation, error) {
	reg, err := a.members()
	if err != nil {
		return nil, err
	}
	all, err := reg.Invitations(r.Context())
	return listed(all), err
}

func (a *api) withdrawInvitation(r *http.Request) (nothing, error) {
	reg, err := a.members()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, reg.Withdraw(r.Context(), people.Actor(r.Context()), r.PathValue("invitation"))
}

// ticketBytes bounds what a node sends that asks how it stands, or leaves.
const ticketBytes = 16 << 10

// What other nodes ask, whom nobody knows yet.

func (a *api) takeJoin(r *http.Request, in *member.Asking) (member.Request, error) {
	reg, err := a.members()
	if err != nil {
		return member.Request{}, err
	}
	return reg.Ask(r.Context(), people.From(r.Context()).Address, in)
}

func (a *api) tellStanding(r *http.Request, in *member.Ticket) (member.Standing, error) {
	reg, err := a.members()
	if err != nil {
		return member.Standing{}, err
	}
	return reg.Stands(r.Context(), people.From(r.Context()).Address, in)
}

func (a *api) takeLeave(r *http.Request, in *member.Leaving) (nothing, error) {
	reg, err := a.members()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, reg.Leaves(r.Context(), people.From(r.Context()).Address, in)
}

// HubAsked is a request to join a hub.
type HubAsked struct {
	Token string `json:"token"`
	// Listing is listed, or anonymous to be named to nobody above the hub.
	Listing member.Listing `json:"listing,omitempty"`
}

// HubApplication is a join that this node asked for.
type HubApplication struct {
	member.Application
	HubFingerprint string `json:"hub_fingerprint"`
	Fingerprint    string `json:"fingerprint"` // this node's, which the hub's people compare
}

func (a *api) shownApplication(reg *member.Register, made *member.Application) HubApplication {
	return HubApplication{*made, made.Hub.Fingerprint(), reg.Self().Fingerprint()}
}

func (a *api) joinHub(r *http.Request, in *HubAsked) (HubApplication, error) {
	reg, err := a.members()
	if err != nil {
		return HubApplication{}, err
	}
	made, err := reg.Apply(r.Context(), people.Actor(r.Context()), in.Token, in.Listing)
	if err != nil {
		return HubApplication{}, err
	}
	return a.shownApplication(reg, &made), nil
}

func (a *api) listHubs(r *http.Request) ([]HubApplication, error) {
	reg, err := a.members()
	if err != nil {
		return nil, err
	}
	all, err := reg.Applications(r.Context())
	shown := []HubApplication{}
	for k := range all {
		shown = append(shown, a.shownApplication(reg, &all[k]))
	}
	return shown, err
}

func (a *api) readHub(r *http.Request) (HubApplication, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return HubApplication{}, err
	}
	made, err := reg.Application(r.Context(), node)
	return a.shownApplication(reg, &made), err
}

// lookAtHub asks a hub how this node stands there.
func (a *api) lookAtHub(r *http.Request) (HubApplication, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return HubApplication{}, err
	}
	if _, err := reg.Look(r.Context(), node); err != nil {
		return HubApplication{}, err
	}
	return a.readHub(r)
}

func (a *api) leaveHub(r *http.Request, in *MemberReason) (HubApplication, error) {
	_, reg, node, err := a.changing(r)
	if err != nil {
		return HubApplication{}, err
	}
	if err := reg.Leave(r.Context(), people.Actor(r.Context()), node, in.Reason); err != nil {
		return HubApplication{}, err
	}
	return a.readHub(r)
}

// OwnCard is what this node says of itself.
type OwnCard struct {
	Node        alliance.NodeID `json:"node"`
	Fingerprint string          `json:"fingerprint"`
	Card        *alliance.Card  `json:"card"` // null where there is none, and nothing to make it of
	// Proposed is set where nobody set a card yet: it is what the description of the
	// organisation makes.
	Proposed bool `json:"proposed,omitempty"`
	// Passport is the signed card with the keys, to be given to others.
	Passport json.RawMessage `json:"passport"`
}

func (c OwnCard) tag() string {
	if c.Card == nil || c.Card.Revision == 0 {
		return ""
	}
	return tag(int64(c.Card.Revision))
}

func (a *api) readCard(r *http.Request) (OwnCard, error) {
	reg, err := a.members()
	if err != nil {
		return OwnCard{}, err
	}
	own := OwnCard{Node: reg.Self(), Fingerprint: reg.Self().Fingerprint()}
	p := reg.Passport()
	if own.Passport, err = json.Marshal(p); err != nil {
		return own, err
	}
	card, err := p.Card()
	if errors.Is(err, fault.NotFound) {
		card, err = reg.Proposed(r.Context())
		own.Proposed = err == nil
	}
	if errors.Is(err, fault.NotFound) {
		return own, nil
	}
	own.Card = &card
	return own, err
}

func (a *api) setCard(r *http.Request, card *alliance.Card) (OwnCard, error) {
	reg, err := a.members()
	if err != nil {
		return OwnCard{}, err
	}
	seen, err := ifMatch(r)
	if err != nil {
		return OwnCard{}, err
	}
	if seen == 0 { // any
		before, err := reg.Passport().Card()
		if err != nil && !errors.Is(err, fault.NotFound) {
			return OwnCard{}, err
		}
		seen = int64(before.Revision)
	}
	if _, err := reg.Describe(r.Context(), people.Actor(r.Context()), int(seen), *card); err != nil {
		return OwnCard{}, err
	}
	return a.readCard(r)
}
