package indicator_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/detect/indicator"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
)

// of makes an indicator of a value as people write it.
func of(t testing.TB, kind intel.ObservableKind, text string) intel.Indicator {
	t.Helper()
	o, err := observable.Parse(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	return intel.Indicator{Observable: o, Origin: intel.Origin{Source: "test"}}
}

// with changes an indicator.
func with(in intel.Indicator, change func(*intel.Indicator)) intel.Indicator {
	change(&in)
	return in
}

// matcherOf returns a matcher of the indicators, and the names for its records.
func matcherOf(t testing.TB, freeText bool, indicators ...intel.Indicator) (*indicator.Matcher, *intel.Names) {
	t.Helper()
	live := &indicator.Live{}
	live.Store(compile(t, &indicator.Compiler{}, indicators...))
	names := intel.NewNames(nil)
	return indicator.NewMatcher(live, names, freeText), names
}

func compile(t testing.TB, c *indicator.Compiler, indicators ...intel.Indicator) *indicator.Set {
	t.Helper()
	p, err := pack.Of(indicators...)
	if err != nil {
		t.Fatal(err)
	}
	set, err := c.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// record makes a record of fields written as name, value, name, value.
func record(names *intel.Names, pairs ...string) *intel.Record {
	rec := &intel.Record{}
	for i := 0; i+1 < len(pairs); i += 2 {
		rec.Add(names.Intern(pairs[i]), intel.Text, []byte(pairs[i+1]))
	}
	return rec
}

// hits lists what a matcher finds in a record.
func hits(m *indicator.Matcher, rec *intel.Record, at time.Time) []string {
	var list []string
	m.Match(rec, at, func(h *indicator.Hit) {
		in := h.Indicator()
		list = append(list, fmt.Sprintf("%s in %s", in.Observable, h.Value))
	})
	return list
}

func TestMatching(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	url := func(text string, match intel.Match) intel.Indicator {
		return with(of(t, intel.URL, text), func(in *intel.Indicator) { in.Match = match })
	}
	port := func(text string, port uint16) intel.Indicator {
		return with(of(t, intel.IPAddress, text), func(in *intel.Indicator) { in.Port = port })
	}
	part := func(kind intel.ObservableKind, text string) intel.Indicator {
		return intel.Indicator{Observable: intel.Observable{Kind: kind, Value: text}, Match: intel.MatchSubstring}
	}
	for name, c := range map[string]struct {
		indicators []intel.Indicator
		fields     []string
		want       []string
	}{
		"a domain":           {[]intel.Indicator{of(t, intel.Domain, "Evil.example")}, []string{"QueryName", "evil.example."}, []string{"domain evil.example in evil.example"}},
		"a domain below":     {[]intel.Indicator{of(t, intel.Domain, "evil.example")}, []string{"QueryName", "a.b.evil.example"}, []string{"domain evil.example in a.b.evil.example"}},
		"not a longer label": {[]intel.Indicator{of(t, intel.Domain, "evil.example")}, []string{"QueryName", "notevil.example"}, nil},
		"not the parent":     {[]intel.Indicator{of(t, intel.Domain, "a.evil.example")}, []string{"QueryName", "evil.example"}, nil},
		"exactly a domain": {
			[]intel.Indicator{with(of(t, intel.Domain, "evil.example"), func(in *intel.Indicator) { in.Match = intel.MatchExactly })},
			[]string{"QueryName", "a.evil.example", "SourceHostname", "evil.example"},
			[]string{"domain evil.example in evil.example"},
		},
		"the host of a URL": {[]intel.Indicator{of(t, intel.Domain, "evil.example")}, []string{"url", "https://www.evil.example/x"}, []string{"domain evil.example in www.evil.example"}},
		"an address":        {[]intel.Indicator{of(t, intel.IPAddress, "192.0.2.7")}, []string{"DestinationIp", "192.0.2.7"}, []string{"ip 192.0.2.7 in 192.0.2.7"}},
		"IPv6 in two forms": {[]intel.Indicator{of(t, intel.IPAddress, "2001:DB8:0::1")}, []string{"DestinationIp", "2001:0db8::0:1"}, []string{"ip 2001:db8::1 in 2001:db8::1"}},
		"ranges, the narrowest first": {
			[]intel.Indicator{of(t, intel.IPRange, "10.0.0.0/8"), of(t, intel.IPRange, "10.1.2.0/24"), of(t, intel.IPRange, "10.1.3.0/24")},
			[]string{"DestinationIp", "10.1.2.3", "SourceIp", "11.0.0.0"},
			[]string{"cidr 10.0.0.0/8 in 10.1.2.3", "cidr 10.1.2.0/24 in 10.1.2.3"},
		},
		"IPv6 ranges":        {[]intel.Indicator{of(t, intel.IPRange, "2001:db8::/32")}, []string{"DestinationIp", "2001:db8:ffff::1", "SourceIp", "2001:db9::"}, []string{"cidr 2001:db8::/32 in 2001:db8:ffff::1"}},
		"the whole of IPv4":  {[]intel.Indicator{of(t, intel.IPRange, "0.0.0.0/0")}, []string{"DestinationIp", "255.255.255.254"}, []string{"cidr 0.0.0.0/0 in 255.255.255.254"}},
		"an address's port":  {[]intel.Indicator{port("192.0.2.7", 4711)}, []string{"DestinationIp", "192.0.2.7", "DestinationPort", "4711"}, []string{"ip 192.0.2.7 in 192.0.2.7"}},
		"another port":       {[]intel.Indicator{port("192.0.2.7", 4711)}, []string{"DestinationIp", "192.0.2.7", "DestinationPort", "471"}, nil},
		"the other's port":   {[]intel.Indicator{port("192.0.2.7", 4711)}, []string{"DestinationIp", "192.0.2.7", "SourceIp", "192.0.2.8", "SourcePort", "4711", "DestinationPort", "80"}, nil},
		"a port in the text": {[]intel.Indicator{port("192.0.2.7", 4711)}, []string{"callerIpAddress", "192.0.2.7:4711"}, []string{"ip 192.0.2.7 in 192.0.2.7"}},
		"a port in a URL":    {[]intel.Indicator{port("192.0.2.7", 4711)}, []string{"url", "http://192.0.2.7:4711/x"}, []string{"ip 192.0.2.7 in 192.0.2.7"}},
		"a longer port":      {[]intel.Indicator{port("192.0.2.7", 471)}, []string{"url", "http://192.0.2.7:4711/x"}, nil},
		"a URL":              {[]intel.Indicator{of(t, intel.URL, "http://evil.example/a")}, []string{"url", "http://EVIL.example:80/a"}, []string{"url http://evil.example/a in http://evil.example/a"}},
		"a longer URL":       {[]intel.Indicator{of(t, intel.URL, "http://evil.example/a")}, []string{"url", "http://evil.example/a/b"}, nil},
		"another scheme":     {[]intel.Indicator{of(t, intel.URL, "http://evil.example/a")}, []string{"url", "https://evil.example/a"}, nil},
		"any scheme":         {[]intel.Indicator{of(t, intel.URL, "evil.example/a")}, []string{"url", "https://evil.example/a"}, []string{"url //evil.example/a in https://evil.example/a"}},
		"a scheme not logged": {
			[]intel.Indicator{of(t, intel.URL, "https://evil.example/a")},
			[]string{"cs-host", "evil.example", "cs-uri-stem", "/a"},
			[]string{"url https://evil.example/a in //evil.example/a"},
		},
		"ftp": {[]intel.Indicator{of(t, intel.URL, "ftp://evil.example/a")}, []string{"url", "ftp://evil.example/a", "Url", "http://evil.example/a"}, []string{"url ftp://evil.example/a in ftp://evil.example/a"}},
		"the beginning of a URL": {
			[]intel.Indicator{url("//evil.example/a", intel.MatchPrefix), url("//evil.example/a/b", intel.MatchPrefix), url("//evil.example/a/bc", intel.MatchPrefix)},
			[]string{"url", "https://evil.example/a/b?c=d"},
			[]string{"url //evil.example/a in https://evil.example/a/b?c=d", "url //evil.example/a/b in https://evil.example/a/b?c=d"},
		},
		"the beginning, with scheme": {[]intel.Indicator{url("http://evil.example/", intel.MatchPrefix)}, []string{"url", "https://evil.example/a"}, nil},
		"the same URL as a beginning": {
			[]intel.Indicator{url("//evil.example/a", intel.MatchPrefix)}, []string{"url", "https://evil.example/a"}, []string{"url //evil.example/a in https://evil.example/a"},
		},
		"no boundary": {[]intel.Indicator{url("//evil.example/a", intel.MatchPrefix)}, []string{"url", "https://evil.example/ab"}, nil},
		"part of a URL": {
			[]intel.Indicator{part(intel.URL, "/gate.php"), part(intel.URL, "/gate.php?id"), part(intel.URL, "zzzz")},
			[]string{"url", "http://a.example/x/gate.php?id=1"},
			[]string{"url /gate.php in http://a.example/x/gate.php?id=1", "url /gate.php?id in http://a.example/x/gate.php?id=1"},
		},
		"a hash":             {[]intel.Indicator{of(t, intel.SHA256, hash)}, []string{"Hashes", "MD5=" + hash[:32] + ",SHA256=" + strings.ToUpper(hash)}, []string{"sha256 " + hash + " in " + hash}},
		"not another kind":   {[]intel.Indicator{of(t, intel.ImpHash, hash[:32])}, []string{"Hashes", "MD5=" + hash[:32]}, nil},
		"a file's name":      {[]intel.Indicator{of(t, intel.FileName, "evil.exe")}, []string{"Image", `C:\Temp\Evil.exe`}, []string{"filename evil.exe in evil.exe"}},
		"a file's path":      {[]intel.Indicator{of(t, intel.FilePath, `C:\Temp\evil.exe`)}, []string{"Image", `C:\temp\EVIL.exe`}, []string{`filepath c:\temp\evil.exe in c:\temp\evil.exe`}},
		"a path of no drive": {[]intel.Indicator{of(t, intel.FilePath, `%SystemRoot%\evil.exe`)}, []string{"Image", `C:\Windows\evil.exe`}, []string{`filepath \windows\evil.exe in c:\windows\evil.exe`}},
		"mail":               {[]intel.Indicator{of(t, intel.EmailAddress, "bad@evil.example")}, []string{"mailfrom", "<Bad@Evil.example>"}, []string{"email bad@evil.example in bad@evil.example"}},
		"each once":          {[]intel.Indicator{of(t, intel.Domain, "evil.example")}, []string{"QueryName", "a.evil.example", "SourceHostname", "b.evil.example"}, []string{"domain evil.example in a.evil.example"}},
		"two sources": {
			[]intel.Indicator{of(t, intel.Domain, "evil.example"), with(of(t, intel.Domain, "evil.example"), func(in *intel.Indicator) { in.Label = "other" })},
			[]string{"QueryName", "evil.example"},
			[]string{"domain evil.example in evil.example", "domain evil.example in evil.example"},
		},
		"a field of no kind": {[]intel.Indicator{of(t, intel.Domain, "evil.example")}, []string{"Message", "evil.example"}, nil},
	} {
		m, names := matcherOf(t, false, c.indicators...)
		got := hits(m, record(names, c.fields...), time.Time{})
		slices.Sort(got)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFreeTextIsLookedThroughWhenAsked(t *testing.T) {
	t.Parallel()
	fields := []string{"Message", "connection to www.evil-site.com and hxxp://192.0.2[.]7/x refused"}
	indicators := []intel.Indicator{of(t, intel.Domain, "evil-site.com"), of(t, intel.IPAddress, "192.0.2.7")}
	without, names := matcherOf(t, false, indicators...)
	if got := hits(without, record(names, fields...), time.Time{}); got != nil {
		t.Errorf("found %v in text that was not to be looked through", got)
	}
	m, names := matcherOf(t, true, indicators...)
	want := []string{"domain evil-site.com in www.evil-site.com", "ip 192.0.2.7 in 192.0.2.7"}
	if diff := cmp.Diff(want, hits(m, record(names, fields...), time.Time{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnIndicatorNoLongerValidIsNoHit(t *testing.T) {
	t.Parallel()
	end := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	m, names := matcherOf(t, false, with(of(t, intel.Domain, "evil.example"), func(in *intel.Indicator) { in.Until = end }))
	rec := record(names, "QueryName", "evil.example")
	for at, want := range map[time.Time]int{end.Add(-1): 1, end: 0, {}: 1} {
		if got := len(hits(m, rec, at)); got != want {
			t.Errorf("%d hits at %s, want %d", got, at, want)
		}
	}
}

func TestMatchingWithoutHitAllocatesNothing(t *testing.T) {
	var indicators []intel.Indicator
	for i := range 1000 {
		indicators = append(indicators, of(t, intel.Domain, fmt.Sprintf("n%d.example.com", i)), of(t, intel.IPAddress, fmt.Sprintf("10.0.%d.%d", i>>8, i&255)),
			of(t, intel.URL, fmt.Sprintf("http://n%d.example.com/x", i)), of(t, intel.FileName, fmt.Sprintf("n%d.exe", i)),
			with(of(t, intel.URL, fmt.Sprintf("http://n%d.example.net/x", i)), func(in *intel.Indicator) { in.Match = intel.MatchPrefix }))
	}
	m, names := matcherOf(t, false, append(indicators, of(t, intel.IPRange, "172.16.0.0/12"), intel.Indicator{
		Observable: intel.Observable{Kind: intel.URL, Value: "/gate.php"}, Match: intel.MatchSubstring,
	})...)
	rec := record(names, "QueryName", "www.microsoft.com", "DestinationIp", "192.0.2.7", "SourceIp", "2001:db8::1", "url", "https://www.example.org/index.html?a=b",
		"Image", `C:\Windows\notepad.exe`)
	if n := testing.AllocsPerRun(100, func() { m.Match(rec, time.Time{}, func(*indicator.Hit) {}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A set is replaced whole: who matches meanwhile sees the one or the other.
func TestSetsAreReplacedWhileMatching(t *testing.T) {
	t.Parallel()
	sets := make([]*indicator.Set, 2)
	for n := range sets {
		var indicators []intel.Indicator
		for i := range 5000 {
			indicators = append(indicators, with(of(t, intel.Domain, fmt.Sprintf("n%d.example.com", i)), func(in *intel.Indicator) { in.Label = strconv.Itoa(n) }))
		}
		sets[n] = compile(t, &indicator.Compiler{}, indicators...)
	}
	live := &indicator.Live{}
	live.Store(sets[0])
	names := intel.NewNames(nil)
	var pairs []string
	for i := range 100 {
		pairs = append(pairs, "answers", fmt.Sprintf("n%d.example.com", i*50))
	}
	var matching sync.WaitGroup
	for range 4 {
		matching.Go(func() {
			m := indicator.NewMatcher(live, names, false)
			rec := record(names, pairs...)
			for range 200 {
				found := map[string]int{}
				m.Match(rec, time.Time{}, func(h *indicator.Hit) { found[h.Origin().Label]++ })
				if len(found) != 1 || found["0"]+found["1"] != 100 {
					t.Errorf("hits of both sets or of neither: %v", found)
				}
			}
		})
	}
	for n := range 1000 {
		live.Store(sets[n%2])
	}
	matching.Wait()
	live.Store(nil)
	m := indicator.NewMatcher(live, names, false)
	if got := hits(m, record(names, pairs...), time.Time{}); got != nil {
		t.Errorf("no set is in force, and %v is found", got)
	}
}
