package fetch_test

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"tocsin/internal/fault"
	"tocsin/internal/fetch"
)

// nameServer answers every question for an address with the one that is set.
func nameServer(t *testing.T, answer *atomic.Pointer[netip.Addr]) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		packet := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(packet)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(packet[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: answer.Load().As4()},
				}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return conn.LocalAddr().String()
}

// A name that led to an address that may be asked leads to another one, which may
// not, the next time it is resolved.
func TestNameThatIsReboundIsRefused(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	good, bad := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	var answer atomic.Pointer[netip.Addr]
	answer.Store(&good)
	c := client(t, fetch.Config{Allow: []netip.Prefix{netip.PrefixFrom(good, 32)}})
	c.Resolve(nameServer(t, &answer))
	address := "http://rebind.example.:" + port + "/"
	if _, _, err := read(t, c, fetch.Request{Address: address, Plain: true}); err != nil || asked.Load() != 1 {
		t.Fatalf("got %v, asked %d times", err, asked.Load())
	}
	c.Close()
	answer.Store(&bad)
	if _, _, err := read(t, c, fetch.Request{Address: address, Plain: true}); !errors.Is(err, fault.Forbidden) {
		t.Errorf("got %v", err)
	}
	if asked.Load() != 1 {
		t.Error("the server was asked")
	}
}
