package duty_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

const (
	reporting = "cn-reporting-2025"
	clocksAct = "xx-clocks"
)

// cii opens an incident of critical infrastructure that is graded major, so that
// a report is due in an hour.
func (b *bureau) cii() incident.Incident {
	b.t.Helper()
	i := b.open(`{"asset.is_cii": true, "incident.crime_suspected": false}`)
	b.grade(&i, reporting, "major")
	return i
}

func (b *bureau) grade(i *incident.Incident, name, level string) {
	b.t.Helper()
	b.must(i)(b.Grade(b.t.Context(), b.change(i, ""), duty.Decision{Regime: name, Level: level, Why: "the mayor called"}))
}

// at moves the clock and works on what is due then.
func (b *bureau) at(text string) {
	b.t.Helper()
	t, err := time.Parse("2006-01-02 15:04:05", "2026-11-25 "+text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.hand.set(t)
	b.wake()
}

func TestSomebodyIsRemindedAndSomebodyElseHearsOfSilence(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.cii()
		for _, step := range []struct{ at, want string }{
			{"10:29:59", ""},
			{"10:30:00", "reminder cn-plan-2017/first running 01-01 00:00 → duty-officer\nreminder cn-reporting-2025/cii running 11-25 11:00 → duty-officer"},
			{"10:47:59", ""},
			{"10:48:00", "reminder cn-reporting-2025/cii running 11-25 11:00 → duty-officer"},
			{"10:57:00", "reminder cn-reporting-2025/cii running 11-25 11:00 → duty-officer"},
			{"11:00:00", "escalated cn-plan-2017/first running 01-01 00:00 → commander"},
			{"11:00:01", "missed cn-reporting-2025/cii missed 11-25 11:00 → duty-officer"},
			{"11:29:59", ""},
			{"11:30:01", "escalated cn-reporting-2025/cii missed 11-25 11:00 → commander"},
			{"23:00:00", ""},
		} {
			b.at(step.at)
			same(b.t, step.at, b.fresh(), step.want)
		}
		text := b.body("missed cn-reporting-2025/cii")
		for _, want := range []string{
			i.Number, "deadline missed", "2026-11-25 19:00 CST (+08:00), Asia/Shanghai = 2026-11-25 11:00 UTC", "Cross-border: unknown",
			"涉及关键信息基础设施的事件报告", "send the report now", "Protection department", "graded major",
		} {
			if !strings.Contains(text, want) {
				b.t.Errorf("the notice does not say %q:\n%s", want, text)
			}
		}
	})
}

// A machine that was off past a deadline tells at once, of everything in one
// message a clock, and what was missed is recorded at the time it was.
func TestAMissHasItsTrueTimeWhenTheMachineWasOff(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.cii()
		b.at("10:10:00")
		b.hand.set(ten.Add(31 * time.Hour))
		again := settle(b.t, b.db, b.hand, "node") // it starts
		again.wake()
		same(b.t, "told", again.fresh(), "escalated cn-plan-2017/first running 01-01 00:00 → duty-officer, commander\n"+
			"escalated cn-reporting-2025/cii missed 11-25 11:00 → duty-officer, commander")
		misses := again.clock(&i, reporting, "cii").Misses
		if len(misses) != 1 || !misses[0].Due.Equal(ten.Add(time.Hour)) || !misses[0].Recorded.Equal(ten.Add(31*time.Hour)) {
			b.t.Fatalf("got %+v", misses)
		}
		entries, _, err := b.register.Timeline(b.t.Context(), i.ID, "", 0)
		if err != nil {
			b.t.Fatal(err)
		}
		last := entries[len(entries)-1]
		if last.Kind != incident.EntryDeadline || !last.At.Equal(ten.Add(time.Hour)) || !strings.Contains(last.Text, "missed") {
			b.t.Errorf("the timeline ends with %+v", last)
		}
		again.wake()
		same(b.t, "told once more", again.fresh(), "")
	})
}

