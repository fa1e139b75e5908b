package envelope_test

import (
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
)

var now = time.Date(2017, 5, 12, 15, 24, 0, 0, time.UTC)

func identity(t *testing.T) *envelope.Identity {
	t.Helper()
	i, err := envelope.Create(t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Describe(alliance.Card{Kind: alliance.Enterprise, Issued: now, Names: map[string]string{"en": "A works"}}); err != nil {
		t.Fatal(err)
	}
	return i
}

func TestSealedEnvelopeIsVerifiedAlongItsWay(t *testing.T) {
	author, relay := identity(t), identity(t)
	ring := envelope.Passports{author.ID(): author.Passport(), relay.ID(): relay.Passport()}
	e, err := author.Seal(envelope.Header{
		ID: "01", Kind: "warning", Marking: intel.TLPGreen, Issued: now, Expires: now.Add(time.Hour),
	}, []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	passed, err := relay.Countersign(e)
	if err != nil {
		t.Fatal(err)
	}
	text, err := passed.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	got, err := envelope.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if h, err := got.Verify(ring, now); err != nil || h.Author != author.ID() {
		t.Error(h, err)
	}
	got.Body = []byte("another")
	_, err = got.Verify(ring, now)
	if r, ok := envelope.RefusalOf(err); !ok || r.Reason != envelope.BadBody {
		t.Error(err)
	}
	if _, err := relay.Countersign(passed); err == nil {
		t.Error("a loop was not noticed")
	}
}
