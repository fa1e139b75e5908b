package journal_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"

	"tocsin/internal/crash"
	"tocsin/memory/journal"
)

// crashVariable makes the test program a writer that is to be killed.
const crashVariable = "TOCSIN_TEST_JOURNAL"

// writeUntilKilled appends from several goroutines and says on standard output
// what was acknowledged.
func writeUntilKilled(dir string) {
	j, err := journal.Open(dir, journal.Config{SegmentBytes: 4096})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	var one sync.Mutex
	var group sync.WaitGroup
	for w := range 4 {
		group.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%d.%d.%d", os.Getpid(), w, i)
				n, err := j.Append(context.Background(), []byte(text))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				one.Lock()
				fmt.Printf("%d %s\n", n, text)
				one.Unlock()
			}
		})
	}
	group.Wait()
}

// What was acknowledged before a kill at any moment is read afterwards.
func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for range crash.Kills(t) {
		crash.Kill(t, crashVariable, dir, rand.IntN(2000), func(line string) { acknowledged[line] = true })
	}
	j := open(t, dir, journal.Config{})
	defer closed(t, j)
	list, lost := all(t, j, 0)
	found := map[string]bool{}
	for _, e := range list {
		found[e] = true
	}
	missing := 0
	for e := range acknowledged {
		if !found[e] {
			missing++
		}
	}
	if missing > 0 || lost > 0 || len(found) != len(list) {
		t.Errorf("%d of %d acknowledged entries are missing, %d lost, %d read of which %d are different", missing, len(acknowledged), lost, len(list), len(found))
	}
	t.Logf("%d acknowledged, %d read", len(acknowledged), len(list))
}
