package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Past saturation: so many senders send as fast as they are answered, for so long,
// to a node whose journal is small enough to be full soon.
const (
	pressureSenders = 8
	pressureFor     = time.Minute
	pressureConfig  = "memory: {journal_bytes: 268435456}\n"
	// pressureBodies are the different requests that each sender sends in turn.
	pressureBodies = 16
	// sampleEvery is how often the node's memory is read.
	sampleEvery = 250 * time.Millisecond
)

// What a node may hold at once by its settings: requests being read, events put
// and not yet archived, a segment being merged, and the ledger's cache and tables
// in memory. The garbage collector lets as much again lie before it collects.
const (
	settingsBytes  = 256<<20 + 2*128<<20 + 256<<20 + 512<<20 + 2*16<<20
	garbageFactor  = 2
	steadyAtMost   = 1.15 // of the last quarter against the second
	quartersOfTime = 4
)

// pressing sends more than a node takes and measures what its process holds: it is
// to slow senders down and stay within its limits, however long that goes on.
func (b *bench) pressing(ctx context.Context, s *stream) (*report, error) {
	n, err := b.startNode(ctx, "pressing", pressureConfig)
	if err != nil {
		return nil, err
	}
	defer n.stop()
	before := resident(n.cmd.Process.Pid)
	started := time.Now()
	ctx, cancel := context.WithDeadline(ctx, started.Add(pressureFor))
	defer cancel()
	var p pressure
	samples := make(chan []int64, 1)
	go func() { samples <- sampleResident(ctx, n.cmd.Process.Pid) }()
	if err := p.send(ctx, n, s); err != nil {
		return nil, err
	}
	took := time.Since(started)
	held := <-samples
	n.stop()
	quarter := len(held) / quartersOfTime
	if quarter == 0 {
		return nil, errors.New("the node's memory could not be read")
	}
	limit := float64(before) + garbageFactor*settingsBytes
	taken := float64(p.taken.Load()) * intakeBatch
	return &report{
		title: "Past saturation", unit: "event",
		lines: []line{{
			name:  fmt.Sprintf("tocsin up, %d senders over _bulk as fast as they are answered, a journal of 256 MiB", pressureSenders),
			cost:  cost{cpu: n.used, wall: took, memory: n.peak()},
			units: taken,
			note: fmt.Sprintf("%.0f events a second taken; %d requests told to come again; resident MB before %.0f, in the last quarter %.0f, limit %.0f",
				taken/took.Seconds(), p.refused.Load(), float64(before)/1e6, mean(held[len(held)-quarter:])/1e6, limit/1e6),
		}},
		goals: []goal{
			{text: "requests told to come again (429, 503)", got: float64(p.refused.Load()), limit: 1, atLeast: true},
			{text: "peak resident memory of its limit", got: float64(maximum(held)) / limit, limit: 1},
			{text: "resident memory in the last quarter of the second", got: mean(held[len(held)-quarter:]) / mean(held[quarter:2*quarter]), limit: steadyAtMost},
		},
	}, nil
}

// pressure counts what became of requests.
type pressure struct{ taken, refused atomic.Int64 }

// send lets every sender send until ctx ends.
func (p *pressure) send(ctx context.Context, n *takingNode, s *stream) error {
	var senders sync.WaitGroup
	failed := make(chan error, pressureSenders)
	for sender := range pressureSenders {
		senders.Go(func() {
			if err := p.sender(ctx, n, requestsOf(s, sender)); err != nil {
				failed <- err
			}
		})
	}
	senders.Wait()
	close(failed)
	return <-failed
}

func (p *pressure) sender(ctx context.Context, n *takingNode, bodies [][]byte) error {
	for i := 0; ; i++ {
		status, err := n.post(ctx, bodies[i%len(bodies)])
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case status == http.StatusOK:
			p.taken.Add(1)
		case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
			p.refused.Add(1)
			time.Sleep(100 * time.Millisecond)
		default:
			return fmt.Errorf("_bulk answers %d", status)
		}
	}
}

// requestsOf makes the requests of a sender.
func requestsOf(s *stream, sender int) (bodies [][]byte) {
	for i := range pressureBodies {
		var body bytes.Buffer
		for k := range intakeBatch {
			fmt.Fprintf(&body, "{\"create\":{\"_index\":\"sender-%d\"}}\n", sender)
			body.Write(s.lines[((sender*pressureBodies+i)*intakeBatch+k)%len(s.lines)])
			body.WriteByte('\n')
		}
		bodies = append(bodies, body.Bytes())
	}
	return bodies
}

// sampleResident reads a process's memory again and again until ctx ends.
func sampleResident(ctx context.Context, pid int) (all []int64) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return all
		case <-tick.C:
			all = append(all, resident(pid))
		}
	}
}

func mean(all []int64) float64 {
	sum := 0.0
	for _, n := range all {
		sum += float64(n)
	}
	return sum / float64(len(all))
}

func maximum(all []int64) (most int64) {
	for _, n := range all {
		most = max(most, n)
	}
	return most
}
