package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/intake"
	"tocsin/internal/testdata"
	"tocsin/node"
)

// upNode is a process of "tocsin up".
type upNode struct {
	cmd          *exec.Cmd
	dir, address string
	args         []string     // beside the data directory
	log          bytes.Buffer // to be read when the process has ended
}

// connectionRule finds what connections makes of one machine.
const connectionRule = `
title: Connection of ws-3
id: 99999999-9999-4999-8999-999999999993
logsource: {category: network_connection, product: windows}
detection:
  selection: {Image: 'C:\a.exe', Computer: ws-3}
  condition: selection
`

func startUp(t *testing.T, nats *testdata.NATS, role, name string) *upNode {
	t.Helper()
	n := &upNode{dir: t.TempDir(), args: []string{"--listen", "127.0.0.1:0", "--nats", nats.URL(), "--role", role}}
	config := fmt.Sprintf("cluster:\n  name: %s\n  partitions: 8\n  bytes: 100000000\n", name)
	if err := os.WriteFile(filepath.Join(n.dir, configName), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(n.dir, "rule.yml")
	if err := os.WriteFile(rules, []byte(connectionRule), 0o600); err != nil {
		t.Fatal(err)
	}
	n.args = append(n.args, "--rules", rules)
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

	serve.tellsOfAllWorkers(t, analyst, workers["a"], uint64(len(addresses)))

	if _, notes := workers["b"].huntAsAnalyst(t, addresses[:1]); !strings.Contains(notes, "its role is worker") {
		t.Errorf("a hunt at a worker: %s", notes)
	}
	own, _ := serve.token(t, "sensor")
	events, _ := connections(9000, 1)
	if serve.postOnce(t, own, "{\"create\":{\"_index\":\"x\"}}\n"+events[0]+"\n") {
		t.Error("a serving node takes telemetry in")
	}
}

// get asks a node and returns the answer's body.
func (n *upNode) fetch(t *testing.T, tokenFile, path string) (http.Header, []byte) {
	t.Helper()
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", path, response.StatusCode, err, body)
	}
	return response.Header, body
}

// read asks a node for JSON.
func (n *upNode) read(t *testing.T, tokenFile, path string, into any) {
	t.Helper()
	if _, body := n.fetch(t, tokenFile, path); json.Unmarshal(body, into) != nil {
		t.Fatalf("%s: %s", path, body)
	}
}

// tellsOfAllWorkers checks what a serving node tells of a, b and c, of whom a is
// killed in the end.
func (n *upNode) tellsOfAllWorkers(t *testing.T, tokenFile string, a *upNode, events uint64) {
	t.Helper()
	var memory node.Stats
	n.read(t, tokenFile, "/api/v1/memory", &memory)
	if len(memory.Workers) != 3 || memory.Silent != nil || uint64(memory.Archive.Events+memory.Archive.Waiting) < events {
		t.Errorf("memory: %+v", memory)
	}
	var sources intake.Registry
	n.read(t, tokenFile, "/api/v1/sources", &sources)
	taken, by := uint64(0), map[string]bool{}
	for _, s := range sources.Sources {
		taken += s.Events
		by[s.Worker] = true
	}
	if taken < events || len(by) < 2 || sources.Partial != nil {
		t.Errorf("%d events of sources told by %v, want %d: %+v", taken, by, events, sources)
	}
	var state clusterState
	n.read(t, tokenFile, "/api/v1/cluster", &state)
	if len(state.Workers) != 3 || len(state.Members) != 3 || !state.Connected || state.Backlog == nil || state.Partial != nil {
		t.Errorf("cluster: %+v", state)
	}
	found, position := map[string]int{}, ""
	page := func() (header http.Header, lines int) {
		t.Helper()
		header, text := n.fetch(t, tokenFile, "/api/v1/findings?after="+url.QueryEscape(position))
		position = header.Get("Tocsin-Position")
		for line := range bytes.Lines(text) {
			var f struct{ Worker string }
			if json.Unmarshal(line, &f) != nil || f.Worker == "" {
				t.Fatalf("a finding: %s", line)
			}
			found[f.Worker]++
			lines++
		}
		return header, lines
	}
	for more := true; more; {
		_, lines := page()
		more = lines > 0
	}
	if len(found) < 2 {
		t.Errorf("findings of %v", found)
	}
	a.kill()
	header, lines := page()
	if lines != 0 || header.Get("Tocsin-Silent") != "a" || !strings.Contains(position, "a:") {
		t.Errorf("%d findings after the last, %v, position %s", lines, header, position)
	}
	memory = node.Stats{}
	n.read(t, tokenFile, "/api/v1/memory", &memory)
	n.read(t, tokenFile, "/api/v1/sources", &sources)
	n.read(t, tokenFile, "/api/v1/cluster", &state)
	for what, silence := range map[string]node.Silence{"memory": memory.Silence, "sources": {Silent: sources.Silent, Partial: sources.Partial}, "cluster": state.Silence} {
		if !slices.Equal(silence.Silent, []string{"a"}) || len(silence.Partial) != 1 || !strings.Contains(silence.Partial[0], "worker a did not answer") {
			t.Errorf("%s: %+v", what, silence)
		}
	}
	out, err := exec.Command("tocsin", "memory", "stats", "--node", n.address, "--token-file", tokenFile).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Added up over the workers b, c.") || !strings.Contains(string(out), "PARTIAL: worker a did not answer") {
		t.Errorf("%s, %v", out, err)
	}
	out, err = exec.Command("tocsin", "source", "list", "--node", n.address, "--token-file", tokenFile).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "(worker b)") || !strings.Contains(string(out), "PARTIAL: worker a did not answer") {
		t.Errorf("%s, %v", out, err)
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
