package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/output"
	"tocsin/internal/store"
	"tocsin/people"
)

// withTables opens the database as it is, for a check; nothing is migrated. It
// returns what to say when there is none to be opened.
func (p *patient) withTables(ctx context.Context, look func(*store.DB) []symptom) []symptom {
	if p.config.onSQLite() {
		path := filepath.Join(p.data, databaseFile)
		info, err := os.Stat(path)
		if err != nil {
			return []symptom{says(fine, "", "there is none yet")}
		}
		if mode := info.Mode().Perm(); mode&(othersMayRead|othersMayWrite) != 0 {
			return []symptom{says(failed, "chmod 600 "+path, "others may read %s (mode %04o)", path, mode)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, databaseWithin)
	defer cancel()
	db, err := p.openTables(ctx)
	if err != nil {
		return []symptom{says(failed, p.mendDatabase(), "%v", err)}
	}
	found := look(db)
	if err := db.Close(); err != nil {
		found = append(found, says(doubtful, "", "%v", err))
	}
	return found
}

// databaseWithin is how long all that is asked of the database may take: reading
// through a file of some gigabytes.
const databaseWithin = time.Minute

func (p *patient) mendDatabase() string {
	if p.config.onSQLite() {
		return "restore " + databaseFile + " from a backup"
	}
	return "does the server run, and let this user in?"
}

// checkDatabase looks at whether the tables can be read, and are as this version
// wants them.
func checkDatabase(ctx context.Context, p *patient) []symptom {
	return p.withTables(ctx, func(db *store.DB) []symptom {
		pending, err := db.Pending(ctx, databaseRooms()...)
		if err == nil {
			err = whole(ctx, db)
		}
		if err != nil {
			return []symptom{says(failed, p.mendDatabase(), "%v", err)}
		}
		text := string(db.Engine()) + ", can be read"
		if len(pending) > 0 {
			return []symptom{says(fine, "", "%s; the next start brings the tables of %s up to date, and copies them first", text, output.Count(len(pending), "room", "rooms"))}
		}
		return []symptom{says(fine, "", "%s", text)}
	})
}

// whole reads through a SQLite database; a PostgreSQL server looks after its own.
func whole(ctx context.Context, db *store.DB) error {
	if db.Engine() != store.SQLite {
		return nil
	}
	said := ""
	err := db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRow(ctx, "PRAGMA quick_check(1)").Scan(&said)
	})
	if err == nil && said != "ok" {
		err = fmt.Errorf("the database is damaged: %s", said)
	}
	return err
}

// checkTokens looks at who may send and ask.
func checkTokens(ctx context.Context, p *patient) []symptom {
	return p.withTables(ctx, func(db *store.DB) []symptom {
		if pending, err := db.Pending(ctx, databaseRooms()...); err != nil || len(pending) > 0 {
			return []symptom{says(unchecked, "", "the database is not as this version wants it")}
		}
		list, err := people.NewTokens(db, audit.New(db, time.Now), time.Now).List(ctx)
		if err != nil {
			return []symptom{says(failed, p.mendDatabase(), "%v", err)}
		}
		return []symptom{p.tokensFound(list)}
	})
}

func (p *patient) tokensFound(list []people.Token) symptom {
	if _, err := os.Stat(filepath.Join(p.data, tokensFile)); !errors.Is(err, os.ErrNotExist) {
		return says(unchecked, "", "the next start moves %s into the database", tokensFile)
	}
	valid, sensors, soon := 0, 0, []string(nil)
	for i := range list {
		o := &list[i]
		if o.State(p.now) != "" {
			continue
		}
		valid++
		if o.Role == people.Sensor {
			sensors++
		}
		if !o.Expires.IsZero() && o.Expires.Sub(p.now) < expirySoon {
			soon = append(soon, o.Name)
		}
	}
	text := output.Count(valid, "is valid", "are valid")
	switch {
	case valid == 0:
		return says(doubtful, "'tocsin token create --role sensor' makes one", "none is valid: nothing can be sent")
	case len(soon) > 0:
		return says(doubtful, "make new ones for them", "%s; soon to expire: %s", text, strings.Join(soon, ", "))
	case sensors == 0:
		return says(fine, "", "%s, none of them a sensor's", text)
	}
	return says(fine, "", "%s", text)
}
