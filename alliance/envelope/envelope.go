package envelope

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/internal/fault"
	"tocsin/internal/strictjson"
)

const (
	// ChunkSize is how long each piece of a large body is, but the last.
	ChunkSize = 256 << 10
	// MaxInline is the longest body that travels with its header.
	MaxInline = ChunkSize
	// MaxBody bounds a body: a warning with a million indicators is far smaller.
	MaxBody = 256 << 20
	// MaxHops is how many nodes may pass a message on.
	MaxHops = 8
	// MaxHeader bounds a header: twenty thousand named members, or the hashes of
	// MaxBody's chunks.
	MaxHeader = 1 << 20
	// MaxSealed bounds an envelope that travels: header, body of up to MaxInline in
	// base64, signatures.
	MaxSealed = MaxHeader + (MaxInline/3+1)*4 + 16<<10
	// maxText bounds an envelope in a file, with all of its body.
	maxText = MaxHeader + (MaxBody/3+1)*4 + 16<<10
)

// Envelope is a message as it travels and is stored.
type Envelope struct {
	// Header is the header's canonical bytes, and Signatures are over them.
	Header     jsontext.Value `json:"header"`
	Signatures []Signature    `json:"signatures"`
	// Body is the content; nil where it travels in chunks, or was not kept.
	Body []byte `json:"body,omitempty"`
}

// Signature is a node's on an envelope: the first is the author's, each later one
// that of a node which passed it on, over the header and all signatures before.
type Signature struct {
	Node alliance.NodeID   `json:"node"`
	Key  ed25519.PublicKey `json:"key"`
	// At is when a node passed it on, or signed its card; the author's is the
	// header's Issued and stands there alone.
	At    time.Time `json:"at,omitzero"`
	Value []byte    `json:"value"`
}

// Sum returns a hash as headers write it.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Seal makes an envelope of a header and a body, signed by the identity. Version,
// Author and Body of the header are filled in; a body over MaxInline is named by
// its chunks, and still stands in Body. The error is fault.Invalid when the header
// lacks something.
func (i *Identity) Seal(h Header, body []byte) (*Envelope, error) {
	h.Version, h.Author = Version, i.id
	h.Issued, h.Expires = h.Issued.UTC(), h.Expires.UTC()
	h.Body = BodyOf(body)
	if err := h.check(); err != nil {
		return nil, err
	}
	text, err := canonical(h)
	if err != nil {
		return nil, fmt.Errorf("envelope %s: %w", h.ID, err)
	}
	if len(text) > MaxHeader {
		return nil, fmt.Errorf("envelope %s: a header of %d bytes; at most %d are allowed: %w", h.ID, len(text), MaxHeader, fault.Invalid)
	}
	e := &Envelope{Header: text, Body: body}
	e.Signatures = []Signature{i.sign(e.authored(), time.Time{})}
	return e, nil
}

// Countersign is CountersignAt now, by the machine's clock.
func (i *Identity) Countersign(e *Envelope) (*Envelope, error) {
	return i.CountersignAt(e, time.Now())
}

// CountersignAt adds the identity's signature to an envelope that it passes on. The
// error is a Refusal where it passed here before, or through too many.
func (i *Identity) CountersignAt(e *Envelope, now time.Time) (*Envelope, error) {
	for _, s := range e.Signatures {
		if s.Node == i.id {
			return nil, &Refusal{Reason: Loop, Detail: "it has passed here before"}
		}
	}
	if len(e.Signatures) > MaxHops {
		return nil, &Refusal{Reason: Loop, Detail: fmt.Sprintf("it has passed %d nodes", len(e.Signatures))}
	}
	now = now.UTC()
	c := *e
	n := len(e.Signatures)
	c.Signatures = append(c.Signatures[:n:n], i.sign(e.passed(n, i.id, now), now))
	return &c, nil
}

// authored is what the author's signature is over.
func (e *Envelope) authored() []byte { return append([]byte("tocsin envelope 1\n"), e.Header...) }

// passed is what the n-th signature is over, of a node that passed the envelope on:
// who did and when, the header's hash, and every signature before.
func (e *Envelope) passed(n int, node alliance.NodeID, at time.Time) []byte {
	text := fmt.Appendf(nil, "tocsin countersignature 1\n%s\n%s\n%s", node, stamp(at), Sum(e.Header))
	for _, s := range e.Signatures[:n] {
		text = fmt.Appendf(text, "\n%s %x %x", s.Node, []byte(s.Key), s.Value)
	}
	return text
}

// sealed is an envelope whose JSON is read and written by package jsonv2 itself.
type sealed Envelope

// Parse reads an envelope from its bytes, as Bytes writes them: one envelope has one
// spelling, so that no bit of it can be changed unnoticed. It verifies nothing but
// form; the error is fault.Invalid. Whoever takes envelopes from a network hands in
// MaxSealed bytes at most.
func Parse(text []byte) (*Envelope, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("envelope: %d bytes; at most %d are read: %w", len(text), maxText, fault.Invalid)
	}
	text = bytes.TrimRight(text, "\r\n")
	read := &sealed{}
	if err := strictjson.Read(bytes.NewReader(text), read); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	e := (*Envelope)(read)
	if err := e.checkForm(); err != nil {
		return nil, err
	}
	if again, err := e.Bytes(); err != nil || !bytes.Equal(again, text) {
		return nil, fmt.Errorf("envelope: it is not written as envelopes are: %w", fault.Invalid)
	}
	return e, nil
}

func (e *Envelope) checkForm() error {
	switch {
	case len(e.Signatures) == 0 || len(e.Signatures) > MaxHops+1:
		return fmt.Errorf("envelope: %d signatures: %w", len(e.Signatures), fault.Invalid)
	case len(e.Header) > MaxHeader:
		return fmt.Errorf("envelope: a header of %d bytes; at most %d are read: %w", len(e.Header), MaxHeader, fault.Invalid)
	}
	if len(e.Body) == 0 {
		e.Body = nil
	}
	return nil
}

// Bytes returns the envelope as it travels.
func (e *Envelope) Bytes() ([]byte, error) { return jsonv2.Marshal((*sealed)(e)) }

// UnmarshalJSON reads an envelope that stands within something else, and brings its
// header into the form that was signed, however whoever kept it wrote it.
func (e *Envelope) UnmarshalJSON(text []byte) error {
	read := &sealed{}
	if err := strictjson.Read(bytes.NewReader(text), read); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	if err := read.Header.Canonicalize(); err != nil {
		return fmt.Errorf("envelope: header: %w: %w", err, fault.Invalid)
	}
	*e = Envelope(*read)
	return e.checkForm()
}

// canonical returns a value's JSON in the form of RFC 8785.
func canonical(value any) (jsontext.Value, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	v := jsontext.Value(text)
	return v, v.Canonicalize()
}
