package warning_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/internal/fault"
	"tocsin/people"
)

const hour = time.Hour

var eve = person("5", "Eve Lang", people.Commander)

func TestOnePersonIssuesAndAnotherRatifies(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Red)))
		if _, err := o.IssueAlone(t.Context(), by(ann, &r)); !errors.Is(err, fault.Invalid) {
			t.Errorf("without a reason: %v", err)
		}
		r = must[warning.Record](t)(o.IssueAlone(t.Context(), by(ann, &r, "the second commander is on a plane")))
		b, _ := o.last()
		g := b.Content.BreakGlass
		if g == nil || g.By != ann.Name || g.RatifyBy.Sub(g.At) != 24*hour || !strings.Contains(g.Reason, "plane") || g.Ratified != nil {
			t.Errorf("the warning says %+v", g)
		}
		if got := o.told(); len(got) != 1 || got[0] != warning.NoticeAlone || o.notices[0].To[0] != "commander" {
			t.Errorf("told %+v", o.notices)
		}
		if _, err := o.Ratify(t.Context(), by(ann, &r)); !errors.Is(err, fault.Forbidden) {
			t.Errorf("who issued it alone ratified it: %v", err)
		}
		r = must[warning.Record](t)(o.Ratify(t.Context(), by(bob, &r)))
		b, _ = o.last()
		if b.Change != alliance.RatifiedChange || b.Revision != 2 || b.Content.BreakGlass.Ratified == nil || !r.RatifyBy.IsZero() {
			t.Errorf("ratified as %+v", b)
		}
		o.pass(48 * hour)
		o.settle()
		if r = must[warning.Record](t)(o.Get(t.Context(), r.ID)); r.Unratified {
			t.Error("it was ratified, and is shown as not")
		}
		if _, err := o.Ratify(t.Context(), by(bob, &r)); !errors.Is(err, fault.Conflict) {
			t.Errorf("ratified twice: %v", err)
		}
	})
}

func TestWhatNobodyRatifiesStaysMarkedAndRemindersGoOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Orange)))
		r = must[warning.Record](t)(o.IssueAlone(t.Context(), by(ann, &r, "it spreads now")))
		o.inbox.deliver(t, 0)
		o.pass(23 * hour)
		o.settle()
		if contains(o.told(), warning.NoticeUnratified) {
			t.Error("told before the time ran out")
		}
		o.pass(2 * hour)
		o.settle()
		r = must[warning.Record](t)(o.Get(t.Context(), r.ID))
		a := must[warning.Arrived](t)(o.inbox.Get(t.Context(), r.ID))
		if !r.Unratified || r.State != warning.Issued || !a.Unratified || a.State != warning.StandingInForce {
			t.Errorf("at its author %+v, at a member %+v", r, a)
		}
		count := func() (n int) {
			for _, kind := range o.told() {
				if kind == warning.NoticeUnratified {
					n++
				}
			}
			return n
		}
		if n := count(); n != 2 { // at its author, and at the member
			t.Errorf("told %d times", n)
		}
		o.pass(24 * hour)
		o.settle()
		if n := count(); n != 3 {
			t.Errorf("told %d times after a day more", n)
		}
		sent := len(o.sent)
		must[warning.Record](t)(o.Ratify(t.Context(), by(bob, &r)))
		o.inbox.deliver(t, sent)
		r = must[warning.Record](t)(o.Get(t.Context(), r.ID))
		if a = must[warning.Arrived](t)(o.inbox.Get(t.Context(), r.ID)); r.Unratified || a.Unratified {
			t.Error("it is ratified, and is shown as not")
		}
		o.pass(24 * hour)
		o.settle()
		if n := count(); n != 3 {
			t.Errorf("told %d times though it is ratified", n)
		}
	})
}

func TestBlueNeedsNoGlassBroken(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Blue)))
		if _, err := o.IssueAlone(t.Context(), by(ann, &r, "quick")); !errors.Is(err, fault.Conflict) {
			t.Errorf("broken for blue: %v", err)
		}
	})
}
