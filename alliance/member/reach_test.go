package member_test

import (
	"crypto/ed25519"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/member"
	"tocsin/intel"
)

// node returns the n-th of a test's nodes.
func node(n int) alliance.NodeID {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, strconv.Itoa(n))
	public, _ := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	return alliance.NodeOf(public)
}

// drawnCard draws a card of few words, so that scopes often meet it.
func drawnCard(t *rapid.T, id alliance.NodeID) alliance.Card {
	return alliance.Card{
		Node: id, Kind: rapid.SampledFrom(alliance.Kinds()).Draw(t, "kind"), Names: map[string]string{"en": string(id)},
		Sectors: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"health", "health.hospital", "energy"}), 0, 2, rapid.ID).Draw(t, "sectors"),
		Regions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"CN", "CN-31", "AT"}), 0, 2, rapid.ID).Draw(t, "regions"),
	}
}

// TestNobodyIsReachedOutsideTheBoundary: whatever the alliance, the label and the
// scope, everybody reached is allowed by alliance.May, directly and on the way, and
// nobody who is allowed and can be reached is forgotten.
func TestNobodyIsReachedOutsideTheBoundary(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var members []member.Member
		var behind []member.Known
		cards := map[alliance.NodeID]alliance.Card{}
		for n := range rapid.IntRange(0, 8).Draw(t, "members") {
			id := node(n)
			cards[id] = drawnCard(t, id)
			m := member.Member{
				Node: id, Card: cards[id], Role: member.Down, State: rapid.SampledFrom(member.States()).Draw(t, "state"),
				NoNode: rapid.IntRange(0, 4).Draw(t, "no node") == 0,
			}
			if !m.NoNode {
				m.Unlisted = rapid.SampledFrom([]int{0, 0, member.LeastUnlisted}).Draw(t, "unlisted")
				for k := range rapid.IntRange(0, 3).Draw(t, "behind") {
					other := node(100 + 10*n + k)
					cards[other] = drawnCard(t, other)
					behind = append(behind, member.Known{Node: other, Card: cards[other], Through: id})
				}
			}
			members = append(members, m)
		}
		ids := []alliance.NodeID{node(1000)}
		for id := range cards {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		marking := intel.Marking(rapid.IntRange(0, 5).Draw(t, "marking"))
		author := rapid.SampledFrom(ids).Draw(t, "author")
		scope := alliance.Scope{
			Kinds:   rapid.SliceOfN(rapid.SampledFrom(alliance.Kinds()), 0, 1).Draw(t, "kinds"),
			Sectors: rapid.SliceOfN(rapid.SampledFrom([]string{"health", "energy"}), 0, 1).Draw(t, "in sectors"),
			Regions: rapid.SliceOfN(rapid.SampledFrom([]string{"CN", "AT"}), 0, 1).Draw(t, "in regions"),
			Members: rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 2, rapid.ID).Draw(t, "named"),
		}
		to := member.Reached(members, behind, marking, scope, author)

		may := func(id alliance.NodeID, carry bool) bool {
			c := cards[id]
			ok, _ := alliance.May(marking, scope, author, &c, carry)
			return ok
		}
		reached := map[alliance.NodeID]bool{}
		for _, m := range slices.Concat(to.Direct, to.ByMail) {
			if !may(m.Node, false) || m.State != member.Active || m.Node == author {
				t.Fatalf("%s must not have it", m.Node)
			}
			reached[m.Node] = true
		}
		for hub, those := range to.Via {
			k := slices.IndexFunc(members, func(m member.Member) bool { return m.Node == hub })
			if !may(hub, true) || members[k].State != member.Active || members[k].NoNode {
				t.Fatalf("%s must not carry it", hub)
			}
			if len(those) == 0 && members[k].Unlisted == 0 {
				t.Fatalf("%s carries it to nobody", hub)
			}
			for _, id := range those {
				if !may(id, false) || id == author {
					t.Fatalf("%s behind %s must not have it", id, hub)
				}
				reached[id] = true
			}
		}
		for _, left := range to.Left {
			if reached[left.Node] || left.Reason == "" {
				t.Fatalf("%s is reached and left out", left.Node)
			}
			reached[left.Node] = true
		}
		for _, m := range members {
			if !reached[m.Node] && m.Node != author && m.State != member.Pending && m.State != member.Refused {
				t.Fatalf("nothing is said of %s", m.Node)
			}
		}
		for _, b := range behind {
			k := slices.IndexFunc(members, func(m member.Member) bool { return m.Node == b.Through })
			if !reached[b.Node] && b.Node != author && members[k].Node != author && members[k].State != member.Pending && members[k].State != member.Refused {
				t.Fatalf("nothing is said of %s behind %s", b.Node, b.Through)
			}
		}
	})
}
