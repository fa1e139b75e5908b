package duty_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store/storetest"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

func TestTheOrganisationIsDescribedInVersions(t *testing.T) {
	each(t, "", func(b *bureau) {
		if _, err := b.Organisation(b.t.Context()); !errors.Is(err, fault.NotFound) {
			b.t.Errorf("before: got %v", err)
		}
		i := b.open("")
		same(b.t, "clocks without an organisation", b.clocks(&i), "")
		b.is(operator)
		same(b.t, "clocks of what was open already", b.clocks(&i), "cn-plan-2017/first running at once\n"+
			"cn-reporting-2025/crime provisional at once\ncn-reporting-2025/cii provisional 11-25 11:00\ncn-reporting-2025/other provisional 11-25 14:00")
		text := duty.Description{Text: json.RawMessage(firm), Reminders: duty.Reminders{Fractions: []float64{0.25}}}
		if _, err := b.SetOrganisation(b.t.Context(), ann, 0, text, ""); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("a version that was not seen: got %v", err)
		}
		for _, wrong := range []duty.Description{
			{Text: json.RawMessage(`{"name": "x", "kind": "ship"}`)},
			{Text: json.RawMessage(firm), Reminders: duty.Reminders{Fractions: []float64{0.5, 0.5}}},
			{Text: json.RawMessage(firm), Reminders: duty.Reminders{EscalateMinutes: -1}},
		} {
			if _, err := b.SetOrganisation(b.t.Context(), ann, 1, wrong, ""); !errors.Is(err, fault.Invalid) {
				b.t.Errorf("%s: got %v", wrong.Text, err)
			}
		}
		other := settle(b.t, b.db, b.hand, "other") // another process, which has seen version 1
		if d, err := other.Organisation(b.t.Context()); err != nil || d.Version != 1 {
			b.t.Fatal(d, err)
		}
		if d, err := b.SetOrganisation(b.t.Context(), ann, 1, text, "moved"); err != nil || d.Version != 2 {
			b.t.Fatal(d, err)
		}
		bindings, err := other.Bindings(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		var binds []string
		for _, v := range bindings {
			if v.Verdict == plan.Binds {
				binds = append(binds, v.Regime)
			}
		}
		if !slices.Contains(binds, clocksAct) || slices.Contains(binds, reporting) {
			b.t.Errorf("the other process sees as binding %v", binds)
		}
		b.wake()
		if got := b.clocks(&i); !strings.Contains(got, "xx-clocks/initial provisional 11-26 10:00") || !strings.Contains(got, "cii cancelled") {
			b.t.Errorf("clocks of the new description:\n%s", got)
		}
		b.fresh()
		b.hand.set(ten.Add(6 * time.Hour)) // a quarter of 24 h
		b.wake()
		if got := b.fresh(); !strings.Contains(got, "reminder xx-clocks/initial provisional") {
			b.t.Errorf("told by its own fractions: %s", got)
		}
		history, err := b.History(b.t.Context())
		if err != nil || len(history) != 2 || history[0].Why != "moved" || history[0].By != "ann" {
			b.t.Errorf("got %+v, %v", history, err)
		}
		trail, err := audit.New(b.db, b.hand.now).List(b.t.Context(), audit.Filter{Kind: "organisation"}, "", 10)
		if err != nil || len(trail) != 2 || !strings.Contains(string(trail[0].Before), "Water works") || !strings.Contains(string(trail[0].After), "Firm") {
			b.t.Errorf("the audit trail says %+v, %v", trail, err)
		}
	})
}

