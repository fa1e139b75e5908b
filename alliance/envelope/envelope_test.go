package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
)

var now = time.Date(2017, 5, 12, 15, 24, 0, 0, time.UTC)

func identity(t testing.TB) *envelope.Identity {
	t.Helper()
	i, err := envelope.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Describe(alliance.Card{Kind: alliance.Enterprise, Issued: now, Names: map[string]string{"en": "Smith & Sons <A works>"}}); err != nil {
		t.Fatal(err)
	}
	return i
}

func header() envelope.Header {
	return envelope.Header{
		ID: "01BX5ZZKBKACTAV9WEVGEMMVRZ", Kind: alliance.WarningKind, Schema: 1, Marking: intel.TLPGreen, Issued: now, Expires: now.Add(time.Hour),
		Audience: alliance.Scope{Sectors: []string{"health"}, Regions: []string{"CN-31"}},
	}
}

func seal(t testing.TB, by *envelope.Identity, h envelope.Header, body []byte) *envelope.Envelope {
	t.Helper()
	e, err := by.Seal(h, body)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func ring(of ...*envelope.Identity) envelope.Passports {
	all := envelope.Passports{}
	for _, i := range of {
		all[i.ID()] = i.Passport()
	}
	return all
}

func countersign(t testing.TB, by *envelope.Identity, e *envelope.Envelope, at time.Time) *envelope.Envelope {
	t.Helper()
	passed, err := by.CountersignAt(e, at)
	if err != nil {
		t.Fatal(err)
	}
	return passed
}

func sent(t testing.TB, e *envelope.Envelope) *envelope.Envelope {
	t.Helper()
	text, err := e.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := envelope.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// expect compares an error with the reason that it was to be refused for; "" is none.
func expect(t testing.TB, err error, want envelope.Reason) {
	t.Helper()
	r, ok := envelope.RefusalOf(err)
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!ok || r.Reason != want):
		t.Errorf("got %v, want it refused as %s", err, want)
	}
}

func TestSealedEnvelopeIsVerifiedAlongItsWay(t *testing.T) {
	t.Parallel()
	author, relay := identity(t), identity(t)
	passed := countersign(t, relay, seal(t, author, header(), []byte("body")), now.Add(time.Minute))
	got := sent(t, passed)
	if h, err := got.Verify(ring(author, relay), now); err != nil || h.Author != author.ID() {
		t.Error(h, err)
	}
	if _, err := relay.Countersign(passed); err == nil {
		t.Error("a loop was not noticed")
	}
}

// TestEnvelopesAreRefusedForAReason has every reason that this package gives.
func TestEnvelopesAreRefusedForAReason(t *testing.T) {
	t.Parallel()
	author, relay, stranger := identity(t), identity(t), identity(t)
	good := func() *envelope.Envelope {
		return countersign(t, relay, seal(t, author, header(), []byte("body")), now)
	}
	for name, c := range map[string]struct {
		made func() *envelope.Envelope
		at   time.Time
		want envelope.Reason
	}{
		"good":                          {good, now, ""},
		"expired":                       {good, now.Add(time.Hour), envelope.Expired},
		"from the future":               {good, now.Add(-envelope.MaxSkew - time.Second), envelope.SkewedClock},
		"a clock that is a little fast": {good, now.Add(-envelope.MaxSkew), ""},
		"another body": {func() *envelope.Envelope {
			e := good()
			e.Body = []byte("another")
			return e
		}, now, envelope.BadBody},
		"without its body":     {func() *envelope.Envelope { return good().Bare() }, now, ""},
		"of nobody known":      {func() *envelope.Envelope { return seal(t, stranger, header(), nil) }, now, envelope.UnknownSender},
		"through nobody known": {func() *envelope.Envelope { return countersign(t, stranger, good(), now) }, now, envelope.UnknownSender},
		"another header": {func() *envelope.Envelope {
			e := good()
			e.Header = bytes.Replace(e.Header, []byte("green"), []byte("clear"), 1)
			return e
		}, now, envelope.BadSignature},
		"no canonical header": {func() *envelope.Envelope {
			e := good()
			e.Header = append(jsontext.Value(" "), e.Header...)
			return e
		}, now, envelope.Malformed},
		"no header": {func() *envelope.Envelope {
			e := good()
			e.Header = jsontext.Value("{}")
			return e
		}, now, envelope.Malformed},
		"signed by another than the author": {func() *envelope.Envelope {
			e := good()
			e.Signatures = e.Signatures[1:]
			return e
		}, now, envelope.BadSignature},
		"not signed": {func() *envelope.Envelope {
			e := good()
			e.Signatures = nil
			return e
		}, now, envelope.BadSignature},
		"another's key": {func() *envelope.Envelope {
			e := seal(t, stranger, header(), nil)
			e.Header = bytes.Replace(e.Header, []byte(stranger.ID()), []byte(author.ID()), 1)
			e.Signatures[0].Node = author.ID()
			return e
		}, now, envelope.BadSignature},
		"a relay that says it was another": {func() *envelope.Envelope {
			e := good()
			e.Signatures[1].At = e.Signatures[1].At.Add(time.Second)
			return e
		}, now, envelope.BadSignature},
		"before the key was certified": {func() *envelope.Envelope {
			h := header()
			h.Issued = now.Add(-time.Hour)
			return seal(t, author, h, nil)
		}, now, envelope.BadSignature},
		"through the author": {func() *envelope.Envelope {
			e := good()
			e.Signatures = append(e.Signatures, e.Signatures[0])
			return e
		}, now, envelope.Loop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.made().Verify(ring(author, relay), c.at)
			expect(t, err, c.want)
			if want := fault.Forbidden; err != nil && c.want != envelope.Malformed && !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		})
	}
}

