package people_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/people"
	"tocsin/people/peopletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// rooms is the people of a node, with a clock that tests move.
type rooms struct {
	*clock
	db       *store.DB
	trail    *audit.Trail
	accounts *people.Accounts
	tokens   *people.Tokens
	roster   *people.Roster
}

// cheap is a hash that tests can make many of.
func cheap() people.Hashing { return people.Hashing{Time: 1, Memory: 64, Threads: 1} }

// each runs a test on every database.
func each(t *testing.T, f func(t *testing.T, r *rooms)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		f(t, roomsOf(db))
	}, audit.Room(), people.Room())
}

func roomsOf(db *store.DB) *rooms {
	c := &clock{now: time.Date(2026, 11, 25, 10, 30, 0, 0, time.UTC)}
	trail := audit.New(db, c.Now)
	return &rooms{
		clock: c, db: db, trail: trail,
		accounts: people.NewAccounts(db, trail, people.AccountsConfig{Hashing: cheap()}, c.Now),
		tokens:   people.NewTokens(db, trail, c.Now),
		roster:   people.NewRoster(db, trail, c.Now),
	}
}

// one is what tests ask for whose answer no database changes.
func one(t *testing.T) *rooms {
	t.Helper()
	return roomsOf(peopletest.Database(t))
}

// The passwords of tests.
const (
	good  = "three quiet lighthouses"
	other = "seven noisy typewriters"
)

// home is where people of tests sign in from.
func home() people.Client { return people.Client{Address: "192.0.2.7", Agent: "test"} }

// administrator is the account that the set-up makes.
func (r *rooms) administrator(t *testing.T) people.SignedIn {
	t.Helper()
	secret, err := r.accounts.SetUp(t.Context())
	if err != nil || secret == "" {
		t.Fatalf("set-up: %q, %v", secret, err)
	}
	signed, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Name: "root", Password: good}, home())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// person makes the account of an analyst, who signs in with the password of tests.
func (r *rooms) person(t *testing.T, name string) people.SignedIn {
	t.Helper()
	secret, _, err := r.accounts.Invite(t.Context(), people.Account{Name: name, Role: people.Analyst, Mail: name + "@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := r.accounts.UseLink(t.Context(), secret, people.Entry{Password: good}, home())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// as is the context of a person who is signed in.
func (r *rooms) as(t *testing.T, signed people.SignedIn) context.Context {
	t.Helper()
	return people.With(t.Context(), r.who(t, signed.Secret))
}

func (r *rooms) who(t *testing.T, secret string) people.Identity {
	t.Helper()
	who, err := r.accounts.Check(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// exec changes the database behind the rooms' back.
func (r *rooms) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if err := r.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func query1[T any](t *testing.T, r *rooms, query string, args ...any) (v T) {
	t.Helper()
	if err := r.db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRow(ctx, query, args...).Scan(&v)
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

func (r *rooms) count(t *testing.T, query string, args ...any) int {
	t.Helper()
	return query1[int](t, r, query, args...)
}

// password is what is stored of an account's password.
func (r *rooms) password(t *testing.T, name string) string {
	t.Helper()
	return query1[string](t, r, `SELECT password FROM people_account WHERE name = $1`, name)
}
