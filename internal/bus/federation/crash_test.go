package federation_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/internal/bus/federation"
	"tocsin/internal/crash"
)

// hubVariable makes the test program a hub that publishes to one member, on and
// on, and says what is stored. It names a folder; the first number is in a file
// there.
const hubVariable = "TOCSIN_FEDERATION_HUB"

func beHub(dir string) {
	first, err := os.ReadFile(filepath.Join(dir, "first"))
	if err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(string(first))
	if err != nil {
		panic(err)
	}
	h, err := federation.OpenHub(context.Background(), federation.HubConfig{Dir: dir, Listen: federation.Listen{Address: "127.0.0.1:0"}})
	if err != nil {
		panic(err)
	}
	for ; ; n++ {
		id := fmt.Sprintf("%06d", n)
		if err := h.Publish(context.Background(), "m", id, []byte("x")); err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
}

// A hub that is killed at any moment has what it said it has, and a member gets
// it in order.
func TestNothingStoredIsLostWhenTheHubIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	config := admit(t, h, "m")
	h.Close()
	var said []string
	for n := range crash.Kills(t) {
		first := strconv.Itoa(n * 1000)
		if err := os.WriteFile(filepath.Join(dir, "first"), []byte(first), 0o600); err != nil {
			t.Fatal(err)
		}
		crash.Kill(t, hubVariable, dir, 5+n, func(line string) { said = append(said, line) })
	}
	h = open(t, dir)
	config.URLs = h.URLs()
	l := newLog()
	receive(t, dial(t, config), l)
	last := said[len(said)-1]
	until(t, "the last has come", func() bool { return slices.Contains(l.all(), last+" x") })
	var got []string
	for _, line := range l.all() {
		id, _, _ := strings.Cut(line, " ")
		got = append(got, id)
	}
	if !slices.IsSorted(got) {
		t.Errorf("not in order: %q", got)
	}
	for _, id := range said {
		if !slices.Contains(got, id) {
			t.Errorf("%s was stored and did not come", id)
		}
	}
}

// A member goes on where it was when its hub is there again, and what was
// stored for it while it was away comes once, in order.
func TestHubStartsAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	address := strings.TrimPrefix(h.URLs()[0], "tls://")
	here, away, l := member(t, h, "here"), admit(t, h, "away"), newLog()
	receive(t, here, l)
	var want []string
	send := func(from, to int) {
		for i := from; i < to; i++ {
			for _, name := range []string{"here", "away"} {
				publish(t, h, name, strconv.Itoa(i), "x")
			}
			want = append(want, strconv.Itoa(i)+" x")
		}
	}
	send(0, 100)
	l.wait(t, 100)
	h.Close()
	until(t, "the link is down", func() bool { return !here.State().Connected })
	h = openWith(t, federation.HubConfig{Dir: dir, Listen: federation.Listen{Address: address}})
	send(100, 150)
	if got := l.wait(t, 150); !slices.Equal(got, want) {
		t.Errorf("who was there got %q", got)
	}
	if b, err := h.Backlog(t.Context(), "away"); err != nil || b.Messages != 150 || b.Oldest.IsZero() {
		t.Errorf("backlog %+v, %v", b, err)
	}
	late := newLog()
	receive(t, dial(t, away), late)
	if got := late.wait(t, 150); !slices.Equal(got, want) {
		t.Errorf("who was away got %q", got)
	}
	until(t, "nothing is stored any more", func() bool {
		health, err := h.Health(t.Context())
		return err == nil && health.Messages == 0 && len(health.Backlog) == 0 && health.Connected == 2
	})
}

// When the folder of the streams is lost, members take what is published anew.
func TestStreamMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := open(t, dir)
	address := strings.TrimPrefix(h.URLs()[0], "tls://")
	l := newLog()
	receive(t, member(t, h, "m"), l)
	for i := range 20 {
		publish(t, h, "m", strconv.Itoa(i), "x")
	}
	l.wait(t, 20)
	h.Close()
	if err := os.RemoveAll(filepath.Join(dir, "streams")); err != nil {
		t.Fatal(err)
	}
	h = openWith(t, federation.HubConfig{Dir: dir, Listen: federation.Listen{Address: address}})
	publish(t, h, "m", "new", "x")
	if got := l.wait(t, 21); got[20] != "new x" {
		t.Errorf("got %q", got[20:])
	}
}