func TestWhatAnIncidentLacksIsSaid(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open(`{"asset.is_cii": true, "outage.total_minutes": 75, "incident.crime_suspected": false, "times.contained": "2026-11-25T10:00:00Z", "times.recovered": "2026-11-25T10:00:00Z"}`)
		advance := func(to incident.State, resolution incident.Resolution) []string {
			b.t.Helper()
			now, err := b.register.Advance(b.t.Context(), b.change(&i, "so"), incident.Advance{To: to, Resolution: resolution})
			if illegal, is := errors.AsType[*incident.IllegalStepError](err); is {
				return illegal.Missing
			}
			b.must(&i)(now, err)
			return nil
		}
		lacks := func(to incident.State, want ...string) {
			b.t.Helper()
			if got := advance(to, incident.Resolved); strings.Join(got, "\n") != strings.Join(want, "\n") {
				b.t.Errorf("to %s it lacks\n%s\nwant\n%s", to, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		b.grade(&i, "cn-plan-2017", "general")
		lacks(incident.Graded, "a grade under cn-reporting-2025: the facts prove major")
		b.grade(&i, reporting, "major")
		lacks(incident.Graded)
		owner, cause := "ann", "a pump"
		b.must(&i)(b.register.Describe(b.t.Context(), b.change(&i, ""), incident.Details{Owner: &owner, Cause: &cause}))
		lacks(incident.Responding)
		lacks(incident.Contained)
		b.at("12:00:00") // the report is missed
		lacks(incident.Recovered)
		lacks(incident.Closed, `the report "First report of the affected unit" (cn-plan-2017/first)`,
			`the report "Report of an incident that involves CII" (cn-reporting-2025/cii)`, `the report "Summary report" (cn-reporting-2025/final)`,
			"the reason why cn-reporting-2025/cii was missed on 2026-11-25T11:00:00Z")
		for _, d := range []duty.Delivery{{Regime: "cn-plan-2017", Clock: "first"}, {Regime: reporting, Clock: "cii"}, {Regime: reporting, Clock: "final"}} {
			if err := b.Deliver(b.t.Context(), b.change(&i, ""), d); err != nil {
				b.t.Fatal(err)
			}
		}
		if c := b.clock(&i, reporting, "cii"); c.State != plan.Missed || c.Sent.IsZero() {
			b.t.Errorf("sent late it is %s", c.State)
		}
		if c := b.clock(&i, reporting, "final"); !c.Started.Equal(ten) {
			b.t.Errorf("handling ended at %s", c.Started)
		}
		lacks(incident.Closed, "the reason why cn-reporting-2025/cii was missed on 2026-11-25T11:00:00Z")
		id := duty.ClockID{Regime: reporting, Clock: "cii"}
		b.must(&i)(b.Explain(b.t.Context(), b.change(&i, ""), id, "the line was down"))
		if _, err := b.Explain(b.t.Context(), b.change(&i, ""), id, "or so"); !errors.Is(err, fault.NotFound) {
			b.t.Errorf("explained twice: got %v", err)
		}
		lacks(incident.Closed)
		b.fresh()
		b.at("23:00:00")
		same(b.t, "told of what is closed", b.fresh(), "")
	})
}

func TestAFalseAlarmOwesNothing(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open("")
		b.must(&i)(b.register.Advance(b.t.Context(), b.change(&i, "a test of the pumps"), incident.Advance{To: incident.Closed, Resolution: incident.FalseAlarm}))
		b.at("23:00:00")
		same(b.t, "told", b.fresh(), "")
		if c := b.clock(&i, "cn-plan-2017", "first"); c.State != plan.Cancelled || !strings.Contains(strings.Join(c.Why, " "), "false alarm") {
			b.t.Errorf("got %s, %v", c.State, c.Why)
		}
		b.must(&i)(b.register.Advance(b.t.Context(), b.change(&i, "it was none"), incident.Advance{To: incident.Reported}))
		if c := b.clock(&i, reporting, "cii"); c.State != plan.Provisional {
			b.t.Errorf("opened again it is %s", c.State)
		}
	})
}

