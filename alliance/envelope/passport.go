package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Passport is what others know a node by: its root key, the keys which that one
// certified, and the node's card, signed. It is no secret.
type Passport struct {
	Root          ed25519.PublicKey `json:"root"`
	Certificates  []Certificate     `json:"certificates"`
	Revocations   []Revocation      `json:"revocations,omitempty"`
	CardText      jsontext.Value    `json:"card,omitempty"` // canonical
	CardSignature Signature         `json:"card_signature,omitzero"`
}

// Certificate is a root's word that a key signs for the node.
type Certificate struct {
	Key   ed25519.PublicKey `json:"key"`
	From  time.Time         `json:"from"`
	Value []byte            `json:"value"`
}

// Revocation is a root's word that a key does not sign for the node any more.
type Revocation struct {
	Key    ed25519.PublicKey `json:"key"`
	At     time.Time         `json:"at"`
	Reason string            `json:"reason"`
	Value  []byte            `json:"value"`
}

func certificateText(key ed25519.PublicKey, from time.Time) []byte {
	return fmt.Appendf(nil, "tocsin certificate 1\n%x\n%s", key, from.UTC().Format(time.RFC3339Nano))
}

func revocationText(key ed25519.PublicKey, at time.Time, reason string) []byte {
	return fmt.Appendf(nil, "tocsin revocation 1\n%x\n%s\n%s", key, at.UTC().Format(time.RFC3339Nano), reason)
}

func cardText(card []byte) []byte { return append([]byte("tocsin card 1\n"), card...) }

func certify(root ed25519.PrivateKey, key ed25519.PublicKey, from time.Time) Certificate {
	from = from.UTC()
	return Certificate{Key: key, From: from, Value: ed25519.Sign(root, certificateText(key, from))}
}

// Node returns whose passport it is.
func (p *Passport) Node() alliance.NodeID { return alliance.NodeOf(p.Root) }

// Card returns the node's card. The error is fault.NotFound where it has none.
func (p *Passport) Card() (alliance.Card, error) {
	var c alliance.Card
	if len(p.CardText) == 0 {
		return c, fmt.Errorf("node %s has no card yet: %w", p.Node(), fault.NotFound)
	}
	if err := json.Unmarshal(p.CardText, &c); err != nil {
		return c, fmt.Errorf("card of node %s: %w: %w", p.Node(), err, fault.Invalid)
	}
	return c, nil
}

// Verify checks that everything in the passport was signed by whom it says. The
// error is a Refusal.
func (p *Passport) Verify() error {
	if len(p.Root) != ed25519.PublicKeySize {
		return &Refusal{Malformed, "no root key"}
	}
	for _, c := range p.Certificates {
		if len(c.Key) != ed25519.PublicKeySize || !ed25519.Verify(p.Root, certificateText(c.Key, c.From), c.Value) {
			return &Refusal{BadSignature, "a certificate is not the root's"}
		}
	}
	for _, r := range p.Revocations {
		if !ed25519.Verify(p.Root, revocationText(r.Key, r.At, r.Reason), r.Value) {
			return &Refusal{BadSignature, "a revocation is not the root's"}
		}
	}
	if len(p.CardText) == 0 {
		return nil
	}
	card, err := p.Card()
	switch {
	case err != nil:
		return &Refusal{Malformed, err.Error()}
	case card.Node != p.Node():
		return &Refusal{Malformed, fmt.Sprintf("the card is of node %s, not of %s", card.Node, p.Node())}
	}
	if err := p.Signs(p.CardSignature.Key, card.Issued); err != nil {
		return err
	}
	if !ed25519.Verify(p.CardSignature.Key, cardText(p.CardText), p.CardSignature.Value) {
		return &Refusal{BadSignature, "the card is not signed by its node"}
	}
	return nil
}

// Signs checks that a key signs for the node. The error is a Refusal.
func (p *Passport) Signs(key ed25519.PublicKey, at time.Time) error {
	for _, r := range p.Revocations {
		if bytes.Equal(r.Key, key) {
			return &Refusal{RevokedKey, fmt.Sprintf("the key was revoked at %s: %s", r.At.Format(time.RFC3339), r.Reason)}
		}
	}
	for _, c := range p.Certificates {
		if bytes.Equal(c.Key, key) {
			if at.Before(c.From.Add(-MaxSkew)) {
				return &Refusal{BadSignature, fmt.Sprintf("signed at %s with a key that counts from %s on", at.Format(time.RFC3339), c.From.Format(time.RFC3339))}
			}
			return nil
		}
	}
	return &Refusal{BadSignature, fmt.Sprintf("node %s has no such key", p.Node())}
}

// Passports is a ring in memory.
type Passports map[alliance.NodeID]*Passport

// Passport implements Ring.
func (ps Passports) Passport(node alliance.NodeID) (*Passport, bool) {
	p, ok := ps[node]
	return p, ok
}

// ParsePassport reads and verifies a passport. The error is a Refusal.
func ParsePassport(text []byte) (*Passport, error) {
	p := &Passport{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, &Refusal{Malformed, errors.Join(errors.New("passport"), err).Error()}
	}
	return p, p.Verify()
}