func TestMessagesPassEightNodesAtMost(t *testing.T) {
	t.Parallel()
	e := seal(t, identity(t), header(), nil)
	for range envelope.MaxHops {
		e = countersign(t, identity(t), e, now)
	}
	sent(t, e)
	_, err := identity(t).CountersignAt(e, now)
	expect(t, err, envelope.Loop)
}

func TestWhatIsNotCompleteIsNotSealed(t *testing.T) {
	t.Parallel()
	author := identity(t)
	for name, change := range map[string]func(*envelope.Header){
		"no id":                func(h *envelope.Header) { h.ID = "" },
		"a path":               func(h *envelope.Header) { h.ID = "../x" },
		"no kind":              func(h *envelope.Header) { h.Kind = "" },
		"a kind of two words":  func(h *envelope.Header) { h.Kind = "a b" },
		"never issued":         func(h *envelope.Header) { h.Issued = time.Time{} },
		"expired at once":      func(h *envelope.Header) { h.Expires = h.Issued },
		"the year 10000":       func(h *envelope.Header) { h.Expires = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"for no node":          func(h *envelope.Header) { h.Audience = alliance.To("x") },
		"a schema below 0":     func(h *envelope.Header) { h.Schema = -1 },
		"no marking there is":  func(h *envelope.Header) { h.Marking = 9 },
		"about something long": func(h *envelope.Header) { h.About = strings.Repeat("x", 65) },
	} {
		h := header()
		change(&h)
		if _, err := author.Seal(h, nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNewerVersionsAreKept: who signed is checked before anything is believed of a
// header whose form is not known.
func TestNewerVersionsAreKept(t *testing.T) {
	t.Parallel()
	author := signer()
	id := alliance.NodeOf(author.root.Public().(ed25519.PublicKey))
	for name, c := range map[string]struct {
		header string
		want   envelope.Reason
	}{
		"a name that is new":    {`{"author":"` + string(id) + `","expires":"2017-05-13T00:00:00Z","id":"a","issued":"2017-05-12T15:24:00Z","kind":"warning","more":[1],"version":2}`, envelope.NewerVersion},
		"a type that is new":    {`{"audience":7,"author":"` + string(id) + `","expires":"2017-05-13T00:00:00Z","id":"a","issued":"2017-05-12T15:24:00Z","kind":{"of":1},"version":3}`, envelope.NewerVersion},
		"no author":             {`{"expires":"2017-05-13T00:00:00Z","id":"a","issued":"2017-05-12T15:24:00Z","version":2}`, envelope.Malformed},
		"a new name, not newer": {`{"author":"` + string(id) + `","expires":"2017-05-13T00:00:00Z","id":"a","issued":"2017-05-12T15:24:00Z","kind":"warning","more":[1],"version":1}`, envelope.Malformed},
	} {
		e := author.sealed(c.header, nil)
		h, err := e.Verify(author.ring(), now)
		expect(t, err, c.want)
		if c.want == envelope.NewerVersion && (h.ID != "a" || h.Author != id) {
			t.Errorf("%s: read as %+v", name, h)
		}
		if c.want == envelope.NewerVersion {
			e.Signatures[0].Value[3] ^= 1
			_, err = e.Verify(author.ring(), now)
			expect(t, err, envelope.BadSignature)
		}
	}
	h := envelope.Header{Kind: "warning", Schema: 2}
	expect(t, h.Understood(2), "")
	expect(t, h.Understood(1), envelope.NewerVersion)
}

// TestEveryBitCounts flips bits of every byte of an envelope: none goes unnoticed. Of
// each byte it is the one between small letters and capitals, and one more, in turn.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	author, relay := identity(t), identity(t)
	known := ring(author, relay)
	text, err := countersign(t, relay, seal(t, author, header(), []byte("a body!")), now).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		for _, bit := range []byte{0x20, 1 << (at % 8)} {
			changed := slices.Clone(text)
			changed[at] ^= bit
			e, err := envelope.Parse(changed)
			if err != nil {
				continue
			}
			if _, err := e.Verify(known, now); err == nil {
				t.Errorf("bit %x of byte %d (%q) was changed unnoticed", bit, at, text[at])
			}
		}
	}
}

func TestRandomChangesAreNoticed(t *testing.T) {
	t.Parallel()
	author := identity(t)
	known := ring(author)
	text, err := seal(t, author, header(), []byte("body")).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(text)).Draw(t, "at")
		gone := rapid.IntRange(0, min(3, len(text)-at)).Draw(t, "gone")
		put := rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "put")
		changed := slices.Concat(text[:at], put, text[at+gone:])
		if bytes.Equal(bytes.TrimRight(changed, "\r\n"), text) {
			return
		}
		e, err := envelope.Parse(changed)
		if err != nil {
			return
		}
		if _, err := e.Verify(known, now); err == nil {
			t.Fatalf("%d bytes at %d became %q unnoticed", gone, at, put)
		}
	})
}

