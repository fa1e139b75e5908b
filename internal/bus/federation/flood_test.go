package federation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"tocsin/internal/bus/federation"
	"tocsin/internal/fault"
)

// One member that sends as much as its line takes, of everything it may and of
// what it may not, costs the others nothing they notice.
func TestFloodOfOneMemberIsItsOwnTrouble(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	atGood, atHub := newLog(), newLog()
	good := member(t, h, "good")
	receive(t, good, atGood)
	background(t, func(ctx context.Context) error {
		return h.Receive(ctx, func(ctx context.Context, member, id string, _ []byte) error {
			if member == "good" {
				atHub.add(id)
				return nil
			}
			<-ctx.Done() // so that the rest has to wait
			return ctx.Err()
		})
	})
	config := admit(t, h, "flood")
	conn, _ := hostile(t, config)
	body := make([]byte, 16<<10)
	background(t, func(ctx context.Context) error {
		for n := 0; ctx.Err() == nil; n++ {
			for _, subject := range []string{"up.flood", "next.flood", "get.flood", "up.good"} {
				_ = conn.PublishMsg(&nats.Msg{
					Subject: subject, Reply: "_INBOX_flood.x", Data: body,
					Header: nats.Header{"Tocsin-Id": {strconv.Itoa(n)}, "Tocsin-Position": {"1.1"}},
				})
			}
		}
		return nil
	})
	const rounds = 20
	var want []string
	for n := range rounds {
		id := fmt.Sprintf("%02d", n)
		want = append(want, id)
		publish(t, h, "good", id, "")
		if err := good.Publish(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := atHub.wait(t, rounds); !slices.Equal(unique(got), want) {
		t.Errorf("the hub got %q", got)
	}
	if got := atGood.wait(t, rounds); len(unique(got)) != rounds {
		t.Errorf("the member got %q", got)
	}
	until(t, "what is refused is counted", func() bool {
		health, err := h.Health(t.Context())
		return err == nil && health.Refused > 0
	})
	if err := h.Expel(t.Context(), "flood"); err != nil {
		t.Fatal(err)
	}
	until(t, "it is gone", func() bool { _, ok := h.Connected("flood"); return !ok })
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	good := member(t, h, "good")
	collect(t, h, newLog())
	for _, size := range []int{0, 1, federation.MaxBody} {
		if err := good.Publish(t.Context(), "x", make([]byte, size)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if err := h.Publish(t.Context(), "good", strconv.Itoa(size), make([]byte, size)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	large := make([]byte, federation.MaxBody+1)
	for what, err := range map[string]error{
		"a body of the hub":    h.Publish(t.Context(), "good", "y", large),
		"a body of the member": good.Publish(t.Context(), "y", large),
		"a body for all":       h.PublishAll(large),
		"an id with a space":   h.Publish(t.Context(), "good", "a b", nil),
		"no id":                good.Publish(t.Context(), "", nil),
		"a name with a dot":    h.Publish(t.Context(), "a.b", "y", nil),
		"a name with a star":   h.Suspend(t.Context(), "*"),
	} {
		if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// One member has few connections; the hub closes the others.
	config := admit(t, h, "many")
	var many []*federation.Member
	for range 20 {
		many = append(many, dial(t, config))
	}
	until(t, "most are closed", func() bool {
		open := slices.DeleteFunc(slices.Clone(many), func(m *federation.Member) bool { return !m.State().Connected })
		return len(open) <= 8
	})
	if !good.State().Connected {
		t.Errorf("the other is %+v", good.State())
	}
}

// A hub that cannot handle something is told it again, and what it refuses for
// good is not.
func TestRefusedMessagesComeAgain(t *testing.T) {
	t.Parallel()
	h := open(t, t.TempDir())
	m := member(t, h, "m")
	tries := newLog()
	background(t, func(ctx context.Context) error {
		return h.Receive(ctx, func(_ context.Context, _, id string, _ []byte) error {
			tries.add(id)
			switch {
			case id == "bad":
				return fmt.Errorf("signature of %s: %w", id, fault.Forbidden)
			case len(tries.all()) < 3:
				return errors.New("secret: the disk is full")
			}
			return nil
		})
	})
	if err := m.Publish(t.Context(), "good", nil); err != nil {
		t.Error(err)
	}
	if got := tries.all(); len(got) != 3 {
		t.Errorf("tried %q", got)
	}
	if err := m.Publish(t.Context(), "bad", nil); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "signature of bad") {
		t.Errorf("%v", err)
	}
	if got := tries.all(); len(got) != 4 {
		t.Errorf("tried %q", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Request(ctx, nil); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "the hub does not") {
		t.Errorf("a question that nobody answers: %v", err)
	}

	// And the same the other way.
	publish(t, h, "m", "1", "")
	publish(t, h, "m", "2", "")
	l := newLog()
	background(t, func(ctx context.Context) error {
		return m.Receive(ctx, func(_ context.Context, id string, _ []byte) error {
			l.add(id)
			if len(l.all()) < 3 {
				return errors.New("the database is locked")
			}
			return nil
		})
	})
	if got := l.wait(t, 4); !slices.Equal(got, []string{"1", "1", "1", "2"}) {
		t.Errorf("the member got %q", got)
	}
}
