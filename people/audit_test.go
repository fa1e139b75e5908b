package people_test

import (
	"slices"
	"strings"
	"testing"

	"tocsin/internal/audit"
	"tocsin/people"
)

// Whatever is changed is in the trail, with who changed it and from where; and
// no secret is.
func TestEveryChangeIsInTheTrail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		root := r.administrator(t)
		ctx := people.With(t.Context(), people.Identity{Kind: people.KindAccount, ID: root.Account.ID, Name: "root", Address: "192.0.2.9"})
		var ann people.SignedIn
		var annHere people.Identity
		var secrets []string
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			action string
			do     func()
		}{
			{"account.invite", func() {
				secret, _, err := r.accounts.Invite(ctx, people.Account{Name: "ann", Role: people.Analyst})
				must(err)
				secrets = append(secrets, secret)
			}},
			{"account.enter session.begin", func() {
				var err error
				ann, err = r.accounts.UseLink(t.Context(), secrets[0], people.Entry{Password: good}, home())
				must(err)
				secrets, annHere = append(secrets, ann.Secret), r.who(t, ann.Secret)
			}},
			{"account.change", func() {
				_, err := r.accounts.Change(ctx, "ann", people.Change{Role: new(people.Viewer)})
				must(err)
			}},
			{"account.password", func() { must(r.accounts.ChangePassword(ctx, annHere, good, other)) }},
			{"session.end", func() { must(r.accounts.EndSessions(ctx, "ann")) }},
			{"account.reset", func() {
				secret, err := r.accounts.Reset(ctx, "ann")
				must(err)
				secrets = append(secrets, secret)
			}},
			{"token.create", func() {
				secret, _, err := r.tokens.Create(ctx, "dc01", people.Sensor, 0)
				must(err)
				secrets = append(secrets, secret)
			}},
			{"token.revoke", func() {
				_, err := r.tokens.Revoke(ctx, "dc01")
				must(err)
			}},
			{"roster.shift.add", func() {
				_, err := r.roster.AddShift(ctx, people.Shift{Account: "ann", Period: period(t, "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")})
				must(err)
			}},
			{"roster.rotation.add", func() {
				r.rotation(t, people.Rotation{Zone: "UTC", Start: "2026-12-01", From: "08:00", Until: "08:00", Members: []string{"ann"}})
			}},
			{"roster.hand-over", func() {
				_, err := r.roster.HandOver(ctx, "", "all quiet")
				must(err)
			}},
		} {
			before := len(r.entries(t))
			step.do()
			news := r.entries(t)[before:]
			var actions []string
			for _, e := range news {
				actions = append(actions, e.Action)
				if e.By.ID == "" || e.Subject.Kind == "" || e.Subject.ID == "" {
					t.Errorf("%s: nobody or nothing: %+v", e.Action, e)
				}
			}
			if got := strings.Join(actions, " "); got != step.action {
				t.Errorf("in the trail: %q, want %q", got, step.action)
			}
		}
		all := r.entries(t)
		i := slices.IndexFunc(all, func(e audit.Entry) bool { return e.Action == "account.change" })
		if e := all[i]; e.By != (audit.Actor{ID: root.Account.ID, Name: "root", From: "192.0.2.9"}) || e.Subject.ID != ann.Account.ID ||
			!strings.Contains(string(e.Before), `"role":"analyst"`) || !strings.Contains(string(e.After), `"role":"viewer"`) {
			t.Errorf("entry: %+v %s %s", e, e.Before, e.After)
		}
		for _, e := range all {
			for _, secret := range append(secrets, good, other, "argon2id") {
				if strings.Contains(string(e.Before)+string(e.After)+e.By.ID+e.Subject.ID, secret) {
					t.Errorf("%s keeps a secret: %s %s", e.Action, e.Before, e.After)
				}
			}
		}
	})
}

// entries are those of the trail, the first one first.
func (r *rooms) entries(t *testing.T) []audit.Entry {
	t.Helper()
	list, err := r.trail.List(t.Context(), audit.Filter{}, "", audit.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// What is refused leaves no trace, since nothing was changed.
func TestRefusedChangesAreNotInTheTrail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		r.administrator(t)
		before := len(r.entries(t))
		if _, err := r.accounts.Change(t.Context(), "root", people.Change{Disabled: new(true)}); err == nil {
			t.Error("the last administrator was disabled")
		}
		if _, _, err := r.accounts.Invite(t.Context(), people.Account{Name: "root", Role: people.Viewer}); err == nil {
			t.Error("a name was given twice")
		}
		if got := len(r.entries(t)); got != before {
			t.Errorf("%d entries, %d before", got, before)
		}
	})
}
