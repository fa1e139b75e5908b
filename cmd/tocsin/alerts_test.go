package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/notify"
	"tocsin/plan/duty"
)

const ransomPlaybook = `id: names
title: A name that no one should ask for
when: {severity: high}
incident: {title: Somebody asks for crash.example, owner: ann}
tasks: [{title: Isolate the host, within: 1h}]
`

// alerts are the alerts that a node has.
func (n *upNode) alerts(t *testing.T, token string) []incident.Alert {
	t.Helper()
	var page struct{ Items []incident.Alert }
	status, text := n.get(t, "/api/v1/alerts", "Authorization", "Bearer "+token)
	if err := json.Unmarshal([]byte(text), &page); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	return page.Items
}

// What the node's own watch finds becomes an alert, and by a playbook an
// incident; killed and started again, it has each once.
func TestFindingsBecomeAlertsOnce(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rule.yml")
	if err := os.WriteFile(rules, []byte(strings.Replace(killedRule, "logsource", "level: high\nlogsource", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, "", "--rules", rules)
	n.kill()
	if err := os.MkdirAll(filepath.Join(n.dir, playbooksFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, playbooksFolder, "names.yaml"), []byte(ransomPlaybook), 0o600); err != nil {
		t.Fatal(err)
	}
	n.again(t)
	sensor, _ := n.token(t, "sensor")
	analyst, _ := n.token(t, "analyst")
	const sent = 40
	for i := range sent / 10 {
		var events []string
		for j := range 10 {
			events = append(events, lookUp(string(rune('a'+i))+string(rune('a'+j))))
		}
		n.post(t, sensor, "site", events)
		n.kill() // whether it has raised them yet or not
		n.again(t)
	}
	var all []incident.Alert
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		all = n.alerts(t, analyst)
		if len(all) == 1 && all[0].Findings >= sent || time.Now().After(deadline) {
			break
		}
	}
	if len(all) != 1 || all[0].Findings != sent || all[0].Host != "ws-1" || all[0].State != incident.AlertPromoted {
		t.Errorf("alerts: %+v, want one of %d findings", all, sent)
	}
	status, text := n.get(t, "/api/v1/incidents", "Authorization", "Bearer "+analyst)
	if strings.Count(text, `"origin":"playbook"`) != 1 || !strings.Contains(text, `"owner":"ann"`) {
		t.Errorf("incidents: %d %s", status, text)
	}
	n.stop(t)
}

func TestAWatchElsewherePostsItsFindingsOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	_, sensor := n.token(t, "sensor")
	analyst, _ := n.token(t, "analyst")
	dir := t.TempDir()
	rules, events := filepath.Join(dir, "rule.yml"), filepath.Join(dir, "events.jsonl")
	if err := os.WriteFile(rules, []byte(killedRule), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(events, []byte(lookUp("a")+"\n"+lookUp("b")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for round, want := range []string{"1 new alert, 1 grown, 0 findings known", "0 new alerts, 0 grown, 2 findings known"} {
		said, err := exec.Command("tocsin", "watch", events, "--rules", rules, "--node", n.address, "--token-file", sensor).CombinedOutput()
		if err != nil || !strings.Contains(string(said), want) {
			t.Errorf("round %d: %v\n%s", round, err, said)
		}
	}
	all := n.alerts(t, analyst)
	if len(all) != 1 || all[0].Findings != 2 {
		t.Errorf("alerts: %+v", all)
	}
	n.stop(t)
}

func TestAPlaybookThatWillNotDoIsToldWithItsLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	folder := filepath.Join(dir, playbooksFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("id: a\ntitle: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "b.yaml"), []byte("id: b\nwhen: {severity: high}\nnonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := readPlaybooks(folder)
	if err == nil || !strings.Contains(err.Error(), "a.yaml:1: it would open an incident for every alert") || !strings.Contains(err.Error(), "b.yaml:3: ") {
		t.Error(err)
	}
	if all, err := readPlaybooks(filepath.Join(dir, "none")); err != nil || all != nil {
		t.Errorf("no folder: %v %v", all, err)
	}
}

// Reports that are sent again under their keys until they are acknowledged are
// there once each, however often the node is killed meanwhile.
func TestReportsAreOpenedOnceAcrossKills(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	analyst, _ := n.token(t, "analyst")
	const clients, each, kills = 6, 20, 3
	var address atomic.Value
	address.Store(n.address)
	var acknowledged atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := range each {
				name := fmt.Sprintf("report %d of %d", i, c)
				for !postReport(t.Context(), address.Load().(string), analyst, name) { //nolint:forcetypeassert // only strings are stored
					if t.Context().Err() != nil {
						return
					}
				}
				acknowledged.Add(1)
			}
		})
	}
	for k := range int64(kills) {
		for acknowledged.Load() < (k+1)*clients*each/(kills+1) {
			time.Sleep(time.Millisecond)
		}
		n.kill()
		n.again(t)
		address.Store(n.address)
	}
	all.Wait()
	var page struct{ Items []incident.Incident }
	status, text := n.get(t, "/api/v1/incidents?limit=1000", "Authorization", "Bearer "+analyst)
	if err := json.Unmarshal([]byte(text), &page); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	titles := map[string]bool{}
	for _, i := range page.Items {
		titles[i.Title] = true
	}
	if len(page.Items) != clients*each || len(titles) != clients*each {
		t.Errorf("%d incidents of %d reports, want %d", len(page.Items), len(titles), clients*each)
	}
	n.stop(t)
}

// postReport posts a report once, and tells whether it was acknowledged.
func postReport(ctx context.Context, address, token, name string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/api/v1/incidents", strings.NewReader(fmt.Sprintf(`{"title":%q}`, name)))
	if err != nil {
		return false
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", strings.ReplaceAll(name, " ", "-"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode == http.StatusCreated
}

// What is found in events of an attacker's length still fits into what a node
// takes at once.
func TestLargeFindingsArePostedFewAtOnce(t *testing.T) {
	t.Parallel()
	const findings = 100
	p := &poster{queue: make(chan incident.Finding, findings)}
	for range findings {
		p.queue <- incident.Finding{Body: make([]byte, 250<<10)}
	}
	close(p.queue)
	total := 0
	for more := true; more; {
		var batch []incident.Finding
		batch, more = p.batch()
		total += len(batch)
		if size := len(batch) * 250 << 10; size > postBytes+250<<10 {
			t.Errorf("%d bytes at once", size)
		}
	}
	if total != findings {
		t.Errorf("%d findings came out", total)
	}
}

// A notice that is too long for webhooks is told all the same: else the clock it
// is about would never be looked at again.
func TestANoticeThatQuotesMuchIsPosted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", notify.MaxData)
	for name, n := range map[string]duty.Notice{"text": {Text: long}, "title": {Title: long, Text: long}, "short": {Text: "x"}} {
		if data, err := noticeData(&n); err != nil || len(data) > notify.MaxData {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
	}
}
