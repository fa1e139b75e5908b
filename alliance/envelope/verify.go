package envelope

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Reason is why an envelope is not accepted.
type Reason string

// The reasons.
const (
	Malformed     Reason = "malformed"
	UnknownSender Reason = "unknown_sender"
	BadSignature  Reason = "bad_signature"
	BadBody       Reason = "bad_body"
	RevokedKey    Reason = "revoked_key"
	Expired       Reason = "expired"
	SkewedClock   Reason = "skewed_clock"
	WrongAudience Reason = "wrong_audience"
	Replayed      Reason = "replayed" // its ID was used for another message
	Loop          Reason = "loop"
	NewerVersion  Reason = "newer_version"  // kept, and not acted on
	NotAllowed    Reason = "not_allowed"    // its author may not say such a thing
	Forked        Reason = "forked"         // two histories of one node's keys: a key is stolen
	DistrustedKey Reason = "distrusted_key" // somebody here said so, after a call
)

// Refusal says why an envelope is not accepted. It is fault.Forbidden, or
// fault.Invalid where it is malformed.
type Refusal struct { //nolint:errname // it is counted and shown as often as returned
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string { return fmt.Sprintf("refused, %s: %s", r.Reason, r.Detail) }

// Unwrap makes it a fault.
func (r *Refusal) Unwrap() error {
	if r.Reason == Malformed {
		return fault.Invalid
	}
	return fault.Forbidden
}

// RefusalOf returns the refusal in an error, if it is one.
func RefusalOf(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}

// MaxSkew is how far the clocks of two nodes may be apart.
const MaxSkew = 5 * time.Minute

// Ring knows the passports of nodes.
type Ring interface {
	// Passport returns what is known of a node, or false.
	Passport(node alliance.NodeID) (*Passport, bool)
}

// Verify checks an envelope: its form, every signature against the ring, that it has
// neither expired nor comes from the future, and the body, where it is there. It
// does not know whether the message is new, nor whether it is meant for whoever
// asks. The error is a Refusal; the header is read as far as it could be.
//
// A message of PassportKind is verified with what it brings: a node tells by it of its
// new key, signed with that key. The ring has to know the node.
func (e *Envelope) Verify(ring Ring, now time.Time) (Header, error) {
	h, err := e.verify(ring, time.Time{})
	switch {
	case err != nil:
		return h, err
	case !now.Before(h.Expires):
		return h, &Refusal{Expired, "it expired at " + h.Expires.Format(time.RFC3339)}
	case h.Issued.After(now.Add(MaxSkew)):
		return h, &Refusal{SkewedClock, fmt.Sprintf("it was issued at %s, and it is %s here", h.Issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	return h, nil
}

// VerifyRecord checks an envelope that was kept: as Verify, but for the time, since
// what has expired was still said. had is when the reader has certainly had it, by a
// record of its own that others cannot change; a key that was revoked since a later
// moment still counts for it. A zero had knows no such moment.
func (e *Envelope) VerifyRecord(ring Ring, had time.Time) (Header, error) { return e.verify(ring, had) }

func (e *Envelope) verify(ring Ring, had time.Time) (Header, error) {
	h, err := e.Open()
	if err != nil {
		return h, &Refusal{Malformed, err.Error()}
	}
	if len(e.Signatures) == 0 || len(e.Signatures) > MaxHops+1 || e.Signatures[0].Node != h.Author || !e.Signatures[0].At.IsZero() {
		return h, &Refusal{BadSignature, "the first signature is not the author's"}
	}
	if h.Version == Version && (e.Body != nil || h.Body.Size == 0) {
		if err := h.Body.Fits(e.Body); err != nil {
			return h, err
		}
	}
	ring, err = e.bringing(ring, &h)
	if err != nil {
		return h, err
	}
	for n := range e.Signatures {
		if err := e.verifySignature(ring, &h, n, had); err != nil {
			return h, err
		}
	}
	if h.Version > Version {
		return h, &Refusal{NewerVersion, fmt.Sprintf("version %d; this program understands %d", h.Version, Version)}
	}
	return h, nil
}

func (e *Envelope) verifySignature(ring Ring, h *Header, n int, had time.Time) error {
	s := &e.Signatures[n]
	for _, before := range e.Signatures[:n] {
		if before.Node == s.Node {
			return &Refusal{Loop, fmt.Sprintf("node %s signed twice", s.Node)}
		}
	}
	p, ok := ring.Passport(s.Node)
	if !ok {
		return &Refusal{UnknownSender, fmt.Sprintf("no card of node %s is known here", s.Node)}
	}
	at, text := h.Issued, []byte(nil)
	if n > 0 {
		at = s.At
	}
	if err := p.signs(s.Key, at, had); err != nil {
		return err
	}
	if d, ok := ring.(Distruster); ok {
		if err := distrusted(d, p, s.Key); err != nil {
			return err
		}
	}
	if n == 0 {
		text = e.authored()
	} else {
		text = e.passed(n, s.Node, s.At)
	}
	if len(s.Key) != ed25519.PublicKeySize || !ed25519.Verify(s.Key, text, s.Value) {
		return &Refusal{BadSignature, fmt.Sprintf("signature %d, of node %s, is not on this message", n+1, s.Node)}
	}
	return nil
}

// bringing is the ring with the passport that a message brings of its author, merged
// with what is known.
func (e *Envelope) bringing(ring Ring, h *Header) (Ring, error) {
	if h.Kind != PassportKind || h.Version != Version || e.Body == nil {
		return ring, nil
	}
	known, ok := ring.Passport(h.Author)
	if !ok {
		return ring, nil // refused as unknown
	}
	brought, err := ParsePassport(e.Body)
	if err != nil {
		return ring, err
	}
	d, guarded := ring.(Distruster)
	if !guarded {
		d = Distrusts(nil)
	}
	merged, err := MergeTrusted(known, brought, d)
	if err != nil {
		return ring, err
	}
	return Guarded{brings{ring, merged}, d}, nil
}

// brings is a ring in which one passport is another.
type brings struct {
	Ring
	passport *Passport
}

func (b brings) Passport(node alliance.NodeID) (*Passport, bool) {
	if node == b.passport.Node() {
		return b.passport, true
	}
	return b.Ring.Passport(node)
}
