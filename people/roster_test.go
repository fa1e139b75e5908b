package people_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/fault"
	"tocsin/people"
)

// names shows who is on duty when, by the clock of a zone.
func names(t *testing.T, plan people.Plan, zone string) string {
	t.Helper()
	in, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	line := func(who string, p people.Period) {
		const layout = "Mon 01-02 15:04 MST"
		fmt.Fprintf(&b, "%s %s - %s\n", who, p.From.In(in).Format(layout), p.Until.In(in).Format(layout))
	}
	for _, d := range plan.Duties {
		line(d.Name, d.Period)
	}
	for _, g := range plan.Gaps {
		line("nobody "+g.Post, g.Period)
	}
	return b.String()
}

func period(t *testing.T, from, until string) people.Period {
	t.Helper()
	parse := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return people.Period{From: parse(from), Until: parse(until)}
}

// crew makes accounts for a roster.
func (r *rooms) crew(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, _, err := r.accounts.Invite(t.Context(), people.Account{Name: name, Role: people.DutyOfficer, Mail: name + "@example.org"}); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *rooms) rotation(t *testing.T, o people.Rotation) people.Rotation {
	t.Helper()
	o, err := r.roster.AddRotation(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (r *rooms) plan(t *testing.T, in people.Period) people.Plan {
	t.Helper()
	plan, err := r.roster.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestRosterWithNobodyIsOneGap(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		in := period(t, "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z")
		if got := names(t, r.plan(t, in), "UTC"); got != "nobody duty Wed 11-25 00:00 UTC - Thu 11-26 00:00 UTC\n" {
			t.Errorf("got\n%s", got)
		}
		if duties, err := r.roster.OnDuty(t.Context(), in.From); err != nil || len(duties) != 0 {
			t.Errorf("on duty: %v, %v", duties, err)
		}
	})
}

// The watch is handed over by the clock on the wall, whatever that does.
func TestRotationKeepsToTheWallClock(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		r.crew(t, "ann", "bob", "cyd")
		r.rotation(t, people.Rotation{Zone: "Europe/Vienna", Start: "2026-10-12", From: "08:00", Until: "08:00", Members: []string{"ann", "bob", "cyd"}})
		// Clocks are set back on 25 October: that watch has 25 hours.
		got := names(t, r.plan(t, period(t, "2026-10-24T12:00:00Z", "2026-10-27T06:00:00Z")), "Europe/Vienna")
		want := "" +
			"bob Sat 10-24 14:00 CEST - Sun 10-25 08:00 CET\n" +
			"bob Sun 10-25 08:00 CET - Mon 10-26 08:00 CET\n" +
			"cyd Mon 10-26 08:00 CET - Tue 10-27 07:00 CET\n"
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		before := period(t, "2026-10-11T00:00:00Z", "2026-10-12T12:00:00Z")
		want = "ann Mon 10-12 08:00 CEST - Mon 10-12 14:00 CEST\nnobody duty Sun 10-11 02:00 CEST - Mon 10-12 08:00 CEST\n"
		if got := names(t, r.plan(t, before), "Europe/Vienna"); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestNightShiftOnWorkingDays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		r.crew(t, "ann", "bob")
		r.rotation(t, people.Rotation{Zone: "America/New_York", Start: "2026-03-05", From: "18:00", Until: "02:30", Days: []string{"thu", "Fri", "sat"}, Members: []string{"ann", "bob"}})
		// Clocks go from 02:00 to 03:00 in the night to Sunday, 8 March: the watch
		// that was to end at 02:30 ends when they do.
		got := names(t, r.plan(t, period(t, "2026-03-06T12:00:00Z", "2026-03-13T12:00:00Z")), "America/New_York")
		want := "" +
			"ann Fri 03-06 18:00 EST - Sat 03-07 02:30 EST\n" +
			"ann Sat 03-07 18:00 EST - Sun 03-08 03:00 EDT\n" +
			"bob Thu 03-12 18:00 EDT - Fri 03-13 02:30 EDT\n" +
			"nobody duty Fri 03-06 07:00 EST - Fri 03-06 18:00 EST\n" +
			"nobody duty Sat 03-07 02:30 EST - Sat 03-07 18:00 EST\n" +
			"nobody duty Sun 03-08 03:00 EDT - Thu 03-12 18:00 EDT\n" +
			"nobody duty Fri 03-13 02:30 EDT - Fri 03-13 08:00 EDT\n"
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestShiftStandsIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		r.crew(t, "ann", "bob", "cyd")
		r.rotation(t, people.Rotation{Zone: "UTC", Start: "2026-11-23", From: "08:00", Until: "08:00", Members: []string{"ann"}})
		r.rotation(t, people.Rotation{Post: "deputy", Zone: "UTC", Start: "2026-11-23", From: "08:00", Until: "08:00", Members: []string{"cyd"}})
		shift, err := r.roster.AddShift(ctx, people.Shift{Account: "bob", Zone: "Asia/Shanghai", Period: period(t, "2026-11-25T12:00:00Z", "2026-11-25T20:00:00Z")})
		if err != nil {
			t.Fatal(err)
		}
		day := period(t, "2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z")
		got := names(t, r.plan(t, day), "UTC")
		want := "" +
			"cyd Wed 11-25 08:00 UTC - Thu 11-26 08:00 UTC\n" +
			"ann Wed 11-25 08:00 UTC - Wed 11-25 12:00 UTC\n" +
			"bob Wed 11-25 12:00 UTC - Wed 11-25 20:00 UTC\n" +
			"ann Wed 11-25 20:00 UTC - Thu 11-26 08:00 UTC\n"
		if sortedLines(got) != sortedLines(want) {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		duties, err := r.roster.OnDuty(ctx, shift.From)
		if err != nil || len(duties) != 2 || duties[0].Name+duties[1].Name != "cydbob" && duties[0].Name+duties[1].Name != "bobcyd" {
			t.Errorf("on duty: %+v, %v", duties, err)
		}
		for _, d := range duties {
			if d.Mail != d.Name+"@example.org" {
				t.Errorf("no way to reach %+v", d)
			}
		}
		// Who is disabled stands in for nobody.
		if _, err := r.accounts.Change(ctx, "bob", people.Change{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		if plan := r.plan(t, day); strings.Contains(names(t, plan, "UTC"), "bob") || len(plan.Gaps) != 0 {
			t.Errorf("got\n%s", names(t, plan, "UTC"))
		}
		if _, err := r.accounts.Change(ctx, "ann", people.Change{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		if plan := r.plan(t, day); len(plan.Gaps) != 1 || plan.Gaps[0].Post != people.DefaultPost || !plan.Gaps[0].From.Equal(day.From) {
			t.Errorf("got\n%s", names(t, plan, "UTC"))
		}
	})
}

func sortedLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		for j := i; j > 0 && lines[j] < lines[j-1]; j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	return strings.Join(lines, "\n")
}

func TestEndOfShiftsAndRotations(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		r.crew(t, "ann")
		shift := func(from, until string) string {
			s, err := r.roster.AddShift(ctx, people.Shift{Account: "ann", Period: period(t, from, until)})
			if err != nil {
				t.Fatal(err)
			}
			return s.ID
		}
		past := shift("2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z")
		running := shift("2026-11-25T08:00:00Z", "2026-11-25T16:00:00Z") // it is 10:30
		future := shift("2026-11-26T08:00:00Z", "2026-11-26T16:00:00Z")
		wantError(t, "past", r.roster.End(ctx, past, ""), fault.Conflict)
		for _, id := range []string{running, future} {
			if err := r.roster.End(ctx, id, ""); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, "twice", r.roster.End(ctx, future, ""), fault.NotFound)
		rotation := r.rotation(t, people.Rotation{Zone: "UTC", Start: "2026-11-25", From: "18:00", Until: "06:00", Members: []string{"ann"}})
		wantError(t, "a day that has begun", r.roster.End(ctx, rotation.ID, "2026-11-25"), fault.Invalid)
		if err := r.roster.End(ctx, rotation.ID, ""); err != nil {
			t.Fatal(err)
		}
		got := names(t, r.plan(t, period(t, "2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z")), "UTC")
		want := "" +
			"ann Tue 11-24 00:00 UTC - Wed 11-25 00:00 UTC\n" +
			"ann Wed 11-25 08:00 UTC - Wed 11-25 10:30 UTC\n" +
			"ann Wed 11-25 18:00 UTC - Thu 11-26 06:00 UTC\n" +
			"nobody duty Wed 11-25 00:00 UTC - Wed 11-25 08:00 UTC\n" +
			"nobody duty Wed 11-25 10:30 UTC - Wed 11-25 18:00 UTC\n" +
			"nobody duty Thu 11-26 06:00 UTC - Fri 11-27 00:00 UTC\n"
		if got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestRosterRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		r.crew(t, "ann")
		right := people.Rotation{Zone: "UTC", Start: "2026-11-23", From: "08:00", Until: "08:00", Members: []string{"ann"}}
		for name, spoil := range map[string]func(*people.Rotation){
			"zone":    func(o *people.Rotation) { o.Zone = "Europe/Atlantis" },
			"no zone": func(o *people.Rotation) { o.Zone = "" },
			"local":   func(o *people.Rotation) { o.Zone = "Local" },
			"path":    func(o *people.Rotation) { o.Zone = "../../etc/passwd" },
			"start":   func(o *people.Rotation) { o.Start = "next monday" },
			"year":    func(o *people.Rotation) { o.Start = "9999-01-01" },
			"end":     func(o *people.Rotation) { o.End = o.Start },
			"from":    func(o *people.Rotation) { o.From = "25:00" },
			"until":   func(o *people.Rotation) { o.Until = "" },
			"weeks":   func(o *people.Rotation) { o.Weeks = -1 },
			"nobody":  func(o *people.Rotation) { o.Members = nil },
			"crowd":   func(o *people.Rotation) { o.Members = make([]string, 101) },
			"day":     func(o *people.Rotation) { o.Days = []string{"someday"} },
			"post":    func(o *people.Rotation) { o.Post = "two\nlines" },
		} {
			o := right
			spoil(&o)
			_, err := r.roster.AddRotation(ctx, o)
			wantError(t, name, err, fault.Invalid)
		}
		o := right
		o.Members = []string{"ann", "nobody"}
		_, err := r.roster.AddRotation(ctx, o)
		wantError(t, "a member that is not", err, fault.NotFound)
		_, err = r.roster.AddShift(ctx, people.Shift{Account: "ann", Period: period(t, "2026-11-26T08:00:00Z", "2026-11-26T08:00:00Z")})
		wantError(t, "a shift of no time", err, fault.Invalid)
		_, err = r.roster.AddShift(ctx, people.Shift{Account: "ann", Period: period(t, "2026-11-26T08:00:00Z", "2027-11-26T08:00:00Z")})
		wantError(t, "a shift of a year", err, fault.Invalid)
		for _, in := range []people.Period{{}, period(t, "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), period(t, "2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z")} {
			_, err = r.roster.Plan(ctx, in)
			wantError(t, "period", err, fault.Invalid)
		}
		for _, text := range []string{"", " \n", "\xff", "a\x00b", strings.Repeat("x", 20_000)} {
			_, err = r.roster.HandOver(ctx, "", text)
			wantError(t, "note", err, fault.Invalid)
		}
		if list, err := r.roster.Rotations(ctx); err != nil || len(list) != 0 {
			t.Errorf("left behind: %v, %v", list, err)
		}
	})
}

func TestHandOverNotes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := r.as(t, r.person(t, "ann"))
		for i := range 30 {
			if _, err := r.roster.HandOver(ctx, "", fmt.Sprintf("note %d\n<b>as it is</b>", i)); err != nil {
				t.Fatal(err)
			}
			r.advance(time.Minute)
		}
		notes, err := r.roster.Notes(ctx, time.Time{}, 0)
		if err != nil || len(notes) != 20 || notes[0].Text != "note 29\n<b>as it is</b>" || notes[0].Author != "ann" || notes[0].Post != people.DefaultPost {
			t.Fatalf("%d notes, %+v, %v", len(notes), notes[:1], err)
		}
		if older, err := r.roster.Notes(ctx, notes[19].At, 5); err != nil || len(older) != 5 || !strings.HasPrefix(older[0].Text, "note 9\n") {
			t.Errorf("older: %+v, %v", older, err)
		}
	})
}

