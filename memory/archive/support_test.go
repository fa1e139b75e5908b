package archive_test

import (
	"context"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tocsin/intel"
	"tocsin/memory/archive"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(redactFolder); dir != "" {
		fmt.Fprintln(os.Stderr, redactChild(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(fullFolder); dir != "" {
		if err := childOnFullDisk(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Properties write files and wait until they are on disk; more checks can be
	// asked for on the command line.
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// world is what reading telemetry and an archive need together.
type world struct {
	mappings *logsource.Mappings
	names    *intel.Names
}

// loaded are the mappings, which take longer to compile than most tests take.
var loaded = sync.OnceValues(func() (*logsource.Mappings, error) { return logsource.Load() })

func newWorld(tb testing.TB) *world {
	tb.Helper()
	mappings, err := loaded()
	if err != nil {
		tb.Fatal(err)
	}
	return &world{mappings, intel.NewNames(mappings.Rewrite)}
}

// bareClass is of events of no known log source.
var bareClass = &intel.Class{}

// bare is a world without mappings, for processes that a test starts again and
// again: mappings take a second to compile, and many under the race detector.
func bare() *world { return &world{names: intel.NewNames(nil)} }

func (w *world) config() archive.Config {
	if w.mappings == nil {
		return archive.Config{
			Names: w.names, Describe: func(*intel.Class) string { return "" }, Class: func(string) *intel.Class { return bareClass },
		}
	}
	return archive.Config{Names: w.names, Describe: w.mappings.Key, Class: w.mappings.Class}
}

// open opens an archive that the test's end closes.
func (w *world) open(tb testing.TB, dir string, change func(*archive.Config)) *archive.Archive {
	tb.Helper()
	c := w.config()
	if change != nil {
		change(&c)
	}
	a, err := archive.Open(dir, c)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := a.Close(); err != nil {
			tb.Errorf("close the archive: %v", err)
		}
	})
	return a
}

// read calls visit with every event of the paths.
func (w *world) read(tb testing.TB, visit func(*telemetry.Event), paths ...string) {
	tb.Helper()
	reader := telemetry.Reader{Paths: paths}
	decoder := telemetry.NewDecoder(w.mappings, w.names)
	err := reader.Run(tb.Context(), func(b *telemetry.Block) error {
		defer b.Release()
		_, err := decoder.Decode(b, func(e *telemetry.Event) error {
			visit(e)
			return nil
		})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// put archives the events of the paths, a hundred to an entry, and returns how
// many they are.
func (w *world) put(tb testing.TB, a *archive.Archive, paths ...string) int {
	tb.Helper()
	const perEntry = 100
	entry, count := a.Cursor()+1, 0
	batch := a.NewBatch()
	next := func() {
		a.Put(entry, batch)
		if err := commit(a, entry); err != nil {
			tb.Fatal(err)
		}
		entry, batch = entry+1, a.NewBatch()
	}
	w.read(tb, func(e *telemetry.Event) {
		batch.Add(e)
		if count++; count%perEntry == 0 {
			next()
		}
	}, paths...)
	next()
	if err := a.Flush(); err != nil {
		tb.Fatal(err)
	}
	return count
}

// scan collects what visit makes of every row, with one worker.
func scan[T any](tb testing.TB, a *archive.Archive, q archive.Query, names *intel.Names, visit func(*archive.Row) T) ([]T, archive.ScanStats) {
	tb.Helper()
	var all []T
	stats, err := a.Scan(context.WithoutCancel(tb.Context()), q, names, func() func(*archive.Row) error {
		return func(r *archive.Row) error {
			all = append(all, visit(r))
			return nil
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all, stats
}

func castagnoli(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

// commit is what a node does after it has put.
func commit(a *archive.Archive, cursor uint64) error {
	a.Commit(cursor)
	return a.Settle()
}
