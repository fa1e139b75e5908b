package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"tocsin/internal/store/storetest"
)

// ask sends a request and returns the answer's status, header and text.
func (n *upNode) ask(t *testing.T, method, path, token, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, n.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// While its PostgreSQL is gone a node says so, to everybody and with when to come
// again, and goes on by itself once it is back.
func TestNodeOutlivesItsDatabase(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	n := startNode(t, "database: \""+server.Database(t)+"\"\n")
	analyst, _ := n.token(t, "analyst")
	sensor, _ := n.token(t, "sensor")
	note := func(k int) string { return fmt.Sprintf(`{"text":"note %d"}`, k) }
	if status, _, text := n.ask(t, http.MethodPost, "/api/v1/roster/notes", analyst, note(0)); status != http.StatusCreated {
		t.Fatalf("before: %d %s", status, text)
	}
	server.Kill()
	for _, c := range []struct{ method, path, token, body string }{
		{http.MethodPost, "/api/v1/roster/notes", analyst, note(1)},
		{http.MethodGet, "/api/v1/roster", analyst, ""},
		{http.MethodPost, "/api/v1/session", "", `{"name":"ada","password":"correct horse"}`},
		{http.MethodPost, "/_bulk", sensor, "{\"create\":{}}\n{}\n"},
		{http.MethodGet, "/api/v1/links/" + strings.Repeat("a", 40), "", ""},
	} {
		until(t, c.path+" to be refused", func() bool { // a token is known for half a second
			status, header, text := n.ask(t, c.method, c.path, c.token, c.body)
			switch status {
			case http.StatusOK:
				return false
			case http.StatusServiceUnavailable:
				if header.Get("Retry-After") == "" {
					t.Errorf("%s: no word of when to come again: %s", c.path, text)
				}
			default:
				t.Errorf("%s: %d %s", c.path, status, text)
			}
			return true
		})
	}
	status, _, text := n.ask(t, http.MethodGet, "/readyz", "", "")
	if status != http.StatusServiceUnavailable || !strings.Contains(text, `"name":"database","ready":false,"reason":"`) || !strings.Contains(text, `"name":"journal","ready":true`) {
		t.Errorf("ready: %d %s", status, text)
	}
	if status, _, _ := n.ask(t, http.MethodGet, "/healthz", "", ""); status != http.StatusOK {
		t.Errorf("alive: %d", status)
	}
	server.Again(t)
	until(t, "the node to go on", func() bool {
		status, _, text := n.ask(t, http.MethodPost, "/api/v1/roster/notes", analyst, note(2))
		if status != http.StatusCreated && status != http.StatusServiceUnavailable {
			t.Errorf("afterwards: %d %s", status, text)
		}
		return status == http.StatusCreated
	})
	if _, _, text := n.ask(t, http.MethodGet, "/api/v1/roster/notes", analyst, ""); !strings.Contains(text, "note 0") || strings.Contains(text, "note 1") || strings.Count(text, "note 2") != 1 {
		t.Errorf("notes: %s", text)
	}
	if status, _, text := n.ask(t, http.MethodGet, "/readyz", "", ""); status != http.StatusOK {
		t.Errorf("ready afterwards: %d %s", status, text)
	}
	events, _ := connections(0, 1)
	n.post(t, sensor, "site", events)
	n.stop(t)
}
