package warning_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// Whatever is edited and approved in whatever order: what is issued was approved,
// as it is, by enough people since it was last edited.
func TestApprovalsNeverSurviveAnEdit(t *testing.T) {
	t.Parallel()
	o := newOffice(t, storetest.Open(t, storetest.SQLite(t), rooms()...))
	rapid.Check(t, func(rt *rapid.T) {
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Red)))
		approved := map[string]bool{}
		says, draft := r.SHA256, wannaCry(alliance.Red)
		for range rapid.IntRange(1, 12).Draw(rt, "acts") {
			switch who := rapid.SampledFrom([]warning.Who{ann, bob, eve}).Draw(rt, "who"); rapid.SampledFrom([]string{"edit", "back", "approve", "stale", "issue"}).Draw(rt, "act") {
			case "edit":
				draft.Category = rapid.StringMatching(`[a-c]`).Draw(rt, "category")
				r = edited(t, o, r, draft, &says, approved)
			case "back": // to what was approved before: that counts no more
				draft.Category = "MI"
				r = edited(t, o, r, draft, &says, approved)
			case "approve":
				if now, err := o.Approve(t.Context(), by(who, &r), says, ""); err == nil {
					approved[who.ID] = true
					r = now
				} else if !errors.Is(err, fault.Conflict) {
					rt.Fatal(err)
				}
			case "stale":
				if _, err := o.Approve(t.Context(), by(who, &r), "another", ""); !errors.Is(err, fault.Conflict) {
					rt.Fatalf("another draft was approved: %v", err)
				}
			case "issue":
				_, err := o.Issue(t.Context(), by(who, &r))
				if (err == nil) != (len(approved) >= 2) {
					rt.Fatalf("%d approved, issued: %v", len(approved), err)
				}
				if err == nil {
					return
				}
			}
		}
	})
}

func edited(t *testing.T, o *office, r warning.Record, draft warning.Draft, says *string, approved map[string]bool) warning.Record {
	t.Helper()
	r = must[warning.Record](t)(o.Edit(t.Context(), by(dan, &r), draft))
	if r.SHA256 != *says {
		clear(approved)
	}
	*says = r.SHA256
	return r
}

func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		const count = 12
		var all sync.WaitGroup
		for n := range count {
			draft := wannaCry(alliance.Blue)
			if n%3 == 0 {
				draft.Scope = alliance.Scope{Sectors: []string{"nobody"}, Members: []alliance.NodeID{failing}}
			}
			r := must[warning.Record](t)(o.Draft(t.Context(), dan, draft))
			r = o.approved(r, ann)
			all.Go(func() {
				if _, err := o.Issue(t.Context(), by(ann, &r)); err != nil && n%3 != 0 {
					t.Error(err)
				} else if err == nil && n%3 == 0 {
					t.Error("it was issued though it could not be sent")
				}
			})
		}
		all.Wait()
		var numbers []string
		list, _, err := o.List(t.Context(), warning.Filter{States: []warning.State{warning.Issued}}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			numbers = append(numbers, r.Number)
		}
		slices.Sort(numbers)
		for k, n := range numbers {
			if want := fmt.Sprintf("2017-%03d", k+1); n != want {
				t.Fatalf("numbers %v: %s is missing", numbers, want)
			}
		}
		if len(numbers) != count*2/3 {
			t.Errorf("%d numbers", len(numbers))
		}
	}, rooms()...)
}

