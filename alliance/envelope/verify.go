package envelope

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
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
	NewerVersion  Reason = "newer_version" // kept, and not acted on
	NotAllowed    Reason = "not_allowed"   // its author may not say such a thing
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
func (e *Envelope) Verify(ring Ring, now time.Time) (Header, error) {
	h, err := e.Open()
	if err != nil {
		return h, &Refusal{Malformed, err.Error()}
	}
	if len(e.Signatures) == 0 || e.Signatures[0].Node != h.Author {
		return h, &Refusal{BadSignature, "the first signature is not the author's"}
	}
	seen := map[alliance.NodeID]bool{}
	for n, s := range e.Signatures {
		if seen[s.Node] {
			return h, &Refusal{Loop, fmt.Sprintf("node %s signed twice", s.Node)}
		}
		seen[s.Node] = true
		p, ok := ring.Passport(s.Node)
		if !ok {
			return h, &Refusal{UnknownSender, fmt.Sprintf("no card of node %s is known here", s.Node)}
		}
		if err := p.Signs(s.Key, h.Issued); err != nil {
			return h, err
		}
		if len(s.Key) != ed25519.PublicKeySize || !ed25519.Verify(s.Key, e.signedBy(n), s.Value) {
			return h, &Refusal{BadSignature, fmt.Sprintf("signature %d, of node %s, is not on this message", n+1, s.Node)}
		}
	}
	switch {
	case h.Version > Version:
		return h, &Refusal{NewerVersion, fmt.Sprintf("version %d; this program understands %d", h.Version, Version)}
	case !now.Before(h.Expires):
		return h, &Refusal{Expired, "it expired at " + h.Expires.Format(time.RFC3339)}
	case h.Issued.After(now.Add(MaxSkew)):
		return h, &Refusal{SkewedClock, fmt.Sprintf("it was issued at %s, and it is %s here", h.Issued.Format(time.RFC3339), now.UTC().Format(time.RFC3339))}
	}
	if e.Body != nil || h.Body.Size == 0 {
		if err := h.Body.Fits(e.Body); err != nil {
			return h, err
		}
	}
	return h, nil
}

// Fits checks that this is the body that is named. The error is a Refusal.
func (b *Body) Fits(content []byte) error {
	if int64(len(content)) != b.Size || Sum(content) != b.SHA256 {
		return &Refusal{BadBody, "the body is not the one that was signed"}
	}
	return nil
}

func newReader(text []byte) io.Reader { return bytes.NewReader(text) }
