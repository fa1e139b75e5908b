package warning_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

func TestWarningArrivesAndIsActedOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		r := o.issued(alliance.Red)
		sent := i.deliver(t, 0)
		o.settle()
		v := must[warning.ArrivedView](t)(i.Show(t.Context(), r.Number))
		if v.State != warning.StandingInForce || v.Colour != alliance.Red || v.Content.Questions() != 2 || len(v.Received) != 1 {
			t.Errorf("arrived as %+v", v)
		}
		if len(v.Duties) != 1 || !v.Duties[0].Roster || len(i.needs) != 1 || i.needs[0].Over {
			t.Errorf("duties %+v, roster %+v", v.Duties, i.needs)
		}
		if held, ok := i.inForce[r.ID]; !ok || len(held) != 0 {
			t.Errorf("in force: %v", i.inForce)
		}
		if !contains(o.told(), warning.NoticeArrived) || len(i.arrived) != 1 {
			t.Errorf("told %v, arrived %v", o.told(), i.arrived)
		}

		r = must[warning.Record](t)(o.Lower(t.Context(), by(ann, &r, "fewer new cases"), alliance.Yellow))
		r = o.approved(r, ann, bob)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		sent = i.deliver(t, sent)
		v = must[warning.ArrivedView](t)(i.Show(t.Context(), r.Number))
		if v.Colour != alliance.Yellow || v.Received[1].Change != alliance.LoweredChange || len(v.Received[1].Changes) == 0 || v.Received[1].Why != "fewer new cases" {
			t.Errorf("lowered to %+v", v)
		}
		if len(v.Duties) != 2 || v.Duties[0].Ended.IsZero() || v.Duties[1].Name != "xx/yellow.watch" || len(i.needs) != 2 || !i.needs[1].Over {
			t.Errorf("duties %+v, roster %+v", v.Duties, i.needs)
		}
		if _, err := i.Done(t.Context(), warning.Change{Who: dan, Warning: r.Number, Why: "two more analysts"}, "xx/yellow.watch"); err != nil {
			t.Error(err)
		}

		r = must[warning.Record](t)(o.Recall(t.Context(), by(bob, &r, "it was meant as an exercise")))
		i.deliver(t, sent)
		v = must[warning.ArrivedView](t)(i.Show(t.Context(), r.Number))
		if _, still := i.inForce[r.ID]; still || v.State != warning.StandingRecalled {
			t.Errorf("recalled: %s, in force %v", v.State, i.inForce)
		}
		if len(i.replies) != 1 {
			t.Fatalf("%d replies", len(i.replies))
		}
		if err := o.hand(i.replies[0], i.self.ID(), i.Replied); err != nil {
			t.Fatal(err)
		}
		for _, to := range must[[]warning.Reached](t)(o.Receipts(t.Context(), r.Number)) {
			if got := !to.Gone.IsZero(); got != (to.Node == i.self.ID()) {
				t.Errorf("receipt %+v", to)
			}
		}
	})
}

func TestWhatWouldFloodIsHeldUntilAPersonLetsItThrough(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		const hash = "sha256 24d004a104d4d54034dbcffc2a4b19a11f39008a575aa614ea04703480b1022c"
		i.loads[hash] = warning.FloodAt + 1
		i.loads["domain iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com"] = warning.FloodAt
		r := o.issued(alliance.Yellow)
		sent := i.deliver(t, 0)
		o.settle()
		v := must[warning.ArrivedView](t)(i.Show(t.Context(), r.Number))
		if len(v.Suspended) != 1 || v.Suspended[0].What != hash || len(i.inForce[r.ID]) != 1 {
			t.Fatalf("held %+v, in force %v", v.Suspended, i.inForce)
		}
		if len(i.replies) != 1 {
			t.Fatal("its author is not told")
		}
		if err := o.hand(i.replies[0], i.self.ID(), i.Replied); err != nil {
			t.Fatal(err)
		}
		held := must[[]warning.Held](t)(o.Held(t.Context(), r.Number))
		if len(held) != 1 || held[0].What != hash || held[0].Node != i.self.ID() || held[0].Name != "Hospital" {
			t.Errorf("the author knows of %+v", held)
		}
		c := warning.Change{Who: dan, Warning: r.Number}
		if _, err := i.Release(t.Context(), c, 1); !errors.Is(err, fault.Invalid) {
			t.Errorf("let through without a reason: %v", err)
		}
		c.Why = "that file is ours to look at"
		if _, err := i.Release(t.Context(), c, 0); !errors.Is(err, fault.Conflict) {
			t.Errorf("what is not held was let through: %v", err)
		}
		if _, err := i.Release(t.Context(), c, 1); err != nil || len(i.inForce[r.ID]) != 0 {
			t.Errorf("held still: %v, %v", i.inForce, err)
		}
		// What a person let through stays so in the next revision.
		r = must[warning.Record](t)(o.Raise(t.Context(), by(ann, &r, "more cases"), alliance.Orange))
		r = o.approved(r, ann, bob)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		i.deliver(t, sent)
		o.settle()
		if len(i.inForce[r.ID]) != 0 || len(i.replies) != 1 {
			t.Errorf("held again: %v, %d replies", i.inForce, len(i.replies))
		}
	})
}

