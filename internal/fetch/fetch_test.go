package fetch_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
)

// loopback is what tests allow: their servers are there.
func loopback() []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func client(t *testing.T, config fetch.Config) *fetch.Client {
	t.Helper()
	if config.Proxy == "" {
		config.Proxy = fetch.Direct
	}
	c, err := fetch.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s
}

func read(t *testing.T, c *fetch.Client, r fetch.Request) (string, *fetch.Response, error) {
	t.Helper()
	response, err := c.Do(t.Context(), r)
	if err != nil {
		return "", nil, err
	}
	text, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); closed != nil {
		t.Error(closed)
	}
	return string(text), response, err
}

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1.1.1.1": true, "93.184.216.34": true, "2606:4700::1111": true, "::ffff:1.1.1.1": true,
		"127.0.0.1": false, "127.255.255.254": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false, "168.63.129.16": false,
		"192.0.0.192": false, "192.0.2.1": false, "198.18.0.1": false, "224.0.0.1": false, "239.1.1.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "2001:db8::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "::127.0.0.1": false,
	} {
		err := fetch.Check(netip.MustParseAddr(text))
		if (err == nil) != want || err != nil && !errors.Is(err, fault.Forbidden) {
			t.Errorf("%s: got %v, want reached: %t", text, err, want)
		}
	}
}

