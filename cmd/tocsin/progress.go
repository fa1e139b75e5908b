package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tocsin/node"

	"tocsin/internal/output"
)

// progress is a bar on a terminal with rate and time left, which is gone when
// the watch ends.
type progress struct {
	container *mpb.Progress
	bar       *mpb.Bar
	started   time.Time

	mu   sync.Mutex
	last node.Progress // guarded by mu
}

// startProgress shows nothing when it is not to show.
func startProgress(ctx context.Context, to *os.File, shown bool) *progress {
	p := &progress{started: time.Now()}
	if !shown {
		return p
	}
	p.container = mpb.NewWithContext(context.WithoutCancel(ctx), mpb.WithOutput(to), mpb.WithWidth(columnsOf(to)), mpb.WithRefreshRate(refresh))
	p.bar = p.container.New(0, mpb.BarStyle().Lbound("").Rbound("").Filler("━").Tip("━").Padding("─"),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(p.done)),
		mpb.AppendDecorators(decor.Any(p.rate)),
	)
	return p
}

// refresh is how often the bar is drawn: as often as progress is told.
const refresh = 200 * time.Millisecond

// tell takes what node.Watch says.
func (p *progress) tell(now node.Progress) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	p.last = now
	p.mu.Unlock()
	if now.Total > 0 {
		p.bar.SetTotal(int64(now.Total)+1, false) // never complete by itself
		p.bar.SetCurrent(int64(min(now.Done, now.Total)))
	}
}

func (p *progress) stop() {
	if p.bar == nil {
		return
	}
	p.bar.SetTotal(-1, true)
	p.container.Wait()
}

func (p *progress) state() node.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

func (p *progress) done(decor.Statistics) string {
	now := p.state()
	if now.Total == 0 {
		return "reading "
	}
	const percent = 100
	return fmt.Sprintf("%3d%% ", min(percent, percent*now.Done/now.Total))
}

func (p *progress) rate(decor.Statistics) string {
	now, seconds := p.state(), time.Since(p.started).Seconds()
	text := fmt.Sprintf(" %s events/s · %s", thousands(float64(now.Events)/max(seconds, 0.001)), output.Count(int(now.Findings), "finding", "findings"))
	if now.Total > 0 && now.Done > 0 && now.Done < now.Total {
		left := time.Duration(seconds * float64(now.Total-now.Done) / float64(now.Done) * float64(time.Second))
		text += fmt.Sprintf(" · %s left", left.Round(time.Second))
	}
	return text
}

// thousands writes a rate shortly: 912, 8.4 k, 310 k.
func thousands(n float64) string {
	const thousand = 1000
	switch {
	case n < thousand:
		return fmt.Sprintf("%.0f", n)
	case n < 10*thousand:
		return fmt.Sprintf("%.1f k", n/thousand)
	}
	return fmt.Sprintf("%.0f k", n/thousand)
}

// poll asks for progress as often as the bar is drawn, until the function that
// it returns is called.
func (p *progress) poll(ask func() node.Progress) (stop func()) {
	if p.bar == nil {
		return func() {}
	}
	done := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(refresh)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.tell(ask())
			}
		}
	})
	return func() {
		close(done)
		asking.Wait()
	}
}
