package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"tocsin/intel"
	"tocsin/memory/ledger"
)

// ledgerSizes are how much the sections about the ledger do.
type ledgerSizes struct {
	keys, peers uint64
	fresh       float64
	dir         string // a folder that the ledger stays in; empty for none
	child       string // this process is the one that is killed: the folder it fills
}

func (s *ledgerSizes) flags() {
	flag.Uint64Var(&s.keys, "ledger-keys", 100_000_000, "observables to fill the ledger with")
	flag.Uint64Var(&s.peers, "ledger-peers", 5_000_000, "observables to fill the ledger and each database with")
	flag.Float64Var(&s.fresh, "ledger-fresh", 0.5, "share of sightings that are of a new observable")
	flag.StringVar(&s.dir, "ledger-dir", "", "folder to keep the ledger in that is alone: what is in it is not filled again but asked only")
	flag.StringVar(&s.child, "ledger-child", "", "used by the benchmark itself")
}

// sightings is about how many are needed for so many observables.
func (s *ledgerSizes) sightings(keys uint64) uint64 { return uint64(float64(keys) / s.fresh) }

// ledgerBatch is how many different observables are committed at once: about
// what two seconds bring at the rates measured.
const ledgerBatch = 200_000

// filler fills a ledger: one goroutine collects a batch while another commits
// the one before.
type filler struct {
	ledger *ledger.Ledger
	cursor uint64
}

// fill adds sightings until there are so many observables, and tells each
// whenever a batch was handed on how many sightings there were so far.
func (f *filler) fill(ctx context.Context, t *traffic, keys uint64, each func(sightings uint64)) error {
	full, empty := make(chan *ledger.Batch), make(chan *ledger.Batch, 2)
	empty <- f.ledger.NewBatch()
	empty <- f.ledger.NewBatch()
	failed := make(chan error, 1)
	go func() {
		defer close(failed)
		for b := range full {
			f.cursor++
			if err := f.ledger.Commit(ctx, b, f.cursor); err != nil {
				failed <- err
				return
			}
			empty <- b
		}
	}()
	for t.made < keys {
		var b *ledger.Batch
		select {
		case b = <-empty:
		case err := <-failed:
			return err
		}
		b.Reset()
		for b.Len() < ledgerBatch && t.made < keys {
			s := t.next()
			b.See(s.source, s.kind, s.value, s.host, s.at)
		}
		select {
		case full <- b:
		case err := <-failed:
			return err
		}
		each(t.n)
	}
	close(full)
	return <-failed
}

// fillUntilKilled is what the process does that the section kills.
func fillUntilKilled(dir string) error {
	l, err := ledger.Open(dir, ledger.Config{NewPerDay: -1})
	if err != nil {
		return err
	}
	f := filler{ledger: l, cursor: l.Cursor()}
	t := newTraffic(1, 1<<40)
	t.made = 1 << 40 // none of those that are in
	return f.fill(context.Background(), t, 1<<63, func(sightings uint64) {
		fmt.Println(sightings) // the parent counts
	})
}

// questions are so many about observables that were seen, and as many about
// such that were not, in turn.
func questions(n int, keys uint64) []ledger.Question {
	all := make([]ledger.Question, n)
	for i := range all {
		id := scatter(uint64(i)) % keys
		if i%2 == 1 {
			id += 1 << 50
		}
		kind, value := observableOf(nil, id)
		all[i] = ledger.Question{Observable: intel.Observable{Kind: kind, Value: string(value)}}
	}
	return all
}

// askAll asks questions and checks that all that were seen are found. Of those
// that were not, some are: two numbers may be one address.
func askAll(ctx context.Context, l *ledger.Ledger, all []ledger.Question) error {
	answers, err := l.Ask(ctx, all)
	if err != nil {
		return err
	}
	found := [2]int{}
	for i, a := range answers {
		if a.Problem != "" {
			return fmt.Errorf("%s: %s", all[i].Observable, a.Problem)
		}
		if a.Seen {
			found[i%2]++
		}
	}
	if found[0] != len(all)/2 || found[1] > len(all)/20 {
		return fmt.Errorf("%d and %d of %d each were found", found[0], found[1], len(all)/2)
	}
	return nil
}

// folderBytes adds up the files below a folder.
func folderBytes(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // removed meanwhile: it holds nothing any more
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}

// since measures from a moment.
type since struct {
	start  time.Time
	before time.Duration
}

func begin() since { return since{time.Now(), used()} }

func (s since) cost() cost { return cost{cpu: used() - s.before, wall: time.Since(s.start)} }
