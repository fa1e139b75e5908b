package coverage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/coverage"
)

var (
	now     = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	sysmon  = intel.LogSource{Product: "windows", Category: "process_creation", Service: "sysmon"}
	queries = intel.LogSource{Product: "windows", Category: "dns_query", Service: "sysmon"}
	system  = intel.LogSource{Product: "windows", Service: "system"}
)

// table is what is remembered in a test.
type table struct{ coverage.Table }

// heard adds that a source had events of a host in some hours, counted from a
// time; unhealthy that something was lost in them.
func (t *table) heard(source string, log intel.LogSource, host string, from time.Time, hours ...int) {
	t.add(source, log, host, from, hours, true, false)
}

func (t *table) lost(source string, log intel.LogSource, host string, from time.Time, hours ...int) {
	t.add(source, log, host, from, hours, log != intel.LogSource{}, true)
}

func (t *table) add(source string, log intel.LogSource, host string, from time.Time, hours []int, seen, unhealthy bool) {
	for _, h := range hours {
		at := from.Add(time.Duration(h) * time.Hour)
		p := intel.Presence{Source: source, LogSource: log, Host: host, Day: at.Truncate(24 * time.Hour)}
		bit := uint32(1) << at.Hour()
		if seen {
			p.Seen = bit
		}
		if unhealthy {
			p.Unhealthy = bit
		}
		t.Table = append(t.Table, p)
	}
}

// every returns the numbers from one up to but without another.
func every(from, to int) []int {
	var all []int
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

func decide(t *testing.T, m coverage.Memory, q coverage.Question) coverage.Verdict {
	t.Helper()
	rules, err := coverage.Load()
	if err != nil {
		t.Fatal(err)
	}
	if q.Kind == intel.NoObservable && q.LogSource == (intel.LogSource{}) {
		q.Kind = intel.SHA256
	}
	v, err := rules.Decide(t.Context(), m, q, now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// period is a question about the hours before now.
func period(hours int) coverage.Question {
	return coverage.Question{Since: now.Add(-time.Duration(hours) * time.Hour)}
}

func TestRulesThatTheProgramBringsAreWhole(t *testing.T) {
	t.Parallel()
	if _, err := coverage.Load(); err != nil {
		t.Error(err)
	}
}

func TestTimeBoundary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lost int // of 1,000 hours
		want intel.Verdict
	}{{50, intel.NotSeen}, {51, intel.Unknown}, {0, intel.NotSeen}, {1000, intel.Unknown}} {
		var m table
		from := now.Add(-1000 * time.Hour)
		m.heard("agent", sysmon, "pc", from, every(0, 1000)...)
		m.lost("agent", sysmon, "pc", from, every(0, test.lost)...)
		if v := decide(t, m, period(1000)); v.Verdict != test.want {
			t.Errorf("%d of 1000 hours lost: %s, want %s: %s", test.lost, v.Verdict, test.want, v.Reason)
		}
	}
}

func TestHostBoundary(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hosts, blind int
		want         intel.Verdict
	}{{10, 1, intel.NotSeen}, {10, 2, intel.Unknown}, {1000, 100, intel.NotSeen}, {1000, 101, intel.Unknown}, {1, 1, intel.Unknown}, {9, 1, intel.Unknown}} {
		var m table
		from := now.Add(-24 * time.Hour)
		for i := range test.hosts {
			log := sysmon
			if i < test.blind {
				log = system // known, but nothing tells its programs
			}
			m.heard("agent", log, fmt.Sprint("pc", i), from, every(0, 24)...)
		}
		v := decide(t, m, period(24))
		if v.Verdict != test.want || v.HostsKnown != test.hosts || v.HostsCovered != test.hosts-test.blind {
			t.Errorf("%d of %d hosts blind: %s, want %s: %s", test.blind, test.hosts, v.Verdict, test.want, v.Reason)
		}
	}
}

