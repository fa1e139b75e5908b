package answer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

// BenchmarkBoardWhileAnswersArrive is a hub with 10,000 members, 1,000 of which
// answer at once, each in a transaction of its own, while the board is read. It
// reports how long reading took.
func BenchmarkBoardWhileAnswersArrive(b *testing.B) {
	const members, answering, readers = 10_000, 1_000, 4
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		n := newNetwork(b)
		hub := n.party()
		w := wannaCry(hub)
		var all []answer.Expected
		for i := range members {
			all = append(all, answer.Expected{
				Member: nobody(i + 1), Name: fmt.Sprint("member ", i), Sector: fmt.Sprint("sector", i%18), Region: fmt.Sprint("CN-", i%34), Linked: true,
			})
		}
		hub.asks(w, "", all...)
		b.StartTimer()
		took = append(took, hub.flood(b, w, answering, readers)...)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(len(took)), "reads")
}

// flood has members answer at once, and returns how long reading the board took
// meanwhile.
func (p *party) flood(b *testing.B, w alliance.Warning, answers, readers int) (took []time.Duration) {
	b.Helper()
	done := make(chan struct{})
	var reading, writing sync.WaitGroup
	var mu sync.Mutex
	for range readers {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				started := time.Now()
				if _, err := p.Board(context.Background(), w.ID); err != nil {
					b.Error(err)
				}
				mu.Lock()
				took = append(took, time.Since(started))
				mu.Unlock()
			}
		})
	}
	for i := range answers {
		writing.Go(func() {
			a := alliance.Answer{Warning: w.ID, Revision: 1, Member: nobody(i + 1), Sequence: 1, At: p.net.time(), Verdict: alliance.Hit}
			body, err := json.Marshal(a)
			if err == nil {
				in := answer.Received{From: a.Member, Header: envelope.Header{ID: strconv.Itoa(i), Author: a.Member}, Body: body}
				err = p.db.Tx(context.Background(), func(ctx context.Context, tx *store.Tx) error { return p.Answered(ctx, tx, in) })
			}
			if err != nil {
				b.Error(err)
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	if got := p.board(w.ID).Sum.Hit; got != answers {
		b.Errorf("%d answers are on the board, want %d", got, answers)
	}
	return took
}
