package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/internal/testdata"
)

// upNode is a process of "tocsin up".
type upNode struct {
	cmd          *exec.Cmd
	dir, address string
	args         []string     // beside the data directory
	log          bytes.Buffer // to be read when the process has ended
}

func startUp(t *testing.T, nats *testdata.NATS, role, name string) *upNode {
	t.Helper()
	n := &upNode{dir: t.TempDir(), args: []string{"--listen", "127.0.0.1:0", "--nats", nats.URL(), "--role", role}}
	config := fmt.Sprintf("cluster:\n  name: %s\n  partitions: 8\n  bytes: 100000000\n", name)
	if err := os.WriteFile(filepath.Join(n.dir, configName), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	n.again(t)
	t.Cleanup(n.kill)
	return n
}

// again starts the process and waits until it listens.
func (n *upNode) again(t *testing.T) {
	t.Helper()
	n.cmd = exec.Command("tocsin", append([]string{"up", "--data", n.dir}, n.args...)...)
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	n.log.Reset()
	n.cmd.Stderr = &n.log
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok {
			n.address, _, _ = strings.Cut(rest, ". ")
			return
		}
	}
	_ = n.cmd.Wait()
	t.Fatalf("%q does not come up:\n%s", n.args, &n.log)
}

func (n *upNode) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// token makes a token and returns the file it is in.
func (n *upNode) token(t *testing.T, role string) (secret, file string) {
	t.Helper()
	out, err := exec.Command("tocsin", "token", "create", "--data", n.dir, "--role", role, "--name", role).Output()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(n.dir, role+".token")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), file
}

// post sends events as a shipper does, again and again until they are taken.
func (n *upNode) post(t *testing.T, token, index string, events []string) {
	t.Helper()
	var body strings.Builder
	for _, e := range events {
		fmt.Fprintf(&body, "{\"create\":{\"_index\":%q}}\n%s\n", index, e)
	}
	for range 100 {
		if n.postOnce(t, token, body.String()) {
			return
		}
	}
	t.Fatalf("events for %s are not taken", index)
}

func (n *upNode) postOnce(t *testing.T, token, body string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.address+"/_bulk", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var told struct{ Errors bool }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		t.Fatalf("status %d: %v", response.StatusCode, err)
	}
	return response.StatusCode == http.StatusOK && !told.Errors
}

// hunted is what is read of an answer.
type hunted struct {
	Question, Verdict, Reason string
	Count                     uint64
}

// hunt asks a node by the command line; notes is what it said besides.
func (n *upNode) hunt(t *testing.T, tokenFile string, terms []string) (answers []hunted, notes string) {
	t.Helper()
	command := exec.Command("tocsin", "hunt", "--node", n.address, "--token-file", tokenFile, "--format", "jsonl", "-f", "-")
	command.Stdin = strings.NewReader(strings.Join(terms, "\n"))
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	_ = command.Run() // what it says tells
	for line := range strings.Lines(out.String()) {
		var a hunted
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		answers = append(answers, a)
	}
	return answers, errs.String()
}

// connections makes events that name an address each, from first on.
func connections(first, n int) (events, addresses []string) {
	for i := first; i < first+n; i++ {
		address := fmt.Sprintf("45.33.%d.%d", i/200, 1+i%200)
		addresses = append(addresses, address)
		events = append(events, fmt.Sprintf(`{"@timestamp":"2026-05-12T10:43:%02dZ","EventID":3,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws-%d","Image":"C:\\a.exe","DestinationIp":%q}`,
			i%60, i%7, address))
	}
	return events, addresses
}

// One intake, three workers and a serving node as processes: what is posted to
// the intake is found at the serving node, also after a worker was killed.
func TestNodesThatShareTheWork(t *testing.T) {
	t.Parallel()
	nats := testdata.StartNATS(t, "")
	workers := map[string]*upNode{}
	for _, name := range []string{"a", "b", "c"} {
		workers[name] = startUp(t, nats, "worker", name)
	}
	intake, serve := startUp(t, nats, "intake", "in"), startUp(t, nats, "serve", "out")
	sensor, _ := intake.token(t, "sensor")
	_, analyst := serve.token(t, "analyst")

	const each, posts = 10, 24
	var addresses []string
	send := func(from int) {
		t.Helper()
		for i := range posts {
			events, named := connections((from+i)*each, each)
			addresses = append(addresses, named...)
			intake.post(t, sensor, fmt.Sprint("site-", i), events)
		}
	}
	send(0)
	workers["a"].kill()
	send(posts)
	until(t, "an answer that says who is missing", func() bool {
		answers, notes := serve.hunt(t, analyst, append(addresses, "203.0.113.77"))
		if len(answers) == 0 || answers[len(answers)-1].Verdict != "unknown" {
			t.Fatalf("%d answers; %s", len(answers), notes)
		}
		return strings.Contains(notes, "worker a did not answer")
	})
	workers["a"].again(t)
	var answers []hunted
	until(t, "all that was posted", func() bool {
		var notes string
		answers, notes = serve.hunt(t, analyst, addresses)
		seen := 0
		for _, a := range answers {
			if a.Verdict == "seen" {
				seen++
			}
		}
		if seen < len(addresses) && notes == "" {
			t.Errorf("%d of %d are seen, and the answer does not say that it is partial", seen, len(addresses))
		}
		return seen == len(addresses)
	})
	twice := 0
	for _, a := range answers {
		if a.Count > 1 {
			twice++
		}
	}
	t.Logf("%d of %d events count twice", twice, len(addresses))
	if most := 3 * 16 * each; twice > most { // 16 blocks of each of its partitions
		t.Errorf("%d events count twice, at most %d may", twice, most)
	}

	if _, notes := workers["b"].huntAsAnalyst(t, addresses[:1]); !strings.Contains(notes, "its role is worker") {
		t.Errorf("a hunt at a worker: %s", notes)
	}
	own, _ := serve.token(t, "sensor")
	events, _ := connections(9000, 1)
	if serve.postOnce(t, own, "{\"create\":{\"_index\":\"x\"}}\n"+events[0]+"\n") {
		t.Error("a serving node takes telemetry in")
	}
}

func (n *upNode) huntAsAnalyst(t *testing.T, terms []string) ([]hunted, string) {
	t.Helper()
	_, file := n.token(t, "analyst")
	return n.hunt(t, file, terms)
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); !so(); {
		if time.Now().After(limit) {
			t.Fatalf("waited too long for: %s", what)
		}
	}
}