func TestAClockThatIsSetBackFiresNothingTwice(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.cii()
		b.at("11:10:00")
		if b.fresh() == "" {
			b.t.Fatal("nobody was told of the deadline")
		}
		for _, at := range []string{"10:10:00", "10:31:00", "10:50:00"} {
			b.at(at)
			same(b.t, at, b.fresh(), "")
		}
		b.must(&i)(b.register.Comment(b.t.Context(), b.change(&i, ""), "The clock is wrong."))
		b.state(&i, `{"outage.total_minutes": 5}`) // reckoned while the clock is wrong
		b.wake()
		same(b.t, "while it is wrong", b.fresh(), "")
		if c := b.clock(&i, reporting, "cii"); c.State != plan.Missed || len(c.Misses) != 1 {
			b.t.Errorf("what was missed is %s, with misses %+v", c.State, c.Misses)
		}
		b.at("11:10:01")
		same(b.t, "when it is right again", b.fresh(), "")
		b.at("11:30:01")
		same(b.t, "later", b.fresh(), "escalated cn-reporting-2025/cii missed 11-25 11:00 → commander")
		if misses := b.clock(&i, reporting, "cii").Misses; len(misses) != 1 {
			b.t.Errorf("got %+v", misses)
		}
	})
}

func TestALevelThatRisesStartsClocksAndOneThatFallsCancelsNothing(t *testing.T) {
	each(t, firm, func(b *bureau) {
		i := b.open("")
		same(b.t, "ungraded", b.clocks(&i), "xx-clocks/initial provisional 11-26 10:00")
		b.grade(&i, clocksAct, "minor")
		same(b.t, "minor", b.clocks(&i), "xx-clocks/initial cancelled at once")
		b.at("12:00:00")
		b.grade(&i, clocksAct, "major")
		same(b.t, "major", b.clocks(&i), "xx-clocks/initial running 11-25 16:00")
		b.at("13:00:00")
		b.grade(&i, clocksAct, "minor")
		same(b.t, "minor again", b.clocks(&i), "xx-clocks/initial running 11-25 16:00")
		if i.Level != "minor" || i.Rank != 1 {
			b.t.Errorf("the incident is %s, rank %d", i.Level, i.Rank)
		}
		grades := b.standing(&i, clocksAct).Grades
		if len(grades) != 3 || grades[1].Was != "minor" || grades[2].Was != "major" || grades[2].Why != "the mayor called" || grades[2].By != "ann" {
			b.t.Errorf("got %+v", grades)
		}
		var proposal plan.Grading
		if err := json.Unmarshal(grades[0].Proposal, &struct {
			Level *string `json:"level"`
		}{&proposal.Level}); err != nil || proposal.Level != "minor" {
			b.t.Errorf("the proposal kept with the grade is %s, %v", grades[0].Proposal, err)
		}
	})
}

func TestAReportStartsTheClockOfTheNext(t *testing.T) {
	each(t, firm, func(b *bureau) {
		i := b.open("")
		b.grade(&i, clocksAct, "major")
		b.at("11:00:00")
		send := func(d duty.Delivery) error {
			d.Who, d.Incident = ann, i.ID
			return b.db.Tx(b.t.Context(), func(ctx context.Context, tx *store.Tx) error { return b.Sent(ctx, tx, d) })
		}
		for _, wrong := range []duty.Delivery{
			{Regime: clocksAct, Clock: "nothing"},
			{Regime: clocksAct, Clock: "initial", To: []string{"csirt"}},
			{Regime: clocksAct, Clock: "initial", At: ten.Add(30 * time.Hour)},
		} {
			if err := send(wrong); !errors.Is(err, fault.Invalid) {
				b.t.Errorf("%+v: got %v", wrong, err)
			}
		}
		if err := send(duty.Delivery{Regime: clocksAct, Clock: "initial", Report: "r1/1", Proof: "receipt 4711"}); err != nil {
			b.t.Fatal(err)
		}
		same(b.t, "after the first", b.clocks(&i), "xx-clocks/initial met 11-25 14:00\nxx-clocks/intermediate running 11-28 11:00")
		b.at("12:00:00")
		if err := b.Deliver(b.t.Context(), b.change(&i, ""), duty.Delivery{Regime: clocksAct, Clock: "intermediate", To: []string{"authority"}}); err != nil {
			b.t.Fatal(err)
		}
		same(b.t, "after the second", b.clocks(&i), strings.Join([]string{
			"xx-clocks/initial met 11-25 14:00",
			"xx-clocks/intermediate met 11-28 11:00",
			"xx-clocks/final running 12-25 22:59",
		}, "\n"))
		if err := b.Deliver(b.t.Context(), b.change(&i, ""), duty.Delivery{Regime: clocksAct, Clock: "final", To: []string{"csirt"}}); err != nil {
			b.t.Fatal(err)
		}
		if c := b.clock(&i, clocksAct, "final"); c.State != plan.Running {
			b.t.Errorf("with one of two recipients the clock is %s", c.State)
		}
		if d := b.standing(&i, clocksAct).Deliveries; len(d) != 3 || d[0].Proof != "receipt 4711" || d[0].By != "ann" {
			b.t.Errorf("got %+v", d)
		}
		stale := b.change(&i, "")
		stale.Version = 1
		if err := b.Deliver(b.t.Context(), stale, duty.Delivery{Regime: clocksAct, Clock: "final"}); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("a stale version: got %v", err)
		}
	})
}

