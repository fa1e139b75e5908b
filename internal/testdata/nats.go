package testdata

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// NATS is a NATS server as a process of its own, with its own folder, that tests
// can kill and start again. It listens at the same address whenever it runs, and
// what it acknowledges is on disk.
type NATS struct {
	program, dir, more string
	port               int
	cmd                *exec.Cmd
}

// natsWait is how long it may take on a busy machine.
const natsWait = time.Minute

// StartNATS starts a server, which ends with the test. More is added to its
// configuration, as in its documentation. The test skips (or fails, see
// RequireVariable) when the program is absent.
func StartNATS(tb testing.TB, more string) *NATS {
	tb.Helper()
	n := &NATS{program: Peer(tb, "nats-server"), dir: tb.TempDir(), more: more, port: -1}
	n.Again(tb)
	tb.Cleanup(n.Kill)
	return n
}

// Again starts the server again, with what it had kept, and returns once it
// listens.
func (n *NATS) Again(tb testing.TB) {
	tb.Helper()
	config, ports := filepath.Join(n.dir, "nats.conf"), filepath.Join(n.dir, "ports")
	text := fmt.Sprintf("listen: \"127.0.0.1:%d\"\nports_file_dir: %q\njetstream {store_dir: %q, sync_interval: always}\n%s\n",
		n.port, ports, filepath.Join(n.dir, "store"), n.more)
	if err := errors.Join(os.RemoveAll(ports), os.MkdirAll(ports, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		tb.Fatal(err)
	}
	n.cmd = exec.Command(n.program, "-c", config)
	n.cmd.Dir = n.dir // relative names in its configuration are its own
	if err := n.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(natsWait); ; {
		if port, ok := listens(ports); ok {
			n.port = port
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			tb.Fatalf("the NATS server does not listen after %s", natsWait)
		}
	}
}

// listens reads what the server writes once it listens.
func listens(dir string) (port int, ok bool) {
	files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
	if err != nil || len(files) == 0 {
		return 0, false
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		return 0, false
	}
	var addresses struct{ Nats, TLS []string }
	if err := json.Unmarshal(text, &addresses); err != nil {
		return 0, false // it is being written
	}
	for _, address := range append(addresses.Nats, addresses.TLS...) {
		if u, err := url.Parse(address); err == nil {
			port, err = strconv.Atoi(u.Port())
			return port, err == nil
		}
	}
	return 0, false
}

// Kill ends the server at once.
func (n *NATS) Kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// Address returns the server's HOST:PORT.
func (n *NATS) Address() string { return fmt.Sprintf("127.0.0.1:%d", n.port) }

// URL returns the server's address as clients want it.
func (n *NATS) URL() string { return "nats://" + n.Address() }
