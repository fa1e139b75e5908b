package people_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/fault"
	"tocsin/people"
)

func TestSetUpMakesOneAdministrator(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		first, err := r.accounts.SetUp(ctx)
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.accounts.SetUp(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.accounts.Link(ctx, first)
		wantError(t, "the link of an earlier start", err, people.ErrLink)
		if link, err := r.accounts.Link(ctx, second); err != nil || link.Purpose != people.PurposeSetup || link.Name != "" {
			t.Errorf("got %+v, %v", link, err)
		}
		for _, e := range []people.Entry{{Name: "root", Password: "short"}, {Name: "Root", Password: good}, {Password: good}, {Name: "a b", Password: good}} {
			_, err := r.accounts.UseLink(ctx, second, e, home())
			wantError(t, "a link used with "+e.Name+" "+e.Password, err, fault.Invalid)
		}
		signed, err := r.accounts.UseLink(ctx, second, people.Entry{Name: "root", Display: "Rut", Password: good}, home())
		if err != nil || signed.Account.Role != people.Administrator {
			t.Fatalf("got %+v, %v", signed, err)
		}
		if who := r.who(t, signed.Secret); who.Name != "root" || who.Role != people.Administrator || who.Kind != people.KindAccount {
			t.Errorf("signed in as %+v", who)
		}
		_, err = r.accounts.UseLink(ctx, second, people.Entry{Name: "other", Password: good}, home())
		wantError(t, "a link used twice", err, people.ErrLink)
		if secret, err := r.accounts.SetUp(ctx); secret != "" || err != nil {
			t.Errorf("set-up once there is somebody: %q, %v", secret, err)
		}
	})
}

func TestLinkIsUsedOnceWhoeverIsFirst(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		secret, err := r.accounts.SetUp(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var in int
		var mu sync.Mutex
		var group sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			group.Go(func() {
				if _, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Name: name, Password: good}, home()); err == nil {
					mu.Lock()
					defer mu.Unlock()
					in++
				}
			})
		}
		group.Wait()
		if list, err := r.accounts.List(t.Context()); in != 1 || len(list) != 1 {
			t.Errorf("%d came in, %d accounts, %v", in, len(list), err)
		}
	})
}

func TestLinksExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		r.administrator(t)
		secret, _, err := r.accounts.Invite(t.Context(), people.Account{Name: "ann", Role: people.Analyst})
		if err != nil {
			t.Fatal(err)
		}
		r.advance(7*24*time.Hour - time.Second)
		if link, err := r.accounts.Link(t.Context(), secret); err != nil || link.Name != "ann" || link.Purpose != people.PurposeInvite {
			t.Errorf("before it expires: %+v, %v", link, err)
		}
		r.advance(time.Second)
		_, err = r.accounts.UseLink(t.Context(), secret, people.Entry{Password: good}, home())
		wantError(t, "after it expired", err, people.ErrLink)
	})
}

func TestInviteRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		r.person(t, "ann")
		for _, test := range []struct {
			account people.Account
			want    error
		}{
			{people.Account{Name: "ann", Role: people.Viewer}, fault.Conflict},
			{people.Account{Name: "Bob", Role: people.Viewer}, fault.Invalid},
			{people.Account{Name: "", Role: people.Viewer}, fault.Invalid},
			{people.Account{Name: "a/b", Role: people.Viewer}, fault.Invalid},
			{people.Account{Name: strings.Repeat("x", 65), Role: people.Viewer}, fault.Invalid},
			{people.Account{Name: "bob", Role: "boss"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Sensor}, fault.Invalid},
			{people.Account{Name: "bob"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Mail: "nowhere"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Mail: "a@b\r\nBcc: c@d"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Display: "two\nlines"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Phone: "=HYPERLINK(1)"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Phone: strings.Repeat("1", 61)}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Display: "\xff"}, fault.Invalid},
			{people.Account{Name: "bob", Role: people.Viewer, Display: "张伟", Mail: "bob@example.org", Phone: "+43 (1) 555-0100 x7"}, nil},
		} {
			if _, _, err := r.accounts.Invite(t.Context(), test.account); test.want == nil && err != nil {
				t.Errorf("%+v: %v", test.account, err)
			} else if test.want != nil {
				wantError(t, test.account.Name, err, test.want)
			}
		}
	})
}

