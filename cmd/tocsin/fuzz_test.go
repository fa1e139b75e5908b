package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzInfo: a test's description is read or refused, and names no file outside
// its folder.
func FuzzInfo(f *testing.F) {
	f.Add("rule_metadata: [{id: a}]\nregression_tests_info: [{name: n, path: regression_data/x.evtx, match_count: 2}]\n")
	f.Add("rule_metadata: [{id: a}]\nregression_tests_info: [{path: ../../x}]\n")
	f.Add("a: &a [*a]\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		expected, _ := parseInfo(dir, filepath.Join(dir, "info.yml"), []byte(text))
		for _, e := range expected {
			if !strings.HasPrefix(e.File, filepath.Dir(dir)) {
				t.Errorf("names %s", e.File)
			}
		}
	})
}

// FuzzMoment: a point in time is read or refused, and never lies in the future
// when it says how long ago.
func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"2017-05-12T07:24:00Z", "2017-05-12", "24h", "7d", "-1h", "99999999d", "1h30m", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m moment
		if err := m.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if ago, err := span(text); err == nil && ago < 0 {
			t.Errorf("%q is %s ago", text, ago)
		}
	})
}
