package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tocsin/api"
	"tocsin/detect/indicator"
)

// lookEvery is how often a node looks whether the installed indicators changed:
// soon enough for a person who installed some.
const lookEvery = 2 * time.Second

// indicatorsInForce keeps what a node matches the same as what is installed,
// whoever installs it.
type indicatorsInForce struct {
	console *console
	log     *slog.Logger
	flags   *indicatorFlags
	live    *indicator.Live

	mu    sync.Mutex
	state string                 // guarded by mu: of what is in force
	left  *api.RemovedIndicators // guarded by mu: what of it is not matched
}

// refresh puts what is installed in force, as a whole, when it changed.
func (i *indicatorsInForce) refresh() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	sets, err := i.console.indicators().List()
	if err != nil {
		return err
	}
	state := fmt.Sprint(sets)
	if state == i.state {
		return nil
	}
	loaded, err := i.flags.load(i.console)
	if err != nil {
		return err
	}
	var compiled *indicator.Set // nil matches nothing
	if loaded.live != nil {
		compiled = loaded.live.Load()
	}
	i.live.Store(compiled)
	i.state, i.left = state, loaded.left
	for _, note := range loaded.notes {
		i.log.Info("indicators", slog.String("note", note))
	}
	i.log.Info("indicators are in force", slog.Int("sets", len(sets)))
	return nil
}

// removed returns what is installed and not matched.
func (i *indicatorsInForce) removed() *api.RemovedIndicators {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.left
}

// run looks for changes until ctx ends.
func (i *indicatorsInForce) run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := i.refresh(); err != nil {
			i.log.Error("the installed indicators cannot be put in force; the old ones stay", slog.Any("error", err))
		}
	}
}
