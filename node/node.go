package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tocsin/detect"
	"tocsin/detect/indicator"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/lockfile"
	"tocsin/memory"
	"tocsin/memory/archive"
	"tocsin/memory/coverage"
	"tocsin/memory/ledger"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// Config is what a node needs to know. Dir, Mappings and Encode must be set;
// the rest may be zero.
type Config struct {
	// Dir is the data directory: memory and findings live below it.
	Dir      string
	Mappings *logsource.Mappings
	Memory   Memory
	// Workers is how many goroutines decode, match and remember; 0 means one a
	// core.
	Workers int
	// Encode appends a finding as it is to be kept and read.
	Encode func(to []byte, f *detect.Finding) []byte
	// Found is told of every finding after it is kept; Heard of every run of
	// events of a source; Malformed of every record that could not be read. Each
	// may be nil, must not wait long, and is called by one goroutine at a time.
	Found     func(*detect.Finding)
	Heard     func(Heard)
	Malformed func(reason string, record *telemetry.Block)
	// Asked is told of every event that answers a question of a warning (Ask), after
	// it is remembered, and Past that something was remembered which was not watched,
	// as what Ingest brings; like Found.
	Asked func(AskedFinding)
	Past  func()
	// Log is told what an operator should know.
	Log *slog.Logger
	// Prepare is called once the data directory is the node's alone and before
	// anything in it is opened: it may refuse it, or bring it up to date. May be
	// nil.
	Prepare func(dir string) error
	// Metrics is where the node and its memory count; nil counts nowhere.
	Metrics prometheus.Registerer
}

// Memory is how much a node remembers, and for how long.
type Memory struct {
	JournalBytes int64         `yaml:"journal_bytes"` // what may wait to be remembered; 0: 4 GiB
	CacheBytes   int64         `yaml:"cache_bytes"`   // memory for the ledger; 0: 512 MiB
	Ledger       time.Duration `yaml:"ledger"`        // how long observables are remembered; 0: for ever
	LedgerBytes  int64         `yaml:"ledger_bytes"`  // how much it may take on disk; 0: no limit
	Archive      time.Duration `yaml:"archive"`       // how long events are kept; 0: for ever
	ArchiveBytes int64         `yaml:"archive_bytes"` // how much the archive may take on disk; 0: no limit
	FreeBytes    uint64        `yaml:"free_bytes"`    // how much of the disk the ledger leaves free; 0: 1 GiB
	NewPerDay    int64         `yaml:"new_per_day"`   // new observables a source may bring a day; 0: 10 million
}

// Heard is a run of events of one source.
type Heard struct {
	Source   *telemetry.Source
	Events   uint64
	Bytes    uint64
	Newest   time.Time // the latest time that an event says; zero when none does
	Problems []telemetry.Problem
}

// Node takes telemetry in, watches and remembers it, and answers questions
// about it. It is safe for concurrent use.
type Node struct {
	config   Config
	log      *slog.Logger
	lock     *lockfile.Lock
	names    *intel.Names
	memory   *memory.Memory
	coverage *coverage.Rules
	metrics  *metrics

	findings  *findingLog // owned by Run
	detection atomic.Pointer[detection]
	asked     atomic.Pointer[asking] // nil while no warning asks

	// trimming is held while the journal is trimmed, and by Ingest while what it
	// appended is not yet known to have come.
	trimming sync.Mutex

	mu      sync.Mutex
	through uint64        // guarded by mu: the journal's entry up to which Run has come
	moved   chan struct{} // guarded by mu: closed when through changes
}

// detection is rules ready to be asked, replaced whole.
type detection struct{ detector *detect.Detector }

// Open opens the node of a data directory, which is made when it is not there.
// The error is fault.Conflict, and says who, when another process has it.
func Open(c Config) (n *Node, err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	rules, err := coverage.Load()
	if err != nil {
		return nil, err
	}
	c.Metrics = prometheus.WrapRegistererWithPrefix("tocsin_", c.Metrics)
	n = &Node{coverage: rules, config: c, log: c.Log, names: intel.NewNames(c.Mappings.Rewrite), moved: make(chan struct{})}
	if n.lock, err = lockfile.Take(filepath.Join(c.Dir, "lock")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if err := n.Say(""); err != nil {
		return n, err
	}
	if err := n.prepare(); err != nil {
		return n, err
	}
	if n.memory, err = memory.Open(filepath.Join(c.Dir, MemoryFolder), n.memoryConfig()); err != nil {
		return n, err
	}
	if n.findings, err = openFindings(filepath.Join(c.Dir, FindingsFolder), c.Encode, n.counting("findings")); err != nil {
		return n, err
	}
	n.metrics = n.newMetrics(c.Metrics)
	n.findings.before = max(n.findings.cursor, n.memory.Ledger.Cursor())
	n.through = n.start()
	return n, n.Detect(nil)
}

// prepare makes the data directory ready to be opened.
func (n *Node) prepare() error {
	if n.config.Prepare != nil {
		if err := n.config.Prepare(n.config.Dir); err != nil {
			return err
		}
	}
	return sweep(n.config.Dir)
}

// counting is where a journal counts: there are two, told apart by a label.
func (n *Node) counting(what string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"of": what}, n.config.Metrics)
}