func TestOnlyThoseAboveMayWarn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		r := o.issued(alliance.Blue)
		e := o.sent[0]
		err := i.takes(e, o.cards[0].Node)
		if refusal, ok := envelope.RefusalOf(err); !ok || refusal.Reason != envelope.NotAllowed {
			t.Errorf("a peer warned us: %v", err)
		}
		if err := i.takes(e, i.up); err != nil {
			t.Fatal(err)
		}
		if err := i.takes(e, i.up); err != nil {
			t.Errorf("the same message again: %v", err)
		}
		// Another message that is the same revision.
		b, h := bulletin(t, o.ring, e, o.now())
		b.Reason, h.ID = "otherwise", "01J00000000000000000000000"
		other := must[*envelope.Envelope](t)(o.self.Seal(h, encoded(t, b)))
		if refusal, ok := envelope.RefusalOf(i.takes(other, i.up)); !ok || refusal.Reason != envelope.NotAllowed {
			t.Errorf("revision 1 was said twice: %v", refusal)
		}
		// A warning of the same ID by another author, passed on by our uplink.
		stranger := identity(t, "Stranger")
		o.ring[stranger.ID()] = stranger.Passport()
		b.Revision, b.Change = 2, alliance.AmendedChange
		b.Content.Revision, b.Content.Author, h.ID = 2, stranger.ID(), "01J00000000000000000000001"
		foreign := must[*envelope.Envelope](t)(stranger.Seal(h, encoded(t, b)))
		if refusal, ok := envelope.RefusalOf(i.takes(foreign, i.up)); !ok || refusal.Reason != envelope.NotAllowed {
			t.Errorf("another author changed warning %s: %v", r.Number, refusal)
		}
		if v := must[warning.ArrivedView](t)(i.Show(t.Context(), r.ID)); v.Revision != 1 || len(v.Received) != 1 {
			t.Errorf("left as %+v", v)
		}
	})
}

func encoded(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRelayPassesOnWhatIsNotForItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		member := o.cards[3].Node // of energy; the relay is of health
		i.below = warning.Reach{To: []warning.Recipient{{Node: member, Name: "Member 2"}}}
		draft := wannaCry(alliance.Yellow)
		draft.Scope = alliance.Scope{Sectors: []string{"energy"}}
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, draft))
		r = o.approved(r, ann)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		if err := i.takes(o.sent[0], i.up); err != nil {
			t.Fatal(err)
		}
		if len(i.forwards) != 1 || i.forwards[0] != member {
			t.Errorf("passed on to %v", i.forwards)
		}
		if _, err := i.Get(t.Context(), r.ID); !errors.Is(err, fault.NotFound) || len(i.arrived) != 0 {
			t.Errorf("it was taken for ours: %v, %v", err, i.arrived)
		}
	})
}

