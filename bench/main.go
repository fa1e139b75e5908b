// Command bench measures Tocsin against other programs and libraries on the
// same rules and events and prints what each costs, as ratios within one run:
// figures from different machines or hours do not compare, ratios do.
//
// It is a module of its own so that the product does not depend on what it is
// measured against.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tocsin/internal/testdata"
)

func main() {
	if err := command(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() error {
	b := bench{}
	flag.StringVar(&b.data, "data", defaultData(), "folder of the data sets")
	flag.StringVar(&b.peers, "peers", "../bin/peers", `folder that "make peers" installed into`)
	flag.StringVar(&b.product, "product", "../bin/tocsin", "the binary of the product")
	flag.IntVar(&b.rounds, "rounds", 5, "runs of each contender; the median counts")
	b.ledger.flags()
	b.alliance.flags()
	flag.IntVar(&b.archived, "archived", 10_000_000, "events in the archive that is hunted in")
	only := flag.String("only", "", "sections to run, by commas: "+strings.Join(names(), ","))
	flag.Parse()
	if b.ledger.child != "" {
		return fillUntilKilled(b.ledger.child)
	}
	if b.alliance.child != "" {
		return beMembers(b.alliance.child)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return b.run(ctx, *only)
}

// bench is what every section needs.
type bench struct {
	data, peers, product string
	rounds               int
	ledger               ledgerSizes
	alliance             allianceSizes
	archived             int
	work                 string // a temporary folder
}

// section measures one thing.
type section struct {
	name string
	run  func(*bench, context.Context, *stream) (*report, error)
	// alone says that it needs no stream of events.
	alone bool
}

func sections() []section {
	return []section{
		{name: "decoding", run: (*bench).decoding},
		{name: "matching", run: (*bench).matching},
		{name: "evtx", run: (*bench).binaryLogs},
		{name: "watch", run: (*bench).watching},
		{name: "intake", run: (*bench).taking},
		{name: "pressure", run: (*bench).pressing},
		{name: "indicators", run: (*bench).indicators},
		{name: "ledger", run: (*bench).ledgerBesideSQL, alone: true},
		{name: "ledger-alone", run: (*bench).ledgerAlone, alone: true},
		{name: "archive", run: (*bench).archiving},
		{name: "surge", run: (*bench).surge, alone: true},
		{name: "alliance", run: (*bench).alliances, alone: true},
	}
}

func names() []string {
	var all []string
	for _, s := range sections() {
		all = append(all, s.name)
	}
	return all
}

func (b *bench) run(ctx context.Context, only string) (err error) {
	wanted := names()
	if only != "" {
		wanted = strings.Split(only, ",")
	}
	if b.work, err = os.MkdirTemp("", "tocsin-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	s, err := b.stream(ctx, wanted)
	if err != nil {
		return err
	}
	missed := 0
	for _, section := range sections() {
		if !slices.Contains(wanted, section.name) {
			continue
		}
		r, err := section.run(b, ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", section.name, err)
		}
		r.print(os.Stdout)
		for _, g := range r.goals {
			if !g.reached() {
				missed++
			}
		}
	}
	if missed > 0 {
		return fmt.Errorf("%d goals not reached", missed)
	}
	return nil
}

// stream makes the events that the wanted sections measure with, if any.
func (b *bench) stream(ctx context.Context, wanted []string) (*stream, error) {
	if !slices.ContainsFunc(sections(), func(s section) bool { return !s.alone && slices.Contains(wanted, s.name) }) {
		return nil, nil
	}
	files, err := samples(b.data, "evtx-attack-samples", ".evtx")
	if err != nil {
		return nil, err
	}
	s, err := attackStream(ctx, files, b.peer("bin/evtx_dump"))
	if err != nil {
		return nil, fmt.Errorf(`make the stream of events: %w (is "make peers" done?)`, err)
	}
	fmt.Printf("%d events (%d different), %s, %d processors, median of %d runs\n",
		int(s.events()), len(s.lines), runtime.Version(), runtime.NumCPU(), b.rounds)
	return s, nil
}

func (b *bench) peer(path string) string { return filepath.Join(b.peers, filepath.FromSlash(path)) }

// defaultData is the data folder as the tests find it; relative paths there
// count from the repository root, one above this module.
func defaultData() string {
	dir := os.Getenv(testdata.DataVariable)
	switch {
	case dir == "":
		return "../../shared/data"
	case filepath.IsAbs(dir):
		return dir
	default:
		return filepath.Join("..", dir)
	}
}
