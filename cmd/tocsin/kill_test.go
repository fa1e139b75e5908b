package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tocsin/internal/crash"
)

const killedRule = `title: Name below crash.example
id: 99999999-9999-4999-8999-999999999999
logsource: {category: dns_query, product: windows}
detection:
  selection: {QueryName|endswith: .crash.example}
  condition: selection
`

func lookUp(name string) string {
	return fmt.Sprintf(`{"@timestamp":"2026-05-12T10:43:48Z","EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","Hostname":"ws-1","Image":"C:\\a.exe","QueryName":"%s.crash.example"}`, name)
}

// killed is a node that is killed again and again while shippers send to it and
// a file that it follows is written.
type killed struct {
	node    *upNode
	token   string
	log     *os.File
	address atomic.Pointer[string]
	acks    chan struct{} // one a request that was acknowledged
	over    atomic.Bool

	mu     sync.Mutex
	posted []string        // guarded by mu: names acknowledged
	cut    map[string]bool // guarded by mu: names of requests to which an answer did not come
	lines  []string        // owned by write: names in the file
}

// send is a shipper: it sends a request until it is acknowledged, and then the
// next.
func (k *killed) send(t *testing.T, shipper int) {
	t.Helper()
	const each = 20
	for i := 0; !k.over.Load(); i++ {
		var body strings.Builder
		var names []string
		for j := range each {
			name := fmt.Sprintf("p%d-%d-%d", shipper, i, j)
			names = append(names, name)
			fmt.Fprintf(&body, "{\"create\":{\"_index\":\"site-%d\"}}\n%s\n", shipper, lookUp(name))
		}
		for {
			status, err := k.post(body.String())
			if err == nil && status == http.StatusOK {
				break
			}
			k.mu.Lock()
			for _, name := range names {
				k.cut[name] = true
			}
			k.mu.Unlock()
		}
		k.mu.Lock()
		k.posted = append(k.posted, names...)
		k.mu.Unlock()
		select {
		case k.acks <- struct{}{}:
		default:
		}
	}
}

func (k *killed) post(body string) (int, error) {
	request, err := http.NewRequest(http.MethodPost, *k.address.Load()+"/_bulk", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+k.token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

// write appends to the file that is followed; a line is sometimes cut in two.
func (k *killed) write(t *testing.T, n int) {
	t.Helper()
	for range n {
		name := fmt.Sprintf("f%d", len(k.lines))
		k.lines = append(k.lines, name)
		line := lookUp(name) + "\n"
		at := rand.IntN(len(line))
		for _, part := range []string{line[:at], line[at:]} {
			if _, err := k.log.WriteString(part); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// While it is killed at random under load, a node loses nothing of what it
// acknowledged and nothing of a file that it follows, and counts all once. Only
// what was on its way to its sender at that moment can count twice.
func TestKilledNodeLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rule, log := filepath.Join(dir, "rule.yml"), filepath.Join(dir, "app.log")
	k := &killed{
		node: &upNode{dir: filepath.Join(dir, "data"), args: []string{"--listen", "127.0.0.1:0", "--rules", rule}},
		acks: make(chan struct{}, 1), cut: map[string]bool{},
	}
	for path, text := range map[string]string{rule: killedRule, filepath.Join(k.node.dir, configName): fmt.Sprintf("follow: [%q]\n", log)} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if k.log, err = os.Create(log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.log.Close() })
	k.up(t)
	t.Cleanup(k.node.kill)
	k.token, _ = k.node.token(t, "sensor")
	_, analyst := k.node.token(t, "analyst")

	var shippers sync.WaitGroup
	const senders = 3
	for i := range senders {
		shippers.Go(func() { k.send(t, i) })
	}
	kills := crash.Kills(t)
	for range kills {
		for range 2 + rand.IntN(20) {
			<-k.acks
			k.write(t, 1+rand.IntN(40))
		}
		k.node.kill()
		k.write(t, rand.IntN(40))
		k.up(t)
	}
	k.over.Store(true)
	shippers.Wait()
	k.judge(t, kills, analyst, rule)
}

func (k *killed) up(t *testing.T) {
	t.Helper()
	k.node.again(t)
	address := k.node.address
	k.address.Store(&address)
}

func (k *killed) judge(t *testing.T, kills int, analyst, rule string) {
	t.Helper()
	names := append(append([]string{}, k.posted...), k.lines...)
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = name + ".crash.example"
	}
	var answers []hunted
	until(t, "all that was acknowledged", func() bool {
		answers, _ = k.node.hunt(t, analyst, terms)
		if len(answers) != len(names) {
			t.Fatalf("%d answers to %d questions", len(answers), len(names))
		}
		for _, a := range answers {
			if a.Count == 0 {
				return false
			}
		}
		return true
	})
	total, twice := uint64(0), 0
	for i, a := range answers {
		total += a.Count
		switch {
		case a.Count == 1:
		case k.cut[names[i]] && a.Count == 2:
			twice++
		default:
			t.Errorf("%s counts %d times", names[i], a.Count)
		}
	}
	text, err := os.ReadFile(rule)
	if err != nil {
		t.Fatal(err)
	}
	archived, _ := k.node.hunt(t, analyst, strings.Split(string(text), "\n"))
	if len(archived) != 1 || archived[0].Count != total {
		t.Errorf("%d are in the ledger, and of the archive it is said: %+v", total, archived)
	}
	t.Logf("%d kills: %d acknowledged, of which %d were sent again and %d of these count twice; %d of a followed file", kills, len(k.posted), len(k.cut), twice, len(k.lines))
}
