package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"tocsin/memory/ledger"
)

// What the ledger must reach.
const (
	ledgerRate      = 200_000 // sightings a second, over five minutes
	ledgerKeyBytes  = 40
	ledgerQuestions = 100_000
	ledgerWarm      = 500 * time.Millisecond
	ledgerOpens     = 3 * time.Second
	rateWindow      = 5 * time.Minute
)

// ledgerAlone fills a ledger, compacting as it goes, kills a process that
// fills it further, and asks it questions, cold and warm.
func (b *bench) ledgerAlone(ctx context.Context, _ *stream) (*report, error) {
	r := &report{title: "The ledger alone", unit: "sighting"}
	dir := cmp.Or(b.ledger.dir, filepath.Join(b.work, "ledger"))
	if _, err := os.Stat(dir); err == nil {
		return r, askLedger(ctx, dir, b.ledger.keys, r)
	}
	made, err := b.fillAlone(ctx, dir, r)
	if err != nil {
		return nil, err
	}
	bytes, err := settledBytes(dir)
	if err != nil {
		return nil, err
	}
	r.goals = append(r.goals, goal{text: "bytes on disk for each observable, log included", got: bytes / float64(made), limit: ledgerKeyBytes})
	if err := killed(ctx, dir, r); err != nil {
		return nil, err
	}
	return r, askLedger(ctx, dir, made, r)
}