func TestHostsOfThirtyDaysAreKnown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ago  int // hours before now in which the other host was last heard of
		want intel.Verdict
	}{{30*24 + 1, intel.NotSeen}, {30 * 24, intel.Unknown}, {1, intel.Unknown}} {
		var m table
		m.heard("agent", sysmon, "pc", now.Add(-24*time.Hour), every(0, 24)...)
		m.heard("agent", system, "other", now.Add(-time.Duration(test.ago)*time.Hour), 0)
		if v := decide(t, m, period(24)); v.Verdict != test.want {
			t.Errorf("another host was heard of %d hours ago: %s, want %s: %s", test.ago, v.Verdict, test.want, v.Reason)
		}
	}
}

func TestGapBoundary(t *testing.T) {
	t.Parallel()
	const gap = 14 // of process_creation, in carriers.yaml
	from := now.Add(-100 * time.Hour)
	for _, test := range []struct {
		name  string
		hours []int
		want  intel.Verdict
	}{
		{"quiet for as long as the gap", append(every(0, 50), every(50+gap-1, 100)...), intel.NotSeen},
		{"quiet for longer", append(every(0, 50), every(50+gap, 100)...), intel.Unknown},
		{"quiet at the end", every(0, 100-gap+1), intel.NotSeen},
		{"quiet at the end for longer", every(0, 100-gap), intel.Unknown},
		{"quiet at the beginning", every(6, 100), intel.Unknown},
		{"nearly from the beginning", every(5, 100), intel.NotSeen},
		{"one event each gap", []int{-1, 13, 27, 41, 55, 69, 83, 97}, intel.NotSeen},
		{"an event before the time asked about", append([]int{-3}, every(11, 100)...), intel.NotSeen},
		{"an event too long before", append([]int{-4}, every(11, 100)...), intel.Unknown},
	} {
		var m table
		m.heard("agent", sysmon, "pc", from, test.hours...)
		if v := decide(t, m, period(100)); v.Verdict != test.want {
			t.Errorf("%s: %s, want %s: %s", test.name, v.Verdict, test.want, v.Reason)
		}
	}
}

func TestPastTimeIsJudgedByWhatCameAfter(t *testing.T) {
	t.Parallel()
	var m table
	from := now.Add(-1000 * time.Hour)
	m.heard("agent", sysmon, "pc", from, 0, 10, 20, 30, 40)
	q := coverage.Question{Since: from, Until: from.Add(35 * time.Hour)}
	if v := decide(t, m, q); v.Verdict != intel.NotSeen {
		t.Errorf("an event after the time: %s, %s", v.Verdict, v.Reason)
	}
	q.Until = from.Add(50 * time.Hour)
	if v := decide(t, m, q); v.Verdict != intel.Unknown || v.Share > 0.83 {
		t.Errorf("nothing after the time: %s, %.2f, %s", v.Verdict, v.Share, v.Reason)
	}
}

func TestLossesOfASourceAreLossesOfAllItsHosts(t *testing.T) {
	t.Parallel()
	from := now.Add(-24 * time.Hour)
	for _, log := range []intel.LogSource{{}, sysmon} {
		var m table
		m.heard("agent", sysmon, "pc", from, every(0, 24)...)
		m.heard("agent", sysmon, "pc2", from, every(0, 24)...)
		m.heard("other", sysmon, "pc3", from, every(0, 24)...)
		m.lost("agent", log, "", from, 3, 4)
		m.lost("nobody", log, "", from, 5)
		v := decide(t, m, period(24))
		if v.Verdict != intel.Unknown || v.HostsCovered != 1 {
			t.Errorf("losses of %q: %s, %d covered: %s", log, v.Verdict, v.HostsCovered, v.Reason)
		}
	}
}

func TestSourcesTogetherCoverAHost(t *testing.T) {
	t.Parallel()
	var m table
	from := now.Add(-100 * time.Hour)
	m.heard("agent", sysmon, "pc", from, every(0, 50)...)
	m.heard("other", sysmon, "pc", from, every(50, 100)...)
	v := decide(t, m, period(100))
	if v.Verdict != intel.NotSeen || len(v.Sources) != 2 || v.Share != 1 {
		t.Errorf("%+v", v)
	}
}

