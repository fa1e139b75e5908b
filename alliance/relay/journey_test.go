package relay_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/aid"
	"tocsin/alliance/envelope"
	"tocsin/alliance/relay"
	"tocsin/alliance/sharing"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// country is an authority (0) over two associations (1, 2); 3 and 4 are members of
// the first, 5 of the second.
func country(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, config := range map[string]func(testing.TB) store.Config{"sqlite": storetest.SQLite, "postgresql": storetest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enterprise := func(sector string) alliance.Card {
				return alliance.Card{Kind: alliance.Enterprise, Sectors: []string{sector}, Regions: []string{"AT"}}
			}
			w := newWorld(t, config, alliance.Card{Kind: alliance.Authority}, alliance.Card{Kind: alliance.Association}, alliance.Card{Kind: alliance.Association},
				enterprise("energy.gas"), enterprise("health"), enterprise("energy"))
			for member, hub := range map[int]int{1: 0, 2: 0, 3: 1, 4: 1, 5: 2} {
				w.link(member, hub)
			}
			test(t, w)
		})
	}
}

// who returns the nodes that have a share with its content, or a request.
func (w *world) who(title string) (all []int) {
	w.t.Helper()
	for k, n := range w.nodes {
		shares, err := n.sharing.List(w.t.Context(), "", 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range shares {
			one, err := n.sharing.Get(w.t.Context(), s.ID)
			if err != nil {
				w.t.Fatal(err)
			}
			if one.Title == title && one.State == sharing.Standing && one.Content != nil {
				all = append(all, k)
			}
		}
		requests, err := n.aid.List(w.t.Context(), "", 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range requests {
			if r.Help.Title == title && r.State == aid.Open {
				all = append(all, k)
			}
		}
	}
	return all
}

func (w *world) expects(title string, want ...int) {
	w.t.Helper()
	if got := w.who(title); !slices.Equal(got, want) {
		w.t.Errorf("%q is at %v, want %v (refused: %v)", title, got, want, w.refusals)
	}
}

func note(title string) alliance.Shared {
	return alliance.Shared{What: alliance.SharedNote, Title: title, Text: "said"}
}

func TestAShareReachesAllThatAreMeantAndIsWithdrawnThere(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		energy := sharing.Order{Content: note("energy"), Marking: intel.TLPAmber, Scope: alliance.Scope{Sectors: []string{"energy"}}}
		s, err := w.nodes[3].sharing.Share(ctx, ann, energy)
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("energy", 3, 5)

		if _, err := w.nodes[5].sharing.Withdraw(ctx, ann, s.ID, ""); !errors.Is(err, fault.Forbidden) {
			t.Errorf("another withdraws it: %v", err)
		}
		// Its card changes: it is not meant any more, and must hear of the end.
		if err := w.nodes[5].id.Describe(alliance.Card{Kind: alliance.Enterprise, Sectors: []string{"health"}, Issued: time.Now(), Names: map[string]string{"en": "Five"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.nodes[3].sharing.Withdraw(ctx, ann, s.ID, "wrong"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("energy")
		got, err := w.nodes[5].sharing.Get(ctx, s.ID)
		if err != nil || got.State != sharing.Withdrawn || got.Reason != "wrong" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestMarkingsThatMustNotTravelAreRefused(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		for name, o := range map[string]sharing.Order{
			"never leaves the organisation": {Marking: intel.TLPAmberStrict},
			"named only":                    {Marking: intel.TLPRed},
			"reach nobody":                  {Marking: intel.TLPRed, Scope: alliance.To(w.nodes[4].ID())},
			"goes through nobody":           {Marking: intel.TLPRed, Scope: alliance.To(w.nodes[1].ID()), Anonymous: true},
		} {
			o.Content = note(name)
			if _, err := w.nodes[3].sharing.Share(t.Context(), ann, o); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
			w.settle()
			w.expects(name)
		}
		red := sharing.Order{Content: note("red"), Marking: intel.TLPRed, Scope: alliance.To(w.nodes[1].ID())}
		if _, err := w.nodes[3].sharing.Share(t.Context(), ann, red); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("red", 1, 3)
	})
}

func TestWhoSharesAnonymouslyIsNamedByNothing(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		author := w.nodes[3]
		w.look = func(h hop, header *envelope.Header) {
			if h.from != author && says(h.e, string(author.ID())) {
				t.Errorf("%s names it to %s", header.Kind, h.to.ID())
			}
		}
		s, err := author.sharing.Share(t.Context(), ann, sharing.Order{Content: note("hidden"), Marking: intel.TLPGreen, Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("hidden", 0, 1, 2, 3, 4, 5)
		if _, err := author.sharing.Withdraw(t.Context(), ann, s.ID, "wrong"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("hidden")
	})
}

func TestAGroupIsSeenByItsOwnAlone(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		w.link(3, 2) // a second hub, which must not learn who is in the group
		g := map[string]group{"g": {hub: w.nodes[1].ID(), members: []alliance.NodeID{w.nodes[3].ID(), w.nodes[4].ID()}}}
		w.nodes[3].groups = g
		w.look = func(h hop, _ *envelope.Header) {
			if h.to != w.nodes[1] && h.to != w.nodes[4] {
				t.Errorf("it goes to %s", h.to.ID())
			}
		}
		if _, err := w.nodes[3].sharing.Share(t.Context(), ann, sharing.Order{Content: note("group"), Marking: intel.TLPAmber, Group: "g"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("group", 3, 4)
	})
}

func TestAnEndThatComesFirstKeepsTheShareOut(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		s, err := w.nodes[3].sharing.Share(t.Context(), ann, sharing.Order{Content: note("late"), Marking: intel.TLPGreen})
		if err != nil {
			t.Fatal(err)
		}
		late := w.queue
		w.queue = nil
		if _, err := w.nodes[3].sharing.Withdraw(t.Context(), ann, s.ID, ""); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.queue = late
		w.settle()
		w.expects("late")
	})
}

func TestHelpIsAskedOfferedAndAcceptedWithoutANameBeforeThat(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		ctx, asker, helper := t.Context(), w.nodes[3], w.nodes[5]
		decided := false
		w.look = func(h hop, header *envelope.Header) {
			if h.from != asker && h.to != asker && says(h.e, string(asker.ID())) {
				t.Errorf("%s names who asks to %s", header.Kind, h.to.ID())
			}
			if header.Kind == alliance.OfferKind && h.to == w.nodes[4] {
				t.Error("an offer goes to another")
			}
			decided = decided || header.Kind == alliance.DecisionKind && h.to == helper
		}
		help := alliance.Help{Title: "help", Skills: []string{"ics"}, Until: time.Now().Add(time.Hour)}
		r, err := asker.aid.Ask(ctx, ann, aid.Order{Help: help, Marking: intel.TLPAmber, Scope: alliance.Scope{Kinds: []alliance.Kind{alliance.Enterprise}}, Anonymous: true, Incident: "7"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("help", 1, 3, 4, 5) // the association asks it in its name
		theirs, err := helper.aid.List(ctx, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := helper.aid.Offer(ctx, ann, theirs[0].ID, alliance.Offer{People: 2, Contact: "Ann"})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		got, err := asker.aid.Get(ctx, r.ID)
		if err != nil || len(got.Offers) != 1 || got.Offers[0].Offer.By == nil || got.Offers[0].Offer.By.Node != helper.ID() {
			t.Fatalf("got %+v, %v (refused: %v)", got.Offers, err, w.refusals)
		}
		if last := asker.told[len(asker.told)-1]; last.Kind != "offered" || last.Incident != "case 7" {
			t.Errorf("the case is told %+v", last)
		}
		if _, err := asker.aid.Decide(ctx, ann, got.Offers[0].ID, alliance.Decision{Accepted: true, Contact: "Gate 2"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		theirs, err = helper.aid.List(ctx, "", 1)
		if err != nil || !decided || theirs[0].Offers[0].State != aid.Accepted || theirs[0].Offers[0].Decision.Contact != "Gate 2" {
			t.Errorf("got %+v, %v", theirs, err)
		}
		if err := helper.aid.Withdraw(ctx, ann, offer.ID, "busy"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if got, err = asker.aid.Get(ctx, r.ID); err != nil || got.Offers[0].State != aid.Withdrawn {
			t.Errorf("got %+v, %v", got.Offers, err)
		}
		if err := asker.aid.Withdraw(ctx, ann, r.ID, "well"); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("help")
	})
}

func TestARequestEndsWhenItsTimeIsOut(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		help := alliance.Help{Title: "soon over", Skills: []string{"ics"}, Until: time.Now().Add(1500 * time.Millisecond)}
		if _, err := w.nodes[3].aid.Ask(ctx, ann, aid.Order{Help: help, Marking: intel.TLPGreen, Scope: alliance.To(w.nodes[4].ID())}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.expects("soon over", 3, 4)
		theirs, err := w.nodes[4].aid.List(ctx, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.nodes[4].aid.Offer(ctx, ann, theirs[0].ID, alliance.Offer{People: 2, Contact: "Ann"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		for end := time.Now().Add(20 * time.Second); len(w.who("soon over")) > 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			for _, n := range w.nodes {
				if err := n.timers.Settle(ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.expects("soon over")
		got, err := w.nodes[4].aid.List(ctx, "", 1)
		if err != nil || got[0].State != aid.Expired || got[0].Offers[0].State != aid.Lapsed {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestForgedRepliesAreRefused(t *testing.T) {
	t.Parallel()
	country(t, func(t *testing.T, w *world) {
		ctx, asker, thief := t.Context(), w.nodes[3], w.nodes[4]
		help := alliance.Help{Title: "help", Skills: []string{"ics"}, Until: time.Now().Add(time.Hour)}
		r, err := asker.aid.Ask(ctx, ann, aid.Order{Help: help, Marking: intel.TLPGreen})
		if err != nil {
			t.Fatal(err)
		}
		w.settle()
		// Offers for others, what was never asked, and the end of another's request.
		for name, send := range map[string]func(context.Context, *store.Tx) error{
			"another's name": func(ctx context.Context, tx *store.Tx) error {
				_, err := thief.relay.Back(ctx, tx, relay.Item{Author: asker.ID(), ID: r.ID}, relay.Message{
					Kind: alliance.OfferKind, Label: alliance.Label{Marking: intel.TLPAmber},
					Body: &alliance.Offer{People: 1, Contact: "x", By: &alliance.Offerer{Node: w.nodes[5].ID(), Name: "Five"}},
				})
				return err
			},
			"a decision": func(ctx context.Context, tx *store.Tx) error {
				_, err := thief.relay.Back(ctx, tx, relay.Item{Author: asker.ID(), ID: r.ID}, relay.Message{
					Kind: alliance.DecisionKind, Label: alliance.Label{Marking: intel.TLPAmber}, Body: &alliance.Decision{Accepted: true},
				})
				return err
			},
			"an end": func(ctx context.Context, tx *store.Tx) error {
				return thief.relay.Over(ctx, tx, r.ID, relay.Message{Kind: alliance.HelpOverKind, Label: alliance.Label{Marking: intel.TLPGreen}, Body: &alliance.Ended{}})
			},
		} {
			if err := thief.db.Tx(ctx, send); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			w.settle()
		}
		w.expects("help", 0, 1, 2, 3, 4, 5)
		if got, err := asker.aid.Get(ctx, r.ID); err != nil || len(got.Offers) != 0 {
			t.Errorf("got %+v, %v", got.Offers, err)
		}
		if len(w.refusals) != 2 {
			t.Errorf("refused: %q", w.refusals)
		}
	})
}
