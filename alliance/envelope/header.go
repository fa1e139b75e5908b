package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
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

const (
	maxID   = 64
	maxKind = 32
)

// check reports what of a header will not do.
func (h *Header) check() error {
	wrong := h.checkOutside()
	want := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	want(word(h.Kind, maxKind), "no kind, or one that is no word of up to 32 letters")
	want(h.Schema >= 0, "the schema is below 0")
	want(h.Marking <= intel.TLPRed, "there is no such marking")
	want(h.About == "" || word(h.About, maxID), "what it is about is no id")
	if err := h.Audience.Check(); err != nil {
		wrong = append(wrong, err)
	}
	if err := h.Body.check(); err != nil {
		wrong = append(wrong, err)
	}
	if len(wrong) > 0 {
		return fmt.Errorf("envelope %.70q: %w: %w", h.ID, errors.Join(wrong...), fault.Invalid)
	}
	return nil
}

// checkOutside reports what of the parts will not do that every version must have, for
// a message to be kept: which it is, whose, and until when.
func (h *Header) checkOutside() []error {
	var wrong []error
	want := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New(what))
		}
	}
	want(h.Version >= 1, "there is no such version")
	want(word(h.ID, maxID), "no id, or one that is no word of up to 64 letters")
	want(h.Author.Valid(), "the author is no node")
	want(!h.Issued.IsZero() && h.Expires.After(h.Issued), "it must be issued before it expires")
	want(h.Issued.Year() > 0 && h.Expires.Year() <= 9999, "there is no such year")
	return wrong
}

// word reports whether a text is letters, digits, - _ . : alone.
func word(text string, most int) bool {
	return text != "" && len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	})
}

// Open reads the header, verifying nothing. Of a newer version's it reads what it
// knows. The error is fault.Invalid.
func (e *Envelope) Open() (Header, error) {
	var h Header
	if err := inCanonicalForm(e.Header); err != nil {
		return h, fmt.Errorf("envelope: header: %w", err)
	}
	strict := strictjson.Read(bytes.NewReader(e.Header), &h)
	switch {
	case strict == nil && h.Version <= Version:
		return h, h.check()
	case strict == nil:
		if wrong := h.checkOutside(); len(wrong) > 0 {
			return h, fmt.Errorf("envelope %.70q: %w: %w", h.ID, errors.Join(wrong...), fault.Invalid)
		}
		return h, nil
	}
	newer, err := openNewer(e.Header)
	if err != nil {
		return h, fmt.Errorf("envelope: header: %w", strict)
	}
	return newer, nil
}

// openNewer reads what every version has of a header of a later version.
func openNewer(text jsontext.Value) (Header, error) {
	var o struct {
		Version int             `json:"version"`
		ID      string          `json:"id"`
		Author  alliance.NodeID `json:"author"`
		Issued  time.Time       `json:"issued"`
		Expires time.Time       `json:"expires"`
		Kind    any             `json:"kind"`
	}
	if err := jsonv2.Unmarshal(text, &o); err != nil {
		return Header{}, err
	}
	h := Header{Version: o.Version, ID: o.ID, Author: o.Author, Issued: o.Issued, Expires: o.Expires}
	if kind, ok := o.Kind.(string); ok && word(kind, maxKind) {
		h.Kind = kind
	}
	if o.Version <= Version {
		return h, errors.New("it is not newer")
	}
	return h, errors.Join(h.checkOutside()...)
}

// Understood refuses a message whose body has a later form than the reader knows: it is
// kept, and not acted on. The error is a Refusal of reason NewerVersion.
func (h *Header) Understood(schema int) error {
	if h.Schema > schema {
		return &Refusal{NewerVersion, fmt.Sprintf("the body of a %s is of form %d; this program understands %d", h.Kind, h.Schema, schema)}
	}
	return nil
}

// inCanonicalForm checks that a header is in the form of RFC 8785, with names given
// once.
func inCanonicalForm(text jsontext.Value) error {
	again := append(jsontext.Value(nil), text...)
	if err := again.Canonicalize(); err != nil {
		return fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	if !bytes.Equal(again, text) {
		return fmt.Errorf("it is not in canonical form (RFC 8785): %w", fault.Invalid)
	}
	return nil
}
