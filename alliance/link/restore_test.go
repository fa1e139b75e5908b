package link_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/link"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// backup writes a node's database into a file.
func (n *node) backup(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	must(t, n.db.Backup(t.Context(), path, link.Room(), diary()))
	return path
}

// restore has a node start from a backup.
func (w *world) restore(t *testing.T, n *node, path string) {
	t.Helper()
	n.stop()
	n.db = storetest.Open(t, store.Config{Path: path}, link.Room(), diary())
	w.start(t, n)
}

func (n *node) sendMany(t *testing.T, to *node, word string, count int) {
	t.Helper()
	for i := range count {
		n.send(t, n.seal(t, fmt.Sprint(word, i)), to.id)
	}
	eventually(t, word+" are delivered", func() bool { return n.health(t, to.id).Out.Backlog == 0 })
}

func TestASenderThatWasRestoredLosesNothingNew(t *testing.T) {
	t.Parallel()
	w, hub, member := pair(t, fresh(t))
	hub.sendMany(t, member, "a", 5)
	path := hub.backup(t)
	hub.sendMany(t, member, "b", 5)
	w.restore(t, hub, path)
	hub.sendMany(t, member, "c", 3) // fewer than were forgotten
	w.restore(t, hub, hub.backup(t))
	hub.sendMany(t, member, "d", 8)
	want := "a0 a1 a2 a3 a4 b0 b1 b2 b3 b4 c0 c1 c2 d0 d1 d2 d3 d4 d5 d6 d7"
	if got := strings.Join(member.diaryOf(t, hub.id), " "); got != want {
		t.Errorf("handled %s", got)
	}
}

func TestAReceiverThatWasRestoredIsSentAgainWhatItForgot(t *testing.T) {
	t.Parallel()
	w, hub, member := pair(t, fresh(t))
	hub.sendMany(t, member, "a", 3)
	path := member.backup(t)
	hub.sendMany(t, member, "b", 4)
	w.restore(t, member, path)
	hub.sendMany(t, member, "c", 2)
	if got := strings.Join(member.diaryOf(t, hub.id), " "); got != "a0 a1 a2 b0 b1 b2 b3 c0 c1" {
		t.Errorf("handled %s", got)
	}
}

// An idle link writes nothing, and a start after a day costs what changed.
func TestAnIdleLinkCostsNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{}
		var frames atomic.Int64
		w.net.Fate = func(_, _ alliance.NodeID, _ string, _ []byte) (int, error) {
			frames.Add(1)
			return 1, nil
		}
		hub, member := w.add(t, db), w.add(t, fresh(t))
		hub.sendMany(t, member, "a", 30)
		member.sendMany(t, hub, "b", 30)
		quiet := func(what string) {
			t.Helper()
			var before [2]store.Counts
			var sent int64
			eventually(t, what+" it becomes quiet", func() bool {
				before, sent = [2]store.Counts{hub.db.Counts(), member.db.Counts()}, frames.Load()
				time.Sleep(400 * time.Millisecond) // much longer than anything is waited for
				return before == [2]store.Counts{hub.db.Counts(), member.db.Counts()} && sent == frames.Load()
			})
		}
		quiet("at first")
		hub.stop()
		member.stop()
		frames.Store(0)
		var sent int
		must(t, hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for sent = range 3 {
				if err := hub.links.Send(ctx, tx, hub.seal(t, fmt.Sprint("c", sent)), member.id); err != nil {
					return err
				}
			}
			return nil
		}))
		w.start(t, member)
		w.start(t, hub)
		eventually(t, "they are delivered", func() bool { return hub.health(t, member.id).Out.Backlog == 0 })
		quiet("after the start")
		// Three messages, their receipts, and at most one for what the receipts of the
		// day before may not have told; on a slow machine some of it twice.
		if got := frames.Load(); got < 4 || got > 16 {
			t.Errorf("it took %d frames", got)
		}
	}, link.Room(), diary())
}
