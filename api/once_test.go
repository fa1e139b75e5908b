package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tocsin/api"
	"tocsin/incident"
	"tocsin/people"
)

const key = "Idempotency-Key"

func TestARequestSentAgainDoesNothingTwice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	first := open(t, s, "Once", key, "a-1")
	want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents/"+first.ID+"/comments", `{"text":"meanwhile"}`)
	again, header := want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents", `{"title":"Once"}`, key, "a-1")
	if again.ID != first.ID || again.Version != first.Version || header.Get("Idempotency-Replayed") != "true" || header.Get("ETag") != `"v1"` {
		t.Errorf("again: %+v, first %+v, %v", again, first, header)
	}
	// As the draft writes keys: in quotes.
	if again, _ = want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents", `{"title":"Once"}`, key, `"a-1"`); again.ID != first.ID {
		t.Errorf("in quotes: %+v", again)
	}
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", "/api/v1/incidents", `{"title":"Another"}`, key, "a-1")
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", "/api/v1/incidents/"+first.ID+"/comments", `{"text":"x"}`, key, "a-1")
	for _, wrong := range []string{" ", `""`, "a b", "ä", strings.Repeat("x", 300)} {
		want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", "/api/v1/incidents", `{"title":"x"}`, key, wrong)
	}
	// Keys of others are others'.
	other, _ := wantAs[incident.Incident](t, s, people.DutyOfficer, http.StatusCreated, "POST", "/api/v1/incidents", `{"title":"Once"}`, key, "a-1")
	if other.ID == first.ID {
		t.Error("two who use the same key get the same incident")
	}
	// What was refused may be put right under its key.
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", "/api/v1/incidents", `{"title":""}`, key, "a-2")
	want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents", `{"title":"Better"}`, key, "a-2")

	comments := "/api/v1/incidents/" + first.ID + "/comments"
	for range 3 {
		want[incident.Incident](t, s, http.StatusCreated, "POST", comments, `{"text":"hello"}`, key, "a-3")
	}
	files := "/api/v1/incidents/" + first.ID + "/evidence?name=a"
	for range 2 {
		want[incident.Evidence](t, s, http.StatusCreated, "POST", files, "content", key, "a-4")
	}
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", files, "other content", key, "a-4")
	entries, _ := want[page[incident.Entry]](t, s, http.StatusOK, "GET", "/api/v1/incidents/"+first.ID+"/timeline", "")
	if len(entries.Items) != 4 { // opened, two comments, one file
		t.Errorf("timeline: %+v", entries.Items)
	}
}

func TestManySendTheSameAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			name := fmt.Sprint("k-", n%2)
			status, _, text := s.ask(t, people.Analyst, "POST", "/api/v1/incidents", `{"title":"`+name+`"}`, key, name)
			if status != http.StatusCreated && status != http.StatusConflict {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	all.Wait()
	p, _ := want[page[incident.Incident]](t, s, http.StatusOK, "GET", "/api/v1/incidents", "")
	if len(p.Items) != 2 {
		t.Errorf("%d incidents, want 2: %+v", len(p.Items), p.Items)
	}
}

// A secret is told once: it is not kept for the key.
func TestASecretIsNotToldTwice(t *testing.T) {
	t.Parallel()
	s := serve(t)
	post := func() (int, string) {
		status, _, text := s.ask(t, people.Administrator, "POST", "/api/v1/tokens", `{"name":"one","role":"sensor"}`, key, "t-1")
		return status, text
	}
	if status, text := post(); status != http.StatusCreated || !strings.Contains(text, `"secret"`) {
		t.Fatalf("%d %s", status, text)
	}
	if status, text := post(); status != http.StatusConflict || strings.Contains(text, `"secret"`) {
		t.Errorf("again: %d %s", status, text)
	}
}

// leaving is a body after which whoever sends it is gone.
type leaving struct {
	io.Reader
	leave func()
}

func (l leaving) Read(to []byte) (int, error) {
	defer l.leave()
	return l.Reader.Read(to)
}

// Who breaks off a request before it is carried out, and sends it again under its
// key, is not told that it was.
func TestARequestThatWasBrokenOffIsCarriedOutWhenItIsSentAgain(t *testing.T) {
	t.Parallel()
	var handler http.Handler
	s := serve(t, func(_ *served, c *api.Config) { handler = api.Handler(*c) })
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	const text = `{"title":"Broken off"}`
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/incidents", leaving{strings.NewReader(text), leave})
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.tokens[people.Analyst])
	r.Header.Set(key, "b-1")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if ctx.Err() == nil {
		t.Fatal("the request was refused before its body was read")
	}
	again, header := wantAs[incident.Incident](t, s, people.Analyst, http.StatusCreated, "POST", "/api/v1/incidents", text, key, "b-1")
	if again.Title != "Broken off" || header.Get("Idempotency-Replayed") != "" {
		t.Errorf("sent again: %+v, %v", again, header)
	}
}
