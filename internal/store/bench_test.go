package store_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// desk is a room whose transactions write about as much as the report of an
// incident does: it, its facts, clocks, timeline and trail, and its words.
func desk() store.Room {
	return store.Room{Name: "desk", Files: fstest.MapFS{"0001_desk.sql": {Data: []byte(`-- +goose Up
CREATE TABLE desk_key (key TEXT PRIMARY KEY, report TEXT NOT NULL);
CREATE TABLE desk_report (id TEXT PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL, made BIGINT NOT NULL);
CREATE INDEX desk_report_state ON desk_report (state, id);
CREATE TABLE desk_part (report TEXT NOT NULL REFERENCES desk_report (id), name TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (report, name));
`)}}}
}

// report writes one in 12 statements.
func report(ctx context.Context, tx *store.Tx, key string) error {
	now := time.Now()
	id := store.NewID(now)
	if n, err := tx.Exec(ctx, `INSERT INTO desk_key (key, report) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, key, id); err != nil || n == 0 {
		return err
	}
	title := "Ransomware on the file servers of hospital " + key + " 勒索病毒攻击"
	_, err := tx.Exec(ctx, `INSERT INTO desk_report (id, title, state, made) VALUES ($1, $2, 'reported', $3)`, id, title, store.At(now))
	if err != nil {
		return err
	}
	for i := range 9 {
		_, err := tx.Exec(ctx, `INSERT INTO desk_part (report, name, text) VALUES ($1, $2, $3)`, id, fmt.Sprint("part", i),
			`{"state":"estimated","low":120,"high":480,"unit":"hours","why":"the backup is two days old"}`)
		if err != nil {
			return err
		}
	}
	return tx.Index(ctx, "desk", id, title, "Encrypted files with the extension .locked, a note on every desktop")
}

// BenchmarkSurge is 200 clients that report at the same time, each waiting for
// its answer before it reports again.
func BenchmarkSurge(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) { surge(b, storetest.Open(b, engine.open(b), desk())) })
	}
}

func surge(b *testing.B, db *store.DB) {
	b.Helper()
	const clients = 200
	work := make(chan int)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := range work {
				if err := db.Tx(b.Context(), func(ctx context.Context, tx *store.Tx) error { return report(ctx, tx, strconv.Itoa(i)) }); err != nil {
					b.Error(err)
				}
			}
		})
	}
	n := 0
	for b.Loop() {
		work <- n
		n++
	}
	close(work)
	all.Wait()
	counts := db.Counts()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "reports/s")
	b.ReportMetric(float64(counts.Kept)/float64(counts.Commits), "reports/commit")
	b.ReportMetric(float64(counts.Again)/float64(counts.Kept), "again/report")
}
