package transparency_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/transparency"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

var (
	start    = time.Date(2017, 5, 12, 7, 44, 0, 0, time.UTC)
	operator = audit.Actor{ID: "1", Name: "ann", From: "test"}
)

func rooms() []store.Room {
	return []store.Room{audit.Room(), timer.Room(), transparency.Room()}
}

// key is a node's key, always the same for a name.
func key(name string) (alliance.NodeID, ed25519.PrivateKey) {
	seed := sha256.Sum256([]byte(name))
	k := ed25519.NewKeyFromSeed(seed[:])
	return alliance.NodeOf(k.Public().(ed25519.PublicKey)), k
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

// hub is a node with a log.
type hub struct {
	*transparency.Log
	db      *store.DB
	node    alliance.NodeID
	key     ed25519.PrivateKey
	witness string
	members []alliance.NodeID
}

func openHub(tb testing.TB, db *store.DB, name, witness string, members ...alliance.NodeID) *hub {
	tb.Helper()
	h := &hub{db: db, witness: witness, members: members}
	h.node, h.key = key(name)
	h.open(tb)
	return h
}

// open opens the log, again as after a restart.
func (h *hub) open(tb testing.TB) {
	tb.Helper()
	at := start
	var mu sync.Mutex
	log, err := transparency.OpenLog(tb.Context(), transparency.Config{
		DB: h.db, Trail: audit.New(h.db, time.Now), Node: h.node, Key: h.key, Witness: h.witness,
		Members: func(context.Context, *store.Tx) ([]alliance.NodeID, error) { return h.members, nil },
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			at = at.Add(time.Second)
			return at
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	h.Log = log
}

func digest(text string) transparency.Digest { return transparency.DigestOf([]byte(text)) }

func entry(text string) transparency.Entry {
	return transparency.Entry{Kind: transparency.Warning, Time: start, Envelope: digest(text)}
}

// append appends entries in one transaction.
func (h *hub) append(tb testing.TB, texts ...string) {
	tb.Helper()
	if err := h.tryAppend(tb, texts...); err != nil {
		tb.Fatal(err)
	}
}

func (h *hub) tryAppend(tb testing.TB, texts ...string) error {
	tb.Helper()
	return h.db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, text := range texts {
			if _, err := h.Append(ctx, tx, entry(text)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *hub) checkpoint(tb testing.TB) transparency.Checkpoint {
	tb.Helper()
	c, err := h.Checkpoint(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func (h *hub) saw(tb testing.TB, member alliance.NodeID, note string) error {
	tb.Helper()
	return h.db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) error { return h.Saw(ctx, tx, member, note) })
}

func (h *hub) state(tb testing.TB) transparency.Status {
	tb.Helper()
	s, err := h.Status(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func (h *hub) wantState(tb testing.TB, want transparency.State) {
	tb.Helper()
	if s := h.state(tb); s.State != want {
		tb.Fatalf("the log is %s (%s), want %s", s.State, s.Reason, want)
	}
}

// records returns the log's entries.
func (h *hub) records(tb testing.TB) []string {
	tb.Helper()
	page, err := h.Entries(tb.Context(), 0, 1000)
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

func numbered(prefix string, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint(prefix, i)
	}
	return texts
}

func TestAnEntryStandsAndFallsWithItsTransaction(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"))
		no := errors.New("no")
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := h.Append(ctx, tx, entry("undone")); err != nil {
				return err
			}
			return no
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		if s := h.state(t); s.Size != 0 {
			t.Errorf("%d entries", s.Size)
		}
		h.append(t, "a", "b", "a")
		c := h.checkpoint(t)
		if c.Size != 2 || c.Origin != string(h.node) {
			t.Errorf("checkpoint of %s at %d, want %s at 2: an envelope is in the log once", c.Origin, c.Size, h.node)
		}
		if again := h.checkpoint(t); again != c {
			t.Errorf("the same state has two checkpoints:\n%s\n%s", c.Note, again.Note)
		}
		if opened, err := transparency.OpenCheckpoint(c.Note, public(h.key)); err != nil || opened != c {
			t.Errorf("got %v, %v", opened, err)
		}
	}, rooms()...)
}

func TestAppendsAtOnceAreOneHistory(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"))
		var all sync.WaitGroup
		ctx, end := context.WithCancel(t.Context())
		published := make(chan error, 1)
		go func() { published <- h.Run(ctx) }()
		const writers, each = 8, 10
		for w := range writers {
			all.Go(func() {
				for i := range each {
					if err := h.tryAppend(t, fmt.Sprint(w, " ", i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		end()
		if err := <-published; err != nil {
			t.Error(err)
		}
		c := h.checkpoint(t)
		if c.Size != writers*each {
			t.Fatalf("%d entries, want %d", c.Size, writers*each)
		}
		if err := transparency.CheckEntries(&c, 0, nil, h.records(t)); err != nil {
			t.Error(err)
		}
	}, rooms()...)
}

func TestARestoredNodeDoesNotForkTheLog(t *testing.T) {
	t.Parallel()
	member, _ := key("member")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		dir := t.TempDir()
		h := openHub(t, db, "hub", filepath.Join(dir, "witness"), member)
		h.append(t, numbered("kept", 5)...)
		h.checkpoint(t)
		backup := filepath.Join(dir, "backup.db")
		if err := db.Backup(t.Context(), backup, rooms()...); err != nil {
			t.Fatal(err)
		}
		h.append(t, numbered("lost", 6)...)
		seen := h.checkpoint(t)
		kept := h.records(t) // as a member keeps them

		// The backup is put in place, on another machine: the witness is gone.
		config := store.Config{Path: filepath.Join(dir, "restored.db")}
		if err := store.Restore(t.Context(), config, backup, rooms()...); err != nil {
			t.Fatal(err)
		}
		r := openHub(t, storetest.Open(t, config, rooms()...), "hub", filepath.Join(dir, "elsewhere", "witness"), member)
		r.wantState(t, transparency.Waiting)
		wantRefused(t, r.tryAppend(t, "fork"), "have not said yet", "tocsin log resume")
		r.open(t)
		r.wantState(t, transparency.Waiting)
		if err := r.Recover(t.Context(), operator, 5, kept[5:], seen.Note); err != nil { // what a file brings before the member is there
			t.Fatal(err)
		}
		r.wantState(t, transparency.Waiting)
		r = openHub(t, storetest.Open(t, restoredAgain(t, backup), rooms()...), "hub", filepath.Join(dir, "elsewhere too", "witness"), member)

		if err := r.saw(t, member, seen.Note); err != nil {
			t.Fatal(err)
		}
		r.wantState(t, transparency.Held)
		wantRefused(t, r.tryAppend(t, "fork"), "entries 5 to 10 are missing", "tocsin log recover")
		if err := r.Resume(t.Context(), operator, "I say so"); !errors.Is(err, fault.Conflict) {
			t.Errorf("resumed a log that lacks entries: %v", err)
		}
		if c := r.checkpoint(t); c.Size != 5 {
			t.Errorf("a held log handed out a checkpoint of %d entries", c.Size)
		}

		for name, wrong := range map[string][]string{
			"too few": kept[5:10], "another": append(append([]string{}, kept[5:10]...), strings.Replace(kept[10], "warning", "recall", 1)),
		} {
			if err := r.Recover(t.Context(), operator, 5, wrong, seen.Note); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := r.Recover(t.Context(), operator, 5, kept[5:], seen.Note); err != nil {
			t.Fatal(err)
		}
		r.wantState(t, transparency.Open)
		r.append(t, "after")
		c := r.checkpoint(t)
		if c.Size != 12 {
			t.Fatalf("%d entries", c.Size)
		}
		if err := transparency.CheckEntries(&c, 0, nil, r.records(t), seen); err != nil {
			t.Errorf("not one history: %v", err)
		}
	}, rooms()...)
}

// restoredAgain is another database from a backup.
func restoredAgain(t *testing.T, backup string) store.Config {
	t.Helper()
	config := store.Config{Path: filepath.Join(t.TempDir(), "again.db")}
	if err := store.Restore(t.Context(), config, backup, rooms()...); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestADatabasePutBackBesideItsWitnessIsHeld(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tocsin.db")
	db := storetest.Open(t, store.Config{Path: path}, rooms()...)
	h := openHub(t, db, "hub", filepath.Join(dir, "witness"))
	h.append(t, "a")
	h.checkpoint(t)
	backup := filepath.Join(dir, "backup.db")
	if err := db.Backup(t.Context(), backup, rooms()...); err != nil {
		t.Fatal(err)
	}
	h.append(t, "b", "c")
	seen := h.checkpoint(t)
	kept := h.records(t)
	config := store.Config{Path: filepath.Join(dir, "restored.db")}
	if err := store.Restore(t.Context(), config, backup, rooms()...); err != nil {
		t.Fatal(err)
	}
	r := openHub(t, storetest.Open(t, config, rooms()...), "hub", h.witness)
	r.wantState(t, transparency.Held)
	wantRefused(t, r.tryAppend(t, "fork"), "the witness beside the database")
	if err := r.Recover(t.Context(), operator, 0, kept, seen.Note); err != nil {
		t.Fatal(err)
	}
	r.wantState(t, transparency.Open)
	if got := r.checkpoint(t); got != seen {
		t.Errorf("got %v, want %v", got, seen)
	}
}

// A copy of everything, witness and all, can't be told from a restart. What was
// appended meanwhile is put behind what was lost, as long as nobody saw it.
func TestWhatNobodySawIsPutBehindWhatWasLost(t *testing.T) {
	t.Parallel()
	member, _ := key("member")
	for _, seenHere := range []bool{false, true} {
		t.Run(fmt.Sprint("seen ", seenHere), func(t *testing.T) {
			t.Parallel()
			db := storetest.Open(t, storetest.SQLite(t), rooms()...)
			lost := openHub(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "hub", filepath.Join(t.TempDir(), "witness"), member)
			h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"), member)
			for _, both := range []*hub{lost, h} {
				both.append(t, "a", "b")
				both.checkpoint(t)
			}
			lost.append(t, "c", "d")
			seen := lost.checkpoint(t)
			h.append(t, "mine")
			if seenHere {
				h.checkpoint(t)
			}
			if err := h.saw(t, member, seen.Note); err != nil {
				t.Fatal(err)
			}
			h.wantState(t, transparency.Held)
			err := h.Recover(t.Context(), operator, 0, lost.records(t), seen.Note)
			if seenHere {
				wantRefused(t, err, "two histories", "tocsin log anew")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := h.checkpoint(t)
			if err := transparency.CheckEntries(&c, 0, nil, h.records(t), seen); err != nil || c.Size != 5 {
				t.Errorf("%d entries: %v", c.Size, err)
			}
		})
	}
}

func TestANewLogSaysWhatBecameOfTheOld(t *testing.T) {
	t.Parallel()
	member, _ := key("member")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		lost := openHub(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "hub", filepath.Join(t.TempDir(), "witness"))
		lost.append(t, numbered("lost", 9)...)
		seen := lost.checkpoint(t)
		h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"), member)
		h.append(t, "a")
		h.checkpoint(t)
		if err := h.saw(t, member, seen.Note); err != nil {
			t.Fatal(err)
		}
		c, err := h.Anew(t.Context(), operator, "the member's disk is gone as well")
		if err != nil {
			t.Fatal(err)
		}
		if c.Origin != string(h.node)+"/2" || c.Size != 1 {
			t.Errorf("%s with %d entries", c.Origin, c.Size)
		}
		first, err := transparency.ParseRecord(h.records(t)[0])
		if err != nil || first.Kind != transparency.Succession || first.Before != seen.Note {
			t.Errorf("it begins with %+v, %v", first, err)
		}
		h.wantState(t, transparency.Open)
		h.append(t, "b")
		h.open(t) // and stays so
		h.append(t, "c")
		if c := h.checkpoint(t); c.Size != 3 {
			t.Errorf("%d entries", c.Size)
		}
	}, rooms()...)
}

func TestWhatOthersSignedHoldsNothing(t *testing.T) {
	t.Parallel()
	member, _ := key("member")
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"), member)
	other := openHub(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "other", filepath.Join(t.TempDir(), "witness"))
	other.append(t, "x")
	c := other.checkpoint(t)
	forged := strings.ReplaceAll(c.Note, string(other.node), string(h.node))
	for _, note := range []string{c.Note, forged, "nonsense"} {
		if err := h.saw(t, member, note); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", note, err)
		}
	}
	h.append(t, "a")
}

func TestALogStaysItsNodes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	h := openHub(t, db, "hub", filepath.Join(t.TempDir(), "witness"))
	node, k := key("another")
	_, err := transparency.OpenLog(t.Context(), transparency.Config{
		DB: db, Trail: audit.New(db, time.Now), Node: node, Key: k, Witness: filepath.Join(t.TempDir(), "witness"),
	})
	wantRefused(t, err, string(h.node), "put its identity back")
}

// A key that is given twice, as the present one among all that there were, is one.
func TestCheckpointsOfEarlierKeysAreVerified(t *testing.T) {
	t.Parallel()
	h := grown(t, 2)
	_, other := key("another")
	note := h.checkpoint(t).Note
	if _, err := transparency.OpenCheckpoint(note, public(other), public(h.key), public(other), public(h.key)); err != nil {
		t.Error(err)
	}
	if _, err := transparency.OpenCheckpoint(note, public(other)); !errors.Is(err, fault.Invalid) {
		t.Errorf("another key: %v", err)
	}
}

func TestEveryChangedBitOfACheckpointIsRefused(t *testing.T) {
	t.Parallel()
	h := openHub(t, storetest.Open(t, storetest.SQLite(t), rooms()...), "hub", filepath.Join(t.TempDir(), "witness"))
	h.append(t, "a", "b", "c")
	note := []byte(h.checkpoint(t).Note)
	for i := range note {
		for bit := range 8 {
			if testing.Short() && bit > 0 {
				continue
			}
			changed := bytes.Clone(note)
			changed[i] ^= 1 << bit
			if _, err := transparency.OpenCheckpoint(string(changed), public(h.key)); !errors.Is(err, fault.Invalid) {
				t.Fatalf("bit %d of byte %d changed: %v", bit, i, err)
			}
		}
	}
}

func wantRefused(tb testing.TB, err error, texts ...string) {
	tb.Helper()
	if !errors.Is(err, fault.Conflict) {
		tb.Fatalf("got %v, want fault.Conflict", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			tb.Errorf("%q does not say %q", err, text)
		}
	}
}
