package natstest

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

	"tocsin/internal/testdata"
)

// Server is a server with its own folder, which listens at the same address
// whenever it runs. Everything is on disk before it says so.
type Server struct {
	program, dir, more string
	port               int
	cmd                *exec.Cmd
}

// startWait is how long a server may take on a busy machine.
const startWait = time.Minute

// Start starts a server, which ends with the test. More is added to its
// configuration, as in its documentation.
func Start(t testing.TB, more string) *Server {
	t.Helper()
	s := &Server{program: testdata.Peer(t, "nats-server"), dir: t.TempDir(), more: more, port: -1}
	s.Again(t)
	t.Cleanup(s.Kill)
	return s
}

// Again starts the server again, with what it had kept, and returns once it
// listens.
func (s *Server) Again(t testing.TB) {
	t.Helper()
	config, ports := filepath.Join(s.dir, "nats.conf"), filepath.Join(s.dir, "ports")
	text := fmt.Sprintf("listen: \"127.0.0.1:%d\"\nports_file_dir: %q\njetstream {store_dir: %q, sync_interval: always}\n%s\n",
		s.port, ports, filepath.Join(s.dir, "store"), s.more)
	if err := errors.Join(os.RemoveAll(ports), os.MkdirAll(ports, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(s.program, "-c", config)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(startWait); ; {
		if port, ok := listens(ports); ok {
			s.port = port
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the NATS server does not listen after %s", startWait)
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
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Address returns the server's HOST:PORT.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// URL returns the server's address as clients want it.
func (s *Server) URL() string { return "nats://" + s.Address() }