// A member that gets the messages in any order, some twice, ends where the author
// is.
func TestMemberEndsInTheAuthorsState(t *testing.T) {
	t.Parallel()
	o := newOffice(t, storetest.Open(t, storetest.SQLite(t), rooms()...))
	rapid.Check(t, func(rt *rapid.T) {
		o.sent = nil
		r := o.life(rt)
		mine := o.forMember(t)
		order := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "order"), 1))
		order.Shuffle(len(mine), func(a, b int) { mine[a], mine[b] = mine[b], mine[a] })
		for _, e := range append(mine, mine[:len(mine)/2]...) {
			if err := o.inbox.takes(e, o.inbox.up); err != nil {
				rt.Fatal(err)
			}
		}
		o.pass(time.Duration(rapid.IntRange(0, 60).Draw(rt, "hours")) * hour)
		o.settle()
		r = must[warning.Record](t)(o.Get(t.Context(), r.ID))
		v := must[warning.ArrivedView](t)(o.inbox.Show(t.Context(), r.ID))
		author := must[warning.View](t)(o.Show(t.Context(), ann, r.ID))
		state := map[warning.State]warning.Standing{
			warning.Lifted: warning.StandingLifted, warning.Recalled: warning.StandingRecalled, warning.Expired: warning.StandingExpired,
		}[r.State]
		if r.State.InForce() {
			state = warning.StandingInForce
		}
		if v.State != state || v.Revision != r.Revision || v.Colour != r.Colour || v.State == warning.StandingInForce && v.Unratified != r.Unratified {
			rt.Fatalf("the author has %s, revision %d, %s, unratified %t; the member %s, %d, %s, %t",
				r.State, r.Revision, r.Colour, r.Unratified, v.State, v.Revision, v.Colour, v.Unratified)
		}
		if diff := alliance.Diff(author.InForce, v.Content); len(diff) > 0 {
			rt.Fatalf("contents differ: %v", diff)
		}
		if _, in := o.inbox.inForce[r.ID]; in != (state == warning.StandingInForce) {
			rt.Fatalf("%s, and in force is %t", state, in)
		}
		if open := slices.ContainsFunc(v.Duties, func(d warning.Duty) bool { return d.Ended.IsZero() && d.Colour != r.Colour }); open {
			rt.Fatalf("duties of another colour are open: %+v", v.Duties)
		}
	})
}

// life makes a warning and lets it live.
func (o *office) life(rt *rapid.T) warning.Record {
	ok := must[warning.Record](o.t)
	ctx := o.t.Context()
	colours := rapid.SampledFrom(alliance.Colours())
	draft := wannaCry(colours.Draw(rt, "colour"))
	draft.ExpiresIn = warning.Within(40 * hour)
	r := ok(o.Draft(ctx, dan, draft))
	r = o.publish(rt, r)
	for range rapid.IntRange(0, 5).Draw(rt, "acts") {
		switch rapid.SampledFrom([]string{"amend", "colour", "ratify", "pass", "lift", "recall"}).Draw(rt, "act") {
		case "amend":
			draft.Category = rapid.StringMatching(`[a-z]{3}`).Draw(rt, "category")
			if now, err := o.Amend(ctx, by(dan, &r, "news"), draft); err == nil {
				r = o.publish(rt, now)
			}
		case "colour":
			draft.Colour = colours.Draw(rt, "colour")
			if now, err := o.Amend(ctx, by(dan, &r, "news"), draft); err == nil {
				r = o.publish(rt, now)
			}
		case "ratify":
			if now, err := o.Ratify(ctx, by(bob, &r)); err == nil {
				r = now
			}
		case "pass":
			o.pass(time.Duration(rapid.IntRange(1, 20).Draw(rt, "hours")) * hour)
			o.settle()
		case "lift":
			if now, err := o.Lift(ctx, by(ann, &r, "over")); err == nil {
				r = now
			}
		case "recall":
			if now, err := o.Recall(ctx, by(ann, &r, "a mistake")); err == nil {
				r = now
			}
		}
	}
	return r
}

// publish issues a draft, by two people or alone.
func (o *office) publish(rt *rapid.T, r warning.Record) warning.Record {
	ok := must[warning.Record](o.t)
	ctx := o.t.Context()
	if rapid.Bool().Draw(rt, "alone") {
		if now, err := o.IssueAlone(ctx, by(ann, &r, "nobody answers")); err == nil {
			return now
		}
	}
	for _, who := range []warning.Who{ann, bob} {
		if r.State == warning.Drafted || r.State == warning.Changing {
			r = o.approved(r, who)
		}
	}
	return ok(o.Issue(ctx, by(ann, &r)))
}

// forMember are the messages that go to the member.
func (o *office) forMember(t *testing.T) (mine []*envelope.Envelope) {
	t.Helper()
	for _, e := range o.sent {
		h, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		if contains(o.to[h.ID], o.inbox.self.ID()) {
			mine = append(mine, e)
		}
	}
	return mine
}
