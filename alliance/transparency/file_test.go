package transparency_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/alliance/transparency"
	"tocsin/internal/fault"
	"tocsin/internal/store/storetest"
)

func exported(tb testing.TB, h *hub, first int64) string {
	tb.Helper()
	var b strings.Builder
	if err := h.Export(tb.Context(), first, &b); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// grown is a hub with so many entries, and a checkpoint after some of them.
func grown(tb testing.TB, entries int) *hub {
	tb.Helper()
	h := openHub(tb, storetest.Open(tb, storetest.SQLite(tb), rooms()...), "hub", filepath.Join(tb.TempDir(), "witness"))
	for i := range entries {
		h.append(tb, strconv.Itoa(i))
		if i%3 == 0 {
			h.checkpoint(tb)
		}
	}
	h.checkpoint(tb)
	return h
}

func TestAnExportIsVerifiedWithoutTheLog(t *testing.T) {
	t.Parallel()
	h := grown(t, 23)
	for first := range int64(24) {
		text := exported(t, h, first)
		var got []string
		e, err := transparency.VerifyExport(strings.NewReader(text), func(index int64, record string) error {
			if index != first+int64(len(got)) {
				t.Errorf("entry %d comes after %d", index, len(got))
			}
			got = append(got, record)
			return nil
		}, public(h.key))
		if err != nil {
			t.Fatalf("from %d: %v\n%s", first, err, text)
		}
		if e.First != first || e.Checkpoint.Size != 23 || int64(len(got)) != 23-first {
			t.Errorf("from %d: %+v, %d entries", first, e, len(got))
		}
		if first < 20 && len(e.Earlier) == 0 {
			t.Errorf("from %d: no earlier checkpoints", first)
		}
	}
}

func TestEveryChangedBitOfAFileIsRefused(t *testing.T) {
	t.Parallel()
	h := grown(t, 7)
	p, err := h.Prove(t.Context(), digest("5"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text   string
		verify func(text string) error
	}{
		"export": {exported(t, h, 3), func(text string) error {
			_, err := transparency.VerifyExport(strings.NewReader(text), nil, public(h.key))
			return err
		}},
		"proof": {p.Text(), func(text string) error {
			_, err := transparency.VerifyProof(text, public(h.key))
			return err
		}},
	} {
		if err := c.verify(c.text); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range c.text {
			changed := []byte(c.text)
			changed[i] ^= 1 << rand.IntN(8)
			if err := c.verify(string(changed)); !errors.Is(err, fault.Invalid) {
				t.Fatalf("%s with a bit of byte %d changed: %v\n%s", name, i, err, changed)
			}
		}
		for _, cut := range []string{c.text[:len(c.text)/2], c.text + "\n", ""} {
			if err := c.verify(cut); !errors.Is(err, fault.Invalid) {
				t.Errorf("%s cut or lengthened: %v", name, err)
			}
		}
	}
}

// Every proof that a log gives verifies, for every pair of sizes and every entry;
// and not with one bit of it changed.
func TestProofs(t *testing.T) {
	t.Parallel()
	h := grown(t, 33)
	var at []transparency.Checkpoint // by size
	records := h.records(t)
	for size := range int64(34) {
		whole := records[:size]
		c, err := transparency.Rooted(whole)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, c)
	}
	rapid.Check(t, func(r *rapid.T) {
		size := rapid.Int64Range(1, 33).Draw(r, "size")
		older := rapid.Int64Range(0, size).Draw(r, "older")
		index := rapid.Int64Range(0, size-1).Draw(r, "index")
		consistency, err := h.Consistency(context.Background(), older, size)
		if err != nil {
			r.Fatal(err)
		}
		inclusion, err := h.Inclusion(context.Background(), index, size)
		if err != nil {
			r.Fatal(err)
		}
		if err := transparency.CheckConsistency(&at[size], older, at[older].Root, consistency); err != nil {
			r.Fatal(err)
		}
		if err := transparency.CheckInclusion(&at[size], index, records[index], inclusion); err != nil {
			r.Fatal(err)
		}
		flip := func(p transparency.Proof) (transparency.Proof, bool) {
			p = append(transparency.Proof{}, p...)
			if len(p) == 0 {
				return p, false
			}
			p[rapid.IntRange(0, len(p)-1).Draw(r, "hash")][rapid.IntRange(0, 31).Draw(r, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
			return p, true
		}
		if p, ok := flip(consistency); ok && transparency.CheckConsistency(&at[size], older, at[older].Root, p) == nil {
			r.Fatal("a changed proof of consistency passes")
		}
		if p, ok := flip(inclusion); ok && transparency.CheckInclusion(&at[size], index, records[index], p) == nil {
			r.Fatal("a changed proof of inclusion passes")
		}
		if other := rapid.Int64Range(0, 32).Draw(r, "other"); other != index && other < size && transparency.CheckInclusion(&at[size], index, records[other], inclusion) == nil {
			r.Fatal("a proof fits another entry")
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	_, k := key("hub")
	f.Add(grown(f, 3).checkpoint(f).Note)
	f.Add("n\n0\n\n\n— n AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := transparency.ReadCheckpoint(text)
		opened, openErr := transparency.OpenCheckpoint(text, public(k))
		if err != nil && openErr == nil {
			t.Fatalf("opened and not read: %v", err)
		}
		for _, err := range []error{err, openErr} {
			if err != nil && !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
		}
		if openErr == nil && opened != read {
			t.Fatalf("opened %+v, read %+v", opened, read)
		}
	})
}

func FuzzRecord(f *testing.F) {
	for _, record := range grown(f, 2).records(f) {
		f.Add(record)
	}
	f.Add("tocsin log entry 1\nkind succession\ntime 2017-05-12T07:44:00.000000Z\nenvelope -\nabout -\nbefore aGVsbG8=\n")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := transparency.ParseRecord(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := e.Record()
		if err != nil || again != text {
			t.Fatalf("%q is written again as %q, %v", text, again, err)
		}
	})
}

func FuzzExport(f *testing.F) {
	_, k := key("hub")
	h := grown(f, 5)
	f.Add(exported(f, h, 0))
	f.Add(exported(f, h, 3))
	f.Fuzz(func(t *testing.T, text string) {
		n := int64(0)
		e, err := transparency.VerifyExport(strings.NewReader(text), func(int64, string) error { n++; return nil }, public(k))
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if e.First+n != e.Checkpoint.Size {
			t.Fatalf("%d entries from %d on, and a checkpoint of %d", n, e.First, e.Checkpoint.Size)
		}
	})
}

func FuzzProof(f *testing.F) {
	_, k := key("hub")
	p, err := grown(f, 5).Prove(f.Context(), digest("3"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Text())
	f.Fuzz(func(t *testing.T, text string) {
		p, err := transparency.VerifyProof(text, public(k))
		if err == nil && p.Text() != text {
			t.Fatalf("%q is written again as %q", text, p.Text())
		}
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Fatal(err)
		}
	})
}
