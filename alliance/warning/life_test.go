package warning_test

import (
	"errors"
	"strings"
	"testing"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/people"
)

// allowed is, for every state, what may be done: d by a duty officer or above, also
// with a token; c by a commander or above who signed in; a dot by nobody.
const allowed = `
            edit approve issue break_glass discard amend ratify lift recall expire
draft       d    c       .     c           d       .     .      .    .      .
approved    d    .       c     .           d       .     .      .    .      .
issued      .    .       .     .           .       d     c      c    c      .
changing    d    c       .     c           d       .     c      c    c      .
agreed      d    .       c     .           d       .     c      c    c      .
lifted      .    .       .     .           .       .     .      .    c      .
recalled    .    .       .     .           .       .     .      .    .      .
expired     .    .       .     .           .       .     .      .    c      .
discarded   .    .       .     .           .       .     .      .    .      .
`

// may reads the table.
func may(t *testing.T) map[warning.State]map[warning.Act]string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(allowed), "\n")
	acts := strings.Fields(lines[0])
	table := map[warning.State]map[warning.Act]string{}
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		row := map[warning.Act]string{}
		for k, who := range words[1:] {
			row[warning.Act(acts[k])] = who
		}
		table[warning.State(words[0])] = row
	}
	if len(table) != len(warning.States()) || len(acts) != len(warning.Acts()) {
		t.Fatalf("the table has %d states and %d acts", len(table), len(acts))
	}
	return table
}

// in makes a red warning that is in a state, and waits to be ratified while it is in
// force.
func (o *office) in(s warning.State) warning.Record {
	o.t.Helper()
	ok := must[warning.Record](o.t)
	ctx := o.t.Context()
	r := ok(o.Draft(ctx, dan, wannaCry(alliance.Red)))
	switch s {
	case warning.Drafted:
		return r
	case warning.Discarded:
		return ok(o.Discard(ctx, by(dan, &r)))
	case warning.Approved:
		return o.approved(r, ann, bob)
	}
	r = ok(o.IssueAlone(ctx, by(eve, &r, "nobody answers")))
	switch s {
	case warning.Lifted:
		return ok(o.Lift(ctx, by(ann, &r, "over")))
	case warning.Recalled:
		return ok(o.Recall(ctx, by(ann, &r, "a mistake")))
	case warning.Expired:
		o.pass(31 * 24 * hour)
		o.settle()
		return ok(o.Get(ctx, r.ID))
	case warning.Changing, warning.Agreed:
		draft := wannaCry(alliance.Red)
		draft.Category = "NAI"
		r = ok(o.Amend(ctx, by(dan, &r, "another kind"), draft))
		if s == warning.Agreed {
			r = o.approved(r, ann, bob)
		}
	}
	return r
}

// do does an act.
func (o *office) do(act warning.Act, who warning.Who, r *warning.Record) (warning.Record, error) {
	ctx, c := o.t.Context(), by(who, r, "because")
	switch act {
	case warning.Edit:
		draft := wannaCry(alliance.Red)
		draft.Category = "DDI"
		return o.Edit(ctx, c, draft)
	case warning.Approve:
		return o.Approve(ctx, c, r.SHA256, "")
	case warning.Issue:
		return o.Issue(ctx, c)
	case warning.BreakGlass:
		return o.IssueAlone(ctx, c)
	case warning.Discard:
		return o.Discard(ctx, c)
	case warning.Amend:
		return o.Amend(ctx, c, wannaCry(alliance.Red))
	case warning.Ratify:
		return o.Ratify(ctx, c)
	case warning.Lift:
		return o.Lift(ctx, c)
	case warning.Recall:
		return o.Recall(ctx, c)
	}
	return *r, fault.Forbidden // nobody can ask for the node's own acts
}

func TestEveryActInEveryStateByEveryRole(t *testing.T) {
	t.Parallel()
	table := may(t)
	token := person("t", "feeder", people.Commander)
	token.Person = false
	actors := map[string]warning.Who{
		"viewer": person("v", "V", people.Viewer), "analyst": person("a", "A", people.Analyst),
		"duty officer": dan, "commander": person("c", "C", people.Commander), "administrator": person("x", "X", people.Administrator), "token": token,
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		for _, state := range warning.States() {
			r := o.in(state)
			if r.State != state {
				t.Fatalf("made to be %s, it is %s", state, r.State)
			}
			for _, act := range warning.Acts() {
				for name, who := range actors {
					want := table[state][act]
					ok := want == "d" && name != "viewer" && name != "analyst" ||
						want == "c" && (name == "commander" || name == "administrator")
					after, err := o.do(act, who, &r)
					switch {
					case ok && err != nil:
						t.Errorf("%s, %s by %s: %v", state, act, name, err)
					case !ok && err == nil:
						t.Errorf("%s, %s by %s is done", state, act, name)
					case !ok && want == "." && act != warning.Expire && !errors.Is(err, fault.Conflict):
						t.Errorf("%s, %s by %s: %v is no conflict", state, act, name, err)
					case !ok && want != "." && !errors.Is(err, fault.Forbidden):
						t.Errorf("%s, %s by %s: %v is not forbidden", state, act, name, err)
					}
					if err == nil && after.Version > r.Version {
						r = o.in(state)
					}
				}
			}
		}
	}, rooms()...)
}