func TestPasswordRule(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		secret, _, err := r.accounts.Invite(t.Context(), people.Account{Name: "clementine", Role: people.Viewer})
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]string{
			"":                                  "12 characters",
			"elevenchars":                       "12 characters",
			"密码密码密码密码密码密":                       "12 characters",
			"aaaaaaaaaaaaaaa":                   "repeats",
			"abcdabcdabcdabcd":                  "repeats",
			"Password1234":                      "commonest",
			"QWERTYUIOP123":                     "commonest",
			"clementine2026":                    "little in it",
			"CLEMENTINE!clementine":             "little in it",
			"twelve\xffcharacters":              "UTF-8",
			strings.Repeat("long enough ", 100): "bytes at most",
		} {
			_, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Password: password}, home())
			if wantError(t, password, err, fault.Invalid); err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", password, err, want)
			}
		}
		// No rule of composition, and any script.
		if _, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Password: "灯塔灯塔安静的三座灯塔在海边"}, home()); err != nil {
			t.Error(err)
		}
	})
}

func TestPasswordIsTheSameHoweverItIsComposed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		secret, _, err := r.accounts.Invite(t.Context(), people.Account{Name: "ann", Role: people.Viewer})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Password: "drei stille Leuchttu\u0308rme"}, home()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.accounts.SignIn(t.Context(), "ann", "drei stille Leuchtt\u00fcrme", home()); err != nil {
			t.Error(err)
		}
	})
}

func TestChangeOfAnAccount(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		root := r.administrator(t)
		ann := r.person(t, "ann")

		if _, err := r.accounts.Change(ctx, "ann", people.Change{Role: new(people.Commander), Display: new("Ann")}); err != nil {
			t.Fatal(err)
		}
		if who := r.who(t, ann.Secret); who.Role != people.Commander {
			t.Errorf("a new role does not count at once: %s", who.Role)
		}
		for _, c := range []people.Change{{Role: new(people.Viewer)}, {Disabled: new(true)}} {
			_, err := r.accounts.Change(ctx, "root", c)
			wantError(t, "nobody left to administrate", err, fault.Conflict)
		}
		if who := r.who(t, root.Secret); who.Role != people.Administrator {
			t.Error("a refused change was made")
		}
		if _, err := r.accounts.Change(ctx, "ann", people.Change{Role: new(people.Administrator)}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.accounts.Change(ctx, "root", people.Change{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
		_, err := r.accounts.Check(ctx, root.Secret)
		wantError(t, "session of who is disabled", err, people.ErrUnknown)
		_, err = r.accounts.SignIn(ctx, "root", good, home())
		wantError(t, "sign-in of who is disabled", err, people.ErrSignIn)
		if _, err := r.accounts.Change(ctx, "root", people.Change{Disabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.accounts.SignIn(ctx, "root", good, home()); err != nil {
			t.Errorf("enabled again: %v", err)
		}
		_, err = r.accounts.Change(ctx, "nobody", people.Change{})
		wantError(t, "an account that is not", err, fault.NotFound)
		_, err = r.accounts.Change(ctx, "ann", people.Change{Role: new(people.Sensor)})
		wantError(t, "a machine's role", err, fault.Invalid)
	})
}

func TestResetTakesEverythingAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		ann := r.person(t, "ann")
		first, err := r.accounts.Reset(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		second, err := r.accounts.Reset(ctx, "ann")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.accounts.Check(ctx, ann.Secret)
		wantError(t, "session", err, people.ErrUnknown)
		_, err = r.accounts.SignIn(ctx, "ann", good, home())
		wantError(t, "password", err, people.ErrSignIn)
		_, err = r.accounts.Link(ctx, first)
		wantError(t, "the link before", err, people.ErrLink)
		if account, err := r.accounts.Get(ctx, "ann"); err != nil || len(account.Ways) != 0 {
			t.Errorf("ways left: %v, %v", account.Ways, err)
		}
		if _, err := r.accounts.UseLink(ctx, second, people.Entry{Password: other}, home()); err != nil {
			t.Fatal(err)
		}
		if _, err := r.accounts.SignIn(ctx, "ann", other, home()); err != nil {
			t.Error(err)
		}
		if account, err := r.accounts.Get(ctx, "ann"); err != nil || !slices.Equal(account.Ways, []people.Way{people.WayPassword}) {
			t.Errorf("ways: %v, %v", account.Ways, err)
		}
	})
}
