package people_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/people/peopletest"
)

func (r *rooms) token(t *testing.T, name string, role people.Role, expires time.Duration) (string, people.Token) {
	t.Helper()
	secret, token, err := r.tokens.Create(t.Context(), name, role, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

func TestTokenIsCheckedUntilItEnds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		if _, err := r.tokens.Check(ctx, "tocsin_"); !errors.Is(err, people.ErrUnknown) {
			t.Errorf("before there is any: %v", err)
		}
		secret, token := r.token(t, "dc01", people.Sensor, time.Hour)
		running := people.NewTokens(r.db, r.trail, r.Now) // as another process
		who, err := running.Check(ctx, secret)
		if err != nil || who != (people.Identity{Kind: people.KindToken, ID: token.ID, Name: "dc01", Role: people.Sensor}) {
			t.Errorf("got %+v, %v", who, err)
		}
		r.advance(time.Hour)
		if _, err := running.Check(ctx, secret); !errors.Is(err, people.ErrUnknown) || !strings.Contains(err.Error(), "expired") {
			t.Errorf("after its time: %v", err)
		}
	})
}

// What one process changes, another sees within a second.
func TestChangesAreSeenWithinASecond(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		running := people.NewTokens(r.db, r.trail, r.Now)
		check := func(secret string) error {
			_, err := running.Check(t.Context(), secret)
			return err
		}
		for range 3 {
			secret, token := r.token(t, "", people.Analyst, 0)
			soon := time.Now().Add(time.Second)
			for check(secret) != nil {
				if time.Now().After(soon) {
					t.Fatal("a new token is not known after a second")
				}
			}
			if _, err := r.tokens.Revoke(t.Context(), token.Name); err != nil {
				t.Fatal(err)
			}
			soon = time.Now().Add(time.Second)
			err := check(secret)
			for ; err == nil; err = check(secret) {
				if time.Now().After(soon) {
					t.Fatal("a revoked token is good after a second")
				}
			}
			if !errors.Is(err, people.ErrUnknown) || !strings.Contains(err.Error(), "revoked") {
				t.Errorf("revoked by another process: %v", err)
			}
		}
	})
}

func TestNothingButTheTokenIsAccepted(t *testing.T) {
	t.Parallel()
	r := one(t)
	secret, _ := r.token(t, "a", people.Sensor, 0)
	if len(secret) != len("tocsin_")+58 {
		t.Errorf("%d characters", len(secret))
	}
	if n := r.count(t, `SELECT count(*) FROM people_token WHERE hash LIKE '%' || $1 || '%' OR id LIKE '%' || $1 || '%'`, secret[10:30]); n != 0 {
		t.Error("the token is stored")
	}
	rapid.Check(t, func(rt *rapid.T) {
		changed := []byte(secret)
		at := rapid.IntRange(0, len(changed)-1).Draw(rt, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		if _, err := r.tokens.Check(t.Context(), string(changed)); !errors.Is(err, people.ErrUnknown) {
			rt.Errorf("%q: %v", changed, err)
		}
	})
	session := r.person(t, "ann").Secret
	_, err := r.tokens.Check(t.Context(), session)
	wantError(t, "a session shown as a token", err, people.ErrUnknown)
}

func TestAnotherNodesTokenIsUnknown(t *testing.T) {
	t.Parallel()
	foreign, _, err := peopletest.Tokens(t).Create(t.Context(), "a", people.Sensor, 0)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, r *rooms) {
		r.token(t, "a", people.Sensor, 0)
		_, err := r.tokens.Check(t.Context(), foreign)
		if wantError(t, "another node's", err, people.ErrUnknown); err != nil && !strings.Contains(err.Error(), "does not know it") {
			t.Error(err)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		r.token(t, "a", people.Sensor, 0)
		for _, test := range []struct {
			name    string
			role    people.Role
			expires time.Duration
			want    error
		}{
			{"a", people.Sensor, 0, fault.Conflict},
			{"b", "boss", 0, fault.Invalid},
			{"two words", people.Sensor, 0, fault.Invalid},
			{"a/b", people.Sensor, 0, fault.Invalid},
			{strings.Repeat("x", 65), people.Sensor, 0, fault.Invalid},
			{"c", people.Sensor, -1, fault.Invalid},
		} {
			_, _, err := r.tokens.Create(ctx, test.name, test.role, test.expires)
			wantError(t, test.name, err, test.want)
		}
		_, err := r.tokens.Revoke(ctx, "nobody")
		wantError(t, "revoke", err, fault.NotFound)
		revoked, err := r.tokens.Revoke(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.tokens.Revoke(ctx, revoked.ID)
		wantError(t, "revoked twice", err, fault.Conflict)
		r.token(t, "a", people.Sensor, 0) // the name is free again
	})
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				other := people.NewTokens(r.db, r.trail, r.Now)
				for range 4 {
					if _, _, err := other.Create(t.Context(), "", people.Sensor, 0); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		list, err := r.tokens.List(t.Context())
		if err != nil || len(list) != 32 {
			t.Errorf("%d tokens, %v", len(list), err)
		}
	})
}

