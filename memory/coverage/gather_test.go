package coverage_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/coverage"
)

// hoursOf adds up what a memory tells, an hour of a stream each.
func hoursOf(t *testing.T, m coverage.Memory, since, until time.Time) map[intel.Presence]bool {
	t.Helper()
	all := map[intel.Presence]bool{}
	err := m.Presence(t.Context(), since, until, nil, func(p intel.Presence) error {
		seen, unhealthy := p.Seen, p.Unhealthy
		for bit := uint32(1); bit < 1<<24; bit <<= 1 {
			if p.Seen, p.Unhealthy = seen&bit, unhealthy&bit; p.Seen|p.Unhealthy > 0 {
				all[p] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGatheredTellsWhatTheMemoryDid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		var m table
		for range rapid.IntRange(0, 40).Draw(rt, "rows") {
			source, host := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "source"), rapid.SampledFrom([]string{"", "pc"}).Draw(rt, "host")
			log := rapid.SampledFrom([]intel.LogSource{{}, sysmon, queries}).Draw(rt, "log")
			hours := rapid.SliceOfN(rapid.IntRange(0, 200), 1, 30).Draw(rt, "hours")
			m.add(source, log, host, now.Add(-300*time.Hour), hours, rapid.Bool().Draw(rt, "seen"), rapid.Bool().Draw(rt, "unhealthy"))
		}
		wire, err := coverage.Gather(t.Context(), m, time.Time{}, now)
		if err != nil {
			rt.Fatal(err)
		}
		got, err := coverage.ReadGathered(wire)
		if err != nil {
			rt.Fatal(err)
		}
		since, until := now.Add(-time.Duration(rapid.IntRange(0, 400).Draw(rt, "since"))*time.Hour), now.Add(-time.Duration(rapid.IntRange(0, 300).Draw(rt, "until"))*time.Hour)
		want, told := joinedHours(hoursOf(t, m, since, until)), joinedHours(hoursOf(t, got, since, until))
		if len(want) != len(told) {
			rt.Fatalf("%d hours, want %d", len(told), len(want))
		}
		for k, v := range want {
			if told[k] != v {
				rt.Fatalf("%+v: %v, want %v", k, told[k], v)
			}
		}
	})
}

// joinedHours puts what rows say of one hour together.
func joinedHours(rows map[intel.Presence]bool) map[intel.Presence][2]bool {
	all := map[intel.Presence][2]bool{}
	for p := range rows {
		k := p
		k.Day = k.Day.Add(time.Duration(p.Seen|p.Unhealthy) * time.Nanosecond)
		k.Seen, k.Unhealthy = 0, 0
		all[k] = [2]bool{all[k][0] || p.Seen > 0, all[k][1] || p.Unhealthy > 0}
	}
	return all
}

func TestGatheredIsShortForMachinesThatAreAlwaysOn(t *testing.T) {
	t.Parallel()
	var m table
	m.heard("agent", sysmon, "pc", now.AddDate(-1, 0, 0), every(0, 365*24)...)
	wire, err := coverage.Gather(t.Context(), m, time.Time{}, now)
	if err != nil || len(wire) > 100 {
		t.Errorf("a year of one machine takes %d bytes: %v", len(wire), err)
	}
}

func FuzzReadGathered(f *testing.F) {
	var m table
	m.heard("agent", sysmon, "pc", now.Add(-100*time.Hour), 1, 2, 3, 50)
	m.lost("agent", intel.LogSource{}, "", now.Add(-100*time.Hour), 4)
	wire, err := coverage.Gather(f.Context(), m, time.Time{}, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 1, 0, 0xff, 0xff, 3, 1, 1})
	f.Fuzz(func(t *testing.T, wire []byte) {
		g, err := coverage.ReadGathered(wire)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
			return
		}
		if err := g.Presence(t.Context(), now.Add(-100*time.Hour), now, nil, func(intel.Presence) error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
