package main

import (
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// asked is a running node that is asked by the command line, as several roles.
type asked struct {
	*upNode
	sensor string            // its token
	tokens map[string]string // the file of each role's
}

func startAsked(t *testing.T, flags ...string) *asked {
	t.Helper()
	n := &asked{upNode: startNode(t, "", flags...), tokens: map[string]string{}}
	for _, role := range []string{"sensor", "analyst", "administrator"} {
		secret, file := n.token(t, role)
		n.tokens[role] = file
		if role == "sensor" {
			n.sensor = secret
		}
	}
	return n
}

// send sends lines as the sensor and returns the status.
func (n *asked) send(t *testing.T, source, lines string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.address+"/api/v1/events?source="+source, strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+n.sensor)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// ask runs a verb that asks the node, as a role, and returns all that it says.
func (n *asked) ask(role string, args ...string) string {
	command := exec.Command("tocsin", append(args, "--node", n.address, "--token-file", n.tokens[role])...)
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %s", err, out)
	}
	return string(out)
}

// eventually asks until the answer holds a text.
func (n *asked) eventually(t *testing.T, want, role string, args ...string) {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if said = n.ask(role, args...); strings.Contains(said, want) {
			return
		}
	}
	t.Errorf("%q does not say %q: %s", args, want, said)
}

func TestSourcesOfARunningNode(t *testing.T) {
	t.Parallel()
	n := startAsked(t)
	if status := n.send(t, "app", followedEvent+"no object\n"); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	n.eventually(t, "look", "analyst", "source", "list")
	if said := n.ask("analyst", "source", "list", "--format", "jsonl"); !strings.Contains(said, `"name":"events/sensor/app"`) || !strings.Contains(said, `"new_observables_per_day":10000000`) {
		t.Errorf("list: %s", said)
	}
	if said := n.ask("analyst", "source", "aside"); !strings.Contains(said, "no object") {
		t.Errorf("aside: %s", said)
	}
	if said := n.ask("analyst", "source", "replay"); !strings.HasPrefix(said, "0 records can be read now and went in again; 1 record still") {
		t.Errorf("replay: %s", said)
	}
	if said := n.ask("sensor", "source", "list"); !strings.Contains(said, "may not") {
		t.Errorf("a sensor: %s", said)
	}
}

// Who may ask may not erase: that takes an administrator, whose name is recorded.
func TestErasingOnARunningNodeTakesAnAdministrator(t *testing.T) {
	t.Parallel()
	n := startAsked(t)
	if status := n.send(t, "app", followedEvent); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	n.eventually(t, `"verdict":"seen"`, "analyst", "hunt", "a.exe", "--format", "jsonl")
	erase := []string{"memory", "erase", "--kind", "filename", "--older-than", "30d", "--reason", "as agreed"}
	for _, refused := range [][]string{erase, {"memory", "hold", "add", "c", "a.exe"}, {"memory", "hold", "remove", "c"}} {
		if said := n.ask("analyst", refused...); !strings.Contains(said, "may not operate the node") {
			t.Errorf("%q: %s", refused, said)
		}
	}
	if said := n.ask("administrator", "memory", "hold", "add", "c/1", "other.exe"); !strings.Contains(said, "filename  other.exe") || !strings.Contains(said, "by administrator") {
		t.Errorf("hold: %s", said)
	}
	if said := n.ask("administrator", erase...); !strings.HasPrefix(said, "Erased: 1 observable") {
		t.Errorf("erase: %s", said)
	}
	if said := n.ask("administrator", "memory", "hold", "remove", "c/1"); said != "Nothing is held.\n" {
		t.Errorf("release: %s", said)
	}
	if said := n.ask("analyst", "memory", "erased"); !strings.Contains(said, "administrator  erased filename") || !strings.Contains(said, "released for case c/1") {
		t.Errorf("erased: %s", said)
	}
	if said := n.ask("analyst", "hunt", "a.exe", "--format", "jsonl"); !strings.Contains(said, "was erased") {
		t.Errorf("hunt: %s", said)
	}
}
