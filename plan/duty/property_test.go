package duty_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/incident"
	"tocsin/internal/store/storetest"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

// Whatever happens to an incident, in whatever order, what is kept of its clocks
// is what reckoning it anew gives, every miss is kept at the moment it was due,
// and nothing was told twice.
func TestWhatIsKeptIsWhatIsReckoned(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	b := settle(t, db, &hand{at: ten}, "node")
	b.is(threefold)
	rapid.Check(t, func(rt *rapid.T) {
		i := b.open(rapid.SampledFrom([]string{"", `{"asset.is_cii": true}`, `{"times.detected": "2026-11-25T06:00:00Z"}`}).Draw(rt, "facts"))
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			anyStep(rt, b, &i)
			b.hand.set(b.hand.now().Add(time.Duration(rapid.IntRange(0, 300).Draw(rt, "minutes")) * time.Minute))
			b.wake()
			checkKept(rt, b, &i)
		}
		// What ended needs no timer, so that each case is as fast as the first.
		_, _ = b.register.Advance(b.t.Context(), b.change(&i, "so"), incident.Advance{To: incident.Closed, Resolution: incident.FalseAlarm})
	})
}

// anyStep does something to an incident. What is refused changes nothing.
func anyStep(rt *rapid.T, b *bureau, i *incident.Incident) {
	rt.Helper()
	c := b.change(i, "so")
	var err error
	switch rapid.IntRange(0, 7).Draw(rt, "step") {
	case 0:
		name := rapid.SampledFrom([]string{reporting, clocksAct, "cn-plan-2017"}).Draw(rt, "regime")
		level := rapid.SampledFrom([]string{"major", "minor", "general"}).Draw(rt, "level")
		_, err = b.Grade(b.t.Context(), c, duty.Decision{Regime: name, Level: level, Why: "so", Respond: true})
	case 1:
		event := rapid.SampledFrom([]regime.Event{regime.Aware, regime.NewFacts, regime.PaymentMade, regime.MeasureAvailable, regime.MaterialityDetermined}).Draw(rt, "event")
		before := time.Duration(rapid.IntRange(0, 90).Draw(rt, "before")) * time.Minute
		_, err = b.AddMoment(b.t.Context(), c, duty.Happened{Event: event, At: b.hand.now().Add(-before)})
	case 2:
		clock := rapid.SampledFrom([]string{reporting + "/cii", clocksAct + "/initial", clocksAct + "/intermediate", "cn-plan-2017/first"}).Draw(rt, "clock")
		name, id, _ := strings.Cut(clock, "/")
		err = b.Deliver(b.t.Context(), c, duty.Delivery{Regime: name, Clock: id})
	case 3:
		_, err = b.Suspend(b.t.Context(), c, duty.Delay{Regime: clocksAct, Clock: "repair", Authority: "court"})
	case 4:
		b.state(i, rapid.SampledFrom([]string{`{"asset.is_cii": true}`, `{"asset.is_cii": false}`, `{"asset.is_cii": null}`}).Draw(rt, "fact"))
	case 5:
		all, standingErr := b.Standing(b.t.Context(), i.ID)
		if standingErr != nil {
			rt.Fatal(standingErr)
		}
		m := rapid.SampledFrom(all.Moments).Draw(rt, "moment")
		if rapid.Bool().Draw(rt, "withdraw") {
			_, err = b.WithdrawMoment(b.t.Context(), c, m.ID)
		} else {
			_, err = b.CorrectMoment(b.t.Context(), c, m.ID, m.At.Add(-time.Hour))
		}
	case 6:
		_, err = b.register.Advance(b.t.Context(), c, incident.Advance{To: incident.Closed, Resolution: incident.FalseAlarm})
	case 7:
		_, err = b.register.Advance(b.t.Context(), c, incident.Advance{To: incident.Reported})
	}
	if err != nil {
		rt.Logf("refused: %v", err)
	}
}

func checkKept(rt *rapid.T, b *bureau, i *incident.Incident) {
	rt.Helper()
	list, _, err := b.Clocks(b.t.Context(), duty.Filter{Incident: i.ID}, duty.Page{Most: 1000})
	if err != nil {
		rt.Fatal(err)
	}
	c, err := b.Standing(b.t.Context(), i.ID)
	if err != nil {
		rt.Fatal(err)
	}
	for _, r := range c.Regimes {
		for _, k := range r.Clocks {
			id := duty.ClockID{Regime: k.Regime, Clock: k.ID, Ref: k.Ref}
			at := slices.IndexFunc(list, func(l duty.Listed) bool { return l.ClockID == id })
			switch {
			case at < 0 && k.State != plan.Waiting && k.State != plan.Cancelled:
				rt.Fatalf("%s is %s and not kept", id, k.State)
			case at >= 0 && (list[at].State != k.State || k.State != plan.Suspended && !list[at].Due.Equal(k.Due) && k.State != plan.Cancelled):
				rt.Fatalf("%s is %s, due %s, and kept as %s, due %s", id, k.State, k.Due, list[at].State, list[at].Due)
			}
			if k.State == plan.Missed && !slices.ContainsFunc(k.Misses, func(m duty.Miss) bool { return m.Due.Equal(k.Due) }) {
				rt.Fatalf("%s was missed on %s, which is not recorded: %+v", id, k.Due, k.Misses)
			}
		}
	}
	if told := b.fresh(); strings.Contains(told, "×") {
		rt.Fatalf("told more than once:\n%s", told)
	}
}
