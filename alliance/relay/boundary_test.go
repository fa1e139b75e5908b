package relay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/envelope"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store/storetest"
)

// intent is what somebody wanted when they said something.
type intent struct {
	author *node
	label  alliance.Label
	hidden bool // not to be named
	group  string
}

// within says by TLP 2.0 whether a node may have, or carry, what was meant: it is
// written apart from alliance.May and from what forwards.
func (i *intent) within(n *node) bool {
	if n == i.author {
		return true
	}
	means := func(n *node) bool { return i.label.Scope.Means(&n.card) }
	switch i.label.Marking {
	case intel.TLPAmberStrict:
		return false
	case intel.TLPRed:
		return slices.Contains(i.label.Scope.Members, n.ID())
	}
	if means(n) {
		return true
	}
	if len(n.members) == 0 {
		return false // nobody is reached through it
	}
	if len(i.label.Scope.Members) == 0 || len(i.label.Scope.Kinds)+len(i.label.Scope.Sectors)+len(i.label.Scope.Regions) > 0 {
		if _, hidden := n.known(); hidden > 0 {
			return true // nobody above it can tell whether those that it does not name are meant
		}
	}
	return n.below(i.author) || slices.ContainsFunc(n.w.nodes, func(o *node) bool { return n.below(o) && means(o) })
}

// inspector looks at all that is put on links.
type inspector struct {
	t       *rapid.T
	w       *world
	intents map[string]*intent // by the title
	counts  map[string]int     // by kind: what the test saw at all
}

// titled is what the bodies of messages have of the title.
type titled struct {
	Title   string `json:"title"`
	Content *struct {
		Texts []struct {
			Title string `json:"title"`
		} `json:"texts"`
	} `json:"content"`
}

func (s *inspector) look(h hop, header *envelope.Header) {
	s.counts[header.Kind]++
	switch header.Kind {
	case alliance.ShareKind, alliance.HelpKind, alliance.WarningKind:
		s.item(h, header)
	case alliance.ShareOverKind, alliance.HelpOverKind, alliance.OfferOverKind:
		if !s.w.held[relay.Item{Author: header.Author, ID: header.About}][h.to.ID()] {
			s.t.Fatalf("the end of an item goes to %s, which never had it", h.to.ID())
		}
	case alliance.OfferKind, alliance.DecisionKind, alliance.AnswerKind:
		s.reply(h, header)
	default:
		s.t.Fatalf("nobody looks at what is of kind %s", header.Kind)
	}
}

func (s *inspector) item(h hop, header *envelope.Header) {
	var body titled
	if err := json.Unmarshal(h.e.Body, &body); err != nil {
		s.t.Fatal(err)
	}
	title := body.Title
	if body.Content != nil {
		title = body.Content.Texts[0].Title
	}
	i := s.intents[title]
	if i == nil {
		s.t.Fatalf("%q was never said", title)
	}
	if !i.within(h.to) {
		s.t.Fatalf("%s %q of %s, TLP:%s for %v, goes from %s to %s, outside its boundary",
			header.Kind, title, i.author.ID(), i.label.Marking, i.label.Scope, h.from.ID(), h.to.ID())
	}
	if header.Marking != i.label.Marking {
		s.t.Fatalf("%q was TLP:%s and is TLP:%s now", title, i.label.Marking, header.Marking)
	}
	if i.hidden && header.Author != i.author.ID() && says(h.e, string(i.author.ID())) {
		s.t.Fatalf("%q, said anonymously, names %s to %s", title, i.author.ID(), h.to.ID())
	}
	if i.group != "" && header.Author == i.author.ID() && !i.hidden {
		g := i.author.groups[i.group]
		if h.to.ID() != g.hub && !slices.Contains(g.members, h.to.ID()) {
			s.t.Fatalf("%s sees who is in a group", h.to.ID())
		}
	}
}

// reply checks that a reply goes to its recipient, the way that what it replies to
// came.
func (s *inspector) reply(h hop, header *envelope.Header) {
	if len(header.Audience.Members) != 1 {
		s.t.Fatalf("a reply for %v", header.Audience)
	}
	to := header.Audience.Members[0]
	if h.to.ID() != to && !s.w.held[relay.Item{Author: to, ID: header.About}][h.to.ID()] {
		s.t.Fatalf("a %s for %s goes to %s, which had nothing of what it replies to", header.Kind, to, h.to.ID())
	}
}

