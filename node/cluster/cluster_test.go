package cluster_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/testdata"
	"tocsin/node/cluster"
)

// batchMessages is how many messages of a partition are in flight at most: see
// the package's documentation.
const batchMessages = 16

// field is a cluster as processes: an intake, three workers, and the test
// itself as a serving node.
type field struct {
	servers []*testdata.NATS
	serve   *cluster.Cluster
	intake  *process
	workers map[string]*process
	dirs    map[string]string
}

func newField(t *testing.T, dieAt map[string]int) *field {
	t.Helper()
	return newFieldAt(t, []*testdata.NATS{testdata.StartNATS(t, "")}, dieAt)
}

// newFieldAt has the stream on each of the servers.
func newFieldAt(t *testing.T, servers []*testdata.NATS, dieAt map[string]int) *field {
	t.Helper()
	f := &field{servers: servers, workers: map[string]*process{}, dirs: map[string]string{}}
	f.serve = open(t, f.child(cluster.Serve, "").config())
	for _, name := range []string{"a", "b", "c"} {
		f.dirs[name] = t.TempDir()
		f.work(t, name, dieAt[name])
	}
	f.intake = start(t, f.child(cluster.Intake, "intake"))
	f.shared(t, 3)
	return f
}

// child is a process that knows all servers.
func (f *field) child(role cluster.Role, name string) child {
	var urls []string
	for _, s := range f.servers {
		urls = append(urls, s.URL())
	}
	return child{Role: role, Name: name, URL: strings.Join(urls, ","), Replicas: len(urls)}
}

func (f *field) work(t *testing.T, name string, dieAt int) {
	t.Helper()
	c := f.child(cluster.Worker, name)
	c.Dir, c.DieAt = f.dirs[name], dieAt
	f.workers[name] = start(t, c)
}

// shared waits until so many workers have all partitions, evenly.
func (f *field) shared(t *testing.T, workers int) {
	t.Helper()
	wait(t, fmt.Sprintf("%d workers that share the partitions", workers), func() bool {
		n, partitions := 0, 0
		for _, m := range f.serve.State(t.Context()).Workers {
			partitions += len(m.Partitions)
			if m.Live && len(m.Partitions) >= 8/workers {
				n++
			}
		}
		return n == workers && partitions == 8
	})
}

// ask asks all workers, and expects an answer of these and none of those.
func (f *field) ask(t *testing.T, answer, missing []string) {
	t.Helper()
	replies, silent, err := f.serve.Ask(t.Context(), "count", nil)
	if err != nil {
		t.Fatal(err)
	}
	var answered, gone []string
	for _, r := range replies {
		answered = append(answered, r.Worker)
		if n, err := strconv.Atoi(string(r.Data)); err != nil || n == 0 {
			t.Errorf("worker %s says %q", r.Worker, r.Data)
		}
	}
	for _, m := range silent {
		gone = append(gone, m.Worker)
	}
	if !slices.Equal(answered, answer) || !slices.Equal(gone, missing) {
		t.Errorf("%v answered and %v are missing, want %v and %v", answered, silent, answer, missing)
	}
}

// publish sends n blocks of many sources and returns their ids; does is called
// when so many have been kept.
func (f *field) publish(t *testing.T, n int, does map[int]func()) []string {
	t.Helper()
	go func() {
		for i := range n {
			size := 1000 + i%5*3000
			if i%97 == 5 {
				size = 3 << 20 // in parts
			}
			fmt.Fprintf(f.intake.stdin, "source-%d id-%d %d\n", i%24, i, size)
		}
	}()
	var ids []string
	for len(ids) < n && f.intake.lines.Scan() {
		ids = append(ids, f.intake.lines.Text())
		if do := does[len(ids)]; do != nil {
			do()
		}
	}
	if len(ids) != n {
		t.Fatalf("%d of %d blocks were kept", len(ids), n)
	}
	return ids
}

// finish waits until everything has been taken and ends the processes.
func (f *field) finish(t *testing.T) {
	t.Helper()
	wait(t, "an empty stream", func() bool {
		s := f.serve.State(t.Context())
		return s.Problem == "" && s.Backlog.Messages == 0
	})
	f.intake.end(t)
	for _, p := range f.workers {
		p.end(t)
	}
}