func TestASuspensionDelaysAndItsEndLetsRun(t *testing.T) {
	each(t, firm, func(b *bureau) {
		i := b.open("")
		b.must(&i)(b.AddMoment(b.t.Context(), b.change(&i, "the patch is out"), duty.Happened{Event: regime.MeasureAvailable}))
		same(b.t, "running", b.clocks(&i), "xx-clocks/initial provisional 11-26 10:00\nxx-clocks/repair running 12-09 10:00")
		b.hand.set(ten.Add(8 * 24 * time.Hour))
		b.wake()
		b.fresh()
		if _, err := b.Suspend(b.t.Context(), b.change(&i, "letter"), duty.Delay{Regime: clocksAct, Clock: "initial", Authority: "BKA"}); !errors.Is(err, fault.Invalid) {
			b.t.Errorf("a clock that knows no delay: got %v", err)
		}
		if _, err := b.Suspend(b.t.Context(), b.change(&i, "letter"), duty.Delay{Regime: "cn-plan-2017", Authority: "BKA"}); !errors.Is(err, fault.Invalid) {
			b.t.Errorf("a regime that knows no delay: got %v", err)
		}
		b.must(&i)(b.Suspend(b.t.Context(), b.change(&i, "letter of the prosecutor"), duty.Delay{Regime: clocksAct, Clock: "repair", Authority: "prosecutor"}))
		if c := b.clock(&i, clocksAct, "repair"); c.State != plan.Suspended {
			b.t.Errorf("got %s", c.State)
		}
		b.hand.set(ten.Add(13 * 24 * time.Hour)) // past 0.8 of the time as it was
		b.wake()
		same(b.t, "told while suspended", b.fresh(), "")
		c, err := b.Standing(b.t.Context(), i.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		b.must(&i)(b.EndSuspension(b.t.Context(), b.change(&i, "the prosecutor lifted it"), c.Suspensions[0].ID, time.Time{}))
		b.wake()
		if c := b.clock(&i, clocksAct, "repair"); c.State != plan.Running || !c.Due.Equal(ten.Add(19*24*time.Hour)) {
			b.t.Errorf("after five days of delay: %s, due %s", c.State, c.Due)
		}
		if strings.Contains(b.fresh(), "repair") {
			b.t.Error("what was told before the delay is told again")
		}
		if _, err := b.EndSuspension(b.t.Context(), b.change(&i, "again"), c.Suspensions[0].ID, time.Time{}); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("corrected twice: got %v", err)
		}
	})
}

// A time of day is one of the organisation's clocks, on both sides of the night
// on which they are set back.
func TestDaylightSaving(t *testing.T) {
	each(t, firm, func(b *bureau) {
		b.hand.set(time.Date(2026, 10, 22, 10, 0, 0, 0, time.UTC)) // a Thursday; the night of the 25th has 25 hours
		i := b.open("")
		b.must(&i)(b.AddMoment(b.t.Context(), b.change(&i, "the board"), duty.Happened{Event: regime.MaterialityDetermined}))
		want := time.Date(2026, 10, 28, 16, 30, 0, 0, time.UTC) // 17:30 in winter
		if c := b.clock(&i, clocksAct, "filing"); !c.Due.Equal(want) {
			b.t.Fatalf("due %s, want %s", c.Due, want)
		}
		b.hand.set(want)
		b.wake()
		b.fresh()
		b.hand.set(want.Add(time.Second))
		b.wake()
		same(b.t, "told", b.fresh(), "missed xx-clocks/filing missed 10-28 16:30 → duty-officer")
		if text := b.body("xx-clocks/filing missed"); !strings.Contains(text, "2026-10-28 17:30 CET (+01:00), Europe/Berlin = 2026-10-28 16:30 UTC") {
			b.t.Error(text)
		}
	})
}

