package people_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/fault"
	"tocsin/people"
)

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		idle := r.person(t, "ann")
		r.advance(30 * time.Minute)
		busy, err := r.accounts.SignIn(ctx, "ann", good, home())
		if err != nil {
			t.Fatal(err)
		}
		r.advance(30*time.Minute - time.Second)
		if list, err := r.accounts.Sessions(ctx, busy.Account.ID); err != nil || len(list) != 2 || list[0].Address != "192.0.2.7" || list[0].By != people.WayPassword || list[1].By != people.WayLink {
			t.Errorf("sessions: %+v, %v", list, err)
		}
		r.advance(time.Second)
		_, err = r.accounts.Check(ctx, idle.Secret)
		wantError(t, "after an hour without use", err, people.ErrUnknown)
		for range 23 { // in use all the time, yet not for ever
			r.who(t, busy.Secret)
			r.advance(30 * time.Minute)
		}
		_, err = r.accounts.Check(ctx, busy.Secret)
		wantError(t, "after twelve hours", err, people.ErrUnknown)
		if list, err := r.accounts.Sessions(ctx, busy.Account.ID); err != nil || len(list) != 0 {
			t.Errorf("sessions: %+v, %v", list, err)
		}
	})
}

func TestSessionsAreEndedByID(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		ann, bob := r.person(t, "ann"), r.person(t, "bob")
		stolen := r.who(t, ann.Secret)
		wantError(t, "another's session", r.accounts.EndSession(ctx, bob.Account.ID, stolen.Session), fault.NotFound)
		if err := r.accounts.EndSession(ctx, "ann", stolen.Session); err != nil {
			t.Fatal(err)
		}
		_, err := r.accounts.Check(ctx, ann.Secret)
		wantError(t, "after it was ended", err, people.ErrUnknown)
		wantError(t, "ended twice", r.accounts.EndSession(ctx, "ann", stolen.Session), fault.NotFound)
		if err := r.accounts.EndSessions(ctx, "bob"); err != nil {
			t.Fatal(err)
		}
		_, err = r.accounts.Check(ctx, bob.Secret)
		wantError(t, "after all were ended", err, people.ErrUnknown)
	})
}

func TestSessionsOfAnAccountAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		first := r.person(t, "ann")
		for i := range 49 {
			at := r.Now().Add(time.Duration(i+1) * time.Millisecond).UnixMicro()
			r.exec(t, `INSERT INTO people_session (hash, id, account, way, created_at, seen_at, expires_at, address, agent) VALUES ($1, $1, $2, 'password', $3, $3, $4, '', '')`,
				strconv.Itoa(i), first.Account.ID, at, at+time.Hour.Microseconds())
		}
		r.advance(time.Second)
		if _, err := r.accounts.SignIn(t.Context(), "ann", good, people.Client{Address: "10.0.0.1", Agent: "49"}); err != nil {
			t.Fatal(err)
		}
		if list, err := r.accounts.Sessions(t.Context(), first.Account.ID); err != nil || len(list) != 50 || list[0].Agent != "49" {
			t.Errorf("%d sessions, %v", len(list), err)
		}
		_, err := r.accounts.Check(t.Context(), first.Secret)
		wantError(t, "the oldest", err, people.ErrUnknown)
	})
}