// An outage that lasts proves higher levels as it does: each is told once, at the
// moment at which the threshold is crossed.
func TestFactsThatGrowProposeALevel(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open(`{"asset.is_cii": true, "outage.total_minutes": {"since": "2026-11-25T09:55:00Z"}}`)
		proposed := func() string {
			var lines []string
			for line := range strings.SplitSeq(b.fresh(), "\n") {
				if strings.HasPrefix(line, "proposed "+reporting) {
					lines = append(lines, line)
				}
			}
			return strings.Join(lines, "\n")
		}
		one := "proposed cn-reporting-2025/  01-01 00:00 → duty-officer"
		for _, step := range []struct{ at, want string }{
			{"10:04:59", ""}, {"10:05:01", one}, {"10:30:00", ""}, {"10:54:59", ""}, {"10:55:01", one}, {"11:30:00", ""},
		} {
			b.at(step.at)
			same(b.t, step.at, proposed(), step.want)
		}
		if text := b.body("propose major: Administrative"); !strings.Contains(text, "Proposed:    major, since 2026-11-25 18:55 CST") || !strings.Contains(text, "wholly out of service for 1 h or more") {
			b.t.Error(text)
		}
		st := b.standing(&i, reporting)
		if st.Level != "" || st.Proposal.Level != "major" || len(st.Proposal.Ahead) == 0 {
			b.t.Errorf("numbers graded by themselves: %q, %+v", st.Level, st.Proposal)
		}
		_, err := b.Grade(b.t.Context(), b.change(&i, ""), duty.Decision{Regime: reporting, Level: "relatively_major", Accept: true})
		if !errors.Is(err, fault.Conflict) {
			b.t.Errorf("accepted what is not proposed: %v", err)
		}
		b.must(&i)(b.Grade(b.t.Context(), b.change(&i, ""), duty.Decision{Regime: reporting, Level: "major", Accept: true}))
		g := b.standing(&i, reporting).Grades[0]
		if !g.Accepted || !strings.Contains(g.Why, "major.cii_whole (asset.is_cii true, outage.total_minutes 95 min, growing)") {
			b.t.Errorf("got %+v", g)
		}
		b.state(&i, `{"outage.total_minutes": {"since": "2026-11-25T09:55:00Z", "until": "2026-11-25T11:25:00Z"}}`)
		b.at("17:00:00")
		same(b.t, "told of an outage that ended", proposed(), "")
	})
}

func TestAJudgementIsAcceptedWithAReason(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open(`{"threat.judged": {"value": "severe", "by": "the director", "reason": "the reservoir"}}`)
		d := duty.Decision{Regime: reporting, Level: "major", Accept: true}
		if _, err := b.Grade(b.t.Context(), b.change(&i, ""), d); !errors.Is(err, fault.Invalid) {
			b.t.Errorf("without a reason: got %v", err)
		}
		d.Why = "as the director says"
		b.must(&i)(b.Grade(b.t.Context(), b.change(&i, ""), d))
		if g := b.standing(&i, reporting).Grades[0]; !strings.Contains(g.Why, "as the director says; major.other") || !strings.Contains(g.Why, "the reservoir") {
			b.t.Errorf("got %+v", g)
		}
		for _, d := range []duty.Decision{{Regime: reporting, Level: "major"}, {Regime: reporting, Level: "huge", Why: "so"}} {
			if _, err := b.Grade(b.t.Context(), b.change(&i, ""), d); !errors.Is(err, fault.Invalid) {
				b.t.Errorf("%+v: got %v", d, err)
			}
		}
	})
}

func TestAResponseBringsItsDutiesOnce(t *testing.T) {
	each(t, operator, func(b *bureau) {
		const plan2017 = "cn-plan-2017"
		i := b.open("")
		if _, err := b.Activate(b.t.Context(), b.change(&i, ""), plan2017); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("ungraded: got %v", err)
		}
		duties := func() (all []string) {
			b.t.Helper()
			tasks, err := b.register.Tasks(b.t.Context(), i.ID)
			if err != nil {
				b.t.Fatal(err)
			}
			for _, task := range tasks {
				all = append(all, strings.TrimPrefix(task.Duty, plan2017+"/"))
			}
			return all
		}
		b.must(&i)(b.Grade(b.t.Context(), b.change(&i, ""), duty.Decision{Regime: plan2017, Level: "general", Why: "small", Respond: true}))
		same(b.t, "duties", strings.Join(duties(), " "), "IV.plan first.plan first.contain first.judge")
		b.grade(&i, plan2017, "relatively_major")
		b.must(&i)(b.Activate(b.t.Context(), b.change(&i, ""), plan2017))
		same(b.t, "duties of both", strings.Join(duties(), " "), "IV.plan first.plan first.contain first.judge III.plan")
		if responses := b.standing(&i, plan2017).Responses; len(responses) != 3 {
			b.t.Errorf("got %+v", responses)
		}
		b.must(&i)(b.EndResponse(b.t.Context(), b.change(&i, "the command decided"), plan2017))
		c, err := b.Standing(b.t.Context(), i.ID)
		if err != nil || !slices.ContainsFunc(c.Moments, func(m duty.Moment) bool { return m.Event == regime.ResponseEnded && m.Regime == plan2017 }) {
			b.t.Errorf("got %+v, %v", c.Moments, err)
		}
		if _, err := b.EndResponse(b.t.Context(), b.change(&i, "again"), plan2017); !errors.Is(err, fault.Conflict) {
			b.t.Errorf("ended twice: got %v", err)
		}
	})
}

