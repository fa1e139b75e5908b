package indicator_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/detect/indicator"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/intel/pack"
)

// plainMatcher is the obvious matcher: it compares every observable of a record
// with every indicator of its kind.
type plainMatcher map[intel.ObservableKind][]intel.Indicator

func (p plainMatcher) hits(names *intel.Names, rec *intel.Record, at time.Time) []string {
	found := map[string]bool{}
	observable.NewExtractor(names).Each(rec, func(kind intel.ObservableKind, value []byte) {
		for _, indicators := range p {
			for _, in := range indicators {
				if (in.Until.IsZero() || at.Before(in.Until)) && means(&in, kind, string(value)) && (in.Port == 0 || hasPort(names, rec, string(value), in.Port)) {
					found[identity(&in)] = true
				}
			}
		}
	})
	list := []string{}
	for text := range found {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// means says in one line each what indicators of a kind mean.
func means(in *intel.Indicator, kind intel.ObservableKind, value string) bool {
	if in.Kind == intel.IPRange && kind == intel.IPAddress {
		return netip.MustParsePrefix(in.Value).Contains(netip.MustParseAddr(value))
	}
	if in.Kind != kind {
		return false
	}
	switch {
	case in.Match == intel.MatchSubstring:
		return strings.Contains(value, in.Value)
	case kind == intel.Domain && in.Match == intel.MatchOrdinary:
		return value == in.Value || strings.HasSuffix(value, "."+in.Value)
	case kind == intel.URL:
		scheme, rest, _ := strings.Cut(value, "//")
		inScheme, inRest, _ := strings.Cut(in.Value, "//")
		if scheme != "" && inScheme != "" && scheme != inScheme {
			return false
		}
		if in.Match == intel.MatchPrefix && strings.HasPrefix(rest, inRest) && rest != inRest {
			return strings.ContainsAny(rest[len(inRest):len(inRest)+1]+inRest[len(inRest)-1:], "/?&#;=")
		}
		return rest == inRest
	}
	return value == in.Value
}

// hasPort knows only the fields that recordFor uses.
func hasPort(names *intel.Names, rec *intel.Record, address string, port uint16) bool {
	ip, okIP := rec.First(names.Intern("DestinationIp"))
	number, ok := rec.First(names.Intern("DestinationPort"))
	return okIP && ok && string(ip.Value) == address && string(number.Value) == strconv.Itoa(int(port))
}

// Few words, so that what is drawn twice meets.
var (
	labels    = []string{"a", "b", "evil", "www"}
	endings   = []string{"example.com", "evil.net", "b.org"}
	addresses = []string{"10.0.0.1", "10.0.0.2", "10.0.1.1", "10.255.255.255", "192.0.2.1", "2001:db8::1", "2001:db8:1::1"}
	ranges    = []string{"10.0.0.0/8", "10.0.0.0/24", "10.0.0.0/31", "10.0.0.2/31", "10.0.0.1/32", "0.0.0.0/0", "192.0.2.0/24", "192.0.3.0/24", "2001:db8::/32", "2001:db8::/48", "::/0"}
	paths     = []string{"", "/", "/a", "/a/b", "/ab", "/a?b=c", "/a/b/c.php"}
	schemes   = []string{"", "http:", "https:", "ftp:"}
)

func anyDomain(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom(labels), 0, 3).Draw(t, "labels")
	return strings.Join(append(parts, rapid.SampledFrom(endings).Draw(t, "ending")), ".")
}

func anyURL(t *rapid.T) string {
	return rapid.SampledFrom(schemes).Draw(t, "scheme") + "//" + anyDomain(t) + rapid.SampledFrom(paths).Draw(t, "path")
}

func anyHash(t *rapid.T) string {
	return strings.Repeat(rapid.SampledFrom([]string{"ab", "cd", "ef"}).Draw(t, "byte"), 32)
}

// anyIndicator draws an indicator of the few words.
func anyIndicator(t *rapid.T) intel.Indicator {
	kind := rapid.SampledFrom([]intel.ObservableKind{intel.Domain, intel.IPAddress, intel.IPRange, intel.URL, intel.SHA256}).Draw(t, "kind")
	text, match, port := "", intel.MatchOrdinary, uint16(0)
	switch kind {
	case intel.Domain:
		text, match = anyDomain(t), rapid.SampledFrom([]intel.Match{intel.MatchOrdinary, intel.MatchExactly}).Draw(t, "match")
	case intel.IPAddress:
		text, port = rapid.SampledFrom(addresses).Draw(t, "address"), rapid.SampledFrom([]uint16{0, 80, 4711}).Draw(t, "port")
	case intel.IPRange:
		text = rapid.SampledFrom(ranges).Draw(t, "range")
	case intel.URL:
		text, match = anyURL(t), rapid.SampledFrom([]intel.Match{intel.MatchOrdinary, intel.MatchPrefix}).Draw(t, "match")
	case intel.SHA256:
		text = anyHash(t)
	}
	o, err := observable.Parse(kind, text)
	if err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 9).Draw(t, "substring") == 0 {
		o.Kind, match, port = rapid.SampledFrom([]intel.ObservableKind{intel.URL, intel.Domain}).Draw(t, "of"), intel.MatchSubstring, 0
		o.Value = rapid.SampledFrom([]string{"evil", "/a/b", "example", "b.org", "w.ev"}).Draw(t, "part")
	}
	in := intel.Indicator{Observable: o, Match: match, Port: port, Origin: intel.Origin{Source: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "source")}}
	if rapid.IntRange(0, 4).Draw(t, "ends") == 0 {
		in.Until = noon
	}
	return in
}

