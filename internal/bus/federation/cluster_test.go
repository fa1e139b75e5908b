package federation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
	"tocsin/internal/testdata"
)

// startCluster starts three servers as the hub with this folder needs them.
func startCluster(t *testing.T, dir string) (servers []*testdata.NATS, external *federation.External) {
	t.Helper()
	configuration, err := federation.ServerConfiguration(dir)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key, pin, err := federation.ServerCertificate(dir, []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	files := t.TempDir()
	path := func(name string, content []byte) string {
		if err := os.WriteFile(filepath.Join(files, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(files, name)
	}
	secure := fmt.Sprintf("tls {cert_file: %q, key_file: %q, handshake_first: true}", path("server.pem", certificate), path("server.key", key))
	servers = testdata.StartNATSCluster(t, 3, configuration, secure)
	external = &federation.External{Pin: pin}
	for _, s := range servers {
		external.URLs = append(external.URLs, "tls://"+s.Address())
	}
	return servers, external
}

// insist publishes until all is stored.
func insist(t *testing.T, h *federation.Hub, messages []federation.Message) {
	t.Helper()
	for limit := time.Now().Add(patience); len(messages) > 0; {
		failures := h.PublishBatch(t.Context(), messages)
		var again []federation.Message
		for i, err := range failures {
			if err != nil {
				again = append(again, messages[i])
				if !errors.Is(err, fault.Unavailable) || time.Now().After(limit) {
					t.Fatal(err)
				}
			}
		}
		messages = again
	}
}

// unique removes what came again.
func unique(lines []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
		again := seen[l]
		seen[l] = true
		return again
	})
}

// One of three servers is killed while a warning goes to twenty members and they
// answer: everything arrives, in order, and what comes twice has the same id.
func TestClusterLosesNothingWhenAServerDies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	servers, external := startCluster(t, dir)
	h := openWith(t, federation.HubConfig{Dir: dir, External: external})
	atHub := newLog()
	collect(t, h, atHub)
	const members, each = 20, 30
	logs := map[string]*log{}
	for i := range members {
		name := "m" + strconv.Itoa(i)
		c, l := admit(t, h, name), newLog()
		c.URLs = h.URLs()
		m := dial(t, c)
		logs[name] = l
		background(t, func(ctx context.Context) error {
			return m.Receive(ctx, func(ctx context.Context, id string, _ []byte) error {
				l.add(id)
				if err := m.Publish(ctx, id, []byte("answer")); err != nil {
					return fmt.Errorf("answer %s: %w", id, err)
				}
				return nil
			})
		})
	}
	var want []string
	var killed sync.WaitGroup
	for n := range each {
		var batch []federation.Message
		for name := range logs {
			batch = append(batch, federation.Message{Member: name, ID: fmt.Sprintf("%03d", n), Data: []byte("warning")})
		}
		if n == each/3 {
			killed.Go(servers[0].Kill)
		}
		insist(t, h, batch)
		want = append(want, fmt.Sprintf("%03d", n))
	}
	killed.Wait()
	for name, l := range logs {
		until(t, name+" has everything", func() bool { return len(unique(l.all())) == each })
		if got := unique(l.all()); !slices.Equal(got, want) {
			t.Errorf("%s got %q", name, got)
		}
	}
	until(t, "the hub has all answers", func() bool { return len(unique(atHub.all())) == members*each })

	// Two of three go on, also with what changes the account.
	c := admit(t, h, "last")
	c.URLs = h.URLs()
	last := dial(t, c)
	until(t, "a new member is connected", func() bool { return last.State().Connected })
	began := time.Now()
	if err := h.Expel(t.Context(), "last"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is dropped", func() bool { return !last.State().Connected })
	if took := time.Since(began); took > time.Second {
		t.Errorf("to expel took %s", took)
	}
	until(t, "it knows", func() bool { return last.State().Refused })
}
