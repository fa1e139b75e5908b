package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tocsin/client"
	"tocsin/internal/fault"
)

func TestClientAsksWithItsToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		_ = json.NewEncoder(w).Encode([]string{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)})
	}))
	defer server.Close()
	c, err := client.New(server.URL+"/", "secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		ask  func(out any) error
		want string
	}{
		{func(out any) error { return c.Get(t.Context(), "/a", out) }, "GET /a Bearer secret  "},
		{func(out any) error { return c.Delete(t.Context(), "/a", out) }, "DELETE /a Bearer secret  "},
		{func(out any) error { return c.Post(t.Context(), "/b", []int{1}, out) }, "POST /b Bearer secret application/json [1]"},
		{func(out any) error { return c.Send(t.Context(), "/c", "text/plain", strings.NewReader("x"), out) }, "POST /c Bearer secret text/plain x"},
	} {
		var said []string
		if err := test.ask(&said); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(said, " "); got != test.want {
			t.Errorf("asked %q, want %q", got, test.want)
		}
	}
}

func TestRefusalIsWhatACallerCanActOn(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{
		http.StatusUnauthorized: fault.Forbidden, http.StatusForbidden: fault.Forbidden, http.StatusNotFound: fault.NotFound,
		http.StatusConflict: fault.Conflict, http.StatusTooManyRequests: fault.Unavailable, http.StatusServiceUnavailable: fault.Unavailable,
		http.StatusBadRequest: fault.Invalid, http.StatusFound: fault.Invalid,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"title":"No","detail":"because"}`)
		}))
		c, err := client.New(server.URL, "secret")
		if err != nil {
			t.Fatal(err)
		}
		err = c.Get(t.Context(), "/", nil)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "because") {
			t.Errorf("status %d: %v", status, err)
		}
		server.Close()
	}
	c, err := client.New("http://127.0.0.1:1", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), "/", nil); !errors.Is(err, fault.Unavailable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestTokenIsNotSentInTheClear(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]error{
		"http://node.example": fault.Forbidden, "ftp://localhost": fault.Invalid, "localhost:80": fault.Invalid, "": fault.Invalid,
		"https://node.example": nil, "http://127.0.0.1:8617": nil, "http://[::1]:8617": nil,
	} {
		if _, err := client.New(address, "secret"); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", address, err, want)
		}
	}
}
