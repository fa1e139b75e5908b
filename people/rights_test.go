package people_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/internal/fault"
	"tocsin/people"
)

// The table in words, so that a change of it is a change of this test: what each
// role may beyond the one before.
func TestRights(t *testing.T) {
	t.Parallel()
	steps := []struct {
		role people.Role
		more string
	}{
		{people.Viewer, "be here; read findings; read the state of the node; read indicators; read rules; read alerts; read incidents; " +
			"read reports; read regimes; read the organisation; read the roster; read who there is; keep an account; read the alliance"},
		{people.Analyst, "send findings; pull the feed; ask the memory; tend the memory; change indicators; change rules; work on alerts; write incidents; draft reports; hand over the watch"},
		{people.DutyOfficer, "grade incidents; sign reports; answer warnings; draft warnings"},
		{people.Commander, "sign off incidents; close incidents; manage the roster; change the organisation; change regimes; read the audit trail; approve warnings; manage the alliance"},
		{people.Administrator, "manage people; manage tokens; operate the node"},
	}
	want := map[people.Role]map[people.Right]bool{
		people.Sensor: {"be here": true, "send telemetry": true, "send findings": true},
		people.Feed:   {"be here": true, "pull the feed": true},
		"":            {},
		"root":        {},
	}
	sofar := map[people.Right]bool{}
	for _, s := range steps {
		for right := range strings.SplitSeq(s.more, "; ") {
			sofar[people.Right(right)] = true
		}
		all := map[people.Right]bool{}
		for right := range sofar {
			all[right] = true
		}
		want[s.role] = all
	}
	if len(people.Rights()) != len(sofar)+1 {
		t.Errorf("%d rights in the table, %d here", len(people.Rights()), len(sofar)+1)
	}
	if len(people.Roles()) != len(want)-2 {
		t.Errorf("%d roles in the table, %d here", len(people.Roles()), len(want)-2)
	}
	for role, rights := range want {
		for _, right := range append(people.Rights(), "fly", "") {
			if got := role.May(right); got != rights[right] {
				t.Errorf("%q may %s: %v", role, right, got)
			}
		}
	}
	for role, is := range map[people.Role]bool{people.Viewer: true, people.Administrator: true, people.Sensor: false, people.Feed: false, "": false} {
		if role.Person() != is {
			t.Errorf("%q is a person: %v", role, !is)
		}
	}
}

func TestParseRole(t *testing.T) {
	t.Parallel()
	for _, role := range people.Roles() {
		if got, err := people.ParseRole(string(role)); got != role || err != nil {
			t.Errorf("%s: got %q, %v", role, got, err)
		}
	}
	for _, text := range []string{"", "boss", "Viewer", "viewer "} {
		if _, err := people.ParseRole(text); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "duty-officer") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
