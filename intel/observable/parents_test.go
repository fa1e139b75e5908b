package observable_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/intel/observable"
)

func TestParentsEndAtWhatWasRegistered(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string][]string{
		"a.b.example.co.uk":     {"b.example.co.uk", "example.co.uk"},
		"www.example.com":       {"example.com"},
		"example.com":           nil,
		"com":                   nil,
		"co.uk":                 nil,
		"":                      nil,
		"a.b.blogspot.com":      {"b.blogspot.com", "blogspot.com"}, // a provider's suffix is a domain of its own
		"dc01.corp.local":       {"corp.local"},                     // ends in no known suffix
		"x.y.xn--55qx5d.cn":     {"y.xn--55qx5d.cn"},
		"a.example.kawasaki.jp": nil, // *.kawasaki.jp is a suffix
	} {
		var got []string
		observable.Parents(domain, func(parent string) bool {
			got = append(got, parent)
			return true
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", domain, diff)
		}
	}
}

func TestParentsStopWhenTold(t *testing.T) {
	t.Parallel()
	n := 0
	observable.Parents("a.b.c.example.com", func(string) bool {
		n++
		return n < 2
	})
	if n != 2 {
		t.Errorf("%d parents", n)
	}
}

func TestPartsOfURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][2]string{
		"http://example.com/a":             {"//example.com/a", "example.com"},
		"//example.com/a":                  {"//example.com/a", "example.com"},
		"https://example.com:8443/?u=//b/": {"//example.com:8443/?u=//b/", "example.com"},
		"http://[2001:db8::1]:80/":         {"//[2001:db8::1]:80/", "2001:db8::1"},
		"":                                 {"", ""},
	} {
		got := [2]string{string(observable.WithoutScheme([]byte(url))), string(observable.URLHost([]byte(url)))}
		if got != want {
			t.Errorf("%s: got %q, want %q", url, got, want)
		}
	}
	for path, want := range map[string]string{`c:\windows\x.exe`: `\windows\x.exe`, `\windows\x.exe`: `\windows\x.exe`, "/etc/passwd": "/etc/passwd", "": ""} {
		if got := string(observable.WithoutDrive([]byte(path))); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// The list of extensions says rightly which are top-level domains too.
func TestExtensionsKnowTheDomains(t *testing.T) {
	t.Parallel()
	also, only := observable.Extensions()
	slices.Sort(also)
	slices.Sort(only)
	for _, name := range also {
		if !observable.IsSuffix(name) {
			t.Errorf("%s is no public suffix", name)
		}
	}
	for _, name := range only {
		if observable.IsSuffix(name) {
			t.Errorf("%s is a public suffix", name)
		}
	}
}