// compare returns the ids that are in journals twice, and fails the test for
// those in none.
func (f *field) compare(t *testing.T, published []string) (twice map[string][]string) {
	t.Helper()
	where := map[string][]string{}
	for name, dir := range f.dirs {
		ids := journaled(t, dir)
		t.Logf("worker %s: %d blocks in its journal", name, len(ids))
		if len(ids) == 0 {
			t.Errorf("worker %s took nothing", name)
		}
		for _, id := range ids {
			where[id] = append(where[id], name)
		}
	}
	lost := 0
	for _, id := range published {
		if len(where[id]) == 0 {
			lost++
		}
	}
	if lost > 0 || len(where) != len(published) {
		t.Errorf("%d of %d blocks were lost; %d are in the journals", lost, len(published), len(where))
	}
	twice = map[string][]string{}
	for id, names := range where {
		if len(names) > 1 {
			twice[id] = names
		}
	}
	return twice
}

// An intake publishes, a worker of three is killed in the middle, others take
// over, and it starts again.
func TestNothingIsLostWhenAWorkerIsKilled(t *testing.T) {
	t.Parallel()
	f := newField(t, nil)
	ids := f.publish(t, 600, map[int]func(){
		200: f.workers["a"].kill,
		350: func() {
			f.shared(t, 2)
			f.ask(t, []string{"b", "c"}, []string{"a"})
		},
		400: func() { f.work(t, "a", 0) },
		500: func() {
			f.shared(t, 3)
			f.ask(t, []string{"a", "b", "c"}, nil)
		},
	})
	f.finish(t)
	twice := f.compare(t, ids)
	t.Logf("%d of %d blocks are there twice", len(twice), len(ids))
	if most := 3 * batchMessages; len(twice) > most { // it had three partitions at most
		t.Errorf("%d blocks are there twice, at most %d may be", len(twice), most)
	}
	for id, names := range twice {
		if len(names) > 2 || !slices.Contains(names, "a") {
			t.Errorf("block %s is in the journals of %v", id, names)
		}
	}
}

// A worker that dies at the worst moment, with a block in its journal of which
// nobody heard, is the one way to count it twice when another takes over.
func TestBlockCountsTwiceOnlyWhenAWorkerDiesBeforeItsAcknowledgement(t *testing.T) {
	t.Parallel()
	f := newField(t, map[string]int{"b": 20})
	ids := f.publish(t, 300, map[int]func(){290: func() { f.shared(t, 2) }})
	_ = f.workers["b"].cmd.Wait()
	delete(f.workers, "b")
	f.finish(t)
	twice := f.compare(t, ids)
	t.Logf("%d of %d blocks are there twice", len(twice), len(ids))
	if len(twice) < 1 || len(twice) > 3*batchMessages {
		t.Errorf("%d blocks are there twice, want 1 to %d", len(twice), 3*batchMessages)
	}
	for id, names := range twice {
		if len(names) != 2 || !slices.Contains(names, "b") {
			t.Errorf("block %s is in the journals of %v", id, names)
		}
	}
}

// A worker that is started again at once goes on where it was: what it had
// noted it does not take again.
func TestWorkerStartedAgainTakesWhatItHasOnlyOnce(t *testing.T) {
	t.Parallel()
	f := newField(t, map[string]int{"c": 20})
	died := make(chan struct{})
	go func() {
		_ = f.workers["c"].cmd.Wait()
		close(died)
	}()
	ids := f.publish(t, 300, map[int]func(){250: func() {
		<-died
		f.work(t, "c", 0)
	}})
	f.finish(t)
	twice := f.compare(t, ids)
	t.Logf("%d of %d blocks are there twice", len(twice), len(ids))
	if len(twice) < 1 || len(twice) > 3 { // a block of each of its partitions
		t.Errorf("%d blocks are there twice, want 1 to 3", len(twice))
	}
	for id, names := range twice {
		if !slices.Contains(names, "c") {
			t.Errorf("block %s is in the journals of %v", id, names)
		}
	}
}

// Of three servers that keep everything each, one is killed in the middle of
// intake, and comes back: what is published meanwhile is kept by the others.
func TestNothingIsLostWhenAServerOfThreeIsKilled(t *testing.T) {
	t.Parallel()
	servers := testdata.StartNATSCluster(t, 3)
	f := newFieldAt(t, servers, nil)
	killed := servers[0] // whom the clients spoke to first
	ids := f.publish(t, 300, map[int]func(){
		100: killed.Kill,
		200: func() { killed.Again(t) },
		250: func() { f.shared(t, 3) },
	})
	f.finish(t)
	twice := f.compare(t, ids)
	t.Logf("%d of %d blocks are there twice: %v", len(twice), len(ids), twice)
	// A worker that does not hear in time from the servers that are left may
	// lose its leases to another: then as when it dies.
	if most := 8 * batchMessages; len(twice) > most {
		t.Errorf("%d blocks are there twice, at most %d may be", len(twice), most)
	}
}
