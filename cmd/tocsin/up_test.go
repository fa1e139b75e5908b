package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startNode starts a node by itself, with what further flags and configuration
// say.
func startNode(t *testing.T, config string, flags ...string) *upNode {
	t.Helper()
	n := &upNode{dir: t.TempDir(), args: append([]string{"--listen", "127.0.0.1:0"}, flags...)}
	if config != "" {
		if err := os.WriteFile(filepath.Join(n.dir, configName), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.again(t)
	t.Cleanup(n.kill)
	return n
}

// stop tells a node to end, and returns how long that took.
func (n *upNode) stop(t *testing.T) time.Duration {
	t.Helper()
	started := time.Now()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Wait(); err != nil {
		t.Errorf("the node ended with %v:\n%s", err, &n.log)
	}
	return time.Since(started)
}

// get asks a node for something; headers are pairs.
func (n *upNode) get(t *testing.T, path string, headers ...string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestSecondNodeIsToldWhoHasTheDataDirectory(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	for _, verb := range [][]string{{"up", "--listen", "127.0.0.1:0"}, {"ingest", n.dir}, {"backup", filepath.Join(t.TempDir(), "b")}} {
		out, err := exec.Command("tocsin", append(verb, "--data", n.dir)...).CombinedOutput()
		want := fmt.Sprintf("%s is in use by process %d, a running node: ask it with --node %s", n.dir, n.cmd.Process.Pid, n.address)
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitError || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v\n%s", verb, err, out)
		}
	}
	n.stop(t)
}

// A node that is told to end while events come in is gone within ten seconds, and
// what it acknowledged is found by the next.
func TestNodeEndsInTimeUnderLoadAndLosesNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	sensor, _ := n.token(t, "sensor")
	_, analyst := n.token(t, "analyst")
	var mu sync.Mutex
	var acknowledged []string
	var senders sync.WaitGroup
	enough := make(chan struct{})
	for w := range 4 {
		senders.Go(func() {
			for i := 0; ; i++ {
				events, addresses := connections((w*2000+i*10)%40000, 10)
				if !postUntilDown(t.Context(), n.address, sensor, fmt.Sprintf("w%d", w), events) {
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, addresses...)
				if len(acknowledged) == 1000 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	took := n.stop(t)
	senders.Wait()
	t.Logf("%d events acknowledged; the node ended after %s", len(acknowledged), took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("it took %s to end", took)
	}
	n.again(t)
	answers, notes := n.hunt(t, analyst, acknowledged)
	seen := map[string]bool{}
	for _, a := range answers {
		seen[a.Question] = a.Verdict == "seen"
	}
	for _, address := range acknowledged {
		if !seen[address] {
			t.Fatalf("%s was acknowledged and is not found: %s", address, notes)
		}
	}
	n.stop(t)
}

// postUntilDown reports whether events were acknowledged; false once nobody
// listens any more.
func postUntilDown(ctx context.Context, address, token, index string, events []string) bool {
	var body strings.Builder
	for _, e := range events {
		fmt.Fprintf(&body, "{\"create\":{\"_index\":%q}}\n%s\n", index, e)
	}
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/_bulk", strings.NewReader(body.String()))
		if err != nil {
			return false
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/x-ndjson")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return false
		}
		if response.StatusCode == http.StatusOK && strings.Contains(string(text), `"errors":false`) {
			return true
		}
	}
}

// While a sender that does not go on holds up the end, a second signal does not
// wait for it.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	sensor, _ := n.token(t, "sensor")
	host := strings.TrimPrefix(n.address, "http://")
	stuck, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	fmt.Fprintf(stuck, "POST /api/v1/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", host, sensor)
	until(t, "the request to be under way", func() bool {
		_, text := n.get(t, "/metrics")
		return strings.Contains(text, "tocsin_http_requests_under_way 2") // it, and this one
	})
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, "the node to take no more", func() bool {
		conn, err := net.Dial("tcp", host)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	started := time.Now()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err = n.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitError || !strings.Contains(n.log.String(), "by a second signal") {
		t.Errorf("the node ended with %v:\n%s", err, &n.log)
	}
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestNodeTellsHowItIs(t *testing.T) {
	t.Parallel()
	n := startNode(t, "", "--log-format", "json", "--log-level", "debug")
	sensor, _ := n.token(t, "sensor")
	analyst, _ := n.token(t, "analyst")
	events, _ := connections(0, 10)
	n.post(t, sensor, "site", events)
	until(t, "the events to be watched", func() bool {
		_, text := n.get(t, "/metrics")
		return strings.Contains(text, "tocsin_events_total 10\n")
	})
	_, metrics := n.get(t, "/metrics")
	for _, want := range []string{
		`tocsin_intake_records_total{kind="bulk"} 10`, `tocsin_journal_entries_total{of="telemetry"} 1`, "tocsin_ledger_observables_total", "tocsin_archive_segments",
		`tocsin_http_requests_total{method="POST",route="/_bulk",status="200"} 1`, "go_goroutines", "tocsin_build_info",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics without %s", want)
		}
	}
	for _, test := range []struct {
		name, path string
		headers    []string
		status     int
		want, not  string
	}{
		{"ready", "/readyz", nil, 200, `"name":"ledger","ready":true`, ""},
		{"ready, through a proxy", "/readyz", []string{"X-Forwarded-For", "203.0.113.1"}, 200, `{"ready":true}`, "ledger"},
		{"ready, by name of another", "/readyz", []string{"Origin", "https://evil.example"}, 200, `{"ready":true}`, "ledger"},
		{"ready, as analyst", "/readyz", []string{"Forwarded", "for=x", "Authorization", "Bearer " + analyst}, 200, "ledger", ""},
		{"metrics through a proxy", "/metrics", []string{"X-Forwarded-For", "203.0.113.1"}, 401, `"request_id":"`, "go_goroutines"},
		{"metrics as sensor", "/metrics", []string{"X-Forwarded-For", "x", "Authorization", "Bearer " + sensor}, 403, "request_id", "go_goroutines"},
		{"metrics as analyst", "/metrics", []string{"X-Forwarded-For", "x", "Authorization", "Bearer " + analyst}, 200, "go_goroutines", ""},
		{"alive", "/healthz", nil, 200, "ok", ""},
	} {
		status, text := n.get(t, test.path, test.headers...)
		if status != test.status || !strings.Contains(text, test.want) || (test.not != "" && strings.Contains(text, test.not)) {
			t.Errorf("%s: %d %.300s", test.name, status, text)
		}
	}
	n.stop(t)
	log := n.log.String()
	if !strings.Contains(log, `"request_id":"`) || !strings.Contains(log, `"route":"/_bulk"`) {
		t.Errorf("the log does not name requests:\n%.2000s", log)
	}
	for what, secret := range map[string]string{"a sensor's token": sensor, "an analyst's token": analyst, "telemetry": "45.33."} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s", what)
		}
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, `{"time":"`) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestListeningForOthersWithoutEncryptionIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := exec.Command("tocsin", "up", "--data", dir, "--listen", "0.0.0.0:0").CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitUsage || !strings.Contains(string(out), "without encryption") {
		t.Errorf("%v\n%s", err, out)
	}
	n := startNode(t, "", "--listen", "0.0.0.0:0", "--insecure-listen")
	n.stop(t)
	if !strings.Contains(n.log.String(), "other machines reach this without encryption") {
		t.Errorf("the log does not say so:\n%s", &n.log)
	}
}

// A node is backed up while it runs, and restored elsewhere, with its tokens,
// indicators and configuration.
func TestRunningNodeIsBackedUpAndRestored(t *testing.T) {
	t.Parallel()
	n := startNode(t, "log: {level: warn}\n")
	sensor, _ := n.token(t, "sensor")
	_, analyst := n.token(t, "analyst")
	_, admin := n.token(t, "administrator")
	events, addresses := connections(0, 50)
	n.post(t, sensor, "site", events)
	run := func(wants int, args ...string) string {
		t.Helper()
		out, err := exec.Command("tocsin", args...).CombinedOutput()
		got := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got != wants {
			t.Fatalf("tocsin %q: status %d\n%s", args, got, out)
		}
		return string(out)
	}
	list := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(list, []byte("evil.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(0, "indicators", "add", "--data", n.dir, list)
	file := filepath.Join(t.TempDir(), "node.backup")
	if out := run(1, "backup", file, "--node", n.address, "--token-file", analyst); !strings.Contains(out, "may not operate the node") {
		t.Errorf("as analyst: %s", out)
	}
	if out := run(0, "backup", file, "--node", n.address, "--token-file", admin); !strings.Contains(out, "verified") || !strings.Contains(out, "memory") {
		t.Errorf("as administrator: %s", out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v", info, err)
	}
	if out := run(1, "backup", file, "--node", n.address, "--token-file", admin); !strings.Contains(out, "exists") {
		t.Errorf("again: %s", out)
	}
	if out := run(1, "restore", file, "--data", n.dir, "--force"); !strings.Contains(out, "in use by process") {
		t.Errorf("under a running node: %s", out)
	}
	n.stop(t)
	if out := run(1, "restore", file, "--data", n.dir); !strings.Contains(out, "is not empty") {
		t.Errorf("over another: %s", out)
	}
	other := &upNode{dir: filepath.Join(t.TempDir(), "restored"), args: n.args}
	run(0, "restore", file, "--data", other.dir)
	other.again(t)
	t.Cleanup(other.kill)
	answers, notes := other.hunt(t, analyst, addresses)
	for _, a := range answers {
		if a.Verdict != "seen" || a.Count != 1 {
			t.Errorf("%s: %s, %d times; %s", a.Question, a.Verdict, a.Count, notes)
		}
	}
	if len(answers) != len(addresses) {
		t.Errorf("%d answers: %s", len(answers), notes)
	}
	other.post(t, sensor, "site", events)
	if out := run(0, "indicators", "list", "--data", other.dir); !strings.Contains(out, "list") {
		t.Errorf("indicators: %s", out)
	}
	if out := run(0, "config", "show", "--data", other.dir); !strings.Contains(out, "warn") {
		t.Errorf("configuration: %s", out)
	}
	other.stop(t)
	run(0, "restore", file, "--data", other.dir, "--force")
	if aside, err := filepath.Glob(other.dir + ".before-restore-*"); err != nil || len(aside) != 1 {
		t.Errorf("aside: %v, %v", aside, err)
	}
}