func (n *Node) memoryConfig() memory.Config {
	c := memory.Config{
		Ledger:  ledger.Config{CacheBytes: n.config.Memory.CacheBytes, NewPerDay: n.config.Memory.NewPerDay, FreeBytes: n.config.Memory.FreeBytes},
		Archive: archive.Config{Names: n.names, Describe: n.config.Mappings.Key, Class: n.config.Mappings.Class},
		Log:     n.log,
	}
	c.Ledger.Metrics, c.Archive.Metrics = n.config.Metrics, n.config.Metrics
	c.Journal.MaxBytes, c.Journal.Metrics = n.config.Memory.JournalBytes, n.counting("telemetry")
	return c
}

func (n *Node) workers() int {
	if n.config.Workers > 0 {
		return n.config.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// Say writes into the lock who has the data directory, for the one that is
// refused: with the address, where there is one, to ask the node at.
func (n *Node) Say(address string) error {
	who := fmt.Sprintf("process %d", os.Getpid())
	if address != "" {
		who += ", a running node: ask it with --node " + address
	}
	return n.lock.Say(who)
}

// Close gives everything back. Run must have returned.
func (n *Node) Close() error {
	var errs []error
	if n.findings != nil {
		errs = append(errs, n.findings.log.Close())
	}
	if n.memory != nil {
		errs = append(errs, n.memory.Close())
	}
	return errors.Join(append(errs, n.lock.Release())...)
}

// Rules are what a node asks of every event.
type Rules struct {
	Rules        []*sigma.Rule
	Correlations []*sigma.Correlation
	// Indicators are matched beside them, and may be replaced while they are; nil
	// for none. FreeText also looks for them in text whose parts are not known.
	Indicators *indicator.Live
	FreeText   bool
}

// Detect makes the node ask these rules from now on, and no longer those it had
// before; what is being worked on is finished with the old ones. Without rules
// it detects nothing.
func (n *Node) Detect(rules *Rules) error {
	if rules == nil {
		rules = &Rules{}
	}
	detector, err := detect.New(rules.Rules, rules.Correlations, n.names)
	if err != nil {
		return err
	}
	if rules.Indicators != nil {
		detector = detector.WithIndicators(rules.Indicators, rules.FreeText)
	}
	n.detection.Store(&detection{detector})
	return nil
}

// The marks that stand before a block in the journal.
const (
	markLive   = 'l' // to be watched and remembered
	markPast   = 'p' // to be remembered only
	markNoted  = 'n' // as live, behind the length of a note, and the note
	markLength = 1
)

// Accept takes a block in for good: when it returns nil, the block is on disk,
// and its events are watched and remembered whatever happens to the process.
// The error is fault.Unavailable when the sender has to try again later.
func (n *Node) Accept(ctx context.Context, b *telemetry.Block) error {
	_, err := n.AcceptNoted(ctx, b, nil)
	return err
}

func appendEntry(to []byte, mark byte, b *telemetry.Block) ([]byte, error) {
	return b.AppendBinary(append(to, mark))
}

func parseEntry(entry []byte) (mark byte, b *telemetry.Block, err error) {
	if len(entry) < markLength || (entry[0] != markLive && entry[0] != markPast && entry[0] != markNoted) {
		return 0, nil, fmt.Errorf("an entry of the journal that this version does not know: %w", fault.Invalid)
	}
	mark = entry[0]
	if mark == markNoted {
		mark = markLive
	}
	_, block, err := splitNote(entry)
	if err == nil {
		b, err = telemetry.ReadBlock(block)
	}
	return mark, b, err
}

// start returns the journal's entry up to which nothing is left to do. Findings
// are kept before an entry goes to the ledger, so they are never behind it.
func (n *Node) start() uint64 { return min(n.memory.Ledger.Cursor(), n.memory.Archive.Cursor()) }

// came says that Run has worked on everything up to an entry.
func (n *Node) came(through uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.through = through
	close(n.moved)
	n.moved = make(chan struct{})
}

// Remembered waits until everything that is on disk now has been worked on, so
// that an answer rests on all that was acknowledged. It returns the error of
// ctx when that comes first.
func (n *Node) Remembered(ctx context.Context) error {
	last := n.memory.Journal.Last()
	for {
		n.mu.Lock()
		through, moved := n.through, n.moved
		n.mu.Unlock()
		if through >= last {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
