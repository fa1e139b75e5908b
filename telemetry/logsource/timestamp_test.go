package logsource_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/telemetry/logsource"
)

func TestTimesAreRead(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"2020-06-09T22:50:54Z":                    "2020-06-09T22:50:54Z",
		"2020-06-09T22:50:54.1Z":                  "2020-06-09T22:50:54.1Z",
		"2020-06-09T22:50:54.123456789Z":          "2020-06-09T22:50:54.123456789Z",
		"2020-06-09T22:50:54.1234567891Z":         "2020-06-09T22:50:54.123456789Z",
		"2020-06-09T22:50:54+02:00":               "2020-06-09T20:50:54Z",
		"2020-06-09T22:50:54.5-0700":              "2020-06-10T05:50:54.5Z",
		"2020-06-09 22:50:54":                     "2020-06-09T22:50:54Z",
		"2020-06-09 22:50:54.123 UTC":             "2020-06-09T22:50:54.123Z",
		"2020-06-09 22:50:54,123":                 "2020-06-09T22:50:54.123Z",
		"2020/06/09 22:50:54 [error] 1#1: x":      "2020-06-09T22:50:54Z",
		"2020-02-29T23:59:60Z":                    "2020-03-01T00:00:00Z",
		"1591743054":                              "2020-06-09T22:50:54Z",
		"1591743054.25":                           "2020-06-09T22:50:54.25Z",
		"1591743054123":                           "2020-06-09T22:50:54.123Z",
		"1591743054123456":                        "2020-06-09T22:50:54.123456Z",
		"1591743054123456789":                     "2020-06-09T22:50:54.123456789Z",
		"132362166541230000":                      "2020-06-09T22:50:54.123Z",
		"audit(1591743054.123:50406)":             "2020-06-09T22:50:54.123Z",
		"[10/Oct/2000:13:55:36 -0700]":            "2000-10-10T20:55:36Z",
		"10/Oct/2000:13:55:36 +0000":              "2000-10-10T13:55:36Z",
		"Oct 10 13:55:36":                         "2023-10-10T13:55:36Z", // the reference is May 2024
		"May  2 11:00:00":                         "2024-05-02T11:00:00Z", // less than a day ahead: a clock that is fast
		"May  3 13:00:00":                         "2023-05-03T13:00:00Z",
		"Oct 10 2000 13:55:36.123":                "2000-10-10T13:55:36.123Z",
		"Oct 10, 2000 13:55:36":                   "2000-10-10T13:55:36Z",
		"Tue Oct 10 13:55:36 2000":                "2000-10-10T13:55:36Z",
		"[Fri Sep 09 10:42:29.902022 2011] error": "2011-09-09T10:42:29.902022Z",
		"5/13/2022 8:54:06 AM":                    "2022-05-13T08:54:06Z",
		"5/13/2022, 12:54:06.347 PM":              "2022-05-13T12:54:06.347Z",
		"1/1/2022 12:00:00 AM":                    "2022-01-01T00:00:00Z",
		"2020-06-09T22:50Z":                       "2020-06-09T22:50:00Z",
		"":                                        "",
		"-":                                       "",
		"yesterday":                               "",
		"2020-13-09T22:50:54Z":                    "",
		"2020-06-09T25:50:54Z":                    "",
		"2020-06-32T22:50:54Z":                    "",
		"2020-06-09":                              "",
		"2020-06-09T2a:50:54Z":                    "",
		"192.0.2.1":                               "",
		"12345":                                   "",
		"99999999999999999999":                    "",
		"0000-01-01T00:00:00Z":                    "",
		"Mon":                                     "",
		"Octopus":                                 "",
	}
	for text, want := range cases {
		got, ok := logsource.ParseTime([]byte(text), reference)
		if !ok {
			if want != "" {
				t.Errorf("%q is no time, want %s", text, want)
			}
			continue
		}
		if s := got.Format(time.RFC3339Nano); s != want {
			t.Errorf("%q is %s, want %s", text, s, want)
		}
	}
}

func TestTimeWithoutAYearNeedsAReference(t *testing.T) {
	t.Parallel()
	if got, ok := logsource.ParseTime([]byte("Oct 10 13:55:36"), time.Time{}); ok {
		t.Errorf("got %s without a reference", got)
	}
}

func TestTimesThatGoWritesAreReadBack(t *testing.T) {
	t.Parallel()
	layouts := []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999-07:00", "2006/01/02 15:04:05.999999999 -0700"}
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Int64Range(-11_000_000_000, 250_000_000_000).Draw(t, "seconds")
		nanos := rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")
		want := time.Unix(seconds, nanos).UTC()
		layout := rapid.SampledFrom(layouts).Draw(t, "layout")
		written := want
		if layout != layouts[1] { // which writes no zone
			written = want.In(time.FixedZone("", rapid.IntRange(-14*60, 14*60).Draw(t, "zone")*60))
		}
		text := written.Format(layout)
		got, ok := logsource.ParseTime([]byte(text), time.Time{})
		if !ok || !got.Equal(want) {
			t.Fatalf("%q is %v %v, want %v", text, got, ok, want)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{
		"2020-06-09T22:50:54.123Z", "1591743054.25", "132362166541230000", "audit(1591743054.123:50406)",
		"[10/Oct/2000:13:55:36 -0700]", "Oct 10 13:55:36", "Tue Oct 10 13:55:36 2000", "5/13/2022, 12:54:06.347 PM",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := logsource.ParseTime(text, reference)
		if !ok {
			return
		}
		again, ok := logsource.ParseTime([]byte(got.Format(time.RFC3339Nano)), reference)
		if year := got.Year(); year > 1601 && year < 9999 && (!ok || !again.Equal(got)) {
			t.Errorf("%q is %v, which reads back as %v %v", text, got, again, ok)
		}
	})
}
