//go:build unix

package link_test

import (
	"context"
	"strconv"
	"syscall"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/link"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// sink is a carrier that takes everything at once, as a bus does that is in this
// process; nobody is behind it.
type sink struct{ done chan struct{} }

func (s sink) Publish(context.Context, alliance.NodeID, string, []byte) error {
	s.done <- struct{}{}
	return nil
}
func (s sink) Fetch(context.Context, alliance.NodeID, string) ([]byte, error) { return nil, nil }
func (s sink) Generation(alliance.NodeID) string                              { return "sink" }

// One message to a thousand neighbours: what the transaction costs, until when the
// carrier has all of them, and the processor's time for each neighbour.
func BenchmarkThousandNeighbours(b *testing.B) {
	db := storetest.Open(b, storetest.SQLite(b), link.Room())
	identity := newIdentity(b, b.TempDir())
	blobs, err := store.OpenBlobs(b.TempDir())
	must(b, err)
	carrier := sink{make(chan struct{}, 1000)}
	links, err := link.New(link.Config{
		DB: db, Identity: identity, Ring: envelope.Passports{}, Blobs: blobs, Carrier: carrier,
		Neighbour: func(context.Context, *store.Tx, alliance.NodeID) (link.Role, bool, error) {
			return link.Below, true, nil
		},
	})
	must(b, err)
	var to []alliance.NodeID
	for i := range 1000 {
		to = append(to, alliance.NodeOf([]byte(strconv.Itoa(i))))
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- links.Run(ctx) }()
	n := &node{db: db, identity: identity, links: links}
	var inTx, all time.Duration
	before, rounds := processor(b), 0
	for b.Loop() {
		e := n.seal(b, large(20<<10)) // some 200 indicators
		start := time.Now()
		n.send(b, e, to...)
		inTx += time.Since(start)
		for range to {
			<-carrier.done
		}
		all += time.Since(start)
		rounds++
	}
	used := processor(b) - before
	cancel()
	must(b, <-ended)
	b.ReportMetric(float64(inTx.Milliseconds())/float64(rounds), "ms/send")
	b.ReportMetric(float64(all.Milliseconds())/float64(rounds), "ms/all-published")
	b.ReportMetric(float64(used.Microseconds())/float64(rounds)/float64(len(to)), "µs-cpu/neighbour")
}

// processor returns the processor's time that this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
