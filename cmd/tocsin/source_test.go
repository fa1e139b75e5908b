package main

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// What could not be read is shown with its reason, and can be read again.
func TestSourcesAndWhatTheySentThatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	n := startNode(t, "")
	sensor, _ := n.token(t, "sensor")
	_, analyst := n.token(t, "analyst")
	events, _ := connections(0, 3)
	n.post(t, sensor, "zeek", events)
	n.lines(t, sensor, `{"cut": `+"\n")
	ask := func(verb ...string) string {
		t.Helper()
		out, err := exec.Command("tocsin", append(append([]string{"source"}, verb...), "--node", n.address, "--token-file", analyst)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", verb, err, out)
		}
		return string(out)
	}
	var list string
	for range 200 { // until the node has worked on it
		if list = ask("list"); strings.Contains(list, "not read: 1 record") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !strings.Contains(list, "not read: 1 record") || !strings.Contains(list, "such as: ") || !strings.Contains(list, "ok") {
		t.Errorf("list:\n%s", list)
	}
	if aside := ask("aside"); !strings.Contains(aside, `{"cut":`) || !strings.Contains(aside, "1 record is set aside.") {
		t.Errorf("aside:\n%s", aside)
	}
	if replay := ask("replay"); !strings.Contains(replay, "1 record is read again") {
		t.Errorf("replay:\n%s", replay)
	}
	if lines := ask("list", "--format", "jsonl"); !strings.HasPrefix(lines, `{"name":`) {
		t.Errorf("jsonl:\n%s", lines)
	}
}

// lines sends lines of JSON as a script does.
func (n *upNode) lines(t *testing.T, token, lines string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.address+"/api/v1/events", strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}