func TestKindsAreCarriedByTheirLogSources(t *testing.T) {
	t.Parallel()
	from := now.Add(-24 * time.Hour)
	var m table
	m.heard("agent", queries, "pc", from, every(0, 24)...)
	for _, test := range []struct {
		q    coverage.Question
		want intel.Verdict
		says string
	}{
		{coverage.Question{Kind: intel.Domain}, intel.NotSeen, "1 of 1"},
		{coverage.Question{Kind: intel.SHA256}, intel.Unknown, "category=process_creation"},
		{coverage.Question{Kind: intel.IPRange}, intel.Unknown, "category=firewall"},
		{coverage.Question{Kind: intel.Mutex}, intel.Unknown, "no log source tells"},
		{coverage.Question{LogSource: intel.LogSource{Category: "dns_query"}}, intel.NotSeen, "1 of 1"},
		{coverage.Question{LogSource: intel.LogSource{Product: "windows", Category: "dns_query"}}, intel.NotSeen, "1 of 1"},
		{coverage.Question{LogSource: intel.LogSource{Product: "linux", Category: "dns_query"}}, intel.Unknown, "product=linux"},
		{coverage.Question{Kind: intel.Domain, Seen: true}, intel.Seen, "seen"},
		{coverage.Question{Kind: intel.Mutex, Seen: true}, intel.Seen, "seen"},
		{coverage.Question{Kind: intel.Domain, Problem: "a file is damaged"}, intel.Unknown, "a file is damaged"},
		{coverage.Question{Kind: intel.Domain, Since: now.Add(time.Hour)}, intel.Unknown, "future"},
	} {
		if test.q.Since.IsZero() {
			test.q.Since = from
		}
		v := decide(t, m, test.q)
		if v.Verdict != test.want || !strings.Contains(v.Reason, test.says) {
			t.Errorf("%+v: %s, %s", test.q, v.Verdict, v.Reason)
		}
	}
}

func TestLogSourceThatIsNotListedHasTheDefaultGap(t *testing.T) {
	t.Parallel()
	rare := intel.LogSource{Product: "macos", Category: "bluetooth"}
	from := now.Add(-60 * time.Hour)
	for gap, want := range map[int]intel.Verdict{6: intel.NotSeen, 7: intel.Unknown} {
		var m table
		var hours []int
		for h := 0; h < 60; h += gap {
			hours = append(hours, h)
		}
		m.heard("agent", rare, "mac", from, hours...)
		if v := decide(t, m, coverage.Question{LogSource: rare, Since: from}); v.Verdict != want {
			t.Errorf("an event each %d hours: %s, want %s: %s", gap, v.Verdict, want, v.Reason)
		}
	}
}

func TestNothingRememberedIsUnknown(t *testing.T) {
	t.Parallel()
	for _, q := range []coverage.Question{{}, period(24)} {
		v := decide(t, table{}, q)
		if v.Verdict != intel.Unknown || v.Reason == "" {
			t.Errorf("%+v", v)
		}
	}
}

func TestZeroSinceIsTheBeginningOfMemory(t *testing.T) {
	t.Parallel()
	var m table
	from := now.Add(-100 * time.Hour)
	m.heard("agent", sysmon, "pc", from, every(0, 100)...)
	v := decide(t, m, coverage.Question{})
	if v.Verdict != intel.NotSeen || !v.Since.Equal(from) || !v.Until.Equal(now) {
		t.Errorf("%+v", v)
	}
}

func TestSourceWithoutHostsIsAHost(t *testing.T) {
	t.Parallel()
	var m table
	m.heard("firewall", intel.LogSource{Category: "firewall"}, "", now.Add(-24*time.Hour), every(0, 24)...)
	if v := decide(t, m, coverage.Question{Kind: intel.IPAddress, Since: now.Add(-24 * time.Hour)}); v.Verdict != intel.NotSeen || v.HostsKnown != 1 {
		t.Errorf("%+v", v)
	}
}

var (
	zeekDNS  = intel.LogSource{Product: "zeek", Category: "dns", Service: "dns"}
	zeekSSL  = intel.LogSource{Product: "zeek", Service: "ssl"}
	zeekHTTP = intel.LogSource{Product: "zeek", Category: "proxy", Service: "http"}
	fileOf   = intel.LogSource{Product: "linux", Service: "auth"}
)