func TestNothingButTheSessionIsAccepted(t *testing.T) {
	t.Parallel()
	r := one(t)
	secret := r.person(t, "ann").Secret
	rapid.Check(t, func(rt *rapid.T) {
		changed := []byte(secret)
		at := rapid.IntRange(0, len(changed)-1).Draw(rt, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		if _, err := r.accounts.Check(t.Context(), string(changed)); err == nil {
			rt.Errorf("%q is accepted", changed)
		}
	})
	if n := r.count(t, `SELECT count(*) FROM people_session WHERE hash LIKE '%' || $1 || '%' OR id LIKE '%' || $1 || '%'`, secret[20:40]); n != 0 {
		t.Error("the secret is stored")
	}
}

// browse asks as a browser does that shows cookies.
func browse(handler http.Handler, cookies []*http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/somewhere?x=1", nil)
	r.Header.Set("User-Agent", strings.Repeat("agent\x00 ", 100))
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestSessionIsRotatedAtSignInAndUselessAfterSignOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ann := r.person(t, "ann")
		gate := people.NewGate(r.tokens, r.accounts)
		signIn := gate.Guard(people.Public, http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			signed, err := r.accounts.SignIn(request.Context(), "ann", good, people.Client{Address: people.From(request.Context()).Address, Agent: request.UserAgent()})
			if err == nil {
				err = r.accounts.Remember(w, request, signed)
			}
			if err != nil {
				t.Error(err)
			}
		}))
		read := gate.Guard(people.ReadFindings, http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
			_, _ = w.Write([]byte(people.From(request.Context()).Name))
		}))
		first := browse(signIn, nil).Result().Cookies()
		second := browse(signIn, first).Result().Cookies()
		if len(first) != 1 || len(second) != 1 || first[0].Value == second[0].Value {
			t.Fatalf("cookies %v, then %v", first, second)
		}
		if c := first[0]; c.Name != "tocsin" || !c.HttpOnly || c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.MaxAge != 12*60*60 {
			t.Errorf("cookie %+v", c)
		}
		if w := browse(read, second); w.Code != http.StatusOK || w.Body.String() != "ann" {
			t.Errorf("signed in: %d %s", w.Code, w.Body)
		}
		if w := browse(read, first); w.Code != http.StatusUnauthorized {
			t.Errorf("the session before the sign-in: %d", w.Code)
		}
		if err := r.accounts.EndSession(t.Context(), "ann", r.who(t, second[0].Value).Session); err != nil {
			t.Fatal(err)
		}
		if w := browse(read, second); w.Code != http.StatusUnauthorized {
			t.Errorf("a cookie kept over the sign-out: %d", w.Code)
		}
		if w := browse(gate.Guard(people.ManagePeople, read), []*http.Cookie{{Name: "tocsin", Value: ann.Secret}}); w.Code != http.StatusForbidden ||
			!strings.Contains(w.Body.String(), "ann is a analyst") && !strings.Contains(w.Body.String(), "may not manage people") {
			t.Errorf("what the role may not: %d %s", w.Code, w.Body)
		}
	})
}

func TestCookiesOverTLS(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		accounts := people.NewAccounts(r.db, r.trail, people.AccountsConfig{Hashing: cheap(), Secure: true}, r.Now)
		w := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		if err := accounts.Remember(w, request, r.person(t, "ann")); err != nil {
			t.Fatal(err)
		}
		accounts.SetStep(w, "x")
		cookies := w.Result().Cookies()
		if len(cookies) != 2 {
			t.Fatal(cookies)
		}
		for _, c := range cookies {
			if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" {
				t.Errorf("cookie %+v", c)
			}
		}
		request.AddCookie(&http.Cookie{Name: "tocsin", Value: cookies[0].Value}) // as somebody on the way could set
		plain := people.NewGate(r.tokens, accounts).Guard(people.ReadFindings, http.NotFoundHandler())
		w = httptest.NewRecorder()
		if plain.ServeHTTP(w, request); w.Code != http.StatusUnauthorized {
			t.Errorf("a cookie without the prefix: %d", w.Code)
		}
	})
}

// A browser that goes to a page is shown where to sign in; a program is told.
func TestBrowserIsSentToSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		guarded := r.tokens.Guard(people.ReadFindings, http.NotFoundHandler())
		request := httptest.NewRequest(http.MethodGet, "/account?a=b&c=//d", nil)
		request.Header.Set("Sec-Fetch-Mode", "navigate")
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, request)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sign-in?next=%2Faccount%3Fa%3Db%26c%3D%2F%2Fd" {
			t.Errorf("got %d %s", w.Code, w.Header().Get("Location"))
		}
	})
}