// TestEnvelopesWithinOtherJSON: whoever keeps an envelope within something else, written
// as encoding/json does, has the same envelope afterwards.
func TestEnvelopesWithinOtherJSON(t *testing.T) {
	t.Parallel()
	author := identity(t)
	type kept struct {
		E *envelope.Envelope
		P *envelope.Passport
	}
	text, err := json.MarshalIndent(kept{seal(t, author, header(), []byte("x")), author.Passport()}, "", "    ")
	if err != nil {
		t.Fatal(err)
	}
	var again kept
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if err := again.P.Verify(); err != nil {
		t.Error(err)
	}
	if _, err := again.E.Verify(envelope.Passports{author.ID(): again.P}, now); err != nil {
		t.Error(err)
	}
}

func TestLargeBodiesTravelInChunks(t *testing.T) {
	t.Parallel()
	author := identity(t)
	body := bytes.Repeat([]byte("0123456789"), envelope.ChunkSize/4)
	e := seal(t, author, header(), body)
	h, err := sent(t, e.Bare()).Verify(ring(author), now)
	if err != nil {
		t.Fatal(err)
	}
	var pieces [][]byte
	for _, piece := range envelope.Split(body) {
		pieces = append(pieces, piece)
	}
	fetch := func(n int, digest string) ([]byte, error) {
		if envelope.Sum(pieces[n]) != digest {
			t.Errorf("chunk %d is asked for as %s", n, digest)
		}
		return pieces[n], nil
	}
	var got bytes.Buffer
	if err := h.Body.Assemble(&got, 0, fetch); err != nil || !bytes.Equal(got.Bytes(), body) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	// A transfer that broke off goes on where it was.
	got.Truncate(envelope.ChunkSize)
	if err := h.Body.Assemble(&got, 1, fetch); err != nil || !bytes.Equal(got.Bytes(), body) {
		t.Errorf("%d bytes, %v", got.Len(), err)
	}
	// A wrong chunk is named, and what was written before it is true.
	got.Reset()
	err = h.Body.Assemble(&got, 0, func(n int, _ string) ([]byte, error) {
		if n == 1 {
			return pieces[0], nil
		}
		return pieces[n], nil
	})
	expect(t, err, envelope.BadBody)
	if err == nil || !strings.Contains(err.Error(), "chunk 1 of 3") || !bytes.Equal(got.Bytes(), pieces[0]) {
		t.Errorf("%v after %d bytes", err, got.Len())
	}
	if h.Body.ChunkLen(2) != len(pieces[2]) || h.Body.ChunkLen(3) != 0 || h.Body.FitsChunk(-1, nil) == nil {
		t.Error("chunks beyond the last")
	}
	whole := sent(t, e)
	if _, err := whole.Verify(ring(author), now); err != nil {
		t.Error(err)
	}
}

func BenchmarkVerify(b *testing.B) {
	author := identity(b)
	known := ring(author)
	h := header()
	h.Kind, h.Audience, h.About = alliance.AnswerKind, alliance.To(author.ID()), h.ID
	text, err := seal(b, author, h, bytes.Repeat([]byte("x"), 2000)).Bytes()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := envelope.Parse(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		e, _ := envelope.Parse(text)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Verify(known, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("signature alone", func(b *testing.B) {
		e, _ := envelope.Parse(text)
		signed := append([]byte("tocsin envelope 1\n"), e.Header...)
		for b.Loop() {
			if !ed25519.Verify(e.Signatures[0].Key, signed, e.Signatures[0].Value) {
				b.Fatal("no")
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	author := identity(f)
	for _, body := range [][]byte{nil, []byte("body")} {
		text, err := seal(f, author, header(), body).Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"header":{"version":2},"signatures":[{}]}`))
	known := ring(author)
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := envelope.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%v is not invalid", err)
			}
			return
		}
		again, err := e.Bytes()
		if err != nil || !bytes.Equal(again, bytes.TrimRight(text, "\r\n")) {
			t.Errorf("%q is written %q, %v", text, again, err)
		}
		_, _ = e.Verify(known, now)
	})
}
