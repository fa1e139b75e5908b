package api_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tocsin/people"
)

// form sends a form as a page does.
func (b *browser) form(t *testing.T, path string, pairs ...string) (status int, to, text string) {
	t.Helper()
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	status, header, text := b.do(t, "POST", path, "application/x-www-form-urlencoded", values.Encode(), "Sec-Fetch-Mode", "navigate")
	return status, header.Get("Location"), text
}

func (b *browser) page(t *testing.T, path string) (status int, to, text string) {
	t.Helper()
	status, header, text := b.do(t, "GET", path, "", "", "Sec-Fetch-Mode", "navigate")
	if policy := header.Get("Content-Security-Policy"); status == http.StatusOK && (!strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")) {
		t.Errorf("%s: policy %q", path, policy)
	}
	return status, header.Get("Location"), text
}

// From the first start to the sign-out by pages alone, without script.
func TestPagesWorkWithoutScript(t *testing.T) {
	t.Parallel()
	s := serve(t)
	b := s.browser(t)
	if status, to, _ := b.page(t, "/account"); status != http.StatusSeeOther || to != "/sign-in?next=%2Faccount" {
		t.Errorf("not signed in: %d %s", status, to)
	}
	if status, to, _ := b.page(t, "/"); status != http.StatusSeeOther || to != "/account" {
		t.Errorf("the node's address: %d %s", status, to)
	}
	secret, err := s.accounts.SetUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if status, _, text := b.page(t, "/link/"+secret); status != http.StatusOK || !strings.Contains(text, "first administrator") {
		t.Errorf("set-up: %d %s", status, text)
	}
	if status, _, text := b.form(t, "/link/"+secret, "name", "root", "password", good, "again", good+"x"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "differ") {
		t.Errorf("two passwords: %d %s", status, text)
	}
	if status, _, text := b.form(t, "/link/"+secret, "name", "root", "password", "short", "again", "short"); status != http.StatusUnprocessableEntity || !strings.Contains(text, "Password: use 12 characters or more; several words do well.") {
		t.Errorf("a short one: %d %s", status, text)
	}
	if status, to, _ := b.form(t, "/link/"+secret, "name", "root", "display", "<script>alert(1)</script>", "password", good, "again", good); status != http.StatusSeeOther || to != "/account" {
		t.Errorf("set up: %d %s", status, to)
	}
	if status, _, text := b.page(t, "/link/"+secret); status != http.StatusNotFound || !strings.Contains(text, "no longer good") {
		t.Errorf("used twice: %d %s", status, text)
	}
	if status, _, text := b.page(t, "/account"); status != http.StatusOK || strings.Contains(text, "<script>alert") || !strings.Contains(text, "&lt;script&gt;alert") || !strings.Contains(text, "this one") {
		t.Errorf("account: %d %s", status, text)
	}
	if status, _, text := b.form(t, "/account/password", "before", "wrong", "password", good+"!", "again", good+"!"); status != http.StatusForbidden || !strings.Contains(text, "Name or password is wrong.") {
		t.Errorf("a wrong password: %d %s", status, text)
	}
	if status, to, _ := b.form(t, "/account/password", "before", good, "password", good+"!", "again", good+"!"); status != http.StatusSeeOther || to != "/account" {
		t.Errorf("changed: %d %s", status, to)
	}

	other := s.browser(t)
	if status, _, text := other.form(t, "/sign-in", "name", "root", "password", good); status != http.StatusForbidden || !strings.Contains(text, "Name or password is wrong.") {
		t.Errorf("the password before: %d %s", status, text)
	}
	if status, to, _ := other.form(t, "/sign-in", "name", "root", "password", good+"!", "next", "/account?x"); status != http.StatusSeeOther || to != "/account?x" {
		t.Errorf("signed in: %d %s", status, to)
	}
	_, _, text := b.page(t, "/account")
	session := regexp.MustCompile(`/account/sessions/([0-9a-f]+)/end`).FindStringSubmatch(text)
	if session == nil {
		t.Fatalf("the other session is not shown: %s", text)
	}
	if status, _, _ := b.form(t, session[0]); status != http.StatusSeeOther {
		t.Errorf("ended: %d", status)
	}
	if status, to, _ := other.page(t, "/account"); status != http.StatusSeeOther || !strings.HasPrefix(to, people.SignInPath) {
		t.Errorf("an ended session: %d %s", status, to)
	}
	if status, to, _ := b.form(t, "/sign-out"); status != http.StatusSeeOther || to != "/sign-in" {
		t.Errorf("signed out: %d %s", status, to)
	}
	if status, _, _ := b.page(t, "/account"); status != http.StatusSeeOther {
		t.Errorf("after the sign-out: %d", status)
	}
}

func TestPagesHoldNoInlineScript(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, _, text := s.browser(t).page(t, "/sign-in")
	for _, inline := range []string{"<script>", "<style", " style=", " onclick=", "javascript:"} {
		if strings.Contains(text, inline) {
			t.Errorf("%s in the page", inline)
		}
	}
	for path, kind := range map[string]string{"/pages/page.js": "text/javascript", "/pages/page.css": "text/css"} {
		if status, header, _ := s.browser(t).do(t, "GET", path, "", ""); status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, status, header.Get("Content-Type"))
		}
	}
	for _, path := range []string{"/pages/page.html", "/pages/..%2fapi.go", "/pages/x.js"} {
		if status, _, _ := s.browser(t).do(t, "GET", path, "", ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Where to go after the sign-in is a path of this node, whatever a link says.
func TestSignInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := serve(t)
	root := s.setUp(t)
	for next, want := range map[string]string{
		"/account?x=1": "/account?x=1", "": "/account", "//evil.example": "/account", "https://evil.example/": "/account",
		"/\\evil.example": "/account", "javascript:alert(1)": "/account", "/\t/evil.example": "/account", "evil": "/account",
	} {
		if status, to, _ := root.page(t, "/sign-in?next="+url.QueryEscape(next)); status != http.StatusSeeOther || to != want {
			t.Errorf("next=%q: %d %s, want %s", next, status, to, want)
		}
	}
}
