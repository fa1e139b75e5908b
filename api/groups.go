package api

import (
	"context"
	"net/http"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/store"
	"tocsin/people"
)

// GroupAsked is a sharing group as it is to be.
type GroupAsked struct {
	Name    string            `json:"name"`
	Members []alliance.NodeID `json:"members"`
	// Least is how many members others may know of, once there are so many; 0 keeps
	// the group unknown.
	Least int `json:"least,omitempty"`
}

// listGroups tells of groups in full to who manages the alliance; others know of a
// group at most that it has so many members.
func (a *api) listGroups(r *http.Request) ([]member.Group, error) {
	entitled := people.Require(r.Context(), people.ManageAlliance) == nil
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, reg *member.Register) ([]member.Group, error) {
		all, err := reg.Groups(ctx, tx, reg.Self())
		if err != nil || entitled {
			return listed(all), err
		}
		seen := []member.Group{}
		for k := range all {
			if g, ok := all[k].Outside(); ok {
				seen = append(seen, g)
			}
		}
		return seen, nil
	})
}

func (a *api) addGroup(r *http.Request, in *GroupAsked) (member.Group, error) {
	return a.putGroup(r, in, "")
}

func (a *api) changeGroup(r *http.Request, in *GroupAsked) (member.Group, error) {
	return a.putGroup(r, in, r.PathValue("group"))
}

func (a *api) putGroup(r *http.Request, in *GroupAsked, id string) (member.Group, error) {
	reg, err := a.members()
	if err != nil {
		return member.Group{}, err
	}
	return reg.SetGroup(r.Context(), people.Actor(r.Context()), member.Group{ID: id, Name: in.Name, Members: in.Members, Least: in.Least})
}

func (a *api) endGroup(r *http.Request) (nothing, error) {
	reg, err := a.members()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, reg.EndGroup(r.Context(), people.Actor(r.Context()), r.PathValue("group"))
}

// MandateAsked is a mandate as this node gives it.
type MandateAsked struct {
	Support alliance.NodeID `json:"support"`
	May     []member.Task   `json:"may"`
	Note    string          `json:"note,omitempty"`
	Until   *time.Time      `json:"until,omitempty"` // until it is ended where it is left out
}

func (a *api) listMandates(r *http.Request) ([]member.Mandate, error) {
	return readMembers(r.Context(), a, func(ctx context.Context, tx *store.Tx, reg *member.Register) ([]member.Mandate, error) {
		all, err := reg.Mandates(ctx, tx)
		return listed(all), err
	})
}

func (a *api) grantMandate(r *http.Request, in *MandateAsked) (member.Mandate, error) {
	reg, err := a.members()
	if err != nil {
		return member.Mandate{}, err
	}
	return reg.Grant(r.Context(), people.Actor(r.Context()), member.Mandate{Support: in.Support, May: in.May, Note: in.Note, Until: in.Until})
}

func (a *api) endMandate(r *http.Request) (member.Mandate, error) {
	reg, err := a.members()
	if err != nil {
		return member.Mandate{}, err
	}
	return reg.EndMandate(r.Context(), people.Actor(r.Context()), r.PathValue("mandate"))
}
