package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/telemetry"
)

// following runs a reader that follows dir and collects what it hands on.
type following struct {
	t      *testing.T
	dir    string
	cancel context.CancelFunc
	ended  chan error

	mu   sync.Mutex
	data map[string]string // by file name; guarded by mu
	told []string          // problems; guarded by mu
}

func follow(t *testing.T, dir string) *following {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &following{t: t, dir: dir, cancel: cancel, ended: make(chan error, 1), data: map[string]string{}}
	r := &telemetry.Reader{Paths: []string{dir}, Follow: true}
	go func() {
		f.ended <- r.Run(ctx, func(b *telemetry.Block) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			name := filepath.Base(b.Source.Name)
			f.data[name] += string(b.Data)
			for _, p := range b.Problems {
				f.told = append(f.told, fmt.Sprintf("%s: %s", name, p.Reason))
			}
			b.Release()
			return nil
		})
	}()
	return f
}

// expect waits until what was read of the file is want.
func (f *following) expect(name, want string) {
	f.t.Helper()
	for range 40 {
		time.Sleep(250 * time.Millisecond) // in a bubble: until the next look at the files
		f.mu.Lock()
		got := f.data[name]
		f.mu.Unlock()
		if got == want {
			return
		}
	}
	f.t.Fatalf("%s: read %q, want %q", name, f.data[name], want)
}

func (f *following) stop() {
	f.t.Helper()
	synctest.Wait()
	f.cancel()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		f.t.Errorf("ended with %v", err)
	}
}

func (f *following) append(name, text string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.dir, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		f.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func object(n int) string { return fmt.Sprintf(`{"n":%d}`, n) + "\n" }

func TestFollowReadsWhatIsAppended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, t.TempDir())
		f.append("a.json", object(1))
		f.expect("a.json", object(1))
		f.append("a.json", object(2)[:4]) // half a record is not handed on
		f.append("b.json", object(7))
		f.expect("b.json", object(7))
		f.expect("a.json", object(1))
		f.append("a.json", object(2)[4:])
		f.expect("a.json", object(1)+object(2))
		f.stop()
	})
}

func TestFollowSurvivesRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, t.TempDir())
		f.append("a.json", object(1))
		f.expect("a.json", object(1))
		path := filepath.Join(f.dir, "a.json")
		// What is written between the last look and the rotation must not be lost.
		f.append("a.json", object(2))
		if err := os.Rename(path, filepath.Join(filepath.Dir(f.dir), "old")); err != nil {
			t.Fatal(err)
		}
		f.append("a.json", object(3))
		f.expect("a.json", object(1)+object(2)+object(3))
		f.stop()
	})
}

func TestFollowSurvivesTruncation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, t.TempDir())
		f.append("a.json", object(1)+object(2)+object(3))
		f.expect("a.json", object(1)+object(2)+object(3))
		if err := os.Truncate(filepath.Join(f.dir, "a.json"), 0); err != nil {
			t.Fatal(err)
		}
		f.append("a.json", object(4))
		f.expect("a.json", object(1)+object(2)+object(3)+object(4))
		f.stop()
	})
}

func TestFollowSaysWhatItCannotFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := follow(t, t.TempDir())
		f.append("a.gz", string(gzipped(t, []byte(object(9))))+"\n")
		f.append("b.txt", "what is this\n")
		f.append("c.json", object(1))
		f.expect("c.json", object(1))
		f.stop()
		if f.data["a"] != object(9) {
			t.Errorf("of the archive %q was read", f.data["a"])
		}
		if got := strings.Join(f.told, "\n"); !strings.Contains(got, "a.gz: cannot be followed: read as it stands") || !strings.Contains(got, "b.txt: format not recognised") {
			t.Errorf("told %q", f.told)
		}
	})
}