// A site with Sysmon on its machines and Zeek at its edge: each of Zeek's logs is
// a source of its own that names no host.
func TestSensorsAreNotMachinesWithoutTheirOwnTelemetry(t *testing.T) {
	t.Parallel()
	from := now.Add(-100 * time.Hour)
	site := func(machines, blind int, dnsHours []int) table {
		var m table
		for i := range machines {
			log := queries
			if i < blind {
				log = system
			}
			m.heard("agent", log, fmt.Sprint("pc", i), from, every(0, 100)...)
		}
		m.heard("dns.log", zeekDNS, "", from, dnsHours...)
		m.heard("ssl.log", zeekSSL, "", from, every(0, 100)...)
		m.heard("http.log", zeekHTTP, "", from, every(0, 100)...)
		m.heard("idp", intel.LogSource{Product: "okta", Service: "okta"}, "203.0.113.9", from, 1)
		m.heard("fw", intel.LogSource{Category: "firewall"}, "198.51.100.7", from, 1)
		return m
	}
	for _, test := range []struct {
		name            string
		kind            intel.ObservableKind
		machines, blind int
		dns             []int
		want            intel.Verdict
		known, covered  int
	}{
		{"domains: machines and what of the sensor carries them", intel.Domain, 3, 0, every(0, 100), intel.NotSeen, 5, 5},
		{"a tenth of both is blind", intel.Domain, 8, 1, every(0, 100), intel.NotSeen, 10, 9},
		{"more than a tenth", intel.Domain, 7, 1, every(0, 100), intel.Unknown, 9, 8},
		{"the sensor went blind among few", intel.Domain, 7, 0, every(0, 93), intel.Unknown, 9, 8},
		{"and among many", intel.Domain, 8, 0, every(0, 93), intel.NotSeen, 10, 9},
		{"a sensor does not cover machines", intel.Domain, 3, 3, every(0, 100), intel.Unknown, 5, 2},
		{"URLs: no machine tells them itself", intel.URL, 3, 3, nil, intel.NotSeen, 1, 1},
		{"hashes: no sensor here tells them", intel.SHA256, 3, 0, every(0, 100), intel.Unknown, 3, 0},
		{"e-mail addresses: nobody here tells them", intel.EmailAddress, 3, 0, every(0, 100), intel.Unknown, 0, 0},
	} {
		q := period(100)
		q.Kind = test.kind
		v := decide(t, site(test.machines, test.blind, test.dns), q)
		if v.Verdict != test.want || v.HostsKnown != test.known || v.HostsCovered != test.covered {
			t.Errorf("%s: %s, %d of %d, want %s, %d of %d: %s", test.name, v.Verdict, v.HostsCovered, v.HostsKnown, test.want, test.covered, test.known, v.Reason)
		}
	}
}

func TestRulesOfSensorsAreAskedOfSensorsOnly(t *testing.T) {
	t.Parallel()
	from := now.Add(-100 * time.Hour)
	var m table
	m.heard("agent", sysmon, "pc", from, every(0, 100)...)
	m.heard("dns.log", zeekDNS, "", from, every(0, 100)...)
	m.heard("ssl.log", zeekSSL, "", from, 1)
	for _, test := range []struct {
		log   intel.LogSource
		want  intel.Verdict
		known int
	}{
		{intel.LogSource{Category: "dns"}, intel.NotSeen, 1},
		{intel.LogSource{Product: "zeek", Service: "ssl"}, intel.Unknown, 1},
		{intel.LogSource{Category: "process_creation"}, intel.NotSeen, 1},
		{intel.LogSource{Product: "linux"}, intel.Unknown, 1},
		{intel.LogSource{Product: "windows", Category: "dns"}, intel.Unknown, 1},
	} {
		q := period(100)
		q.LogSource = test.log
		if v := decide(t, m, q); v.Verdict != test.want || v.HostsKnown != test.known {
			t.Errorf("%s: %s, %d known, want %s, %d: %s", test.log, v.Verdict, v.HostsKnown, test.want, test.known, v.Reason)
		}
	}
}