// fillAlone fills a ledger and reports how fast. It returns how many
// observables were made.
func (b *bench) fillAlone(ctx context.Context, dir string, r *report) (made uint64, err error) {
	l, err := ledger.Open(dir, ledger.Config{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	t := newTraffic(b.ledger.fresh, b.ledger.sightings(b.ledger.keys))
	f := filler{ledger: l}
	watch := rates{}
	start := begin()
	watch.from = start.start
	if err := f.fill(ctx, t, b.ledger.keys, watch.add); err != nil {
		return 0, err
	}
	took := start.cost()
	sightings := float64(t.n)
	r.lines = append(r.lines, line{
		fmt.Sprintf("%d sightings of %d observables, making them up included", t.n, t.made), took, sightings,
		fmt.Sprintf("%.0f/s; slowest five minutes %.0f/s; %.0f/s of one processor", sightings/took.wall.Seconds(), watch.least(took, t.n), sightings/took.cpu.Seconds()),
	})
	start = begin()
	again := newTraffic(b.ledger.fresh, t.n)
	for range 1_000_000 {
		again.next()
	}
	r.lines = append(r.lines, line{"making them up", start.cost(), 1e6, ""})
	r.goals = append(r.goals,
		goal{text: "sightings a second, slowest five minutes", got: watch.least(took, t.n), limit: ledgerRate, atLeast: true},
		goal{
			text: "sightings a second if two processors had nothing else to do", got: 2 * sightings / took.cpu.Seconds(), limit: ledgerRate, atLeast: true,
			measurement: fmt.Sprintf("(%.0f %% of them was to be had)", 100*took.cpu.Seconds()/took.wall.Seconds()/float64(runtime.NumCPU())),
		})
	start = begin()
	if err := l.Compact(ctx); err != nil {
		return 0, err
	}
	r.lines = append(r.lines, line{"putting all in order at once", start.cost(), float64(t.made), "for each observable"})
	return t.made, nil
}

// settledBytes is what a ledger uses on disk once it has removed what it no
// longer needs, which it does when it is opened.
func settledBytes(dir string) (float64, error) {
	l, err := ledger.Open(dir, ledger.Config{})
	if err != nil {
		return 0, err
	}
	if err := l.Close(); err != nil {
		return 0, err
	}
	bytes, err := folderBytes(dir)
	return float64(bytes), err
}

// rates remembers how many sightings there were when.
type rates struct {
	from    time.Time
	windows []float64 // rate of each whole window
	started uint64
}

func (r *rates) add(sightings uint64) {
	if took := time.Since(r.from); took >= rateWindow {
		r.windows = append(r.windows, float64(sightings-r.started)/took.Seconds())
		r.from, r.started = time.Now(), sightings
		fmt.Fprintf(os.Stderr, "ledger-alone: %d sightings, %.0f/s\n", sightings, r.windows[len(r.windows)-1])
	}
}

// least is the lowest rate of a window, of all where there was no whole one.
func (r *rates) least(all cost, sightings uint64) float64 {
	rate := float64(sightings) / all.wall.Seconds()
	if len(r.windows) == 0 {
		return rate
	}
	for i, w := range r.windows {
		if i == 0 || w < rate {
			rate = w
		}
	}
	return rate
}

// killed has another process fill the ledger, kills it, and opens the ledger.
func killed(ctx context.Context, dir string, r *report) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var slowest cost
	for range 3 {
		if err := fillAndKill(ctx, self, dir); err != nil {
			return err
		}
		start := begin()
		l, err := ledger.Open(dir, ledger.Config{})
		if err != nil {
			return fmt.Errorf("open after kill -9: %w", err)
		}
		took := start.cost()
		if took.wall > slowest.wall {
			slowest = took
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	r.lines = append(r.lines, line{"opening after kill -9, slowest of 3", slowest, 1, ""})
	r.goals = append(r.goals, goal{text: "seconds to open after kill -9", got: slowest.wall.Seconds(), limit: ledgerOpens.Seconds(), measurement: fmt.Sprintf("(%.2f of CPU)", slowest.cpu.Seconds())})
	return nil
}

// fillAndKill lets a process commit enough to fill its memory several times,
// and kills it in the middle of more.
func fillAndKill(ctx context.Context, self, dir string) error {
	const enough = 10 * ledgerBatch
	child := exec.CommandContext(ctx, self, "-ledger-child", dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	for in := bufio.NewScanner(out); in.Scan(); {
		if n, err := strconv.Atoi(strings.TrimSpace(in.Text())); err != nil || n >= enough {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		return err
	}
	_ = child.Wait() // it was killed
	if child.ProcessState.Exited() {
		return errors.New("the process that fills the ledger ended by itself")
	}
	return nil
}

// askLedger asks a ledger that has just been opened and none of which is in memory,
// then again and again.
func askLedger(ctx context.Context, dir string, keys uint64, r *report) error {
	all := questions(ledgerQuestions, keys)
	files, err := tables(dir)
	if err != nil {
		return err
	}
	disk, err := randomReads(files, ledgerQuestions/2)
	if err != nil {
		return err
	}
	if err := dropCache(files); err != nil {
		return err
	}
	l, err := ledger.Open(dir, ledger.Config{})
	if err != nil {
		return err
	}
	defer l.Close()
	start := begin()
	if err := askAll(ctx, l, all); err != nil {
		return err
	}
	cold := start.cost()
	warm := cost{wall: 1 << 62}
	for range 5 {
		start = begin()
		if err := askAll(ctx, l, all); err != nil {
			return err
		}
		if took := start.cost(); took.wall < warm.wall {
			warm = took
		}
	}
	n := float64(len(all))
	r.lines = append(r.lines,
		line{"questions, cold", cold, n, ""},
		line{fmt.Sprintf("%d random reads of %d KiB from the same files, cold", ledgerQuestions/2, readBytes>>10), disk, n, ""},
		line{"questions, warm, fastest of 5", warm, n, ""},
	)
	r.goals = append(r.goals,
		goal{text: "seconds for 100,000 questions, warm", got: warm.wall.Seconds(), limit: ledgerWarm.Seconds(), measurement: fmt.Sprintf("(%.2f of CPU)", warm.cpu.Seconds())},
		goal{text: "the same cold against the disk's random reads", got: cold.wall.Seconds() / disk.wall.Seconds(), limit: 2})
	return nil
}