// cards are of organisations of all kinds.
func cards() []alliance.Card {
	kinds, sectors, regions := alliance.Kinds(), []string{"energy.gas", "health", "energy"}, []string{"AT", "CN-31"}
	all := make([]alliance.Card, 7)
	for k := range all {
		all[k] = alliance.Card{Kind: kinds[k%len(kinds)], Sectors: []string{sectors[k%len(sectors)]}, Regions: []string{regions[k/2%len(regions)]}}
	}
	return all
}

// TestNothingLeavesItsBoundary runs random alliances, of trees with several hubs and
// members of more than one, in which things are said under random labels: by no link
// may anything reach a node outside.
func TestNothingLeavesItsBoundary(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLite, cards()...)
	counts := map[string]int{}
	serial := 0
	rapid.Check(t, func(t *rapid.T) {
		s := &inspector{t: t, w: w, intents: map[string]*intent{}, counts: counts}
		w.look = s.look
		w.apart()
		s.drawLinks()
		for range rapid.IntRange(1, 2).Draw(t, "messages") {
			serial++
			s.say(fmt.Sprintf("message %d", serial))
			w.settle()
		}
		s.replies()
		w.settle()
		s.takeBack()
		w.settle()
	})
	for _, kind := range []string{
		alliance.ShareKind, alliance.HelpKind, alliance.WarningKind, alliance.ShareOverKind, alliance.HelpOverKind, alliance.OfferOverKind,
		alliance.OfferKind, alliance.DecisionKind, alliance.AnswerKind,
	} {
		if counts[kind] == 0 && !t.Failed() {
			t.Errorf("nothing of kind %s was ever sent: the test looks at nothing", kind)
		}
	}
}

// drawLinks joins nodes to a random alliance without circles.
func (s *inspector) drawLinks() {
	order := rapid.Permutation(indexes(len(s.w.nodes))).Draw(s.t, "order")
	size := rapid.IntRange(2, len(order)).Draw(s.t, "nodes")
	for k := 1; k < size; k++ {
		hubs := rapid.SliceOfNDistinct(rapid.IntRange(0, k-1), 1, min(k, 2), rapid.ID).Draw(s.t, "hubs")
		for _, hub := range hubs {
			s.w.link(order[k], order[hub])
		}
		s.w.nodes[order[k]].unlisted = rapid.IntRange(0, 3).Draw(s.t, "unlisted") == 0
	}
	for k := range size {
		hub := s.w.nodes[order[k]]
		if len(hub.members) == 0 {
			continue
		}
		g := group{hub: hub.ID()}
		var in []*node
		for _, at := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(hub.members)-1), 1, len(hub.members), rapid.ID).Draw(s.t, "group") {
			in = append(in, hub.members[at])
			g.members = append(g.members, hub.members[at].ID())
		}
		for _, m := range append(in, hub) {
			if m.groups == nil {
				m.groups = map[string]group{}
			}
			m.groups["group of "+string(hub.ID())] = g
		}
	}
}

func indexes(n int) []int {
	all := make([]int, n)
	for k := range all {
		all[k] = k
	}
	return all
}

func (s *inspector) drawLabel(author *node) alliance.Label {
	var ids []alliance.NodeID
	for _, n := range s.w.nodes {
		if n != author {
			ids = append(ids, n.ID())
		}
	}
	near := ids // RED is meant for neighbours; without some, hardly any is
	if some := slices.Concat(author.hubs, author.members); len(some) > 0 && rapid.Bool().Draw(s.t, "near") {
		near = nil
		for _, n := range some {
			near = append(near, n.ID())
		}
	}
	label := alliance.Label{Marking: intel.Marking(rapid.IntRange(int(intel.TLPClear), int(intel.TLPRed)).Draw(s.t, "marking"))}
	label.Scope.Members = rapid.SliceOfNDistinct(rapid.SampledFrom(near), 0, min(2, len(near)), rapid.ID).Draw(s.t, "named")
	if rapid.Bool().Draw(s.t, "described") {
		label.Scope.Kinds = rapid.SliceOfN(rapid.SampledFrom(alliance.Kinds()), 0, 1).Draw(s.t, "kinds")
		label.Scope.Sectors = rapid.SliceOfN(rapid.SampledFrom([]string{"energy", "health"}), 0, 1).Draw(s.t, "sectors")
		label.Scope.Regions = rapid.SliceOfN(rapid.SampledFrom([]string{"AT", "CN"}), 0, 1).Draw(s.t, "regions")
	}
	return label
}

// one draws a node, by its place: what is drawn is printed.
func (s *inspector) one(of []*node, what string) *node {
	return of[rapid.IntRange(0, len(of)-1).Draw(s.t, what)]
}