func TestWhoIsNotMeantAnyMoreIsToldThatItIsOver(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		r := o.issued(alliance.Yellow)
		sent := i.deliver(t, 0)
		draft := wannaCry(alliance.Yellow)
		draft.Scope = alliance.Scope{Sectors: []string{"energy"}}
		r = must[warning.Record](t)(o.Amend(t.Context(), by(dan, &r, "only energy is hit"), draft))
		if reach := must[warning.Reach](t)(o.Preview(t.Context(), r.ID)); len(reach.Gone) != 3 || len(reach.To) != 1 {
			t.Errorf("preview %+v", reach)
		}
		r = o.approved(r, ann)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		sent = i.deliver(t, sent)
		if a := must[warning.Arrived](t)(i.Get(t.Context(), r.ID)); a.State != warning.StandingLifted || a.Revision != 2 {
			t.Errorf("it stands as %+v", a)
		}
		if n := len(o.sent); n != 3 {
			t.Errorf("%d messages", n)
		}
		r = must[warning.Record](t)(o.Amend(t.Context(), by(dan, &r, "all are hit"), wannaCry(alliance.Yellow)))
		r = o.approved(r, ann)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		i.deliver(t, sent)
		if a := must[warning.Arrived](t)(i.Get(t.Context(), r.ID)); a.State != warning.StandingInForce || a.Revision != 3 {
			t.Errorf("it stands as %+v", a)
		}
	})
}

func TestArrivedWarningExpiresByItself(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		i := o.inbox
		r := o.issued(alliance.Red)
		i.deliver(t, 0)
		o.settle()
		o.pass(31 * 24 * time.Hour)
		o.settle()
		a := must[warning.Arrived](t)(i.Get(t.Context(), r.ID))
		r = must[warning.Record](t)(o.Get(t.Context(), r.ID))
		if _, still := i.inForce[r.ID]; still || a.State != warning.StandingExpired || r.State != warning.Expired {
			t.Errorf("at the member %s, at its author %s", a.State, r.State)
		}
	})
}

func TestBlockingIsATaskForAPerson(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		draft := wannaCry(alliance.Blue)
		draft.Asked = append(draft.Asked, warning.Indicator{Kind: intel.IPAddress, Value: "192.0.2.7", Action: new(intel.Block)})
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, draft))
		r = o.approved(r, ann)
		r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		o.inbox.deliver(t, 0)
		v := must[warning.ArrivedView](t)(o.inbox.Show(t.Context(), r.ID))
		if len(v.Duties) != 1 || v.Duties[0].Name != "block" {
			t.Errorf("duties %+v", v.Duties)
		}
	})
}

func TestWhoComesLaterGetsWhatIsInForce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		late := &alliance.Card{Node: alliance.NodeOf([]byte("who comes later, 32 bytes of key")), Kind: alliance.Enterprise, Sectors: []string{"health"}, Names: map[string]string{"en": "Late"}}
		other := &alliance.Card{Node: alliance.NodeOf([]byte("of no sector that was meant, key")), Kind: alliance.Enterprise, Sectors: []string{"energy"}, Names: map[string]string{"en": "Other"}}
		r, over := o.issued(alliance.Yellow), o.issued(alliance.Yellow)
		_ = must[warning.Record](t)(o.Lift(t.Context(), by(ann, &over, "it is over")))
		o.inbox.deliver(t, 0)
		before := len(o.sent)
		o.cards = append(o.cards, late, other)
		come := func(nodes ...alliance.NodeID) {
			t.Helper()
			err := o.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				return errors.Join(o.Reached(ctx, tx, nodes...), o.inbox.Reached(ctx, tx, nodes...))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		o.inbox.below = warning.Reach{To: []warning.Recipient{{Node: late.Node, Name: "Late"}}}
		come(late.Node, other.Node)
		if len(o.sent) != before+1 {
			t.Fatalf("%d messages went out, want the one in force", len(o.sent)-before)
		}
		h, err := o.sent[before].Verify(o.ring, o.now())
		if err != nil {
			t.Fatal(err)
		}
		if to := o.to[h.ID]; len(to) != 1 || to[0] != late.Node || h.About != r.ID {
			t.Errorf("sent to %v about %s", to, h.About)
		}
		if len(o.joined) != 1 || o.joined[0] != r.ID {
			t.Errorf("the board heard of %v", o.joined)
		}
		if all := must[[]warning.Reached](t)(o.Receipts(t.Context(), r.ID)); !slices.ContainsFunc(all, func(r warning.Reached) bool { return r.Node == late.Node }) {
			t.Errorf("not among whom it went to: %v", all)
		}
		// Also what came from above is passed on, and nothing that is over.
		if f := o.inbox.forwards; len(f) != 1 || f[0] != late.Node {
			t.Errorf("passed on to %v", f)
		}
		come(other.Node)
		if len(o.sent) != before+1 || len(o.inbox.forwards) != 1 {
			t.Error("something went to nobody new")
		}
	})
}