func TestAllowedNetworksAreReachedButMetadataOnlyByName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allow, address string
		want           bool
	}{
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.0.0.0/8", "192.168.0.1", false},
		{"fd00::/8", "fd12::1", true},
		{"fd00::/8", "fd00:ec2::254", false},
		{"fd00:ec2::254", "fd00:ec2::254", true},
		{"169.254.0.0/16", "169.254.1.1", true},
		{"169.254.0.0/16", "169.254.169.254", false},
		{"0.0.0.0/0", "169.254.169.254", false},
		{"0.0.0.0/0", "168.63.129.16", false},
		{"169.254.169.254/32", "169.254.169.254", true},
	} {
		networks, err := fetch.ParseNetworks([]string{test.allow})
		if err != nil {
			t.Fatal(err)
		}
		if err := fetch.Check(netip.MustParseAddr(test.address), networks...); (err == nil) != test.want {
			t.Errorf("allow %s: %s: got %v, want reached: %t", test.allow, test.address, err, test.want)
		}
	}
	for _, text := range []string{"", "10.0.0.0/33", "example.org", "::ffff:10.0.0.0/104", "fe80::1%eth0"} {
		if _, err := fetch.ParseNetworks([]string{text}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestAddressesThatMustNotBeAsked(t *testing.T) {
	t.Parallel()
	asked := false
	server := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	c := client(t, fetch.Config{})
	for address, want := range map[string]error{
		"http://127.0.0.1:" + port + "/":          fault.Forbidden,
		"http://localhost:" + port + "/":          fault.Forbidden, // by name: refused when dialled
		"http://[::ffff:127.0.0.1]:" + port + "/": fault.Forbidden,
		"http://0.0.0.0:" + port + "/":            fault.Forbidden,
		"ftp://example.org/":                      fault.Invalid,
		"file:///etc/passwd":                      fault.Invalid,
		"example.org":                             fault.Invalid,
		"https:///path":                           fault.Invalid,
		"https:example.org":                       fault.Invalid,
		"http://a b/secret":                       fault.Invalid,
		"":                                        fault.Invalid,
	} {
		_, _, err := read(t, c, fetch.Request{Address: address, Plain: true})
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the path: %v", address, err)
		}
	}
	if asked {
		t.Error("the server was asked")
	}
	_, _, err := read(t, client(t, fetch.Config{Allow: loopback()}), fetch.Request{Address: server.URL})
	if !errors.Is(err, fault.Forbidden) || asked {
		t.Errorf("without encryption: got %v, asked: %t", err, asked)
	}
}

func TestRedirectsAreBoundedAndLookedAtAgain(t *testing.T) {
	t.Parallel()
	inner := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	elsewhere := strings.Replace(inner.URL, "127.0.0.1", "127.0.0.2", 1)
	var to string
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if to == "" {
			to = "/again"
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	c := client(t, fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	for _, test := range []struct {
		name, to string
		hops     int
		status   int
		want     error
	}{
		{"not followed", inner.URL, 0, http.StatusFound, nil},
		{"followed", inner.URL, 1, http.StatusOK, nil},
		{"too many", "/again", 3, 0, fault.Forbidden},
		{"to what is not allowed", elsewhere, 1, 0, fault.Forbidden},
		{"to what is no address to ask", "file:///etc/passwd", 1, 0, fault.Invalid},
	} {
		to = test.to
		_, response, err := read(t, c, fetch.Request{Address: outer.URL, Plain: true, Redirects: test.hops})
		if !errors.Is(err, test.want) || response != nil && response.Status != test.status {
			t.Errorf("%s: got %v, %v", test.name, response, err)
		}
	}
}

func TestDowngradeByRedirectIsRefused(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was asked without encryption") })
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	c := client(t, fetch.Config{Allow: loopback(), Roots: roots})
	if _, _, err := read(t, c, fetch.Request{Address: secure.URL, Redirects: 5}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
}

func TestTLSBelow12AndUnknownCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.StartTLS()
	t.Cleanup(old.Close)
	roots := x509.NewCertPool()
	roots.AddCert(old.Certificate())
	if _, _, err := read(t, client(t, fetch.Config{Allow: loopback(), Roots: roots}), fetch.Request{Address: old.URL}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("TLS 1.1: got %v", err)
	}
	unknown := httptest.NewUnstartedServer(http.NotFoundHandler())
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	unknown.StartTLS()
	t.Cleanup(unknown.Close)
	if _, _, err := read(t, client(t, fetch.Config{Allow: loopback()}), fetch.Request{Address: unknown.URL}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("unknown certificate: got %v", err)
	}
}

func TestAnswersAreBoundedInSizeAndTime(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/long":
			fmt.Fprint(w, strings.Repeat("x", 11))
		case "/exact":
			fmt.Fprint(w, strings.Repeat("x", 10))
		case "/slow":
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-end
		case "/silent":
			<-end
		}
	})
	t.Cleanup(func() { close(end) }) // before the server's own, which waits for its handlers
	c := client(t, fetch.Config{Allow: loopback()})
	for path, want := range map[string]error{"/long": fault.Invalid, "/exact": nil, "/slow": fault.Unavailable, "/silent": fault.Unavailable} {
		within := time.Duration(0)
		if errors.Is(want, fault.Unavailable) {
			within = 50 * time.Millisecond
		}
		text, _, err := read(t, c, fetch.Request{Address: server.URL + path, Plain: true, MaxBytes: 10, Within: within})
		if !errors.Is(err, want) || len(text) > 10 {
			t.Errorf("%s: got %d bytes, %v, want %v", path, len(text), err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, fetch.Request{Address: server.URL + "/exact", Plain: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: got %v", err)
	}
}

func TestRequestSaysWhoAsks(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var said []byte
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		said, _ = io.ReadAll(r.Body)
	})
	header := http.Header{"Content-Type": {"application/json"}}
	_, response, err := read(t, client(t, fetch.Config{Allow: loopback(), Agent: "tocsin/1"}),
		fetch.Request{Method: http.MethodPost, Address: server.URL, Header: header, Body: []byte(`{}`), Plain: true})
	if err != nil || !response.OK() {
		t.Fatal(response, err)
	}
	if got.Method != http.MethodPost || got.Header.Get("User-Agent") != "tocsin/1" || got.Header.Get("Content-Type") != "application/json" || string(said) != "{}" {
		t.Errorf("got %s %v %s", got.Method, got.Header, said)
	}
}

// A proxy may stand in a network of the operator's own; what is asked through it
// may not.
func TestProxyOfTheConfigurationIsUsed(t *testing.T) {
	t.Parallel()
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		fmt.Fprint(w, "by the proxy")
	})
	c := client(t, fetch.Config{Proxy: proxy.URL})
	text, _, err := read(t, c, fetch.Request{Address: "http://example.invalid/x", Plain: true})
	if err != nil || text != "by the proxy" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, _, err := read(t, c, fetch.Request{Address: "http://10.0.0.1/", Plain: true}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
	if want := []string{"http://example.invalid/x"}; len(asked) != 1 || asked[0] != want[0] {
		t.Errorf("the proxy was asked for %q, want %q", asked, want)
	}
	for _, text := range []string{"proxy.example.org:3128", "ftp://proxy/", "::"} {
		if _, err := fetch.New(fetch.Config{Proxy: text}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestErrorsShowNoMoreThanSchemeAndHost(t *testing.T) {
	t.Parallel()
	secret, err := url.Parse("http://user:hush1@127.0.0.1:1/hush2?token=hush3")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = read(t, client(t, fetch.Config{Allow: loopback()}), fetch.Request{Address: secret.String(), Plain: true})
	if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, " 7 ": 7 * time.Second, "999999": fetch.LongestRetry, "99999999999999999999": fetch.LongestRetry,
		"-5": 0, "soon": 0, "1.5": 0,
		"Sun, 29 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 29 Nov 2026 11:00:00 GMT": 0,
		"Sun, 29 Nov 2036 12:00:00 GMT": fetch.LongestRetry,
	} {
		r := fetch.Response{Header: http.Header{"Retry-After": {text}}}
		if got := r.RetryAfter(now); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"120", "Sun, 29 Nov 2026 12:00:30 GMT", "Sunday, 29-Nov-26 12:00:30 GMT", "-1", "99999999999999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := fetch.Response{Header: http.Header{"Retry-After": {text}}}
		if got := r.RetryAfter(time.Unix(1_800_000_000, 0)); got < 0 || got > fetch.LongestRetry {
			t.Errorf("%q: got %s", text, got)
		}
	})
}
