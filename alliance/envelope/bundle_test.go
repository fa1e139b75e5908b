package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

// bundle is one with two small messages and a large one between them.
func bundle(t testing.TB) (text, large []byte) {
	t.Helper()
	maker, author := identity(t), identity(t)
	var to bytes.Buffer
	b, err := envelope.NewBundle(&to, maker, now)
	if err != nil {
		t.Fatal(err)
	}
	large = bytes.Repeat([]byte("0123456789"), envelope.ChunkSize/4)
	first, second, third := header(), header(), header()
	first.ID, second.ID, third.ID = "m1", "m2", "m3"
	err = errors.Join(
		b.Passport(author.Passport()),
		b.Envelope(seal(t, author, first, []byte("one"))),
		b.Envelope(seal(t, author, second, large)),
		b.Envelope(countersign(t, maker, seal(t, author, third, []byte("three")), now)),
		b.Close())
	if err != nil {
		t.Fatal(err)
	}
	return to.Bytes(), large
}

// contents are what of a bundle could be used.
type contents struct {
	messages []string
	body     bytes.Buffer
	bad      []int
	whole    bool
	err      error
}

func readBundle(t testing.TB, from io.Reader) *contents {
	t.Helper()
	c, known := &contents{}, envelope.Passports{}
	for item, err := range envelope.ReadBundle(from) {
		if bad, ok := errors.AsType[*envelope.BadLine](err); ok {
			c.bad = append(c.bad, bad.Line)
			continue
		}
		switch {
		case err != nil:
			c.err = err
		case item.Passport != nil:
			known[item.Passport.Node()] = item.Passport
		case item.Envelope != nil:
			h, err := item.Envelope.Verify(known, now)
			if err != nil {
				c.bad = append(c.bad, item.Line)
				continue
			}
			c.messages = append(c.messages, h.ID)
		case item.Chunk != nil:
			c.body.Write(item.Chunk.Content)
		case item.End != nil:
			c.whole = true
		}
	}
	return c
}

func TestBundlesCarryAllThatIsNeeded(t *testing.T) {
	t.Parallel()
	text, large := bundle(t)
	c := readBundle(t, iotest.OneByteReader(bytes.NewReader(text)))
	if !c.whole || len(c.bad) > 0 || strings.Join(c.messages, " ") != "m1 m2 m3" || !bytes.Equal(c.body.Bytes(), large) {
		t.Errorf("%v, bad %v, whole %v, %d bytes", c.messages, c.bad, c.whole, c.body.Len())
	}
}

// TestDamagedLinesSpoilNoOthers: lines 1 to 4 are head, passports and m1, 5 is m2, 6 to
// 8 its chunks, 9 is m3, 10 the end.
func TestDamagedLinesSpoilNoOthers(t *testing.T) {
	t.Parallel()
	text, large := bundle(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	broken := func(n int) []byte {
		all := slices.Clone(lines)
		all[n-1] = slices.Clone(all[n-1])
		all[n-1][0] ^= 1
		return join(all...)
	}
	for name, c := range map[string]struct {
		text     []byte
		bad      []int
		messages string
		body     int
	}{
		"a message":            {broken(4), []int{4, 10}, "m2 m3", len(large)},
		"a large message":      {broken(5), []int{5, 6, 7, 8, 10}, "m1 m3", 0},
		"a chunk":              {broken(7), []int{7, 10}, "m1 m2 m3", len(large) - envelope.ChunkSize},
		"the signature":        {broken(10), []int{10, 10}, "m1 m2 m3", len(large)},
		"a line is missing":    {join(append(slices.Clone(lines[:3]), lines[4:]...)...), []int{9}, "m2 m3", len(large)},
		"the end is missing":   {join(lines[:9]...), []int{9}, "m1 m2 m3", len(large)},
		"two lines are turned": {join(lines[0], lines[1], lines[2], lines[8], lines[4], lines[5], lines[6], lines[7], lines[3], lines[9]), []int{10}, "m3 m2 m1", len(large)},
		"a line after it":      {join(text, lines[3]), []int{11}, "m1 m2 m3", len(large)},
		"a line too long":      {join(lines[0], lines[1], lines[2], bytes.Repeat([]byte("x"), 5<<20), []byte("\n"), lines[3], lines[9]), []int{4, 6}, "m1", 0},
		"no author":            {join(lines[0], lines[1], lines[3], lines[9]), []int{3, 4}, "", 0},
		"nothing":              {nil, []int{0}, "", 0},
		"something else":       {[]byte("hello\n"), []int{1, 1}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readBundle(t, bytes.NewReader(c.text))
			if !slices.Equal(got.bad, c.bad) || strings.Join(got.messages, " ") != c.messages || got.body.Len() != c.body {
				t.Errorf("bad %v, messages %v, body %d; want %v, %s, %d", got.bad, got.messages, got.body.Len(), c.bad, c.messages, c.body)
			}
			if got.whole != (name == "a line after it") {
				t.Errorf("whole: %v", got.whole)
			}
		})
	}
}

func TestBrokenReadingEndsABundle(t *testing.T) {
	t.Parallel()
	text, _ := bundle(t)
	c := readBundle(t, io.MultiReader(bytes.NewReader(text[:2000]), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if !errors.Is(c.err, io.ErrUnexpectedEOF) || c.whole {
		t.Errorf("%v, whole %v", c.err, c.whole)
	}
	if err := (&envelope.BadLine{Line: 1, Why: io.EOF}); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

func FuzzReadBundle(f *testing.F) {
	text, _ := bundle(f)
	lines := bytes.SplitAfter(text, []byte("\n"))
	f.Add(bytes.Join([][]byte{lines[0], lines[1], lines[2], lines[3], lines[9]}, nil))
	f.Add([]byte("{\"chunk\":\"AA==\"}\n{\"end\":{}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for item, err := range envelope.ReadBundle(bytes.NewReader(text)) {
			if item.Envelope != nil && err != nil {
				t.Error("a message and an error")
			}
		}
	})
}
