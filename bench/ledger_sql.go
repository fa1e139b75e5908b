package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver

	"tocsin/memory/ledger"
)

// ledgerBesideSQL remembers the same sightings in the ledger, in SQLite and in
// PostgreSQL, none of which waits for the disk: what was seen when, how often,
// on which hosts and on which days.
func (b *bench) ledgerBesideSQL(ctx context.Context, _ *stream) (*report, error) {
	t := newTraffic(b.ledger.fresh, b.ledger.sightings(b.ledger.peers))
	for t.made < b.ledger.peers {
		t.next()
	}
	sightings := t.n
	r := &report{title: fmt.Sprintf("The ledger beside tables, %d observables", b.ledger.peers), unit: "sighting"}
	ours, err := here(func() error { return b.fillLedger(ctx) })(ctx)
	if err != nil {
		return nil, err
	}
	add := func(name string, c cost) {
		r.lines = append(r.lines, line{name, c, float64(sightings), fmt.Sprintf("%.0f/s", float64(sightings)/c.wall.Seconds())})
	}
	add("ledger", ours)
	compare := func(name string, c cost) {
		add(name, c)
		r.goals = append(r.goals,
			goal{text: name + " against the ledger, CPU", got: c.cpu.Seconds() / ours.cpu.Seconds(), limit: 5, atLeast: true},
			goal{text: name + " against the ledger, elapsed", got: c.wall.Seconds() / ours.wall.Seconds(), limit: 5, atLeast: true})
	}
	lite, err := here(func() error { return b.fillSQLite(ctx) })(ctx)
	if err != nil {
		return nil, fmt.Errorf("SQLite: %w", err)
	}
	compare("SQLite", lite)
	postgres, err := b.fillPostgres(ctx)
	if errors.Is(err, errNoPostgres) {
		fmt.Println("the ledger is not compared with PostgreSQL:", err)
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	compare("PostgreSQL", postgres)
	return r, nil
}

func (b *bench) fillLedger(ctx context.Context) (err error) {
	l, err := ledger.Open(filepath.Join(b.work, "beside"), ledger.Config{NewPerDay: -1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	f := filler{ledger: l}
	return f.fill(ctx, newTraffic(b.ledger.fresh, b.ledger.sightings(b.ledger.peers)), b.ledger.peers, func(uint64) {})
}

// sqliteTables are the plain way to keep what the ledger keeps.
const sqliteTables = `
CREATE TABLE seen (id INTEGER PRIMARY KEY, kind INTEGER, value TEXT, first INTEGER, last INTEGER, count INTEGER, UNIQUE (kind, value));
CREATE TABLE seen_host (id INTEGER, host TEXT, PRIMARY KEY (id, host)) WITHOUT ROWID;
CREATE TABLE seen_day (id INTEGER, day INTEGER, PRIMARY KEY (id, day)) WITHOUT ROWID;`

func (b *bench) fillSQLite(ctx context.Context) (err error) {
	// As much cache as the ledger has.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.work, "beside.db")+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, sqliteTables); err != nil {
		return err
	}
	t := newTraffic(b.ledger.fresh, b.ledger.sightings(b.ledger.peers))
	for t.made < b.ledger.peers {
		if err := sqliteBatch(ctx, db, t, b.ledger.peers); err != nil {
			return err
		}
	}
	return nil
}

// sqliteBatch writes one batch in one transaction.
func sqliteBatch(ctx context.Context, db *sql.DB, t *traffic, keys uint64) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var statements [3]*sql.Stmt
	for i, text := range [...]string{
		`INSERT INTO seen (kind, value, first, last, count) VALUES ($1, $2, $3, $3, 1)
		 ON CONFLICT (kind, value) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last), count = count + 1 RETURNING id`,
		`INSERT INTO seen_host (id, host) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		`INSERT INTO seen_day (id, day) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
	} {
		if statements[i], err = tx.PrepareContext(ctx, text); err != nil { //nolint:sqlclosecheck // closed below
			return err
		}
		defer statements[i].Close()
	}
	for range ledgerBatch {
		if t.made >= keys {
			break
		}
		s := t.next()
		at := s.at.Unix()
		var id int64
		if err := statements[0].QueryRowContext(ctx, int(s.kind), string(s.value), at).Scan(&id); err != nil {
			return err
		}
		if _, err := statements[1].ExecContext(ctx, id, string(s.host)); err != nil {
			return err
		}
		if _, err := statements[2].ExecContext(ctx, id, at/86400); err != nil {
			return err
		}
	}
	return tx.Commit()
}
