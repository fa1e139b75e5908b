package federation_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
)

// startProxy starts an HTTP proxy that wants a password, and counts its tunnels.
func startProxy(t *testing.T) (*url.URL, *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(group.Wait)
	t.Cleanup(func() { _ = l.Close() })
	tunnels := &atomic.Int32{}
	group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { tunnel(conn, tunnels) })
		}
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String(), User: url.UserPassword("node", "secret")}, tunnels
}

func tunnel(conn net.Conn, tunnels *atomic.Int32) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if request.Method != http.MethodConnect || request.Header.Get("Proxy-Authorization") != "Basic bm9kZTpzZWNyZXQ=" {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
		return
	}
	to, err := net.Dial("tcp", request.Host)
	if err != nil {
		_, _ = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer to.Close()
	tunnels.Add(1)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
	var group sync.WaitGroup
	group.Go(func() {
		_, _ = io.Copy(to, in)
		_ = to.Close()
	})
	_, _ = io.Copy(conn, to)
	_ = conn.Close()
	group.Wait()
}

// A member behind a proxy speaks WebSocket within TLS through it.
func TestWebSocketThroughAProxy(t *testing.T) {
	t.Parallel()
	h := openWith(t, federation.HubConfig{Dir: t.TempDir(), Listen: federation.Listen{Address: "127.0.0.1:0", WebSocket: "127.0.0.1:0"}})
	atHub, atMember := newLog(), newLog()
	collect(t, h, atHub)
	c := admit(t, h, "m")
	if urls := h.URLs(); len(urls) != 2 || !strings.HasPrefix(urls[1], "wss://127.0.0.1:") {
		t.Fatalf("the hub listens at %q", urls)
	}
	c.URLs = h.URLs()[1:]
	proxy, tunnels := startProxy(t)
	c.Proxy = proxy
	m := dial(t, c)
	receive(t, m, atMember)
	publish(t, h, "m", "1", strings.Repeat("x", 300_000))
	if got := atMember.wait(t, 1); len(got[0]) != 300_002 {
		t.Errorf("%d bytes came", len(got[0]))
	}
	if err := m.Publish(t.Context(), "2", []byte("answer")); err != nil {
		t.Error(err)
	}
	atHub.wait(t, 1)
	if n := tunnels.Load(); n == 0 {
		t.Error("it did not go through the proxy")
	}
	c.Proxy = &url.URL{Scheme: "http", Host: proxy.Host}
	refused := dial(t, c)
	until(t, "who has no password knows it", func() bool {
		s := refused.State()
		return !s.Connected && strings.Contains(s.Problem, "407")
	})
}

// A member speaks only to the hub that is pinned, and only with its own key.
func TestOnlyThePinnedHubIsSpokenTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, other := open(t, dir), open(t, t.TempDir())
	c := admit(t, h, "m")
	for what, change := range map[string]func(*federation.Config){
		"another hub's pin":       func(c *federation.Config) { c.Pin = other.Pin() },
		"the world's authorities": func(c *federation.Config) { c.Pin = nil },
	} {
		bad := c
		change(&bad)
		if s := dial(t, bad).State(); s.Connected {
			t.Errorf("%s: connected", what)
		}
	}
	stranger := admit(t, other, "m")
	stranger.URLs, stranger.Pin = c.URLs, c.Pin
	m := dial(t, stranger)
	if s := m.State(); s.Connected {
		t.Error("connected by another hub's credential")
	}
	until(t, "it knows that it is refused", func() bool { return m.State().Refused })
	for what, bad := range map[string]federation.Config{
		"no address":     {Credential: c.Credential, Seed: c.Seed},
		"no scheme":      {URLs: []string{"127.0.0.1:1"}, Credential: c.Credential, Seed: c.Seed},
		"no encryption":  {URLs: []string{"nats://127.0.0.1:1"}, Credential: c.Credential, Seed: c.Seed},
		"mixed":          {URLs: []string{"tls://a:1", "wss://b:1"}, Credential: c.Credential, Seed: c.Seed},
		"no credential":  {URLs: c.URLs, Seed: c.Seed},
		"no seed":        {URLs: c.URLs, Credential: c.Credential},
		"another's seed": {URLs: c.URLs, Credential: c.Credential, Seed: stranger.Seed},
		"no pin":         {URLs: c.URLs, Credential: c.Credential, Seed: c.Seed, Pin: []byte("x")},
		"https proxy":    {URLs: c.URLs, Credential: c.Credential, Seed: c.Seed, Proxy: &url.URL{Scheme: "https", Host: "x"}},
	} {
		if _, err := federation.Dial(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKeysOfMembers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	_, first, err := federation.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := federation.NewSeed()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		member, key string
		want        error
	}{
		{"a", first, nil},
		{"a", first, nil},
		{"b", first, fault.Conflict},
		{"a", second, nil},
		{"a", first, fault.Conflict}, // given up
		{"b", first, fault.Conflict},
		{"b", "UNOKEY", fault.Invalid},
		{"B", first, fault.Invalid},
		{"", first, fault.Invalid},
	} {
		if _, err := h.Admit(t.Context(), step.member, step.key); !errors.Is(err, step.want) {
			t.Errorf("admit %q with %.8s: %v, want %v", step.member, step.key, err, step.want)
		}
	}
	h.Close()
	h = open(t, dir)
	if got := h.Members(); len(got) != 1 || got[0] != "a" {
		t.Errorf("members after a restart: %q", got)
	}
	if _, err := h.Admit(t.Context(), "a", first); !errors.Is(err, fault.Conflict) {
		t.Errorf("a key that was given up, after a restart: %v", err)
	}
}
