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
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t *testing.T) (*people.Tokens, *clock, string) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 25, 10, 30, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "data", "tokens.json")
	return people.OpenTokens(path, c.Now), c, path
}

func create(t *testing.T, tokens *people.Tokens, name string, role people.Role, expires time.Duration) (string, people.Token) {
	t.Helper()
	secret, token, err := tokens.Create(name, role, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret, token
}

func TestTokenIsCheckedUntilItEnds(t *testing.T) {
	t.Parallel()
	tokens, c, path := open(t)
	if _, err := tokens.Check("tocsin_"); !errors.Is(err, people.ErrUnknown) {
		t.Errorf("before there is any: %v", err)
	}
	secret, token := create(t, tokens, "dc01", people.Sensor, time.Hour)
	lasting, _ := create(t, tokens, "", people.Analyst, 0)

	running := people.OpenTokens(path, c.Now) // as another process
	who, err := running.Check(secret)
	if err != nil || who != (people.Identity{ID: token.ID, Name: "dc01", Role: people.Sensor}) {
		t.Errorf("got %+v, %v", who, err)
	}
	c.advance(time.Hour)
	if _, err := running.Check(secret); !errors.Is(err, people.ErrUnknown) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("after its time: %v", err)
	}
	other, err := running.Check(lasting)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Revoke(other.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := running.Check(lasting); !errors.Is(err, people.ErrUnknown) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("revoked by another process: %v", err)
	}
}

func TestNothingButTheTokenIsAccepted(t *testing.T) {
	t.Parallel()
	tokens, _, path := open(t)
	secret, _ := create(t, tokens, "a", people.Sensor, 0)
	if len(secret) != len("tocsin_")+58 {
		t.Errorf("%d characters", len(secret))
	}
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(stored), secret[10:30]) {
		t.Error("the token is stored")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		changed := []byte(secret)
		at := rapid.IntRange(0, len(changed)-1).Draw(rt, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "bits"))
		if _, err := tokens.Check(string(changed)); !errors.Is(err, people.ErrUnknown) {
			rt.Errorf("%q: %v", changed, err)
		}
	})
	elsewhere, _, _ := open(t)
	foreign, _ := create(t, elsewhere, "a", people.Sensor, 0)
	if _, err := tokens.Check(foreign); !errors.Is(err, people.ErrUnknown) || !strings.Contains(err.Error(), "does not know it") {
		t.Errorf("another node's token: %v", err)
	}
}

func TestDamagedTokensLetNobodyIn(t *testing.T) {
	t.Parallel()
	tokens, _, path := open(t)
	secret, _ := create(t, tokens, "a", people.Sensor, 0)
	if _, err := tokens.Check(secret); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := tokens.Check(secret); !errors.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
	}
	if _, _, err := tokens.Create("b", people.Sensor, 0); err == nil {
		t.Error("a damaged file was written over")
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	tokens, _, _ := open(t)
	create(t, tokens, "a", people.Sensor, 0)
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
		if _, _, err := tokens.Create(test.name, test.role, test.expires); !errors.Is(err, test.want) {
			t.Errorf("%q %q %v: got %v, want %v", test.name, test.role, test.expires, err, test.want)
		}
	}
	if _, err := tokens.Revoke("nobody"); !errors.Is(err, fault.NotFound) {
		t.Errorf("revoke: %v", err)
	}
	if _, err := tokens.Revoke("a"); err != nil {
		t.Fatal(err)
	}
	create(t, tokens, "a", people.Sensor, 0) // the name is free again
}

func TestConcurrentChangesAreAllKept(t *testing.T) {
	t.Parallel()
	tokens, c, path := open(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			other := people.OpenTokens(path, c.Now)
			for range 4 {
				if _, _, err := other.Create("", people.Sensor, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	list, err := tokens.List()
	if err != nil || len(list) != 32 {
		t.Errorf("%d tokens, %v", len(list), err)
	}
}

func TestLastUseIsShownToTheHour(t *testing.T) {
	t.Parallel()
	tokens, c, path := open(t)
	secret, _ := create(t, tokens, "a", people.Sensor, 0)
	used := func() time.Time {
		list, err := people.OpenTokens(path, c.Now).List()
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].Used
	}
	if !used().IsZero() {
		t.Errorf("used before it was: %v", used())
	}
	for _, hours := range []int{10, 10, 11} {
		if _, err := tokens.Check(secret); err != nil {
			t.Fatal(err)
		}
		if got := used(); got.Hour() != hours || got.Minute() != 0 {
			t.Errorf("used %v, want hour %d", got, hours)
		}
		c.advance(25 * time.Minute)
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	tokens, c, _ := open(t)
	sensor, _ := create(t, tokens, "dc01", people.Sensor, 0)
	analyst, _ := create(t, tokens, "ann", people.Analyst, 0)
	short, _ := create(t, tokens, "short", people.Sensor, time.Minute)
	c.advance(time.Hour)
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	handler := tokens.Guard(people.Send, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
		{"Bearer " + analyst, 403, "analyst's, which may not send"},
		{"Bearer " + short, 401, "expired"},
		{"Bearer tocsin_x", 401, "incomplete or mistyped"},
		{"Basic %", 401, "detail"},
		{"Digest x", 401, "detail"},
		{"", 401, "detail"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", test.header)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s: %d %s, want %d %s", test.header, w.Code, w.Body, test.status, test.body)
		}
	}
}

// The table in words, so that a change of it is a change of this test.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		role people.Role
		want [4]bool // send, ask, read, operate
	}{
		{people.Sensor, [4]bool{true, false, false, false}},
		{people.Analyst, [4]bool{false, true, true, false}},
		{people.Administrator, [4]bool{false, true, true, true}},
		{"", [4]bool{}},
		{"root", [4]bool{}},
	} {
		for i, right := range []people.Right{people.Send, people.Ask, people.Read, people.OperateNode} {
			if got := test.role.May(right); got != test.want[i] {
				t.Errorf("%q may %s: %v", test.role, right, got)
			}
		}
	}
}

func FuzzCredential(f *testing.F) {
	f.Add("Bearer x")
	f.Add("ApiKey aWQ6eA==")
	f.Fuzz(func(_ *testing.T, header string) { _ = people.Credential(header) })
}
