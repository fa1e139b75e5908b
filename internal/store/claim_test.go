package store_test

import (
	"context"
	"errors"
	"testing"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// One database serves one node; on SQLite that is the data directory's to see to.
func TestADatabaseIsClaimedByOneNode(t *testing.T) {
	t.Parallel()
	config := storetest.PostgreSQL(t)
	first, err := store.TakeClaim(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.TakeClaim(t.Context(), config); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second node: %v", err)
	}
	other, err := store.TakeClaim(t.Context(), storetest.PostgreSQL(t)) // on the same server
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Release(), other.Release()); err != nil {
		t.Fatal(err)
	}
	again, err := store.TakeClaim(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := store.TakeClaim(t.Context(), storetest.SQLite(t)); err != nil {
			t.Error(err)
		}
	}
}

// A node whose server was gone takes its claim again, and one that finds another
// there instead is told to end.
func TestAClaimOutlivesItsServer(t *testing.T) {
	t.Parallel()
	server := storetest.StartServer(t)
	config := store.Config{URL: server.Database(t)}
	claim, err := store.TakeClaim(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	go func() { kept <- claim.Keep(ctx) }()
	server.Again(t)
	db := storetest.Open(t, config)
	nodes := int64(0)
	for nodes == 0 {
		err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted`).Scan(&nodes)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.TakeClaim(t.Context(), config); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second node: %v", err)
	}
	cancel()
	if err := <-kept; err != nil {
		t.Error(err)
	}
	if err := claim.Release(); err != nil {
		t.Error(err)
	}
	second, err := store.TakeClaim(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = second.Release() }()
	if err := claim.Keep(t.Context()); !errors.Is(err, fault.Conflict) { // its connection is closed
		t.Errorf("a node whose database another took: %v", err)
	}
}
