package member_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/intel"
	"tocsin/internal/store"
)

// TestOwnersByWhatWasConfirmed: the longest network and the nearest domain count,
// and what nobody confirmed counts for nothing.
func TestOwnersByWhatWasConfirmed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, all []*store.DB) {
		w := newWorld(t)
		hub := w.node(all[0], "Hub", alliance.Authority)
		add := func(name string, networks []string, domains ...string) alliance.NodeID {
			card := alliance.Card{
				Names: map[string]string{"en": name}, Kind: alliance.Enterprise, Domains: domains, Contacts: []alliance.Contact{{Mail: "duty@example.org"}},
			}
			for _, n := range networks {
				card.Networks = append(card.Networks, netip.MustParsePrefix(n))
			}
			m, err := hub.AddWithout(t.Context(), ann, member.Without{Card: card, Language: "en"})
			if err != nil {
				t.Fatal(err)
			}
			return m.Node
		}
		wide := add("Wide", []string{"198.51.100.0/24", "2001:db8::/32"}, "example.com")
		narrow := add("Narrow", []string{"198.51.100.128/25"}, "shop.example.com")
		claims := add("Claims", []string{"203.0.113.0/24"}, "claimed.example")
		for _, node := range []alliance.NodeID{wide, narrow} {
			if _, err := hub.Confirm(t.Context(), ann, node); err != nil {
				t.Fatal(err)
			}
		}
		asked := []intel.Observable{
			{Kind: intel.IPAddress, Value: "198.51.100.7"},
			{Kind: intel.IPAddress, Value: "198.51.100.200"},
			{Kind: intel.IPAddress, Value: "2001:db8::1"},
			{Kind: intel.Domain, Value: "www.shop.example.com"},
			{Kind: intel.Domain, Value: "mail.example.com"},
			{Kind: intel.EmailAddress, Value: "a@example.com"},
			{Kind: intel.IPAddress, Value: "203.0.113.1"},
			{Kind: intel.Domain, Value: "claimed.example"},
			{Kind: intel.IPRange, Value: "198.51.0.0/16"},
		}
		var split member.Ownership
		err := hub.db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			split, err = hub.Owners(ctx, tx, asked)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for node, want := range map[alliance.NodeID][]int{wide: {0, 2, 4, 5}, narrow: {1, 3}, claims: nil} {
			for _, k := range want {
				if !slices.Contains(split.ByMember[node], asked[k]) {
					t.Errorf("%s is not said to be %s's", asked[k], node)
				}
			}
			if len(split.ByMember[node]) != len(want) {
				t.Errorf("%s has %v", node, split.ByMember[node])
			}
		}
		if len(split.Unowned) != 3 {
			t.Errorf("unowned: %v", split.Unowned)
		}
		// A second claim to the same network is not confirmed.
		again := add("Again", []string{"198.51.100.0/24"})
		if _, err := hub.Confirm(t.Context(), ann, again); err == nil {
			t.Error("two members were confirmed as owners of one network")
		}
	}, 1)
}