func TestLastUseIsShownToTheHour(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		secret, _ := r.token(t, "a", people.Sensor, 0)
		used := func() time.Time {
			list, err := people.NewTokens(r.db, r.trail, r.Now).List(t.Context())
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0].Used
		}
		if !used().IsZero() {
			t.Errorf("used before it was: %v", used())
		}
		for _, hours := range []int{10, 10, 11} {
			if _, err := r.tokens.Check(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			if got := used(); got.Hour() != hours || got.Minute() != 0 {
				t.Errorf("used %v, want hour %d", got, hours)
			}
			r.advance(25 * time.Minute)
		}
	})
}

// The tokens that earlier versions kept in a file go on being good.
func TestTokenFileIsMovedIntoTheDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		ctx := t.Context()
		secret, made := r.token(t, "dc01", people.Sensor, 0)
		sum := made.SHA256
		r.exec(t, `DELETE FROM people_token`)
		path := filepath.Join(t.TempDir(), "tokens.json")
		if n, err := r.tokens.Import(ctx, path); n != 0 || err != nil {
			t.Errorf("without a file: %d, %v", n, err)
		}
		write(t, path, `{"tokens": [
			{"id": "`+sum[:10]+`", "name": "dc01", "role": "sensor", "sha256": "`+sum+`", "created": "2026-01-01T00:00:00Z"},
			{"id": "0102030405", "name": "old", "role": "analyst", "sha256": "00", "created": "2026-01-01T00:00:00Z", "revoked": "2026-02-01T00:00:00Z"}]}`)
		write(t, path+".used", `{"`+sum[:10]+`": "2026-11-01T08:00:00Z"}`)
		if n, err := r.tokens.Import(ctx, path); n != 2 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file is still there: %v", err)
		}
		list, err := r.tokens.List(ctx)
		if err != nil || len(list) != 2 || list[1].Name+list[0].Name != "dc01old" && list[0].Name+list[1].Name != "dc01old" {
			t.Fatalf("%+v, %v", list, err)
		}
		who, err := people.NewTokens(r.db, r.trail, r.Now).Check(ctx, secret)
		if err != nil || who.Name != "dc01" || who.Role != people.Sensor {
			t.Errorf("got %+v, %v", who, err)
		}
		write(t, path, `{"tokens": [{"id": "`+sum[:10]+`", "name": "again", "role": "analyst", "sha256": "`+sum+`", "created": "2026-01-01T00:00:00Z"}]}`)
		if _, err := r.tokens.Import(ctx, path); err != nil { // as after a crash in between
			t.Fatal(err)
		}
		if who, err := r.tokens.Check(ctx, secret); err != nil || who.Name != "dc01" {
			t.Errorf("moved twice: %+v, %v", who, err)
		}
		write(t, path, "{")
		if _, err := r.tokens.Import(ctx, path); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a damaged file: %v", err)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rooms) {
		sensor, _ := r.token(t, "dc01", people.Sensor, 0)
		analyst, _ := r.token(t, "ann", people.Analyst, 0)
		short, _ := r.token(t, "short", people.Sensor, time.Minute)
		r.advance(time.Hour)
		b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
		handler := r.tokens.Guard(people.SendTelemetry, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(people.From(r.Context()).Name))
		}))
		for _, test := range []struct {
			header string
			status int
			body   string
		}{
			{"Bearer " + sensor, 200, "dc01"},
			{"bearer  " + sensor, 200, "dc01"},
			{"ApiKey " + b64("id:"+sensor), 200, "dc01"},
			{"ApiKey " + b64(sensor), 200, "dc01"},
			{"ApiKey " + sensor, 200, "dc01"},
			{"Basic " + b64("anyone:"+sensor), 200, "dc01"},
			{"Bearer " + analyst, 403, "has the role analyst, which may not send"},
			{"Bearer " + short, 401, "expired"},
			{"Bearer tocsin_x", 401, "incomplete or mistyped"},
			{"Basic %", 401, "detail"},
			{"Digest x", 401, "detail"},
			{"", 401, "detail"},
		} {
			request := httptest.NewRequest(http.MethodGet, "/", nil)
			request.Header.Set("Authorization", test.header)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
				t.Errorf("%s: %d %s, want %d %s", test.header, w.Code, w.Body, test.status, test.body)
			}
		}
	})
}

func FuzzCredential(f *testing.F) {
	f.Add("Bearer x")
	f.Add("ApiKey aWQ6eA==")
	f.Fuzz(func(_ *testing.T, header string) { _ = people.Credential(header) })
}
