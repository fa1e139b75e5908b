package link_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/link"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// weather decides what becomes of frames.
type weather struct {
	mu     sync.Mutex
	dice   *rand.Rand
	storm  bool
	parted map[string]bool // "from to": nothing passes
	limbo  []held
}

type held struct {
	from, to alliance.NodeID
	data     []byte
}

var errStorm = errors.New("the carrier did not say what became of it")

// fate loses, repeats and holds back frames, and lies about it.
func (w *weather) fate(from, to alliance.NodeID, _ string, data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.parted[string(from)+" "+string(to)]:
		return 0, errStorm
	case !w.storm:
		return 1, nil
	}
	switch w.dice.IntN(8) {
	case 0:
		return 0, nil // lost, though it said otherwise
	case 1:
		return 0, errStorm // lost
	case 2:
		return 1, errStorm // arrived, though it said otherwise
	case 3:
		return 2, nil
	case 4, 5:
		w.limbo = append(w.limbo, held{from, to, slices.Clone(data)})
		return 0, nil
	default:
		return 1, nil
	}
}

// release brings what was held back, in any order.
func (w *weather) release(ctx context.Context, deliver func(ctx context.Context, from, to alliance.NodeID, data []byte) error) {
	w.mu.Lock()
	late := w.limbo
	w.limbo = nil
	w.dice.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
	w.mu.Unlock()
	for _, h := range late {
		_ = deliver(ctx, h.from, h.to, h.data) // as well as it can
	}
}

func (w *weather) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.storm, w.parted = false, map[string]bool{}
}

// Whatever is lost, repeated, reordered or cut off, and however often nodes start
// anew: each message has its effect once, in the order in which it was sent.
func TestEachEffectIsThereOnceAndInOrderWhateverHappens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		sky := &weather{dice: rand.New(rand.NewPCG(1, 2)), parted: map[string]bool{}}
		w := &world{}
		w.net.Fate = sky.fate
		nodes := []*node{w.add(t, db), w.add(t, storetest.Open(t, storetest.SQLite(t), link.Room(), diary())), w.add(t, storetest.Open(t, storetest.SQLite(t), link.Room(), diary()))}
		sent := map[string][]string{} // by "from to"
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			sky.mu.Lock()
			sky.dice = rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "dice"), 0))
			sky.mu.Unlock()
			anyone := rapid.IntRange(0, len(nodes)-1)
			rt.Repeat(map[string]func(*rapid.T){
				"send": func(rt *rapid.T) {
					from := nodes[anyone.Draw(rt, "from")]
					var to []alliance.NodeID
					for _, other := range nodes {
						if other != from && rapid.Bool().Draw(rt, "to") {
							to = append(to, other.id)
						}
					}
					for range rapid.IntRange(1, 5).Draw(rt, "messages") {
						n++
						body := strconv.Itoa(n)
						from.send(t, from.seal(t, body), to...)
						for _, id := range to {
							sent[string(from.id+" "+id)] = append(sent[string(from.id+" "+id)], body)
						}
					}
				},
				"storm": func(rt *rapid.T) {
					sky.mu.Lock()
					defer sky.mu.Unlock()
					sky.storm = rapid.Bool().Draw(rt, "storm")
				},
				"part": func(rt *rapid.T) {
					a, b := nodes[anyone.Draw(rt, "a")].id, nodes[anyone.Draw(rt, "b")].id
					sky.mu.Lock()
					defer sky.mu.Unlock()
					sky.parted[string(a+" "+b)] = rapid.Bool().Draw(rt, "parted")
				},
				"release": func(*rapid.T) { sky.release(t.Context(), w.net.Deliver) },
				"start anew": func(rt *rapid.T) {
					one := nodes[anyone.Draw(rt, "node")]
					one.stop()
					w.start(t, one)
				},
			})
			sky.calm()
			sky.release(t.Context(), w.net.Deliver)
			for _, from := range nodes {
				for _, to := range nodes {
					want := strings.Join(sent[string(from.id+" "+to.id)], " ")
					await(t, func() string { return strings.Join(to.diaryOf(t, from.id), " ") }, want)
				}
			}
		})
	}, link.Room(), diary())
}

// await waits until something is as it should be.
func await(tb testing.TB, get func() string, want string) {
	tb.Helper()
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := get()
		if got == want {
			return
		}
		if time.Now().After(until) {
			tb.Fatalf("handled %s\nwant    %s", got, want)
		}
	}
}

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		fmt.Fprintln(os.Stderr, beStation(text))
		os.Exit(1)
	}
	// A check takes as long as the last message that was lost is waited for.
	_ = flag.Set("rapid.checks", "5")
	os.Exit(m.Run())
}
