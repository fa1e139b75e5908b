package node_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tocsin/internal/backup"
	"tocsin/internal/datadir"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/telemetry"
)

// While events come in as fast as they can, backups are made: in each, whatever
// was acknowledged before it began is in ledger, archive and findings exactly
// once.
func TestBackupHoldsWhatWasAcknowledgedBeforeItExactlyOnce(t *testing.T) {
	t.Parallel()
	n := openNode(t, t.TempDir())
	if err := detectLookUps(n); err != nil {
		t.Fatal(err)
	}
	stop := running(t, n)
	senders := newSending(n)
	ctx, end := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for w := range 3 {
		group.Go(func() { senders.run(ctx, t, w) })
	}
	for round := range 3 {
		senders.wait(200 * (round + 1))
		before := senders.names()
		if round == 1 { // what is compacted and archived meanwhile must not disturb it
			group.Go(func() { _ = n.Compact(ctx) })
		}
		var file bytes.Buffer
		parts := []backup.Part{{Name: "memory", Snapshot: n.Snapshot}}
		if _, err := backup.Write(t.Context(), &file, backup.About{Program: "test", Format: 1, Created: time.Now()}, parts); err != nil {
			t.Fatal(err)
		}
		heldOnce(t, &file, before)
	}
	end()
	group.Wait()
	stop()
}

// sending is senders that note what was acknowledged.
type sending struct {
	node *node.Node

	mu    sync.Mutex
	more  *sync.Cond
	acked []memory.Question // guarded by mu
}

func newSending(n *node.Node) *sending {
	s := &sending{node: n}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *sending) run(ctx context.Context, t *testing.T, w int) {
	t.Helper()
	source := &telemetry.Source{Name: fmt.Sprintf("writer-%d", w), Format: telemetry.JSON}
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("n%d-%d.crash.example", w, i)
		if err := s.node.Accept(ctx, telemetry.NewLines(source, []byte(lookUp(time.Now(), "pc", name)))); err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		s.mu.Lock()
		s.acked = append(s.acked, domain(name))
		s.more.Broadcast()
		s.mu.Unlock()
	}
}

func (s *sending) names() []memory.Question {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]memory.Question(nil), s.acked...)
}

// wait waits until so many were acknowledged.
func (s *sending) wait(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.acked) < n {
		s.more.Wait()
	}
}

// heldOnce restores a backup and asks the node of it.
func heldOnce(t *testing.T, file *bytes.Buffer, acknowledged []memory.Question) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "restored")
	layout := &datadir.Layout{Version: 1}
	if _, err := backup.Restore(t.Context(), file, backup.Into{Dir: dir, Layout: layout}); err != nil {
		t.Fatal(err)
	}
	n := openNode(t, dir)
	if err := detectLookUps(n); err != nil {
		t.Fatal(err)
	}
	defer running(t, n)()
	told, err := n.Hunt(t.Context(), node.Hunt{Questions: append(acknowledged, domain("crash.example"), memory.Question{Text: "rule", Rule: lookUpRule})})
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, a := range told.Answers[:len(acknowledged)] {
		if a.Count != 1 {
			wrong++
		}
	}
	all, archived := told.Answers[len(acknowledged)], told.Answers[len(acknowledged)+1]
	found := 0
	if err := n.Findings(0, func(_ uint64, findings []byte) bool {
		found += bytes.Count(findings, []byte{'\n'})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged before; in the ledger %d, in the archive %d, found %d", len(acknowledged), all.Count, archived.Count, found)
	if wrong > 0 || all.Count != archived.Count || all.Count != uint64(found) || all.Count < uint64(len(acknowledged)) {
		t.Errorf("%d of %d acknowledged events are not in the ledger exactly once; %d are in the ledger, %d in the archive, %d were found",
			wrong, len(acknowledged), all.Count, archived.Count, found)
	}
}
