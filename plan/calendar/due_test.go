package calendar_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/plan/calendar"
)

func tables(t testing.TB) map[string]*calendar.Table {
	t.Helper()
	all, err := calendar.Tables()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func in(t testing.TB, zone string, table *calendar.Table) *calendar.Calendar {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return &calendar.Calendar{Zone: z, Table: table}
}

func limit(t testing.TB, text string) calendar.Limit {
	t.Helper()
	l, err := calendar.ParseLimit(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func clock(t testing.TB, text string) (c calendar.Clock) {
	t.Helper()
	if text != "" {
		if err := c.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestDue(t *testing.T) {
	t.Parallel()
	all := tables(t)
	for _, test := range []struct {
		name, zone, table, start, limit string
		moment                          bool
		by, want                        string
	}{
		{"minutes run through midnight", "Asia/Shanghai", "cn", "2025-12-31T23:45:00+08:00", "30 min", false, "", "2026-01-01T00:15:00+08:00"},
		{"hours run through the night that clocks go forward", "Europe/Berlin", "de", "2026-03-28T12:00:00+01:00", "24 h", false, "", "2026-03-29T13:00:00+02:00"},
		{"and back", "Europe/Berlin", "de", "2026-10-24T12:00:00+02:00", "24 h", false, "", "2026-10-25T11:00:00+01:00"},
		{"a day begins after the day of the event", "Asia/Singapore", "", "2026-01-05T00:00:01+08:00", "3 days", false, "", "2026-01-08T23:59:59+08:00"},
		{"whatever zone the event is written in", "Asia/Singapore", "", "2026-01-05T20:00:00Z", "3 days", false, "", "2026-01-09T23:59:59+08:00"},
		{"days to the moment keep the time of day over a change of clocks", "Europe/Berlin", "", "2026-03-28T12:00:00+01:00", "2 days", true, "", "2026-03-30T12:00:00+02:00"},
		{"a month ends with the same day", "Europe/Paris", "fr", "2026-01-15T10:00:00+01:00", "1 month", false, "", "2026-02-15T23:59:59+01:00"},
		{"or the last day of a shorter month", "Europe/Paris", "fr", "2026-01-31T10:00:00+01:00", "1 month", false, "", "2026-02-28T23:59:59+01:00"},
		{"of a leap year", "Europe/Paris", "fr", "2028-01-31T10:00:00+01:00", "1 month", false, "", "2028-02-29T23:59:59+01:00"},
		{"from a short month to the same day", "Europe/Paris", "fr", "2026-02-28T10:00:00+01:00", "1 month", false, "", "2026-03-28T23:59:59+01:00"},
		{"over the year's end", "Europe/Paris", "fr", "2026-12-31T10:00:00+01:00", "2 months", false, "", "2027-02-28T23:59:59+01:00"},
		{"a month to the moment", "Europe/Paris", "fr", "2026-03-15T10:00:00+01:00", "1 month", true, "", "2026-04-15T10:00:00+02:00"},
		{"four business days from a Monday", "America/New_York", "us", "2026-01-05T10:00:00-05:00", "4 business days", false, "17:30", "2026-01-09T17:30:00-05:00"},
		{"over a weekend and a holiday", "America/New_York", "us", "2026-01-15T10:00:00-05:00", "4 business days", false, "", "2026-01-22T23:59:59-05:00"},
		{"from a Saturday, as from the Friday before", "America/New_York", "us", "2026-01-10T10:00:00-05:00", "4 business days", false, "", "2026-01-15T23:59:59-05:00"},
		{"a holiday on a Saturday is held on the Friday before", "America/New_York", "us", "2026-07-01T10:00:00-04:00", "2 business days", false, "", "2026-07-06T23:59:59-04:00"},
		{"Thanksgiving", "America/New_York", "us", "2026-11-24T10:00:00-05:00", "2 business days", false, "", "2026-11-27T23:59:59-05:00"},
		{"New Year's Day on a Saturday is held in the old year", "America/New_York", "us", "2027-12-30T10:00:00-05:00", "1 business day", false, "", "2028-01-03T23:59:59-05:00"},
		{"Easter", "Europe/Berlin", "de", "2026-04-02T10:00:00+02:00", "1 business day", false, "", "2026-04-07T23:59:59+02:00"},
		{"the week of the Spring Festival, with a Saturday that is worked", "Asia/Shanghai", "cn", "2026-02-13T10:00:00+08:00", "2 business days", false, "", "2026-02-24T23:59:59+08:00"},
		{"working days is the same word", "Asia/Shanghai", "cn", "2026-02-27T10:00:00+08:00", "1 working day", false, "", "2026-02-28T23:59:59+08:00"},
		{"clocks that go forward at midnight leave a day whole", "America/Santiago", "", "2026-09-04T10:00:00-04:00", "1 day", false, "", "2026-09-05T23:59:59-04:00"},
		{"clocks that go back at midnight make it longer", "America/Santiago", "", "2026-04-03T10:00:00-03:00", "1 day", false, "", "2026-04-04T23:59:59-04:00"},
	} {
		c := in(t, test.zone, all[test.table])
		start, err := time.Parse(time.RFC3339, test.start)
		if err != nil {
			t.Fatal(err)
		}
		got := c.Due(start, calendar.Rule{Limit: limit(t, test.limit), Moment: test.moment, By: clock(t, test.by)})
		if got.At.Format(time.RFC3339) != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.At.Format(time.RFC3339), test.want)
		}
	}
}

func TestRoll(t *testing.T) {
	t.Parallel()
	all := tables(t)
	for _, test := range []struct{ name, table, at, by, want string }{
		{"a working day stays", "de", "2026-01-09T22:00:00+01:00", "12:00", "2026-01-09T22:00:00+01:00"},
		{"a Saturday goes to Monday noon", "de", "2026-01-10T03:00:00+01:00", "12:00", "2026-01-12T12:00:00+01:00"},
		{"a Sunday too", "de", "2026-01-11T23:59:59+01:00", "12:00", "2026-01-12T12:00:00+01:00"},
		{"a holiday goes to the day after", "de", "2026-05-01T10:00:00+02:00", "12:00", "2026-05-04T12:00:00+02:00"},
		{"without a time to the end of the day", "de", "2026-01-10T03:00:00+01:00", "", "2026-01-12T23:59:59+01:00"},
		{"without a table over weekends only", "", "2026-05-01T10:00:00+02:00", "12:00", "2026-05-01T10:00:00+02:00"},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		got := in(t, "Europe/Berlin", all[test.table]).Roll(calendar.Due{At: at}, clock(t, test.by))
		if got.At.Format(time.RFC3339) != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.At.Format(time.RFC3339), test.want)
		}
	}
}

func TestWhatIsNotKnownOfHolidaysIsSaid(t *testing.T) {
	t.Parallel()
	rule := calendar.Rule{Limit: limit(t, "3 business days")}
	start := time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct{ table, says string }{
		{"cn", "holidays of cn are not known for 2027"}, {"", "no table of holidays"}, {"us", "unconfirmed"},
	} {
		due := in(t, "UTC", tables(t)[test.table]).Due(start, rule)
		if !strings.Contains(strings.Join(due.Notes, "; "), test.says) {
			t.Errorf("%s: %q, want %q", test.table, due.Notes, test.says)
		}
	}
	if due := in(t, "UTC", nil).Due(start, calendar.Rule{Limit: limit(t, "72 h")}); len(due.Notes) != 0 {
		t.Errorf("hours need no holidays: %q", due.Notes)
	}
}

var zones = []string{"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut", "Atlantic/Azores"}

// A later start is never due earlier, no due moment is before its start, and a
// period that ends with a day ends with the last second of it. Rolling never makes
// anything earlier and ends on a business day, but keeps the order of days only:
// what is due on a Sunday is due on Monday noon, after what is due on Monday at
// ten.
func TestDueIsMonotone(t *testing.T) {
	t.Parallel()
	all := tables(t)
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		c := &calendar.Calendar{Zone: zone, Table: all[rapid.SampledFrom([]string{"", "us", "de", "fr", "cn"}).Draw(t, "table")]}
		rule := calendar.Rule{Limit: calendar.Limit{
			N: rapid.IntRange(1, 90).Draw(t, "n"), Unit: calendar.Unit(rapid.IntRange(int(calendar.Minutes), int(calendar.Months)).Draw(t, "unit")),
		}}
		first := time.Unix(rapid.Int64Range(1_700_000_000, 1_850_000_000).Draw(t, "start"), 0)
		second := first.Add(time.Duration(rapid.Int64Range(0, 200*3600).Draw(t, "later")) * time.Second)
		a, b := c.Due(first, rule), c.Due(second, rule)
		if b.At.Before(a.At) || a.At.Before(first) {
			t.Fatalf("%s after %s is due %s; after %s %s", rule.Limit, first, a.At, second, b.At)
		}
		if rule.Limit.Unit >= calendar.Days && a.At.Add(time.Second).YearDay() == a.At.YearDay() {
			t.Fatalf("%s is not the end of its day", a.At)
		}
		noon := calendar.Clock{Hour: 12, Set: true}
		rolled, other := c.Roll(a, noon), c.Roll(b, noon)
		if rolled.At.Before(a.At) || other.At.Format(time.DateOnly) < rolled.At.Format(time.DateOnly) {
			t.Fatalf("%s rolls to %s, %s to %s", a.At, rolled.At, b.At, other.At)
		}
		if again := c.Roll(rolled, noon); !again.At.Equal(rolled.At) {
			t.Fatalf("%s is a day off", rolled.At)
		}
	})
}

func TestLimitsAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"30 min": "30 min", "1 hour": "1 h", "2 days": "2 days", "1 day": "1 day", "4 business days": "4 business days",
		"10 working days": "10 business days", "1 month": "1 month", "immediately": "immediately", "1 business day": "1 business day",
	} {
		l := limit(t, text)
		again := limit(t, l.String())
		if l.String() != want || again != l {
			t.Errorf("%q is %q, and again %v", text, l, again)
		}
	}
	for _, text := range []string{"", "4", "4h", "0 h", "-1 h", "1.5 h", "4 weeks", "9999999999999999999 h", "4000 days", "h", "4  h", "Immediately"} {
		if l, err := calendar.ParseLimit(text); err == nil {
			t.Errorf("%q is read as %s", text, l)
		}
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	t.Parallel()
	const good = "table: x\nyears: [2026, 2027]\nsource: s\nmark: unconfirmed\n"
	for text, says := range map[string]string{
		"table: y\n": "x.yaml:1: table \"y\"",
		"table: x\nyears: [2027, 2026]\nsource: s\nmark: confirmed\n":        "x.yaml:2: years",
		"table: x\nyears: [2026, 2027]\nmark: confirmed\n":                   "source is missing",
		"table: x\nyears: [2026, 2027]\nsource: s\nmark: sure\n":             "x.yaml:4: mark",
		good + "shut: [2026-13-01]\n":                                        "x.yaml:5: day",
		good + "holidays:\n  - {title: A, month: 13, day: 1}\n":              "x.yaml:6: A: month",
		good + "holidays:\n  - {title: A, month: 1, weekday: mon, nth: 1}\n": "weekday as monday",
		good + "holidays:\n  - {title: A, month: 1, day: 1, easter: 1}\n":    "or easter",
		good + "holidays:\n  - {title: A, month: 1, day: 1, obs: 1}\n":       "x.yaml:6: unknown key",
		good + "holidays:\n  - {month: 1, day: 1}\n":                         "without title",
	} {
		if _, err := calendar.ParseTable("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, seed := range []string{"4 h", "30 min", "4 business days", "immediately", "1 month"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := calendar.ParseLimit(text)
		if err != nil {
			return
		}
		if again, err := calendar.ParseLimit(l.String()); err != nil || again != l {
			t.Errorf("%q is %v, written %q it is %v, %v", text, l, l.String(), again, err)
		}
	})
}
