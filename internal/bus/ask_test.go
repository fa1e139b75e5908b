package bus_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/internal/bus"
	"tocsin/internal/fault"
)

// answer answers as a worker until the test ends.
func answer(t *testing.T, s *bus.Stream, worker string, fn func(context.Context, []byte) ([]byte, error)) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Answer(ctx, worker, "hunt", fn); err != nil {
			t.Error(err)
		}
	})
	end = sync.OnceFunc(func() {
		cancel()
		group.Wait()
	})
	t.Cleanup(end)
	return end
}

// until asks again until the answer is as wanted: a worker begins when it begins.
func until(t *testing.T, s *bus.Stream, question []byte, ok func([]bus.Reply, []bus.Missing) bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		replies, missing, err := s.Ask(t.Context(), "hunt", question)
		if err == nil && ok(replies, missing) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d replies, missing %v, %v", len(replies), missing, err)
		}
	}
}

func TestQuestionGoesToAllAndSaysWhoIsMissing(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{})
	if _, _, err := s.Ask(t.Context(), "hunt", nil); !errors.Is(err, fault.NotFound) {
		t.Errorf("without workers: %v", err)
	}
	l := newLog()
	for _, name := range []string{"a", "b", "c", "d"} {
		consume(t, s, name, l.add)
	}
	large := bytes.Repeat([]byte("indicator "), 300_000)
	greet := func(name string) func(context.Context, []byte) ([]byte, error) {
		return func(_ context.Context, q []byte) ([]byte, error) { return append([]byte(name+" "), q...), nil }
	}
	answer(t, s, "a", greet("a"))
	endB := answer(t, s, "b", greet("b"))
	answer(t, s, "c", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("the ledger is closed") })
	for _, question := range [][]byte{[]byte("short"), large} {
		until(t, s, question, func(replies []bus.Reply, missing []bus.Missing) bool {
			if len(replies) != 2 || len(missing) != 2 {
				return false
			}
			return string(replies[0].Data) == "a "+string(question) && string(replies[1].Data) == "b "+string(question) &&
				missing[0].Worker == "c" && strings.Contains(missing[0].Err.Error(), "the ledger is closed") &&
				missing[1].Worker == "d" && strings.Contains(missing[1].Err.Error(), "not connected")
		})
	}
	endB()
	until(t, s, []byte("x"), func(replies []bus.Reply, missing []bus.Missing) bool {
		return len(replies) == 1 && len(missing) == 3
	})
}

// An answer may take longer than the silence after which a worker is taken for
// dead, and its work ends when nobody waits for it any more.
func TestLongAnswerIsWaitedForAndEndsWithItsAsker(t *testing.T) {
	t.Parallel()
	s := stream(t, embed(t), bus.StreamConfig{})
	consume(t, s, "a", newLog().add)
	started, ended := make(chan struct{}, 1), make(chan struct{})
	answer(t, s, "a", func(ctx context.Context, _ []byte) ([]byte, error) {
		started <- struct{}{}
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-started
		cancel()
	}()
	for ctx.Err() == nil {
		if _, missing, err := s.Ask(ctx, "hunt", nil); err == nil && len(missing) != 1 {
			t.Error("an answer came")
		}
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the work goes on though nobody waits")
	}
}
