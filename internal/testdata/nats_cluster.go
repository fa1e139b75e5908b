package testdata

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// StartNATSCluster starts so many servers that are one cluster, each a process
// of its own: one may be killed and started again as the others go on. More is
// added to the configuration of each.
func StartNATSCluster(tb testing.TB, servers int, more ...string) []*NATS {
	tb.Helper()
	program := Peer(tb, "nats-server")
	ports := freePorts(tb, servers)
	routes := make([]string, servers)
	for i, port := range ports {
		routes[i] = fmt.Sprintf("\"nats-route://127.0.0.1:%d\"", port)
	}
	var all []*NATS
	for i, port := range ports {
		n := &NATS{program: program, dir: tb.TempDir(), port: -1, more: fmt.Sprintf(
			"server_name: server-%d\ncluster {name: test, listen: \"127.0.0.1:%d\", routes: [%s]}\n%s\n",
			i, port, strings.Join(routes, ", "), strings.Join(more, "\n"))}
		n.Again(tb)
		tb.Cleanup(n.Kill)
		all = append(all, n)
	}
	return all
}

// freePorts returns ports that nobody listened at a moment ago: servers of a
// cluster have to know each other's before they start.
func freePorts(tb testing.TB, n int) []int {
	tb.Helper()
	var ports []int
	for range n {
		var config net.ListenConfig
		l, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			tb.Fatal(err)
		}
		defer l.Close() // all at once, lest one is given twice
		addr, _ := l.Addr().(*net.TCPAddr)
		ports = append(ports, addr.Port)
	}
	return ports
}
