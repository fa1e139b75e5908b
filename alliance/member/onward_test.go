package member_test

import (
	"context"
	"testing"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/internal/store"
)

func TestAHubMakesMembersKnowWhoseMessageTheyGet(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub := w.node(all[0], "Hub", alliance.Association)
		one, two := w.node(all[1], "One", alliance.Enterprise, "energy"), w.node(all[2], "Two", alliance.Enterprise, "energy")
		for _, p := range []*place{one, two} {
			w.join(p, hub, member.Listed)
			p.until(hub.Self(), member.Active)
		}
		w.deliver()
		if _, known := two.Ring().Passport(one.Self()); known {
			t.Fatal("members know each other before they met")
		}
		err := hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return hub.Introduce(ctx, tx, one.Self(), two.Self(), one.Self())
		})
		if err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if _, known := two.Ring().Passport(one.Self()); !known {
			t.Error("who was introduced is not known")
		}
		err = two.db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if way, err := two.Way(ctx, tx, one.Self()); err == nil {
				t.Errorf("who was introduced is reached through %s", way)
			}
			on, err := two.Onward(ctx, tx, alliance.Label{Scope: alliance.To(one.Self())}, two.Self(), "")
			if err == nil && (len(on.To) != 1 || on.To[0] != hub.Self()) {
				t.Errorf("what is for a member goes to %v, not to the hub", on.To)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}, 3)
}
