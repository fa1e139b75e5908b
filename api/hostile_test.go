package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tocsin/api"
	"tocsin/incident"
	"tocsin/people"
)

// What is sent wrongly is refused with where it is wrong, and changes nothing.
func TestBodiesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for name, c := range map[string]struct {
		body    string
		status  int
		pointer string
	}{
		"nothing":         {"", 422, ""},
		"no JSON":         {"{", 422, ""},
		"two values":      {`{"title":"x"}{}`, 422, ""},
		"unknown name":    {`{"title":"x","colour":"red"}`, 422, "/colour"},
		"another case":    {`{"Title":"x"}`, 422, "/Title"},
		"name twice":      {`{"title":"x","title":"y"}`, 422, "/title"},
		"another type":    {`{"title":5}`, 422, "/title"},
		"a list":          {`[1]`, 422, ""},
		"facts as a list": {`{"title":"x","facts":[1]}`, 422, "/facts"},
		"not UTF-8":       {"{\"title\":\"\xff\"}", 422, "/title"},
		"zero byte":       {`{"title":"a\u0000b"}`, 422, ""},
		"lone surrogate":  {`{"title":"\ud800"}`, 422, "/title"},
		"unknown fact":    {`{"title":"x","facts":{"no.such":{"value":1}}}`, 422, ""},
		"deep":            {`{"title":"x","facts":{"impact.people_life_work":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, 422, ""},
		"deep and open":   {`{"title":` + strings.Repeat(`{"a":`, 100_000), 422, ""},
		"large":           {`{"title":"x","summary":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},
		"long title":      {`{"title":"` + strings.Repeat("x", 300) + `"}`, 422, ""},
		"wrong kind":      {`{"title":"x","kind":"party"}`, 422, ""},
	} {
		p, header := want[api.Problem](t, s, c.status, "POST", "/api/v1/incidents", c.body)
		if header.Get("Content-Type") != "application/problem+json" || p.Status != c.status || p.Detail == "" || p.RequestID == "" {
			t.Errorf("%s: %+v", name, p)
		}
		if c.pointer != "" && (len(p.Errors) != 1 || p.Errors[0].Pointer != c.pointer) {
			t.Errorf("%s: %+v", name, p.Errors)
		}
	}
	want[api.Problem](t, s, http.StatusUnsupportedMediaType, "POST", "/api/v1/incidents", `title=x`, "Content-Type", "application/x-www-form-urlencoded")
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "GET", "/api/v1/tokens?x=1", "", "Authorization", "Bearer "+s.tokens[people.Administrator])
	p, _ := want[page[incident.Incident]](t, s, http.StatusOK, "GET", "/api/v1/incidents", "")
	if len(p.Items) != 0 {
		t.Errorf("something was opened: %+v", p.Items)
	}
}

// Markup in any text is kept as text, and comes back as text in JSON, which no
// browser takes for a page.
func TestMarkupIsText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const markup = `<script>alert("1")</script><img src=x onerror=alert(1)>`
	body := fmt.Sprintf(`{"title":%[1]s,"summary":%[1]s,"category":%[1]s,"owner":%[1]s}`, quoted(markup))
	i, _ := want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents", body)
	at := "/api/v1/incidents/" + i.ID
	want[incident.Incident](t, s, http.StatusOK, "PATCH", at, fmt.Sprintf(`{"cause":%[1]s,"lessons":%[1]s}`, quoted(markup)), "If-Match", "*")
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/comments", `{"text":`+quoted(markup)+`}`)
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/tasks", fmt.Sprintf(`{"title":%[1]s,"detail":%[1]s,"assignee":%[1]s}`, quoted(markup)))
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/assets", fmt.Sprintf(`{"assets":[{"kind":"host","name":%[1]s,"note":%[1]s}]}`, quoted(markup)))
	for _, path := range []string{"", "/timeline", "/tasks", "/assets"} {
		status, header, text := s.ask(t, people.Viewer, "GET", at+path, "")
		if status != http.StatusOK || header.Get("Content-Type") != "application/json" || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, status, header)
		}
		if strings.Contains(text, "<script") || !strings.Contains(text, `\u003cscript\u003e`) {
			t.Errorf("%s: %s", path, text)
		}
	}
	if i.Title != markup {
		t.Errorf("the title is %q", i.Title)
	}
}

// A page of another site cannot make a signed-in browser change anything, and a
// session that ended is nobody's.
func TestForeignPagesAndStolenSessions(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	const body = `{"title":"from a page"}`
	if status, _, text := root.do(t, "POST", "/api/v1/incidents", "application/json", body, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); status != http.StatusForbidden {
		t.Errorf("another site: %d %s", status, text)
	}
	if status, _, text := root.do(t, "POST", "/api/v1/incidents", "text/plain", body); status != http.StatusUnsupportedMediaType {
		t.Errorf("what a form can send: %d %s", status, text)
	}
	if status, _, text := root.do(t, "POST", "/api/v1/incidents", "application/json", body); status != http.StatusCreated {
		t.Errorf("the person: %d %s", status, text)
	}
	stolen := root.stolen(t)
	if status, _, text := stolen.do(t, "GET", "/api/v1/incidents", "", ""); status != http.StatusOK {
		t.Fatalf("the copy is none: %d %s", status, text)
	}
	root.json(t, "DELETE", "/api/v1/session", "", http.StatusOK, nil)
	if status, _, text := stolen.do(t, "GET", "/api/v1/incidents", "", ""); status != http.StatusUnauthorized {
		t.Errorf("a stolen session after sign-out: %d %s", status, text)
	}
}
