package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

func blobs(t *testing.T) (*store.Blobs, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	b, err := store.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b, dir
}

func TestABlobIsKeptUnderItsHashOnce(t *testing.T) {
	t.Parallel()
	b, _ := blobs(t)
	content := bytes.Repeat([]byte("evidence "), 10_000)
	raw := sha256.Sum256(content)
	want := store.Sum(hex.EncodeToString(raw[:]))
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			sum, size, err := b.Put(t.Context(), bytes.NewReader(content), 1<<20)
			if sum != want || size != int64(len(content)) || err != nil {
				t.Errorf("got %s, %d, %v", sum, size, err)
			}
		})
	}
	all.Wait()
	file, err := b.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got, err := io.ReadAll(file); !bytes.Equal(got, content) || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	var there []store.Sum
	for sum, err := range b.All() {
		if err != nil {
			t.Fatal(err)
		}
		there = append(there, sum)
	}
	if diff := cmp.Diff([]store.Sum{want}, there); diff != "" {
		t.Error(diff)
	}
	if err := errors.Join(b.Verify(t.Context(), want), b.Remove(want), b.Remove(want)); err != nil {
		t.Error(err)
	}
	if _, err := b.Open(want); !errors.Is(err, fault.NotFound) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestWhatIsNotWholeLeavesNothing(t *testing.T) {
	t.Parallel()
	b, dir := blobs(t)
	broken := errors.New("the line broke")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		from io.Reader
		want error
	}{
		"too long":  {t.Context(), strings.NewReader(strings.Repeat("x", 101)), fault.Invalid},
		"broken":    {t.Context(), io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken)), broken},
		"cancelled": {gone, strings.NewReader("x"), context.Canceled},
	} {
		if _, _, err := b.Put(c.ctx, c.from, 100); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	if _, _, err := b.Put(t.Context(), strings.NewReader(strings.Repeat("x", 100)), 100); err != nil {
		t.Errorf("exactly as long as allowed: %v", err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "incoming"))
	if len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	// What a process that died had begun is gone with the next start.
	if err := os.WriteFile(filepath.Join(dir, "incoming", "half"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenBlobs(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "incoming")); len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestAChangedBlobIsDamaged(t *testing.T) {
	t.Parallel()
	b, dir := blobs(t)
	sum, _, err := b.Put(t.Context(), strings.NewReader("evidence"), 100)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, string(sum[:2]), string(sum[2:])), []byte("Evidence"), 0o600); err != nil {
		t.Fatal(err)
	}
	var damaged *store.DamagedError
	if err := b.Verify(t.Context(), sum); !errors.As(err, &damaged) || damaged.Sum != sum {
		t.Errorf("got %v", err)
	}
}

func TestNamesOfBlobsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	b, _ := blobs(t)
	for _, name := range []string{"", "..", "../../etc/passwd", strings.Repeat("A", 64), strings.Repeat("/", 64), strings.Repeat("0", 63), "incoming"} {
		_, opened := b.Open(store.Sum(name))
		for _, err := range []error{opened, b.Verify(t.Context(), store.Sum(name)), b.Remove(store.Sum(name))} {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}