func TestARelayRunsForEachReportThatWasReceived(t *testing.T) {
	const province = `{"name": "CAC Guangdong", "kind": "authority", "regions": ["CN-GD"], "jurisdictions": ["CN"], "designations": ["cn.provincial_cac"], "zone": "Asia/Shanghai"}`
	each(t, province, func(b *bureau) {
		i, _, err := b.register.Open(b.t.Context(), ann, incident.Draft{
			Title: "A member reports", Origin: incident.ByReport, Facts: map[string]json.RawMessage{"asset.is_cii": json.RawMessage(`false`)},
		})
		if err != nil {
			b.t.Fatal(err)
		}
		b.at("10:20:00")
		b.must(&i)(b.AddMoment(b.t.Context(), b.change(&i, "a second member"), duty.Happened{Event: regime.ReportReceived}))
		b.grade(&i, reporting, "major")
		same(b.t, "clocks", b.clocks(&i), "cn-reporting-2025/other.relay#1 running 11-25 11:00\ncn-reporting-2025/other.relay#2 running 11-25 11:20")
		if err := b.Deliver(b.t.Context(), b.change(&i, ""), duty.Delivery{Regime: reporting, Clock: "other.relay", Ref: "1"}); err != nil {
			b.t.Fatal(err)
		}
		same(b.t, "one is passed on", b.clocks(&i), "cn-reporting-2025/other.relay#1 met 11-25 11:00\ncn-reporting-2025/other.relay#2 running 11-25 11:20")
	})
}

func TestAMomentIsCorrectedAndBothAreSeen(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.cii()
		c, err := b.Standing(b.t.Context(), i.ID)
		if err != nil {
			b.t.Fatal(err)
		}
		first := c.Moments[0]
		if first.Event != regime.Aware || !first.Automatic || first.By != "ann" {
			b.t.Fatalf("got %+v", first)
		}
		b.must(&i)(b.CorrectMoment(b.t.Context(), b.change(&i, "the guard called at 17:45"), first.ID, ten.Add(-15*time.Minute)))
		if k := b.clock(&i, reporting, "cii"); !k.Due.Equal(ten.Add(45 * time.Minute)) {
			b.t.Errorf("due %s", k.Due)
		}
		if _, err := b.CorrectMoment(b.t.Context(), b.change(&i, "again"), first.ID, ten); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("corrected twice: got %v", err)
		}
		b.state(&i, `{"times.detected": "2026-11-25T09:00:00Z"}`)
		if k := b.clock(&i, reporting, "cii"); !k.Due.Equal(ten.Add(45 * time.Minute)) {
			b.t.Errorf("a fact took the place of what a person said: due %s", k.Due)
		}
		if c, err = b.Standing(b.t.Context(), i.ID); err != nil || len(c.Moments) != 2 || c.Moments[0].CorrectedBy != c.Moments[1].ID || c.Moments[1].Why == "" {
			b.t.Errorf("got %+v, %v", c.Moments, err)
		}
		b.must(&i)(b.WithdrawMoment(b.t.Context(), b.change(&i, "another site"), c.Moments[1].ID))
		if k := b.clock(&i, reporting, "cii"); k.State != plan.Waiting {
			b.t.Errorf("got %s", k.State)
		}
	})
}

func TestAwarenessFollowsTheTimeOfDetection(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open(`{"asset.is_cii": true, "times.detected": "2026-11-25T09:30:00Z"}`)
		if c := b.clock(&i, reporting, "cii"); !c.Due.Equal(ten.Add(30 * time.Minute)) {
			b.t.Errorf("due %s", c.Due)
		}
		b.state(&i, `{"times.detected": "2026-11-25T09:40:00Z"}`)
		if c := b.clock(&i, reporting, "cii"); !c.Due.Equal(ten.Add(40 * time.Minute)) {
			b.t.Errorf("due %s", c.Due)
		}
	})
}
