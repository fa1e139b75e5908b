package federation

import (
	"context"
	"sync"
)

// crew does the work of many members with few goroutines: one at a time for each
// member, the members in turn. A member that is called while its turn runs has
// another. Nothing waits in it but names, so it cannot be flooded.
type crew struct {
	most int
	work func(ctx context.Context, member string)

	mu     sync.Mutex
	start  func() // starts a goroutine; nil before begin and after end
	ready  []string
	phases map[string]phase
	active int
	group  sync.WaitGroup
}

type phase uint8

const (
	waiting phase = iota + 1
	working
	again // working, and called since
)

func newCrew(most int, work func(ctx context.Context, member string)) *crew {
	return &crew{most: most, work: work, phases: map[string]phase{}}
}

// begin lets the crew work until end; what was called before is done now.
func (c *crew) begin(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = func() { c.group.Go(func() { c.run(ctx) }) }
	for range c.ready {
		c.hire()
	}
}

// end waits for what is being worked on, whose ctx must have ended.
func (c *crew) end() {
	c.mu.Lock()
	c.start = nil
	c.mu.Unlock()
	c.group.Wait()
}

// call gives a member a turn.
func (c *crew) call(member string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phases[member] {
	case 0:
		c.phases[member] = waiting
		c.ready = append(c.ready, member)
		c.hire()
	case working:
		c.phases[member] = again
	}
}

// hire starts one more goroutine if there may be one; it is called with mu held.
func (c *crew) hire() {
	if c.start == nil || c.active >= c.most {
		return
	}
	c.active++
	c.start()
}

func (c *crew) run(ctx context.Context) {
	for {
		member, ok := c.take(ctx)
		if !ok {
			return
		}
		c.work(ctx, member)
		c.done(member)
	}
}

func (c *crew) take(ctx context.Context) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ready) == 0 || ctx.Err() != nil || c.start == nil {
		c.active--
		return "", false
	}
	member := c.ready[0]
	c.ready[0] = ""
	c.ready = c.ready[1:]
	c.phases[member] = working
	return member, true
}

func (c *crew) done(member string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phases[member] == again {
		c.phases[member] = waiting
		c.ready = append(c.ready, member)
		return
	}
	delete(c.phases, member)
}
