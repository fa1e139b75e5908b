package alliance_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/intel"
)

// nodes are a few, so that random alliances name the same ones.
var nodes = func() []alliance.NodeID {
	var all []alliance.NodeID
	for i := range 6 {
		all = append(all, alliance.NodeOf(ed25519.NewKeyFromSeed(slices.Repeat([]byte{byte(i)}, ed25519.SeedSize)).Public().(ed25519.PublicKey)))
	}
	return all
}()

var (
	someSectors = []string{"health", "health.hospital", "healthcare", "energy"}
	someRegions = []string{"CN", "CN-31", "C", "DE"}
)

func drawScope(t *rapid.T) alliance.Scope {
	return alliance.Scope{
		Kinds:   rapid.SliceOfNDistinct(rapid.SampledFrom(alliance.Kinds()), 0, 2, rapid.ID).Draw(t, "kinds"),
		Sectors: rapid.SliceOfNDistinct(rapid.SampledFrom(someSectors), 0, 2, rapid.ID).Draw(t, "sectors"),
		Regions: rapid.SliceOfNDistinct(rapid.SampledFrom(someRegions), 0, 2, rapid.ID).Draw(t, "regions"),
		Members: rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 0, 3, rapid.ID).Draw(t, "members"),
	}
}

func drawCard(t *rapid.T) *alliance.Card {
	return &alliance.Card{
		Node:    rapid.SampledFrom(nodes).Draw(t, "node"),
		Kind:    rapid.SampledFrom(alliance.Kinds()).Draw(t, "kind"),
		Sectors: rapid.SliceOfNDistinct(rapid.SampledFrom(someSectors), 0, 2, rapid.ID).Draw(t, "has"),
		Regions: rapid.SliceOfNDistinct(rapid.SampledFrom(someRegions), 0, 2, rapid.ID).Draw(t, "in"),
	}
}

// meant says in other words than the package does who is meant.
func meant(s alliance.Scope, c *alliance.Card) bool {
	if slices.Contains(s.Members, c.Node) {
		return true
	}
	within := func(code, in, by string) bool { return code == in || strings.HasPrefix(code+by, in+by) }
	all, restricted := true, false
	if len(s.Kinds) > 0 {
		restricted = true
		all = all && slices.Contains(s.Kinds, c.Kind)
	}
	for _, part := range []struct {
		want, has []string
		by        string
	}{{s.Sectors, c.Sectors, "."}, {s.Regions, c.Regions, "-"}} {
		if len(part.want) == 0 {
			continue
		}
		restricted = true
		fit := false
		for _, w := range part.want {
			for _, h := range part.has {
				fit = fit || within(h, w, part.by)
			}
		}
		all = all && fit
	}
	if !restricted {
		return len(s.Members) == 0
	}
	return all
}

// TestNothingGoesBeyondItsMarking tries random markings, scopes and cards: TLP:RED
// reaches those who are named alone, and nobody carries it; TLP:AMBER+STRICT reaches
// nobody; everything else reaches those meant, and those who carry it to them.
func TestNothingGoesBeyondItsMarking(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		marking := intel.Marking(rapid.IntRange(0, 7).Draw(t, "marking"))
		scope, card := drawScope(t), drawCard(t)
		author := rapid.SampledFrom(nodes).Draw(t, "author")
		carry := rapid.Bool().Draw(t, "carry")
		ok, reason := alliance.May(marking, scope, author, card, carry)
		if ok != (reason == "") {
			t.Fatalf("%v, because %q", ok, reason)
		}
		var want bool
		switch {
		case card.Node == author:
			want = true
		case marking > intel.TLPRed, marking == intel.TLPAmberStrict:
			want = false
		case marking == intel.TLPRed:
			want = !carry && slices.Contains(scope.Members, card.Node)
		default:
			want = carry || meant(scope, card)
		}
		if ok != want {
			t.Fatalf("marking %s, carry %v: got %v, %q; want %v", marking, carry, ok, reason, want)
		}
		if scope.Means(card) != meant(scope, card) {
			t.Fatal("the scope means another than it says")
		}
	})
}

func TestFingerprintsAreReadOutAndTyped(t *testing.T) {
	t.Parallel()
	id := nodes[0]
	said := id.Fingerprint()
	for _, typed := range []string{said, strings.ReplaceAll(said, " ", ""), strings.ReplaceAll(said, " ", "-"), " " + said + "\t"} {
		if got, err := alliance.ParseFingerprint(typed); err != nil || got != said {
			t.Errorf("%q is %q, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", said[1:], said + "1", strings.Replace(said, " ", "x", 1), "١٢٣٤٥ 12345 12345 12345 12345"} {
		if got, err := alliance.ParseFingerprint(typed); err == nil {
			t.Errorf("%q was taken for %s", typed, got)
		}
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if alliance.KeyFingerprint(key) == alliance.NodeOf(key).Fingerprint() {
		t.Error("a key is told as its node is")
	}
	if got, want := alliance.KeyFingerprint(key), "23921 59527 88541 74138 18163"; got != want {
		t.Errorf("got %s, want %s: a fingerprint never changes", got, want)
	}
	if got, want := alliance.NodeOf(key).Fingerprint(), "56967 68504 25643 26389 05950"; got != want {
		t.Errorf("got %s, want %s: a fingerprint never changes", got, want)
	}
}
