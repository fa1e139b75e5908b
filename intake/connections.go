package intake

import (
	"net"
	"sync"
)

// boundListener accepts so many connections at once, in all and from one
// address; what comes beyond is closed at once, and counted.
type boundListener struct {
	net.Listener
	all, each int
	refused   func()

	mu   sync.Mutex
	open int            // guarded by mu
	from map[string]int // guarded by mu
}

func bound(l net.Listener, all, each int, refused func()) *boundListener {
	return &boundListener{Listener: l, all: all, each: each, refused: refused, from: map[string]int{}}
}

func (b *boundListener) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := hostOf(conn.RemoteAddr())
		if b.enter(host) {
			return &boundConn{Conn: conn, leave: sync.OnceFunc(func() { b.leave(host) })}, nil
		}
		b.refused()
		_ = conn.Close()
	}
}

func (b *boundListener) enter(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open >= b.all || b.from[host] >= b.each {
		return false
	}
	b.open++
	b.from[host]++
	return true
}

func (b *boundListener) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open--
	if b.from[host]--; b.from[host] == 0 {
		delete(b.from, host)
	}
}

type boundConn struct {
	net.Conn
	leave func()
}

func (c *boundConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// hostOf returns the address without its port.
func hostOf(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return host
}
