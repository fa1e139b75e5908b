package ledger_test

import (
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

func TestTimeAskedAbout(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	noon := march.Add(12 * time.Hour)
	for i := range 10 { // every second day, twice a day
		at := noon.AddDate(0, 0, 2*i)
		commit(t, l, uint64(i+1), saw{intel.Domain, "a.example", "pc", at}, saw{intel.Domain, "a.example", "pc", at.Add(time.Hour)})
	}
	first, last := noon, noon.AddDate(0, 0, 18).Add(time.Hour)
	for _, test := range []struct {
		name         string
		since, until time.Time
		seen, whole  bool
		count        uint64
		first, last  time.Time
		days         int
	}{
		{"all time", time.Time{}, time.Time{}, true, true, 20, first, last, 10},
		{"exactly", first, last, true, true, 20, first, last, 10},
		{"after", last.Add(time.Second), time.Time{}, false, true, 0, time.Time{}, time.Time{}, 0},
		{"before", time.Time{}, first.Add(-time.Second), false, true, 0, time.Time{}, time.Time{}, 0},
		{"until the first", time.Time{}, first, true, false, 2, first, first, 1},
		{"from the last", last, time.Time{}, true, false, 2, last, last, 1},
		{"a day without", march.AddDate(0, 0, 1), march.AddDate(0, 0, 2).Add(-time.Second), false, true, 0, time.Time{}, time.Time{}, 0},
		{"two days of ten", march.AddDate(0, 0, 4), march.AddDate(0, 0, 7), true, false, 4, march.AddDate(0, 0, 4), march.AddDate(0, 0, 7).Add(-time.Second), 2},
	} {
		q := about(intel.Domain, "a.example")
		q.Since, q.Until = test.since, test.until
		a := ask(t, l, q)[0]
		if a.Seen != test.seen || a.Whole != test.whole || a.Count != test.count || !a.First.Equal(test.first) || !a.Last.Equal(test.last) || len(a.Days) != test.days {
			t.Errorf("%s: %+v", test.name, a)
		}
	}
}

func TestTimesThatCannotBeBelievedAreNotKept(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), ledger.Config{})
	for i, test := range []struct {
		at     time.Time
		dated  bool
		reason string
	}{
		{clock().Add(ledger.FutureLimit), true, "at the limit"},
		{clock().Add(ledger.FutureLimit + time.Second), false, "future"},
		{time.Date(ledger.PastLimit, 1, 1, 0, 0, 0, 0, time.UTC), true, "at the limit"},
		{time.Date(ledger.PastLimit, 1, 1, 0, 0, -1, 0, time.UTC), false, "past"},
		{time.Unix(0, 0), false, "1970"},
		{time.Time{}, false, "none"},
		{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), false, "9999"},
	} {
		value := string(rune('a'+i)) + ".example"
		commit(t, l, uint64(i+1), saw{intel.Domain, value, "pc", test.at})
		windowed := about(intel.Domain, value)
		windowed.Until = clock().AddDate(1, 0, 0)
		got := ask(t, l, about(intel.Domain, value), windowed)
		if !got[0].Seen || len(got[0].Hosts) != 1 || got[1].Seen != test.dated {
			t.Errorf("%s: seen %t, in a time %t", test.reason, got[0].Seen, got[1].Seen)
		}
		if (got[0].Count == 1) != test.dated || (got[0].Undated == 1) == test.dated || got[0].First.IsZero() == test.dated {
			t.Errorf("%s: %+v", test.reason, got[0])
		}
	}
	stats, err := l.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s := stats.Sources[0]; s.Undated != 5 || s.Seen != 7 {
		t.Errorf("%+v", s)
	}
}
