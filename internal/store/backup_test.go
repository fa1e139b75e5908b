package store_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// everything is a row of each kind of value that columns keep.
type everything struct {
	ID, Name string
	Price    int64
	Open     bool
	Made     time.Time
	Attrs    map[string]any
	Raw      []byte
}

func scanEverything(row store.Row) (e everything, err error) {
	return e, row.Scan(&e.ID, &e.Name, &e.Price, &e.Open, store.IntoTime(&e.Made), store.IntoJSON(&e.Attrs), &e.Raw)
}

func stock() []everything {
	return []everything{
		{ID: "1", Name: "plain", Price: -5, Open: true, Made: time.Date(2026, 2, 28, 23, 59, 59, 999_999_000, time.UTC)},
		{ID: "2", Name: "中文 ' \" \\ \n", Attrs: map[string]any{"k": "v", "n": 1.5, "l": []any{"ü"}}, Raw: []byte{0, 1, 255}},
		{ID: "3", Name: "123", Price: 1<<62 + 1, Raw: []byte("text")},
	}
}

func fillShop(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, e := range stock() {
			var attrs any
			if e.Attrs != nil {
				attrs = store.JSON(e.Attrs)
			}
			_, err := tx.Exec(ctx, `INSERT INTO shop_thing (id, name, price, open, made, attrs, raw) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				e.ID, e.Name, e.Price, e.Open, store.At(e.Made), attrs, e.Raw)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO shop_part (id, thing) VALUES ($1, $2)`, "part of "+e.ID, e.ID); err != nil {
				return err
			}
			if err := tx.Index(ctx, "shop", e.ID, e.Name, "勒索病毒"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever wrote the backup, it is restored into either engine, and the room
// goes on with it as before.
func TestABackupIsRestoredIntoEitherEngine(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, source store.Config) {
		db := storetest.Open(t, source, shop())
		fillShop(t, db)
		file := filepath.Join(t.TempDir(), "backup.db")
		if err := db.Backup(t.Context(), file, shop()); err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(t.Context(), file, shop()); !errors.Is(err, fault.Conflict) {
			t.Errorf("over another: %v", err)
		}
		storetest.EachConfig(t, func(t *testing.T, target store.Config) {
			if err := store.Restore(t.Context(), target, file, shop()); err != nil {
				t.Fatal(err)
			}
			if err := store.Restore(t.Context(), target, file, shop()); !errors.Is(err, fault.Conflict) {
				t.Errorf("over another: %v", err)
			}
			checkShop(t, storetest.Open(t, target, shop()))
		})
	})
}

func checkShop(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		got, err := store.All(ctx, tx, scanEverything, `SELECT id, name, price, open, made, attrs, raw FROM shop_thing ORDER BY id LIMIT 10`)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(stock(), got); diff != "" {
			t.Error(diff)
		}
		if err := tx.Index(ctx, "shop", "new", "病毒"); err != nil {
			return err
		}
		hits, err := tx.Search(ctx, "shop", "病毒", 0, 10)
		if err != nil {
			return err
		}
		if got, want := ids(hits), "new 3 2 1"; got != want {
			t.Errorf("found %s, want %s", got, want)
		}
		if open, err := store.One(ctx, tx, store.Value[string], `SELECT attrs ->> 'k' FROM shop_thing WHERE id = '2'`); open != "v" || err != nil {
			t.Errorf("inside of JSON: %q, %v", open, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM shop_thing WHERE id = '1'`)
		return err
	})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("what is referred to can be deleted: %v", err)
	}
}

// The backup that is made before a migration is of the tables as they are.
func TestABackupBeforeAMigrationIsMigratedAfterwards(t *testing.T) {
	t.Parallel()
	later := shop()
	files := fstest.MapFS{"schema/0002_colour.sql": {Data: []byte("-- +goose Up\nALTER TABLE shop_thing ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';\n")}}
	maps.Copy(files, shop().Files.(fstest.MapFS))
	later.Files = files
	storetest.EachConfig(t, func(t *testing.T, source store.Config) {
		db := storetest.Open(t, source, shop())
		fillShop(t, db)
		pending, err := db.Pending(t.Context(), later)
		if diff := cmp.Diff([]store.Pending{{Room: "shop", Have: 1, Want: 2}}, pending); diff != "" || err != nil {
			t.Error(diff, err)
		}
		file := filepath.Join(t.TempDir(), "backup.db")
		if err := db.Backup(t.Context(), file, later); err != nil {
			t.Fatal(err)
		}
		target := storetest.PostgreSQL(t)
		if err := store.Restore(t.Context(), target, file, later); err != nil {
			t.Fatal(err)
		}
		restored := storetest.Open(t, target, later)
		checkShop(t, restored)
		err = restored.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			colour, err := store.One(ctx, tx, store.Value[string], `SELECT colour FROM shop_thing WHERE id = '1'`)
			if colour != "grey" {
				t.Errorf("got colour %q", colour)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		var newer *store.NewerError
		err = store.Restore(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "old.db")}, backupOf(t, restored, later), shop())
		if !errors.As(err, &newer) || !errors.Is(err, fault.Conflict) {
			t.Errorf("into an older program: %v", err)
		}
	})
}

func backupOf(t *testing.T, db *store.DB, rooms ...store.Room) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "another.db")
	if err := db.Backup(t.Context(), file, rooms...); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestADamagedBackupIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), shop())
	fillShop(t, db)
	whole, err := os.ReadFile(backupOf(t, db, shop()))
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"no backup": func([]byte) []byte { return []byte("To whom it may concern") },
		"changed": func(b []byte) []byte {
			for i := 4096; i < len(b); i += 512 {
				b[i] ^= 0xff
			}
			return b
		},
	} {
		file := filepath.Join(t.TempDir(), "damaged.db")
		if err := os.WriteFile(file, damage(append([]byte(nil), whole...)), 0o600); err != nil {
			t.Fatal(err)
		}
		config := storetest.SQLite(t)
		err := store.Restore(t.Context(), config, file, shop())
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := os.Stat(config.Path); err == nil {
			t.Errorf("%s: it was restored", name)
		}
	}
}

// While a backup is made others write; what is in it is what was there at one
// moment: the sum over all things never changes.
func TestABackupIsOfOneMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const things = 50
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range things {
				if err := add(ctx, tx, strconv.Itoa(i), strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := 0; ctx.Err() == nil; i++ {
				err := db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE shop_thing SET price = price + CASE id WHEN $1 THEN 1 ELSE -1 END WHERE id IN ($1, $2)`,
						strconv.Itoa(i%things), strconv.Itoa((i+1)%things))
					return err
				})
				if err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		}()
		for range 5 {
			copied := storetest.Open(t, store.Config{Path: backupOf(t, db, shop())}, shop())
			err := copied.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				sum, err := store.One(ctx, tx, store.Value[int64], `SELECT sum(price) FROM shop_thing`)
				if sum != 0 {
					t.Errorf("sum %d", sum)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		cancel()
		<-ended
	}, shop())
}
