package node

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tocsin/detect"
	"tocsin/detect/indicator"
	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

// blocksPerWorker bounds how many blocks are under way: enough that neither
// the reader nor a worker waits for the other, few enough that memory does not
// depend on the input's size.
const blocksPerWorker = 4

// progressEvery is how often Progress is told.
const progressEvery = 200 * time.Millisecond

// Watch reads telemetry and asks every rule of every event. The zero value
// with Paths, Rules and Mappings is ready.
type Watch struct {
	Paths  []string
	Stdin  io.Reader
	Follow bool

	Rules        []*sigma.Rule
	Correlations []*sigma.Correlation
	Mappings     *logsource.Mappings
	// Indicators are matched beside the rules; may be nil. The set in force may be
	// replaced while the watch runs.
	Indicators *indicator.Live
	// FreeText also looks for indicators in text whose parts are not known.
	FreeText bool

	// Workers is how many goroutines decode and match; 0 means one a core.
	Workers int
	// Since and Until leave out events before and from then on, where set.
	// Events that do not say when they happened are kept, and counted.
	Since, Until time.Time
	// Naive asks each rule by itself instead of all of them together: slow,
	// obviously right, and to the same result.
	Naive bool
	// Brief leaves out the whole events of findings (detect.Finding.Event), for
	// callers that show only what matched.
	Brief bool
	// Progress is told every 200 ms, from a goroutine of its own, and once at
	// the end; may be nil.
	Progress func(Progress)
}

// piece is a block with its place in the order of the input.
type piece struct {
	block *telemetry.Block
	order uint64
}

// outcome is what became of a piece.
type outcome struct {
	order    uint64
	source   *telemetry.Source
	problems []telemetry.Problem
	findings []*detect.Finding
	tally
}

// Run watches to the end of the input, or with Follow until ctx ends. It calls
// found from one goroutine, in the order of the input whatever the number of
// workers. It returns what was covered also when it fails; it fails with the
// error of found, or of ctx.
func (w *Watch) Run(ctx context.Context, found func(*detect.Finding) error) (Summary, error) {
	started := time.Now()
	names := intel.NewNames(w.Mappings.Rewrite)
	detector, err := detect.New(w.Rules, w.Correlations, names)
	if err != nil {
		return Summary{}, err
	}
	if w.Indicators != nil {
		detector = detector.WithIndicators(w.Indicators, w.FreeText)
	}
	run := &watching{
		Watch:    w,
		names:    names,
		detector: detector,
		reader:   &telemetry.Reader{Paths: w.Paths, Stdin: w.Stdin, Follow: w.Follow},
		covered:  newCovered(),
	}
	stop := run.tellProgress()
	err = run.pipeline(ctx, found)
	stop()
	if w.Follow && errors.Is(err, context.Canceled) {
		err = nil // the ordinary end of following
	}
	return run.summary(started), err
}

// watching is one run of a Watch.
type watching struct {
	*Watch
	names    *intel.Names
	detector *detect.Detector
	reader   *telemetry.Reader
	covered  *covered // owned by the goroutine that puts outcomes in order

	eventsRead, findingsTold atomic.Uint64 // for Progress
}

func (w *watching) workers() int {
	if w.Workers > 0 {
		return w.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// pipeline is the map of the flow: one goroutine reads blocks, workers decode
// and match them, and this one puts the outcomes in order and hands them on.
func (w *watching) pipeline(ctx context.Context, found func(*detect.Finding) error) error {
	workers := w.workers()
	underWay := make(chan struct{}, blocksPerWorker*workers) // full: the reader waits
	pieces := make(chan piece, blocksPerWorker*workers)
	outcomes := make(chan outcome, blocksPerWorker*workers)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pieces)
		order := uint64(0)
		return w.reader.Run(ctx, func(b *telemetry.Block) error {
			select {
			case underWay <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			pieces <- piece{b, order} // has room for all that may be under way
			order++
			return nil
		})
	})
	var working sync.WaitGroup
	for range workers {
		working.Add(1)
		group.Go(func() error {
			defer working.Done()
			worker := w.newWorker()
			for p := range pieces {
				outcomes <- worker.work(p)
			}
			return nil
		})
	}
	group.Go(func() error {
		working.Wait()
		close(outcomes)
		return nil
	})
	group.Go(func() error {
		return w.inOrder(outcomes, underWay, cancel, found)
	})
	err := group.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause // what made the others stop, not that they did
	}
	return err
}

// inOrder takes outcomes as they come and hands them on in the order of the
// input. After an error it cancels the others and only drains, so that nobody
// waits for it.
func (w *watching) inOrder(outcomes <-chan outcome, underWay <-chan struct{}, cancel context.CancelCauseFunc, found func(*detect.Finding) error) error {
	var failed error
	next := uint64(0)
	early := map[uint64]outcome{}
	sink := w.detector.NewSink(!w.Follow)
	for o := range outcomes {
		early[o.order] = o
		for {
			o, ok := early[next]
			if !ok {
				break
			}
			delete(early, next)
			next++
			<-underWay
			if failed != nil {
				continue
			}
			if failed = w.take(o, sink, found); failed != nil {
				cancel(failed)
			}
		}
	}
	if failed != nil {
		return failed
	}
	err := w.deliver(sink.Close(), found)
	w.covered.correlations = sink.Stats()
	return err
}
