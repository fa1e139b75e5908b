package fetch_test

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
)

// TestPinnedCertificateAloneIsBelieved: a server with a certificate that no system
// knows is reached by its pin, and by no other.
func TestPinnedCertificateAloneIsBelieved(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	pin := sha256.Sum256(server.Certificate().Raw)
	other := sha256.Sum256([]byte("another"))
	for name, c := range map[string]struct {
		pin     []byte
		reached bool
	}{"pinned": {pin[:], true}, "another": {other[:], false}, "none": {nil, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, Proxy: fetch.Direct, Pin: c.pin})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			response, err := client.Do(t.Context(), fetch.Request{Address: server.URL})
			if err == nil {
				_ = response.Body.Close()
			}
			if (err == nil) != c.reached || err != nil && !errors.Is(err, fault.Unavailable) {
				t.Errorf("reached it: %v", err)
			}
		})
	}
}

// TestPinnedCertificateMustBeForTheHost: it is that of 127.0.0.1 and example.com.
func TestPinnedCertificateMustBeForTheHost(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	if err := fetch.Pinned(server.Certificate(), "127.0.0.1"); err != nil {
		t.Error(err)
	}
	if err := fetch.Pinned(server.Certificate(), "elsewhere.example"); err == nil {
		t.Error("a certificate for another host was believed")
	}
}