// say has a random node say something.
func (s *inspector) say(title string) {
	author := s.one(s.w.nodes, "author")
	i := &intent{author: author, label: s.drawLabel(author)}
	s.intents[title] = i
	var err error
	switch rapid.SampledFrom([]string{"warning", "share", "share", "help"}).Draw(s.t, "kind") {
	case "warning":
		if i.label.Marking == intel.TLPRed && len(i.label.Scope.Members) == 0 {
			return // the room of warnings does not issue it
		}
		author.warn(title, i.label)
	case "share":
		err = s.share(title, i)
	case "help":
		i.hidden = rapid.Bool().Draw(s.t, "anonymous") && len(author.hubs) > 0
		o := aid.Order{
			Help:    alliance.Help{Title: title, Skills: []string{"forensics"}, Until: time.Now().Add(time.Hour)},
			Marking: i.label.Marking, Scope: i.label.Scope, Anonymous: i.hidden, Incident: "1",
		}
		if i.hidden {
			o.Through = s.one(author.hubs, "through").ID()
		}
		_, err = author.aid.Ask(s.w.t.Context(), ann, o)
	}
	if err != nil && !errors.Is(err, fault.Forbidden) && !errors.Is(err, fault.Invalid) {
		s.t.Fatal(err)
	}
}

func (s *inspector) share(title string, i *intent) error {
	i.hidden = rapid.Bool().Draw(s.t, "anonymous") && len(i.author.hubs) > 0
	o := sharing.Order{
		Content: alliance.Shared{What: alliance.SharedNote, Title: title, Text: "said"}, Marking: i.label.Marking, Scope: i.label.Scope, Anonymous: i.hidden,
	}
	if i.hidden {
		o.Through = s.one(i.author.hubs, "through").ID()
	}
	if len(i.author.groups) > 0 && rapid.Bool().Draw(s.t, "to a group") {
		names := make([]string, 0, len(i.author.groups))
		for name := range i.author.groups {
			names = append(names, name)
		}
		slices.Sort(names)
		i.group = rapid.SampledFrom(names).Draw(s.t, "which group")
		g := i.author.groups[i.group]
		o.Group, o.Scope, o.Through = i.group, alliance.Scope{}, ""
		i.label.Scope = alliance.To(slices.DeleteFunc(slices.Clone(g.members), func(n alliance.NodeID) bool { return n == i.author.ID() })...)
		if g.hub == i.author.ID() {
			o.Anonymous, i.hidden = false, false
		}
	}
	_, err := i.author.sharing.Share(s.w.t.Context(), ann, o)
	return err
}

// replies has those who can answer and offer do so, and those who asked decide.
func (s *inspector) replies() {
	ctx := s.w.t.Context()
	for _, n := range s.w.nodes {
		for k := range n.bulletin {
			n.answer(&n.bulletin[k])
		}
		for _, told := range slices.Clone(n.told) {
			if told.Kind != "asked" {
				continue
			}
			_, err := n.aid.Offer(ctx, ann, told.Request.ID, alliance.Offer{People: 2, Contact: "Ann"})
			if err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.w.settle()
	for _, n := range s.w.nodes {
		for k, told := range slices.Clone(n.told) {
			if told.Kind != "offered" {
				continue
			}
			if _, err := n.aid.Decide(ctx, ann, told.Offer.ID, alliance.Decision{Accepted: k%2 == 0}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// takeBack withdraws all that was shared, asked and offered in this alliance.
func (s *inspector) takeBack() {
	ctx := s.w.t.Context()
	for _, n := range s.w.nodes {
		shares, err := n.sharing.List(ctx, "", 100)
		if err != nil {
			s.t.Fatal(err)
		}
		for k := range shares {
			if i := s.intents[shares[k].Title]; i != nil && i.author == n && shares[k].By != "" {
				if _, err := n.sharing.Withdraw(ctx, ann, shares[k].ID, "over"); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		requests, err := n.aid.List(ctx, "", 100)
		if err != nil {
			s.t.Fatal(err)
		}
		for k := range requests {
			r := &requests[k]
			if s.intents[r.Help.Title] == nil {
				continue
			}
			for _, o := range r.Offers {
				if o.By != "" && (o.State == aid.Open || o.State == aid.Accepted) {
					if err := n.aid.Withdraw(ctx, ann, o.ID, "busy"); err != nil {
						s.t.Fatal(err)
					}
				}
			}
			if r.By != "" && r.State == aid.Open {
				if err := n.aid.Withdraw(ctx, ann, r.ID, "over"); err != nil {
					s.t.Fatal(err)
				}
			}
		}
	}
}
