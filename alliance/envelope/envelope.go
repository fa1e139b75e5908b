package envelope

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/strictjson"
)

// Version is that of the header's form. A later one is kept and not understood.
const Version = 1

// Header says what a message is, from whom, to whom and until when.
type Header struct {
	Version int    `json:"version"`
	ID      string `json:"id"`     // ULID, the message's for ever
	Kind    string `json:"kind"`   // what the body is: alliance.WarningKind …
	Schema  int    `json:"schema"` // version of the body's form; a later one is kept and not acted on
	// Author made it; who passed it on stands in the signatures.
	Author   alliance.NodeID `json:"author"`
	Audience alliance.Scope  `json:"audience"`
	Marking  intel.Marking   `json:"tlp"`
	Issued   time.Time       `json:"issued"`
	Expires  time.Time       `json:"expires"`
	// About is the ID of the message that this one answers, or is about.
	About    string `json:"about,omitempty"`
	Exercise bool   `json:"exercise,omitempty"`
	Body     Body   `json:"body"`
}

// Body names a message's content. Its hash is over all of it, however it travels.
type Body struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// Chunks are the hashes of its pieces of ChunkSize bytes, in order, where it
	// does not travel with the header.
	Chunks []string `json:"chunks,omitempty"`
}

const (
	// ChunkSize is how long each piece of a large body is, but the last.
	ChunkSize = 256 << 10
	// MaxInline is the longest body that travels with its header.
	MaxInline = ChunkSize
	// MaxBody bounds a body: a warning with a million indicators is far smaller.
	MaxBody = 256 << 20
	// MaxHops is how many nodes may pass a message on.
	MaxHops = 8
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
	Node  alliance.NodeID   `json:"node"`
	Key   ed25519.PublicKey `json:"key"`
	Value []byte            `json:"value"`
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
	h.Body = Body{SHA256: Sum(body), Size: int64(len(body))}
	if len(body) > MaxInline {
		for rest := body; len(rest) > 0; rest = rest[min(ChunkSize, len(rest)):] {
			h.Body.Chunks = append(h.Body.Chunks, Sum(rest[:min(ChunkSize, len(rest))]))
		}
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	text, err := canonical(h)
	if err != nil {
		return nil, fmt.Errorf("envelope %s: %w", h.ID, err)
	}
	e := &Envelope{Header: text, Body: body}
	e.Signatures = []Signature{i.sign(e.signedBy(0))}
	return e, nil
}

// Countersign adds the identity's signature to an envelope that it passes on. The
// error is a Refusal where it passed here before, or through too many.
func (i *Identity) Countersign(e *Envelope) (*Envelope, error) {
	for _, s := range e.Signatures {
		if s.Node == i.id {
			return nil, &Refusal{Reason: Loop, Detail: "it has passed here before"}
		}
	}
	if len(e.Signatures) > MaxHops {
		return nil, &Refusal{Reason: Loop, Detail: fmt.Sprintf("it has passed %d nodes", len(e.Signatures))}
	}
	c := *e
	c.Signatures = append(c.Signatures[:len(c.Signatures):len(c.Signatures)], i.sign(e.signedBy(len(e.Signatures))))
	return &c, nil
}

// signedBy returns what the n-th signature is over.
func (e *Envelope) signedBy(n int) []byte {
	text := append([]byte("tocsin envelope 1\n"), e.Header...)
	for _, s := range e.Signatures[:n] {
		text = append(append(append(text, '\n'), s.Node...), s.Value...)
	}
	return text
}

func (h *Header) check() error {
	var wrong []error
	want := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	want(h.ID != "" && len(h.ID) <= 64, "no id, or one longer than 64")
	want(h.Kind != "" && len(h.Kind) <= 32, "no kind, or one longer than 32")
	want(h.Author.Valid(), "the author is no node")
	want(!h.Issued.IsZero() && h.Expires.After(h.Issued), "it must be issued before it expires")
	want(h.Body.Size >= 0 && h.Body.Size <= MaxBody, fmt.Sprintf("the body is longer than %d", MaxBody))
	want(h.Body.Size <= MaxInline && len(h.Body.Chunks) == 0 || int64(len(h.Body.Chunks)) == (h.Body.Size+ChunkSize-1)/ChunkSize,
		"the chunks do not make up the body")
	if len(wrong) > 0 {
		return fmt.Errorf("envelope %q: %w: %w", h.ID, errors.Join(wrong...), fault.Invalid)
	}
	return nil
}

// Parse reads an envelope from its bytes. It verifies nothing but form; the error
// is fault.Invalid.
func Parse(text []byte) (*Envelope, error) {
	e := &Envelope{}
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("envelope: %w: %w", err, fault.Invalid)
	}
	if len(e.Signatures) == 0 || len(e.Signatures) > MaxHops+1 {
		return nil, fmt.Errorf("envelope: %d signatures: %w", len(e.Signatures), fault.Invalid)
	}
	return e, nil
}

// Bytes returns the envelope as it travels.
func (e *Envelope) Bytes() ([]byte, error) { return json.Marshal(e) }

// Open reads the header, verifying nothing. The error is fault.Invalid.
func (e *Envelope) Open() (Header, error) {
	var h Header
	if err := strictjson.Read(newReader(e.Header), &h); err != nil {
		return h, fmt.Errorf("envelope: header: %w", err)
	}
	again := append(jsontext.Value(nil), e.Header...)
	if err := again.Canonicalize(); err != nil || string(again) != string(e.Header) {
		return h, fmt.Errorf("envelope %q: the header is not in canonical form (RFC 8785): %w", h.ID, fault.Invalid)
	}
	return h, h.check()
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
