package exchange_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tocsin/detect/indicator"
	"tocsin/exchange"
	"tocsin/exchange/misp"
	"tocsin/intel"
	"tocsin/intel/pack"
	"tocsin/internal/testdata"
)

// every is which indicators of a set are looked for: testing all takes minutes.
const every = 1000

// TestConformanceMaltrail reads the real set, and looks for every thousandth of
// its indicators, and for its neighbours, in events made of them.
func TestConformanceMaltrail(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(testdata.Set(t, "indicators"), "maltrail-static.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	p, reading, err := exchange.ReadIndicators(bytes.NewReader(thinned(text)), exchange.IndicatorOptions{Origin: intel.Origin{Source: "maltrail"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d read, %d passed over, of every line in %d", reading.Read, reading.PassedOver(), thinning)
	for _, passed := range reading.Passed {
		t.Logf("  %d: %s, first at %s", passed.Count, passed.Reason, passed.First)
	}
	compiler := indicator.Compiler{}
	set, err := compiler.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	r := set.Report()
	t.Logf("%d kept, %d repeated, removed %v; %.1f bytes each", r.Kept, r.Repeated, r.Removed, float64(r.Memory)/float64(r.Kept))
	if removed := r.Given - r.Kept - r.Repeated; 100*(removed+reading.PassedOver()) > r.Given {
		t.Errorf("more than one in a hundred is not matched")
	}
	s := newSearch(set)
	passed, total := 0, 0
	n := 0
	p.All(func(in intel.Indicator) bool {
		if n++; n%every != 0 {
			return true
		}
		total++
		if s.found(t, &in) {
			passed++
		}
		return true
	})
	t.Logf("passed %d of %d", passed, total)
	if passed != total {
		t.Errorf("%d are not found, or found in something else", total-passed)
	}
}

// thinned returns every thinning-th line.
func thinned(text []byte) []byte {
	if thinning == 1 {
		return text
	}
	var kept []byte
	n := 0
	for line := range bytes.Lines(text) {
		if n++; n%thinning == 0 {
			kept = append(kept, line...)
		}
	}
	return kept
}

// search asks a set of one observable after the other.
type search struct {
	names   *intel.Names
	matcher *indicator.Matcher
}

func newSearch(set *indicator.Set) *search {
	live := &indicator.Live{}
	live.Store(set)
	s := &search{names: intel.NewNames(nil)}
	s.matcher = indicator.NewMatcher(live, s.names, false)
	return s
}

// has reports whether an event that holds a value hits that indicator.
func (s *search) has(in *intel.Indicator, value string) bool {
	rec := &intel.Record{}
	field := map[intel.ObservableKind]string{intel.Domain: "QueryName", intel.IPAddress: "DestinationIp", intel.IPRange: "DestinationIp", intel.URL: "url"}[in.Kind]
	rec.Add(s.names.Intern(field), intel.Text, []byte(value))
	if in.Port != 0 {
		rec.Add(s.names.Intern("DestinationPort"), intel.Number, strconvAppend(in.Port))
	}
	hit := false
	s.matcher.Match(rec, time.Time{}, func(h *indicator.Hit) {
		found := h.Indicator()
		hit = hit || (found.Observable == in.Observable && found.Port == in.Port && found.Match == in.Match)
	})
	return hit
}

// found looks for an indicator and for values beside it.
func (s *search) found(t *testing.T, in *intel.Indicator) bool {
	t.Helper()
	values, others := neighbours(in)
	for _, value := range values {
		if !s.has(in, value) {
			t.Logf("%s %s is not found in %q", in.Observable, in.Match, value)
			return false
		}
	}
	for _, value := range others {
		if s.has(in, value) {
			t.Logf("%s %s is found in %q", in.Observable, in.Match, value)
			return false
		}
	}
	return true
}

func TestConformanceWarninglists(t *testing.T) {
	t.Parallel()
	folder := testdata.Set(t, "misp-warninglists")
	var lists []indicator.Warninglist
	values := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "list.json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read, err := misp.ReadWarninglist(bytes.NewReader(text))
		if err != nil {
			return err
		}
		list := indicator.Warninglist{Name: read.Name, Rule: indicator.WarningRule(read.Type), Values: read.List}
		for _, attribute := range read.MatchingAttributes {
			list.Kinds = append(list.Kinds, misp.Kinds(attribute)...)
		}
		const long = 5000
		if thinning > 1 && len(read.List) > long {
			return nil
		}
		values += len(read.List)
		lists = append(lists, list)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	warnings, err := indicator.NewWarnings(lists)
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for name, n := range warnings.Skipped() {
		skipped += n
		t.Logf("%s: %d values are not used", name, n)
	}
	t.Logf("passed %d of %d: values of %d lists used", values-skipped, values, len(lists))
	p, err := pack.Of(
		known(intel.IPAddress, "fe80::1"), known(intel.Domain, "www.google.com"), known(intel.IPAddress, "10.1.2.3"), known(intel.IPRange, "192.168.7.0/24"),
		known(intel.IPAddress, "185.220.101.1"), known(intel.Domain, "surely-nobody-lists-this.top"),
	)
	if err != nil {
		t.Fatal(err)
	}
	var removed []string
	compiler := indicator.Compiler{Warnings: warnings, Removed: func(in intel.Indicator, reason string) {
		t.Logf("%s: %s", in.Observable, reason)
		removed = append(removed, in.Value)
	}}
	set, err := compiler.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"fe80::1", "www.google.com", "10.1.2.3", "192.168.7.0/24"} {
		if !slices.Contains(removed, value) {
			t.Errorf("%s is on a list and stays", value)
		}
	}
	if slices.Contains(removed, "surely-nobody-lists-this.top") || set.Report().Kept == 0 {
		t.Errorf("removed %v", removed)
	}
}

func known(kind intel.ObservableKind, value string) intel.Indicator {
	return intel.Indicator{Observable: intel.Observable{Kind: kind, Value: value}}
}
