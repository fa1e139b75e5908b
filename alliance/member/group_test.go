package member_test

import (
	"context"
	"testing"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/store"
)

func (p *place) groups(viewer alliance.NodeID) (all []member.Group) {
	p.w.t.Helper()
	err := p.db.Read(p.w.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = p.Groups(ctx, tx, viewer)
		return err
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	return all
}

// TestGroupIsSeenByThoseInIt, and a mandate reaches the team by way of the hub and
// ends when the member ends it.
func TestGroupIsSeenByThoseInIt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub, works, team := w.node(all[0], "Hub", alliance.Association), w.node(all[1], "Works", alliance.Enterprise), w.node(all[2], "Team", alliance.Support)
		w.join(works, hub, member.Listed)
		w.join(team, hub, member.Listed)
		g, err := hub.SetGroup(t.Context(), ann, member.Group{Name: "Secret circle", Members: []alliance.NodeID{works.Self()}, Least: 3})
		if err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := works.groups(works.Self()); len(got) != 1 || got[0].Name != "Secret circle" {
			t.Errorf("who is in it sees %v", got)
		}
		if got := team.groups(team.Self()); len(got) != 0 {
			t.Errorf("who is not in it sees %v", got)
		}
		if got := hub.groups(team.Self()); len(got) != 0 {
			t.Errorf("a group smaller than may be known is told of: %v", got)
		}
		if err := hub.EndGroup(t.Context(), ann, g.ID); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if got := works.groups(works.Self()); len(got) != 0 {
			t.Errorf("an ended group is still there: %v", got)
		}

		m, err := works.Grant(t.Context(), ann, member.Mandate{Support: team.Self(), May: []member.Task{member.AnswerFor}})
		if err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if !team.may(works.Self(), member.AnswerFor) || team.may(works.Self(), member.InvestigateIn) {
			t.Error("the team does not have the mandate that was granted")
		}
		if _, err := works.EndMandate(t.Context(), ann, m.ID); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if team.may(works.Self(), member.AnswerFor) {
			t.Error("a mandate that was ended is in force")
		}
	}, 3)
}

// may says whether the place may act for a member.
func (p *place) may(node alliance.NodeID, what member.Task) (ok bool) {
	p.w.t.Helper()
	err := p.db.Read(p.w.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		ok, err = p.MayActFor(ctx, tx, p.Self(), node, what)
		return err
	})
	if err != nil {
		p.w.t.Fatal(err)
	}
	return ok
}