// What was reported for an incident counts for the one that takes it over, and
// so does when it was known.
func TestAMergeKeepsWhatWasKnownAndSent(t *testing.T) {
	each(t, operator, func(b *bureau) {
		from := b.cii()
		if err := b.Deliver(b.t.Context(), b.change(&from, ""), duty.Delivery{Regime: reporting, Clock: "cii"}); err != nil {
			b.t.Fatal(err)
		}
		b.at("10:20:00")
		into := b.cii()
		b.must(&into)(b.register.Merge(b.t.Context(), b.change(&into, "one attack"), from.ID))
		if c := b.clock(&into, reporting, "cii"); c.State != plan.Met || !c.Due.Equal(ten.Add(time.Hour)) {
			b.t.Errorf("got %s, due %s", c.State, c.Due)
		}
		b.fresh()
		b.at("10:40:00")
		if told := b.fresh(); strings.Contains(told, "cii") {
			b.t.Errorf("told %s", told)
		}
	})
}

func TestClocksAreListedByTimeLeft(t *testing.T) {
	each(t, operator, func(b *bureau) {
		for range 3 {
			b.cii()
			b.hand.set(b.hand.now().Add(time.Minute))
		}
		all := func(f duty.Filter, most int) (got []string) {
			b.t.Helper()
			for after := ""; ; {
				list, next, err := b.Clocks(b.t.Context(), f, duty.Page{After: after, Most: most})
				if err != nil {
					b.t.Fatal(err)
				}
				for _, l := range list {
					got = append(got, l.Number[5:]+" "+l.Clock+" "+string(l.State)+" "+l.Act.Format("15:04"))
				}
				if after = next; next == "" {
					return got
				}
			}
		}
		for _, test := range []struct {
			name   string
			filter duty.Filter
			want   string
		}{
			{"open", duty.Filter{Open: true}, "0001 first running 10:00; 0002 first running 10:01; 0003 first running 10:02; " +
				"0001 cii running 11:00; 0002 cii running 11:01; 0003 cii running 11:02"},
			{"regime", duty.Filter{Regime: reporting}, "0001 cii running 11:00; 0002 cii running 11:01; 0003 cii running 11:02"},
			{"due before", duty.Filter{Regime: reporting, DueBefore: ten.Add(61 * time.Minute)}, "0001 cii running 11:00"},
			{"state", duty.Filter{States: []plan.State{plan.Missed}}, ""},
		} {
			for _, most := range []int{0, 1, 2} {
				same(b.t, test.name, strings.Join(all(test.filter, most), "; "), test.want)
			}
		}
		if _, _, err := b.Clocks(b.t.Context(), duty.Filter{}, duty.Page{After: "x"}); !errors.Is(err, fault.Invalid) {
			b.t.Errorf("got %v", err)
		}
	})
}

// Two nodes on one PostgreSQL tell each thing once, and both know what the other
// wrote.
func TestTwoNodesTellOnce(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.PostgreSQL(t), rooms()...)
	h := &hand{at: ten}
	nodes := []*bureau{settle(t, db, h, "a"), settle(t, db, h, "b")}
	nodes[0].is(operator)
	var all []incident.Incident
	for k := range 6 {
		all = append(all, nodes[k%2].cii())
	}
	for minutes := 31; minutes <= 124; minutes += 31 {
		h.set(ten.Add(time.Duration(minutes) * time.Minute))
		done := make(chan error)
		for _, n := range nodes {
			go func() { done <- n.timers.Settle(t.Context()) }()
		}
		for range nodes {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for line := range strings.SplitSeq(nodes[0].fresh(), "\n") {
			if strings.Contains(line, "×") {
				t.Errorf("told more than once: %s", line)
			}
		}
	}
	for k := range all {
		if misses := nodes[0].clock(&all[k], reporting, "cii").Misses; len(misses) != 1 {
			t.Errorf("%s: got %+v", all[k].Number, misses)
		}
	}
}
