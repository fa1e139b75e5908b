package idempotency_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"tocsin/internal/fault"
	"tocsin/internal/idempotency"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

var post = idempotency.Request{Identity: "account:1", Key: "a", Route: "POST /x"}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func each(t *testing.T, test func(t *testing.T, db *store.DB, keys *idempotency.Keys, c *clock)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		c := &clock{at: time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)}
		test(t, db, idempotency.New(db, c.now), c)
	}, idempotency.Room())
}

func begin(t *testing.T, keys *idempotency.Keys, r idempotency.Request) *idempotency.Attempt {
	t.Helper()
	a, err := keys.Begin(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// effect is a transaction of a request; it is undone by fails.
func effect(t *testing.T, db *store.DB, a *idempotency.Attempt, fails error) error {
	t.Helper()
	return db.Tx(a.Context(t.Context()), func(context.Context, *store.Tx) error { return fails })
}

func TestAnAnswerIsKeptForADay(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, keys *idempotency.Keys, c *clock) {
		a := begin(t, keys, post)
		if a.Earlier != nil {
			t.Fatal("an answer before the first")
		}
		if err := effect(t, db, a, nil); err != nil {
			t.Fatal(err)
		}
		answer := idempotency.Answer{Digest: "d", Status: 201, Header: map[string]string{"ETag": `"v1"`}, Body: []byte("{}\x00")}
		if err := a.Finish(t.Context(), &answer); err != nil {
			t.Fatal(err)
		}
		a.Close()
		c.pass(idempotency.Kept)
		a = begin(t, keys, post)
		if a.Earlier == nil || a.Earlier.Status != 201 || string(a.Earlier.Body) != "{}\x00" || a.Earlier.Header["ETag"] != `"v1"` {
			t.Errorf("kept: %+v", a.Earlier)
		}
		a.Close()
		other := post
		other.Route = "POST /y"
		if _, err := keys.Begin(t.Context(), other); !errors.Is(err, fault.Invalid) {
			t.Errorf("the key of another request: %v", err)
		}
		c.pass(time.Second)
		a = begin(t, keys, post)
		if a.Earlier != nil {
			t.Errorf("after a day: %+v", a.Earlier)
		}
		if err := effect(t, db, a, nil); err != nil {
			t.Errorf("the key cannot be used again after a day: %v", err)
		}
		a.Close()
	})
}

func TestTheClaimStandsAndFallsWithTheEffect(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, keys *idempotency.Keys, _ *clock) {
		a := begin(t, keys, post)
		no := errors.New("no")
		if err := effect(t, db, a, no); !errors.Is(err, no) {
			t.Fatal(err)
		}
		a.Close()
		// The process dies after the effect, before the answer.
		a = begin(t, keys, post)
		if a.Earlier != nil {
			t.Fatalf("the claim of an effect that was undone: %+v", a.Earlier)
		}
		if err := effect(t, db, a, nil); err != nil {
			t.Fatal(err)
		}
		a.Close()
		a = begin(t, keys, post)
		if a.Earlier == nil || a.Earlier.Status != 0 {
			t.Fatalf("the answer that was lost: %+v", a.Earlier)
		}
		if err := effect(t, db, a, nil); !errors.Is(err, fault.Conflict) {
			t.Errorf("done again: %v", err)
		}
		a.Resume()
		if err := effect(t, db, a, nil); err != nil {
			t.Errorf("resumed: %v", err)
		}
		if err := a.Refused(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if a = begin(t, keys, post); a.Earlier != nil {
			t.Errorf("after a refusal: %+v", a.Earlier)
		}
		a.Close()
	})
}

func TestTwoProcessesAreOneKey(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, keys *idempotency.Keys, c *clock) {
		a := begin(t, keys, post)
		if _, err := keys.Begin(t.Context(), post); !errors.Is(err, fault.Conflict) {
			t.Errorf("in this process: %v", err)
		}
		b := begin(t, idempotency.New(db, c.now), post)
		if err := effect(t, db, a, nil); err != nil {
			t.Fatal(err)
		}
		if err := effect(t, db, b, nil); !errors.Is(err, fault.Conflict) {
			t.Errorf("in another: %v", err)
		}
	})
}

func TestWhatIsTooOldIsRemoved(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, keys *idempotency.Keys, c *clock) {
		for n := range 5 {
			a := begin(t, keys, idempotency.Request{Identity: "i", Key: strconv.Itoa(n), Route: "r"})
			if err := a.Finish(t.Context(), &idempotency.Answer{Status: 200}); err != nil {
				t.Fatal(err)
			}
			a.Close()
			c.pass(10 * time.Hour)
		}
		if err := keys.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int64
		err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*) FROM idempotency_key`).Scan(&left)
		})
		if err != nil || left != 2 {
			t.Errorf("%d are left, %v", left, err)
		}
	})
}

// What a request makes is named by its attempt: by the same name when it is
// resumed, and by another when the key is used again after its answer was
// forgotten.
func TestAnAttemptHasAName(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, keys *idempotency.Keys, c *clock) {
		t.Helper()
		if name := idempotency.Name(t.Context()); name != "" {
			t.Errorf("without an attempt: %q", name)
		}
		first := begin(t, keys, post)
		name := idempotency.Name(first.Context(t.Context()))
		if err := effect(t, db, first, nil); err != nil || name == "" {
			t.Fatal(name, err)
		}
		first.Close() // the node died before it answered
		second := begin(t, keys, post)
		if second.Earlier == nil {
			t.Fatal("nobody knows of the first")
		}
		second.Resume()
		if again := idempotency.Name(second.Context(t.Context())); again != name {
			t.Errorf("resumed it is called %q, was %q", again, name)
		}
		second.Close()
		c.pass(idempotency.Kept + time.Second)
		later := begin(t, keys, post)
		defer later.Close()
		if other := idempotency.Name(later.Context(t.Context())); later.Earlier != nil || other == name {
			t.Errorf("another day it is called %q, was %q", other, name)
		}
	})
}
