package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"tocsin/api"
	"tocsin/people"
)

// Every route is tried by every role and by nobody, and what it answers is
// compared with the one table of rights. (The intake's routes are walked the
// same way where they are.)
func TestEveryRouteIsHeldToTheTableOfRights(t *testing.T) {
	t.Parallel()
	s := serve(t)
	parts := regexp.MustCompile(`\{[a-z]+\}`)
	seen := map[people.Right]bool{}
	for _, route := range api.Routes() {
		seen[route.Right] = true
		method, path, ok := strings.Cut(parts.ReplaceAllString(route.Pattern, "one"), " ")
		if !ok {
			t.Fatalf("%s: a route without a method", route.Pattern)
		}
		for _, role := range append(people.Roles(), "") {
			status, _, text := s.ask(t, role, method, path, "")
			refused := status == http.StatusUnauthorized || status == http.StatusForbidden && strings.Contains(text, "which may not ")
			switch {
			case route.Right == people.Public:
				if refused {
					t.Errorf("%s: public, and answers %q with %d", route.Pattern, role, status)
				}
			case role == "":
				if status != http.StatusUnauthorized {
					t.Errorf("%s answers nobody with %d", route.Pattern, status)
				}
			case refused == role.May(route.Right):
				t.Errorf("%s answers a %s with %d %s", route.Pattern, role, status, text)
			}
			if status >= http.StatusInternalServerError {
				t.Errorf("%s by %q: %d %s", route.Pattern, role, status, text)
			}
		}
	}
	for right := range seen {
		if !people.Administrator.May(right) {
			t.Errorf("a route needs %q, which is in no table", right)
		}
	}
	if status, _, _ := s.ask(t, "", "GET", "/_bulk", ""); status != http.StatusTeapot {
		t.Errorf("what is not the API's does not reach the intake: %d", status)
	}
}