// Firewalls behind one relay that name themselves are told apart; addresses in
// their traffic are not hosts.
func TestSensorsThatNameAddressesStandForThemselves(t *testing.T) {
	t.Parallel()
	from := now.Add(-100 * time.Hour)
	firewall := intel.LogSource{Category: "firewall"}
	for _, test := range []struct {
		hosts []string
		known int
	}{{[]string{"fw1", "fw2"}, 2}, {[]string{"192.0.2.1", "2001:db8::1"}, 1}, {[]string{"fw1", "192.0.2.1"}, 2}} {
		var m table
		for _, host := range test.hosts {
			m.heard("relay", firewall, host, from, every(0, 100)...)
		}
		q := period(100)
		q.Kind = intel.IPAddress
		if v := decide(t, m, q); v.Verdict != intel.NotSeen || v.HostsKnown != test.known {
			t.Errorf("%q: %s, %d known, want %d: %s", test.hosts, v.Verdict, v.HostsKnown, test.known, v.Reason)
		}
	}
}

// A machine that is a sensor too counts once, and what it says as either covers it.
func TestMachineThatIsASensorCountsOnce(t *testing.T) {
	t.Parallel()
	from := now.Add(-100 * time.Hour)
	var m table
	m.heard("dns.log", zeekDNS, "zeek1", from, every(0, 100)...)
	m.heard("auth.log", fileOf, "zeek1", from, every(0, 100)...)
	q := period(100)
	q.Kind = intel.Domain
	if v := decide(t, m, q); v.Verdict != intel.NotSeen || v.HostsKnown != 1 {
		t.Errorf("%s, %d known: %s", v.Verdict, v.HostsKnown, v.Reason)
	}
}

// That something of a source was lost makes it no host.
func TestLossesAreNoHosts(t *testing.T) {
	t.Parallel()
	from := now.Add(-100 * time.Hour)
	var m table
	m.heard("agent", sysmon, "pc", from, every(0, 100)...)
	m.lost("agent", intel.LogSource{}, "", from, 50)
	m.Table[len(m.Table)-1].Seen = m.Table[len(m.Table)-1].Unhealthy // as a ledger keeps it
	if v := decide(t, m, period(100)); v.Verdict != intel.NotSeen || v.HostsKnown != 1 {
		t.Errorf("%s, %d known: %s", v.Verdict, v.HostsKnown, v.Reason)
	}
}

func TestQuestionOfBothOrNeitherIsInvalid(t *testing.T) {
	t.Parallel()
	rules, err := coverage.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []coverage.Question{{}, {Kind: intel.Domain, LogSource: sysmon}} {
		if _, err := rules.Decide(t.Context(), coverage.Table{}, q, now); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestVerdictIsPrintedAsJSON(t *testing.T) {
	t.Parallel()
	var m table
	m.heard("agent", sysmon, "pc", now.Add(-24*time.Hour), every(0, 24)...)
	m.heard("agent", system, "blind", now.Add(-24*time.Hour), every(0, 24)...)
	got, err := json.Marshal(decide(t, m, period(24)))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"verdict":"unknown","reason":"1 of 2 known hosts (50.0 %) were watched for at least 95 % of the time; it takes 90 %",` +
		`"since":"2026-06-29T00:00:00Z","until":"2026-06-30T00:00:00Z","hosts_known":2,"hosts_covered":1,"share":0.5,` +
		`"sources":[{"source":"agent","log_source":"product=windows category=process_creation service=sysmon","hosts":1,"share":1}],"blind":["blind"]}`
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestIncompleteRulesAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"",
		"default_gap: 0\ncarriers: []",
		"default_gap: 169\ncarriers: []",
		"default_gap: 6\nmore: 1",
		"default_gap: 6\ncarriers: [{kinds: [ip], gap: 1, reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, gap: 1, reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [ip], reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [ip], gap: 169, reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [ip], gap: 1}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [apple], gap: 1, reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [cidr], gap: 1, reason: r}]",
		"default_gap: 6\ncarriers: [{log: {category: a}, kinds: [ip], gap: 1, reason: r}, {log: {category: a}, kinds: [url], gap: 1, reason: r}]",
	} {
		if _, err := coverage.Parse([]byte(text)); err == nil {
			t.Errorf("accepted: %s", text)
		}
	}
	if _, err := coverage.Parse([]byte("default_gap: 6\ncarriers: [{log: {category: a}, kinds: [ip], gap: 168, reason: r}]")); err != nil {
		t.Error(err)
	}
}
