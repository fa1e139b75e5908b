package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// clock is a moment that tests move.
func clock() func() time.Time {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Minute)
		return at
	}
}

var ada = audit.Actor{ID: "p1", Name: "Ada", From: "192.0.2.7"}

type incident struct {
	State string `json:"state"`
}

func record(t *testing.T, db *store.DB, trail *audit.Trail, by audit.Actor, action, id string) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return trail.Record(ctx, tx, by, action, audit.Subject{Kind: "incident", ID: id}, incident{"reported"}, incident{"closed"})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func actions(entries []audit.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Action)
	}
	return all
}

func TestAnEntrySaysWhoDidWhatToWhat(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		trail := audit.New(db, clock())
		record(t, db, trail, ada, "incident.close", "i1")
		got, err := trail.List(t.Context(), audit.Filter{}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		want := []audit.Entry{{
			ID: got[0].ID, At: time.Date(2026, 11, 25, 12, 1, 0, 0, time.UTC), By: ada, Action: "incident.close",
			Subject: audit.Subject{Kind: "incident", ID: "i1"},
			Before:  []byte(`{"state":"reported"}`), After: []byte(`{"state":"closed"}`),
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}, audit.Room())
}

func TestAnEntryStandsAndFallsWithItsTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		trail := audit.New(db, clock())
		no := errors.New("no")
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(trail.Record(ctx, tx, ada, "incident.open", audit.Subject{}, nil, nil), no)
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		if got, err := trail.List(t.Context(), audit.Filter{}, "", 10); err != nil || len(got) != 0 {
			t.Errorf("got %v, %v", got, err)
		}
	}, audit.Room())
}

func TestEntriesAreListedByPageAndFilter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		trail := audit.New(db, clock())
		grace := audit.Actor{ID: "p2", Name: "Grace"}
		start := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
		for i := range 10 {
			by := ada
			if i%2 == 1 {
				by = grace
			}
			record(t, db, trail, by, fmt.Sprint("a", i), fmt.Sprint("i", i%3))
		}
		var paged []string
		for before := ""; ; {
			page, err := trail.List(t.Context(), audit.Filter{}, before, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			paged = append(paged, actions(page)...)
			before = page[len(page)-1].ID
		}
		if got, want := strings.Join(paged, " "), "a9 a8 a7 a6 a5 a4 a3 a2 a1 a0"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		cases := []struct {
			filter audit.Filter
			want   string
		}{
			{audit.Filter{Actor: "p2"}, "a9 a7 a5 a3 a1"},
			{audit.Filter{Action: "a4"}, "a4"},
			{audit.Filter{Kind: "incident", Subject: "i0"}, "a9 a6 a3 a0"},
			{audit.Filter{Actor: "p1", Kind: "incident", Subject: "i0"}, "a6 a0"},
			{audit.Filter{Since: start.Add(4 * time.Minute), Until: start.Add(6 * time.Minute)}, "a4 a3"},
			{audit.Filter{Actor: "' OR 1=1 --"}, ""},
		}
		for _, c := range cases {
			got, err := trail.List(t.Context(), c.filter, "", 100)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(actions(got), " "); got != c.want {
				t.Errorf("%+v: got %q, want %q", c.filter, got, c.want)
			}
		}
	}, audit.Room())
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), audit.Room())
	trail := audit.New(db, clock())
	for name, do := range map[string]func(ctx context.Context, tx *store.Tx) error{
		"name": func(ctx context.Context, tx *store.Tx) error {
			return trail.Record(ctx, tx, audit.Actor{Name: strings.Repeat("n", 1000)}, "a", audit.Subject{}, nil, nil)
		},
		"state": func(ctx context.Context, tx *store.Tx) error {
			return trail.Record(ctx, tx, ada, "a", audit.Subject{}, strings.Repeat("s", 2<<20), nil)
		},
	} {
		if err := db.Tx(t.Context(), do); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v, want fault.Invalid", name, err)
		}
	}
}
