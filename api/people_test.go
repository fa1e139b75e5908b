package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"tocsin/people"
)

const good = "three quiet lighthouses"

// browser is somebody with cookies, as browsers send requests.
type browser struct {
	*http.Client
	s *served
}

func (s *served) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, s}
}

// do sends a request from a site: same-origin, or cross-site.
func (b *browser) do(t *testing.T, method, path, kind, body string, header ...string) (status int, got http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := b.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	keep(t, method, b.s.url+path, response.StatusCode, response.Header, string(content))
	return response.StatusCode, response.Header, string(content)
}

// stolen is somebody who has copied the browser's cookies.
func (b *browser) stolen(t *testing.T) *browser {
	t.Helper()
	thief := b.s.browser(t)
	at, err := url.Parse(b.s.url)
	if err != nil {
		t.Fatal(err)
	}
	thief.Jar.SetCookies(at, b.Jar.Cookies(at))
	return thief
}

func (b *browser) json(t *testing.T, method, path, body string, want int, into any) {
	t.Helper()
	status, _, text := b.do(t, method, path, "application/json", body)
	if status != want {
		t.Fatalf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// setUp makes the first administrator, who is signed in.
func (s *served) setUp(t *testing.T) *browser {
	t.Helper()
	secret, err := s.accounts.SetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	root := s.browser(t)
	root.json(t, "POST", "/api/v1/links/"+secret, `{"name":"root","password":"`+good+`"}`, http.StatusCreated, nil)
	return root
}

func TestPeopleOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)

	var made struct {
		Account people.Account
		Link    string
	}
	root.json(t, "POST", "/api/v1/people", `{"name":"ann","role":"analyst","mail":"ann@example.org","display":"Ann"}`, http.StatusCreated, &made)
	root.json(t, "POST", "/api/v1/people", `{"name":"ann","role":"analyst"}`, http.StatusConflict, nil)
	root.json(t, "POST", "/api/v1/people", `{"name":"bob","role":"sensor"}`, http.StatusUnprocessableEntity, nil)
	root.json(t, "POST", "/api/v1/people", `{"name":"bob","role":"viewer","admin":true}`, http.StatusUnprocessableEntity, nil)
	root.json(t, "POST", "/api/v1/people", `{"name":"bob","role":"viewer"}{}`, http.StatusUnprocessableEntity, nil)
	root.json(t, "POST", "/api/v1/people", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`, http.StatusRequestEntityTooLarge, nil)

	ann := s.browser(t)
	link := "/api/v1/links/" + strings.TrimPrefix(made.Link, "/link/")
	var about people.Link
	ann.json(t, "GET", link, "", http.StatusOK, &about)
	if about.Name != "ann" || about.Purpose != people.PurposeInvite {
		t.Errorf("link: %+v", about)
	}
	ann.json(t, "POST", link, `{"password":"short"}`, http.StatusUnprocessableEntity, nil)
	ann.json(t, "POST", link, `{"password":"`+good+`"}`, http.StatusCreated, nil)
	ann.json(t, "POST", link, `{"password":"`+good+`"}`, http.StatusNotFound, nil)

	var who struct {
		Name, Session string
		Role          people.Role
		Rights        []people.Right
	}
	ann.json(t, "GET", "/api/v1/session", "", http.StatusOK, &who)
	if who.Name != "ann" || who.Role != people.Analyst || len(who.Rights) != 24 {
		t.Errorf("who: %+v, %d rights", who, len(who.Rights))
	}
	ann.json(t, "POST", "/api/v1/people", `{"name":"eve","role":"administrator"}`, http.StatusForbidden, nil)
	ann.json(t, "PATCH", "/api/v1/people/ann", `{"role":"administrator"}`, http.StatusForbidden, nil)

	root.json(t, "PATCH", "/api/v1/people/ann", `{"role":"commander"}`, http.StatusOK, nil)
	ann.json(t, "GET", "/api/v1/session", "", http.StatusOK, &who)
	if who.Role != people.Commander {
		t.Errorf("after the change: %s", who.Role)
	}
	root.json(t, "PATCH", "/api/v1/people/root", `{"disabled":true}`, http.StatusConflict, nil)

	var sessions []people.Session
	root.json(t, "GET", "/api/v1/people/ann/sessions", "", http.StatusOK, &sessions)
	if len(sessions) != 1 || sessions[0].ID != who.Session {
		t.Fatalf("sessions: %+v", sessions)
	}
	root.json(t, "DELETE", "/api/v1/people/ann/sessions/"+sessions[0].ID, "", http.StatusOK, nil)
	ann.json(t, "GET", "/api/v1/account", "", http.StatusUnauthorized, nil)

	root.json(t, "POST", "/api/v1/people/ann/reset", "", http.StatusCreated, &made)
	ann.json(t, "POST", "/api/v1/session", `{"name":"ann","password":"`+good+`"}`, http.StatusForbidden, nil)
	var all []people.Account
	root.json(t, "GET", "/api/v1/people", "", http.StatusOK, &all)
	if len(all) != 2 || all[0].Name != "ann" || all[0].Mail != "ann@example.org" {
		t.Errorf("people: %+v", all)
	}
}

func TestStolenSessionIsUselessAfterSignOut(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	thief := s.browser(t)
	thief.Jar.SetCookies(at, root.Jar.Cookies(at))
	thief.json(t, "GET", "/api/v1/account", "", http.StatusOK, nil)
	root.json(t, "DELETE", "/api/v1/session", "", http.StatusOK, nil)
	thief.json(t, "GET", "/api/v1/account", "", http.StatusUnauthorized, nil)
	if left := root.Jar.Cookies(at); len(left) != 0 {
		t.Errorf("cookies left: %v", left)
	}
}

func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	for _, request := range [][2]string{
		{"POST", "/api/v1/people"}, {"DELETE", "/api/v1/session"}, {"PATCH", "/api/v1/people/root"}, {"POST", "/sign-out"}, {"POST", "/sign-in"}, {"POST", "/api/v1/session"},
	} {
		if status, _, _ := root.do(t, request[0], request[1], "text/plain", `{}`, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
			t.Errorf("%s %s from another site: %d", request[0], request[1], status)
		}
		if status, _, _ := root.do(t, request[0], request[1], "text/plain", `{}`, "Sec-Fetch-Site", "", "Origin", "https://evil.example"); status != http.StatusForbidden {
			t.Errorf("%s %s of another origin: %d", request[0], request[1], status)
		}
	}
	root.json(t, "GET", "/api/v1/account", "", http.StatusOK, nil)
}

func TestGuessingIsToldToWait(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.setUp(t)
	b := s.browser(t)
	for range 5 {
		b.json(t, "POST", "/api/v1/session", `{"name":"root","password":"wrong"}`, http.StatusForbidden, nil)
	}
	status, header, text := b.do(t, "POST", "/api/v1/session", "application/json", `{"name":"root","password":"`+good+`"}`)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", status, header, text)
	}
	status, header, text = b.do(t, "POST", "/sign-in", "application/x-www-form-urlencoded", url.Values{"name": {"root"}, "password": {good}}.Encode())
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(text, "Too many attempts") {
		t.Errorf("page: %d %v %s", status, header, text)
	}
}

func TestTokensOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	var made struct {
		Token  people.Token
		Secret string
	}
	root.json(t, "POST", "/api/v1/tokens", `{"name":"dc01","role":"sensor","expires":"720h"}`, http.StatusCreated, &made)
	root.json(t, "POST", "/api/v1/tokens", `{"name":"dc02","role":"sensor","expires":"soon"}`, http.StatusUnprocessableEntity, nil)
	if !strings.HasPrefix(made.Secret, "tocsin_") || made.Token.Expires.Sub(made.Token.Created).Hours() != 720 {
		t.Errorf("made %+v", made)
	}
	status, _, text := root.do(t, "GET", "/api/v1/tokens", "", "")
	if status != http.StatusOK || !strings.Contains(text, `"dc01"`) || strings.Contains(text, made.Secret) || strings.Contains(text, "sha256") {
		t.Errorf("%d %s", status, text)
	}
	root.json(t, "DELETE", "/api/v1/tokens/dc01", "", http.StatusOK, nil)
	root.json(t, "DELETE", "/api/v1/tokens/dc01", "", http.StatusNotFound, nil)
	// A token that may manage people has no account of its own.
	status, _, text = s.ask(t, people.Administrator, "GET", "/api/v1/account", "")
	if status != http.StatusForbidden || !strings.Contains(text, "no account") {
		t.Errorf("%d %s", status, text)
	}
}

func TestRosterOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	var rotation people.Rotation
	root.json(t, "POST", "/api/v1/roster/rotations", `{"zone":"Europe/Vienna","start":"2026-01-05","from_time":"08:00","until_time":"20:00","members":["root"]}`, http.StatusCreated, &rotation)
	var shift people.Shift
	root.json(t, "POST", "/api/v1/roster/shifts", `{"account":"root","from":"2026-03-01T00:00:00Z","until":"2026-03-01T06:00:00Z","zone":"UTC"}`, http.StatusCreated, &shift)
	var plan people.Plan
	root.json(t, "GET", "/api/v1/roster?from=2026-03-01T00:00:00Z&until=2026-03-02T00:00:00Z", "", http.StatusOK, &plan)
	if len(plan.Duties) != 2 || plan.Duties[0].Shift != shift.ID || plan.Duties[1].Rotation != rotation.ID || len(plan.Gaps) != 2 {
		t.Errorf("plan: %+v", plan)
	}
	var duties []people.Duty
	root.json(t, "GET", "/api/v1/roster/now?at=2026-03-01T03:00:00Z", "", http.StatusOK, &duties)
	if len(duties) != 1 || duties[0].Name != "root" {
		t.Errorf("on duty: %+v", duties)
	}
	root.json(t, "GET", "/api/v1/roster?from=yesterday", "", http.StatusUnprocessableEntity, nil)
	root.json(t, "POST", "/api/v1/roster/notes", `{"text":"all quiet"}`, http.StatusCreated, nil)
	var notes []people.Note
	root.json(t, "GET", "/api/v1/roster/notes?limit=1", "", http.StatusOK, &notes)
	if len(notes) != 1 || notes[0].Text != "all quiet" || notes[0].Author != "root" {
		t.Errorf("notes: %+v", notes)
	}
	root.json(t, "DELETE", "/api/v1/roster/rotations/"+rotation.ID, "", http.StatusOK, nil)
	root.json(t, "DELETE", "/api/v1/roster/shifts/nothing", "", http.StatusNotFound, nil)
}
