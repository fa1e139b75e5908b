package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tocsin/api"
	"tocsin/internal/audit"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
	"tocsin/internal/store"
	"tocsin/people"
)

// databaseFile is where SQLite keeps the tables in the data directory.
const databaseFile = "tocsin.db"

// tokensFile is where versions before the database kept tokens.
const tokensFile = "tokens.json"

// openDatabase opens the node's database with its tables as this version wants
// them. Verbs use it beside a running node: SQLite's write-ahead log lets both,
// and only the migration is one process's.
func (c *console) openDatabase(ctx context.Context) (db *store.DB, err error) {
	lock, err := c.databaseLock()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if db, err = c.openTables(ctx); err != nil {
		return nil, err
	}
	if err := c.migrate(ctx, db, databaseRooms()...); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// migrate brings the tables up to date. Where there are some already they are
// copied first.
func (c *console) migrate(ctx context.Context, db *store.DB, rooms ...store.Room) error {
	pending, err := db.Pending(ctx, rooms...)
	if err != nil {
		return err
	}
	const ownRoom = 1 // the store's, which is in pending too
	there := len(pending) < len(rooms)+ownRoom || slices.ContainsFunc(pending, func(p store.Pending) bool { return p.Have > 0 })
	if len(pending) > 0 && there {
		if err := c.copyTables(ctx, db, rooms); err != nil {
			return fmt.Errorf("the database must be brought up to date, and the copy before that could not be made, so nothing was changed: %w", err)
		}
	}
	return db.Migrate(ctx, rooms...)
}

// copyTables copies the database, of either engine, into the folder of backups;
// 'restore' brings it back from there.
func (c *console) copyTables(ctx context.Context, db *store.DB, rooms []store.Room) error {
	folder := filepath.Join(c.data, backupsFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	name := "database-" + time.Now().UTC().Format(backupTime) + ".db"
	return db.Backup(ctx, filepath.Join(folder, name), rooms...)
}

// migrationPatience is how long a verb waits for another to have migrated.
const migrationPatience = 30 * time.Second

func (c *console) databaseLock() (*lockfile.Lock, error) {
	for deadline := time.Now().Add(migrationPatience); ; time.Sleep(10 * time.Millisecond) {
		lock, err := lockfile.Take(filepath.Join(c.data, databaseFile+".lock"))
		if err == nil || !errors.Is(err, fault.Conflict) || time.Now().After(deadline) {
			return lock, err
		}
	}
}

// peopleRooms are the rooms of people, for verbs and for the node.
type peopleRooms struct {
	db       *store.DB
	trail    *audit.Trail
	accounts *people.Accounts
	tokens   *people.Tokens
	roster   *people.Roster
	url      string // of the node, as browsers reach it
}

// openPeople opens the rooms of people. Tokens that earlier versions kept in a
// file are moved into the database.
func (c *console) openPeople(ctx context.Context) (*peopleRooms, error) {
	config, err := c.configured()
	if err != nil {
		return nil, usageError{err}
	}
	db, err := c.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	trail := audit.New(db, time.Now)
	p := &peopleRooms{
		db: db, trail: trail, url: c.browsed(config),
		accounts: people.NewAccounts(db, trail, config.accounts(), time.Now),
		tokens:   people.NewTokens(db, trail, time.Now),
		roster:   people.NewRoster(db, trail, time.Now),
	}
	if _, err := p.tokens.Import(ctx, filepath.Join(c.data, tokensFile)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

// addressFile of the data directory says where browsers on this machine reach the
// node that works there.
const addressFile = "address"

// browsed is where browsers reach the node: as the configuration says, else where it
// listens at the moment, else where it would.
func (c *console) browsed(config *fileConfig) string {
	if config.URL == "" {
		text, err := os.ReadFile(filepath.Join(c.data, addressFile))
		if at, wrong := url.Parse(strings.TrimSpace(string(text))); err == nil && wrong == nil && at.Host != "" {
			return strings.TrimSuffix(at.String(), "/")
		}
	}
	return config.url()
}

// listensAt keeps where the node listens, for links that people open in a browser.
func (r *running) listensAt(scheme, port string) error {
	at := r.config.url()
	if u, err := url.Parse(at); r.config.URL == "" && err == nil {
		at = scheme + "://" + net.JoinHostPort(u.Hostname(), port)
	}
	r.at.Store(&at)
	r.people.url = at
	return disk.Replace(filepath.Join(r.data, addressFile), []byte(at+"\n"))
}

// url is where browsers reach the node.
func (r *running) url() string {
	if at := r.at.Load(); at != nil {
		return *at
	}
	return r.config.url()
}

// withPeople is for verbs that work on the database themselves. What they do is
// done in the name of who runs them.
func (c *console) withPeople(ctx context.Context, do func(context.Context, *peopleRooms) error) (err error) {
	p, err := c.openPeople(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.db.Close()) }()
	return do(people.With(ctx, operator()), p)
}

// operator is who works at the machine itself.
func operator() people.Identity {
	who := people.Identity{Kind: people.KindOperator, Name: "unknown", Address: "command line"}
	if u, err := user.Current(); err == nil {
		who.ID, who.Name = u.Uid, u.Username
	}
	return who
}

// link is a one-time link as a person opens it.
func (p *peopleRooms) link(secret string) string { return p.url + api.LinkPath(secret) }

// setUp tells how to make the first administrator, while there is nobody.
func (r *running) setUp(ctx context.Context) error {
	secret, err := r.people.accounts.SetUp(ctx)
	if err != nil && ctx.Err() != nil {
		return nil // told to end right after the start
	}
	if err != nil || secret == "" {
		return err
	}
	_, err = fmt.Fprintf(r.out, "There are no accounts yet. Make the first administrator, within a day, at\n  %s\n", r.people.link(secret))
	return err
}