// A watch all round the clock has no gap and no overlap, in any zone, over any
// change of clocks; and every hand-over is at its time by the clock on the wall,
// unless clocks skip that time.
func TestRotationNeverLeavesAGap(t *testing.T) {
	t.Parallel()
	r := one(t)
	r.crew(t, "ann", "bob", "cyd")
	zones := []string{"UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Shanghai", "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "America/Havana", "Antarctica/Troll"}
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(rt, "zone")
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 7000).Draw(rt, "start"))
		at := fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(rt, "hour"), rapid.SampledFrom([]int{0, 15, 30}).Draw(rt, "minute"))
		r.rotation(t, people.Rotation{
			Zone: zone, Start: start.Format(time.DateOnly), Weeks: rapid.IntRange(1, 3).Draw(rt, "weeks"),
			From: at, Until: at, Members: []string{"ann", "bob", "cyd"},
		})
		defer r.exec(t, `DELETE FROM people_rotation`)
		from := start.AddDate(0, 0, rapid.IntRange(2, 300).Draw(rt, "days"))
		plan := r.plan(t, people.Period{From: from, Until: from.AddDate(0, 0, rapid.IntRange(1, 60).Draw(rt, "length"))})
		if len(plan.Gaps) != 0 {
			rt.Fatalf("gaps:\n%s", names(t, plan, zone))
		}
		for i, d := range plan.Duties {
			if i == 0 {
				continue
			}
			if before := plan.Duties[i-1]; !before.Until.Equal(d.From) {
				rt.Fatalf("%v is followed by %v", before.Period, d.Period)
			}
			if got := d.From.In(in).Format("15:04"); got != at && !skips(d.From, in) {
				rt.Fatalf("handed over at %s, want %s", d.From.In(in), at)
			}
		}
	})
}

// skips reports whether a zone's clocks are set forward at an instant.
func skips(at time.Time, in *time.Location) bool {
	_, before := at.Add(-time.Second).In(in).Zone()
	_, after := at.In(in).Zone()
	return after > before
}
