package envelope_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
)

// scripted is a node whose keys are known, so that what it signs never changes. It
// writes what it signs in words of its own, as another program would.
type scripted struct{ root, signing ed25519.PrivateKey }

func signer() scripted {
	return scripted{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))}
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

func (s scripted) node() alliance.NodeID { return alliance.NodeOf(public(s.root)) }

func (s scripted) passport() *envelope.Passport {
	text := []byte("tocsin certificate 1\n" + string(s.node()) + "\n8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394\n2017-05-12T15:24:00Z\n")
	return &envelope.Passport{Root: public(s.root), Certificates: []envelope.Certificate{{
		Key: public(s.signing), From: now, By: public(s.root), Value: ed25519.Sign(s.root, text),
	}}}
}

func (s scripted) ring() envelope.Passports { return envelope.Passports{s.node(): s.passport()} }

// sealed signs a header as it stands.
func (s scripted) sealed(header string, body []byte) *envelope.Envelope {
	return &envelope.Envelope{Header: jsontext.Value(header), Body: body, Signatures: []envelope.Signature{{
		Node: s.node(), Key: public(s.signing), Value: ed25519.Sign(s.signing, []byte("tocsin envelope 1\n"+header)),
	}}}
}

// TestSignedBytesNeverChange: what was signed years ago is verified by the program of
// today. When this test fails, the change is wrong, not the file.
func TestSignedBytesNeverChange(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "golden")
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.TrimRight(text, "\n")
	}
	p, err := envelope.ParsePassport(read("passport.json"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := envelope.Parse(read("warning.json"))
	if err != nil {
		t.Fatal(err)
	}
	relay, err := envelope.ParsePassport(read("relay.json"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := e.Verify(envelope.Passports{p.Node(): p, relay.Node(): relay}, now)
	if err != nil || h.Author != p.Node() || h.ID != "01BX5ZZKBKACTAV9WEVGEMMVRZ" || string(e.Body) != "body" {
		t.Errorf("%+v, %v", h, err)
	}
	s := signer()
	mine := s.sealed(string(e.Header), e.Body)
	if !bytes.Equal(mine.Signatures[0].Value, e.Signatures[0].Value) {
		t.Error("the author's signature is over something else")
	}
	if got := s.passport().Certificates[0]; !bytes.Equal(got.Value, p.Certificates[0].Value) {
		t.Error("the certificate is over something else")
	}
}

// TestSealWritesWhatItDid: the same keys, header and time give the same bytes.
func TestSealWritesWhatItDid(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "golden")
	author, relay := fixed(t, 1, 2), fixed(t, 3, 4)
	e, err := author.Seal(header(), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	if e, err = relay.CountersignAt(e, now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	for name, thing := range map[string]interface{ Bytes() ([]byte, error) }{
		"passport.json": author.Passport(), "relay.json": relay.Passport(), "warning.json": e, "bundle.jsonl": bundled{relay, author, e},
	} {
		got, err := thing.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(bytes.TrimRight(want, "\n"), got) {
			t.Errorf("%s: got\n%s\nwant\n%s (%v)", name, got, want, err)
		}
	}
}

// fixed is an identity of known keys.
func fixed(t *testing.T, root, signing byte) *envelope.Identity {
	t.Helper()
	i, err := envelope.CreateWithKeys(t.TempDir(), now, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{root}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{signing}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	card := alliance.Card{Kind: alliance.Enterprise, Issued: now, Names: map[string]string{"en": "Smith & Sons", "zh-CN": "某公司"}, Sectors: []string{"health"}, Regions: []string{"CN"}, TimeZone: "Asia/Shanghai"}
	if err := i.Describe(card); err != nil {
		t.Fatal(err)
	}
	return i
}

// bundled is a bundle of one message.
type bundled struct {
	maker, author *envelope.Identity
	message       *envelope.Envelope
}

func (b bundled) Bytes() ([]byte, error) {
	var to bytes.Buffer
	w, err := envelope.NewBundle(&to, b.maker, now)
	if err != nil {
		return nil, err
	}
	err = errors.Join(w.Passport(b.author.Passport()), w.Envelope(b.message), w.Close())
	return bytes.TrimRight(to.Bytes(), "\n"), err
}
