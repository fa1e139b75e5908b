package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/crash"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/node"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// crashedNode makes the test program a node that is to be killed.
const crashedNode = "TOCSIN_TEST_NODE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashedNode); dir != "" {
		os.Exit(acceptUntilKilled(dir))
	}
	if dir := os.Getenv(fullNode); dir != "" {
		if err := fillDisk(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// acceptUntilKilled takes events in from several goroutines and says on
// standard output which were acknowledged.
func acceptUntilKilled(dir string) int {
	if err := acceptForEver(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

func acceptForEver(dir string) error {
	m, err := logsource.Load()
	if err != nil {
		return err
	}
	n, err := node.Open(configOf(dir, m))
	if err != nil {
		return err
	}
	if err := detectLookUps(n); err != nil {
		return err
	}
	var one sync.Mutex
	return n.While(context.Background(), func(ctx context.Context) error {
		var group sync.WaitGroup
		for w := range 4 {
			group.Go(func() {
				for i := 0; ; i++ {
					name := fmt.Sprintf("n%d-%d-%d.crash.example", os.Getpid(), w, i)
					source := &telemetry.Source{Name: fmt.Sprintf("writer-%d", w), Format: telemetry.JSON}
					if err := n.Accept(ctx, telemetry.NewLines(source, []byte(lookUp(time.Now(), "pc", name)))); err != nil {
						fmt.Fprintln(os.Stderr, err)
						return
					}
					one.Lock()
					fmt.Println(name)
					one.Unlock()
				}
			})
		}
		group.Wait()
		return nil
	})
}

func detectLookUps(n *node.Node) error {
	file, err := sigma.Parse("rule.yml", []byte(lookUpRule))
	if err != nil {
		return err
	}
	return n.Detect(&node.Rules{Rules: file.Rules})
}

// Whatever was acknowledged before a kill is in the ledger and in the archive
// exactly once, and was found by the rules exactly once.
func TestNothingAcknowledgedIsLostOrDoubledByAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []memory.Question
	kills := crash.Kills(t)
	for range kills {
		crash.Kill(t, crashedNode, dir, rand.IntN(400), func(name string) {
			acknowledged = append(acknowledged, domain(name))
		})
	}
	n := openNode(t, dir)
	if err := detectLookUps(n); err != nil {
		t.Fatal(err)
	}
	stop := running(t, n)
	if err := n.Remembered(t.Context()); err != nil {
		t.Fatal(err)
	}
	told, err := n.Hunt(t.Context(), node.Hunt{Questions: append(acknowledged, domain("crash.example"))})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	if err := n.Findings(0, func(_ uint64, findings []byte) bool {
		found += bytes.Count(findings, []byte{'\n'})
		return true
	}); err != nil {
		t.Fatal(err)
	}
	stop()
	archived := archivedNames(t, dir)
	wrong := 0
	for _, a := range told.Answers[:len(acknowledged)] {
		if a.Count != 1 || archived[a.Question] != 1 {
			wrong++
		}
	}
	all := told.Answers[len(acknowledged)].Count
	t.Logf("%d kills; %d acknowledged; in the ledger %d, in the archive %d, found %d", kills, len(acknowledged), all, len(archived), found)
	if wrong > 0 || int(all) != len(archived) || int(all) != found || int(all) < len(acknowledged) {
		t.Errorf("%d of %d acknowledged events are not in the ledger and the archive exactly once; %d are in the ledger, %d in the archive, %d were found",
			wrong, len(acknowledged), all, len(archived), found)
	}
}

// archivedNames reads from the archive of a node that is closed how often each
// name was looked up.
func archivedNames(t *testing.T, dir string) map[string]int {
	t.Helper()
	m := mappings(t)
	names := intel.NewNames(m.Rewrite)
	a, err := archive.Open(filepath.Join(dir, "memory", "archive"), archive.Config{Names: names, Describe: m.Key, Class: m.Class})
	if err != nil {
		t.Fatal(err)
	}
	var one sync.Mutex
	counts := map[string]int{}
	stats, err := a.Scan(t.Context(), archive.Query{}, names, func() func(*archive.Row) error {
		return func(row *archive.Row) error {
			if err := row.Complete(); err != nil {
				return err
			}
			one.Lock()
			defer one.Unlock()
			for _, f := range row.Fields {
				if value := string(f.Value); strings.HasSuffix(value, ".crash.example") {
					counts[value]++
				}
			}
			return nil
		}
	})
	if err := errors.Join(err, a.Close()); err != nil || stats.Partial {
		t.Fatalf("%v, %+v", err, stats)
	}
	return counts
}
