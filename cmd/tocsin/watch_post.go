package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tocsin/client"
	"tocsin/detect"
	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/internal/output"
)

const (
	// postAtOnce bounds what is posted at once: some 500 KB.
	postAtOnce = 500
	// postBytes bounds the bodies of what is posted at once. The node takes 16 MiB,
	// and a sign of a body may become six on the way.
	postBytes = 2 << 20
	// postWithin is how long a finding waits for others to be posted with.
	postWithin = time.Second
	// postQueue bounds what waits while the node is away; then the watch waits too.
	postQueue = 10_000
	// postAgain is how long after a refusal to try again, and postAgainMost how long
	// that may become.
	postAgain     = time.Second
	postAgainMost = 30 * time.Second
	// postPatience is how long a node may be away before a watch that is to end
	// gives up; one that follows waits for ever.
	postPatience = 5 * time.Minute
)

// poster posts what a watch finds to a node, which makes alerts of it. A finding
// is named by what it says: one that is posted again counts once.
type poster struct {
	to       *client.Client
	notes    io.Writer
	patience time.Duration // 0 is for ever
	encode   func([]byte, *detect.Finding) []byte

	queue chan incident.Finding
	done  chan struct{}

	mu     sync.Mutex
	failed error           // guarded by mu: why posting ended
	raised incident.Raised // guarded by mu
}

// newPoster begins posting; stop ends it.
func newPoster(ctx context.Context, to *client.Client, notes io.Writer, patience time.Duration) *poster {
	p := &poster{
		to: to, notes: notes, patience: patience, encode: encodeFinding(),
		queue: make(chan incident.Finding, postQueue), done: make(chan struct{}),
	}
	go p.run(ctx)
	return p
}

// add hands a finding over. The error is why none can be posted any more.
func (p *poster) add(f *detect.Finding) error {
	finding, err := readFinding(p.encode(nil, f))
	if err != nil {
		return err
	}
	finding.Body = bytes.Clone(finding.Body)
	if !alerting(&finding) {
		return nil
	}
	select {
	case p.queue <- finding:
		return nil
	case <-p.done:
		return p.err()
	}
}

// stop posts what is left, and returns what became of all.
func (p *poster) stop() (incident.Raised, error) {
	close(p.queue)
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raised, p.failed
}

func (p *poster) err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// run posts until the queue is closed, or the node refuses.
func (p *poster) run(ctx context.Context) {
	defer close(p.done)
	for {
		batch, more := p.batch()
		if len(batch) > 0 {
			raised, err := p.post(ctx, batch)
			p.mu.Lock()
			p.raised.New += raised.New
			p.raised.Grown += raised.Grown
			p.raised.Known += raised.Known
			p.raised.Suppressed += raised.Suppressed
			p.raised.Opened = append(p.raised.Opened, raised.Opened...)
			p.failed = err
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
		if !more {
			return
		}
	}
}

// batch waits for findings; more is false once the last is among them.
func (p *poster) batch() (batch []incident.Finding, more bool) {
	first, ok := <-p.queue
	if !ok {
		return nil, false
	}
	batch = append(batch, first)
	size := len(first.Body)
	late := time.After(postWithin)
	for len(batch) < postAtOnce && size < postBytes {
		select {
		case f, ok := <-p.queue:
			if !ok {
				return batch, false
			}
			batch = append(batch, f)
			size += len(f.Body)
		case <-late:
			return batch, true
		}
	}
	return batch, true
}

// post posts a batch, again and again while the node is away.
func (p *poster) post(ctx context.Context, batch []incident.Finding) (raised incident.Raised, err error) {
	in := struct {
		Findings []incident.Finding `json:"findings"`
	}{batch}
	began, wait, told := time.Now(), postAgain, false
	for {
		err = p.to.Post(ctx, "/api/v1/alerts/findings", in, &raised)
		if !errors.Is(err, fault.Unavailable) || ctx.Err() != nil || p.patience > 0 && time.Since(began) > p.patience {
			return raised, err
		}
		if !told {
			fmt.Fprintf(p.notes, "tocsin: %d findings wait to be posted: %v\n", len(batch), err)
			told = true
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return raised, ctx.Err()
		}
		wait = min(2*wait, postAgainMost)
	}
}

// posting is a watch's flags that have findings posted.
type posting struct {
	Node string `help:"Also post findings to the running node at this address, which makes alerts of them; rules of level informational are left out." placeholder:"URL"`
	credentials
}

// begin begins posting where that is wanted; nil is not.
func (p *posting) begin(ctx context.Context, c *console, follow bool) (*poster, error) {
	to, err := (&asking{Node: p.Node, credentials: p.credentials}).client()
	if err != nil || to == nil {
		return nil, err
	}
	patience := postPatience
	if follow {
		patience = 0
	}
	return newPoster(ctx, to, c.err, patience), nil
}

// finish says what became of the findings; a nil poster has posted none.
func (p *poster) finish(c *console) error {
	if p == nil {
		return nil
	}
	raised, err := p.stop()
	if err != nil {
		return fmt.Errorf("post findings: %w", err)
	}
	_, err = fmt.Fprintf(c.err, "tocsin: posted: %s, %d grown, %d findings known, %d suppressed, %s opened\n",
		output.Count(raised.New, "new alert", "new alerts"), raised.Grown, raised.Known, raised.Suppressed, output.Count(len(raised.Opened), "incident", "incidents"))
	return err
}