var noon = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)

// anyRecord draws a record of the few words.
func anyRecord(t *rapid.T, names *intel.Names) *intel.Record {
	return record(names,
		"QueryName", anyDomain(t), "DestinationIp", rapid.SampledFrom(addresses).Draw(t, "to"), "DestinationPort", rapid.SampledFrom([]string{"80", "4711", "8080"}).Draw(t, "port"),
		"url", anyURL(t), "Url", anyURL(t), "Hashes", "SHA256="+anyHash(t))
}

func TestTheAnswerIsThatOfPlainComparison(t *testing.T) {
	t.Parallel()
	names := intel.NewNames(nil)
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfN(rapid.Custom(anyIndicator), 1, 60).Draw(t, "indicators")
		plain := plainMatcher{}
		for _, in := range given {
			plain[in.Kind] = append(plain[in.Kind], in)
		}
		half := len(given) / 2
		var packs []*pack.Pack
		for _, part := range [][]intel.Indicator{given[:half], given[half:]} {
			p, err := pack.Of(part...)
			if err != nil {
				t.Fatal(err)
			}
			packs = append(packs, p)
		}
		compiler := indicator.Compiler{Workers: rapid.IntRange(1, 4).Draw(t, "workers")}
		set, err := compiler.Compile(packs...)
		if err != nil {
			t.Fatal(err)
		}
		if r := set.Report(); r.Kept+r.Repeated != r.Given || r.Given != len(given) {
			t.Fatalf("given %d: %+v", len(given), r)
		}
		live := &indicator.Live{}
		live.Store(set)
		m := indicator.NewMatcher(live, names, false)
		for range 5 {
			rec := anyRecord(t, names)
			at := rapid.SampledFrom([]time.Time{noon.Add(-1), noon}).Draw(t, "at")
			got := []string{}
			m.Match(rec, at, func(h *indicator.Hit) {
				in := h.Indicator()
				got = append(got, identity(&in))
			})
			slices.Sort(got)
			if diff := cmp.Diff(plain.hits(names, rec, at), got); diff != "" {
				t.Fatalf("record %s (-plain +set):\n%s", shown(rec), diff)
			}
		}
	})
}

func shown(rec *intel.Record) string {
	var b bytes.Buffer
	for _, f := range rec.Fields {
		fmt.Fprintf(&b, "%s ", f.Value)
	}
	return b.String()
}

func identity(in *intel.Indicator) string {
	return fmt.Sprintf("%s %s port %d of %s until %s", in.Observable, in.Match, in.Port, in.Source, in.Until)
}
