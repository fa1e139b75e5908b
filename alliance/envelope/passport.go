package envelope

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// PassportKind is the kind of envelope whose body is the author's own passport: how a
// renewed key, a succession, a revocation or another card is told.
const PassportKind = "passport"

const (
	// MaxPassport bounds a passport's text; a card with twenty thousand networks fits.
	MaxPassport = 4 << 20
	// maxKeys bounds certificates and revocations: a renewal a month for twenty years.
	maxKeys = 256
	// maxSuccessions bounds the roots that followed each other.
	maxSuccessions = 32
	// maxReason bounds why a key was revoked, in bytes.
	maxReason = 1 << 10
)

// Passport is what others know a node by: its roots, the keys which the last of them
// certified, and the node's card, signed. It is no secret. It is not changed once it
// was handed out.
type Passport struct {
	// Root is the first root key, after which the node is named for ever, and
	// Successions lead from it to the root that counts now.
	Root          ed25519.PublicKey `json:"root"`
	Successions   []Succession      `json:"successions,omitempty"`
	Certificates  []Certificate     `json:"certificates"`
	Revocations   []Revocation      `json:"revocations,omitempty"`
	CardText      jsontext.Value    `json:"card,omitempty"` // canonical
	CardSignature Signature         `json:"card_signature,omitzero"`
}

// Certificate is a root's word that a key signs for the node, from a moment on, and
// until another where it has an end.
type Certificate struct {
	Key   ed25519.PublicKey `json:"key"`
	From  time.Time         `json:"from"`
	Until *time.Time        `json:"until,omitempty"`
	By    ed25519.PublicKey `json:"by"` // the root
	Value []byte            `json:"value"`
}

// Revocation is a root's word that a key does not count for the node, since a moment.
// The key is one that signs, or a root before the one that revokes.
type Revocation struct {
	Key    ed25519.PublicKey `json:"key"`
	At     time.Time         `json:"at"` // since when others may have had it
	Reason string            `json:"reason"`
	By     ed25519.PublicKey `json:"by"` // the root
	Value  []byte            `json:"value"`
}

// Succession is the word of two roots that the second takes the place of the first.
type Succession struct {
	Old      ed25519.PublicKey `json:"old"`
	New      ed25519.PublicKey `json:"new"`
	At       time.Time         `json:"at"`
	OldValue []byte            `json:"old_value"`
	NewValue []byte            `json:"new_value"`
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
	if err := p.verifyForm(); err != nil {
		return err
	}
	for n, s := range p.Successions {
		text := successionText(p.Node(), s.Old, s.New, s.At)
		switch {
		case !bytes.Equal(s.Old, p.rootAt(n)):
			return &Refusal{BadSignature, "a succession is not of the root before it"}
		case p.rootIndex(s.New) != n+1:
			return &Refusal{BadSignature, "a root follows itself"}
		case !ed25519.Verify(s.Old, text, s.OldValue) || !ed25519.Verify(s.New, text, s.NewValue):
			return &Refusal{BadSignature, "a succession is not signed by both roots"}
		}
	}
	for _, c := range p.Certificates {
		if p.rootIndex(c.By) < 0 || !ed25519.Verify(c.By, certificateText(p.Node(), c.Key, c.From, c.Until), c.Value) {
			return &Refusal{BadSignature, "a certificate is not the root's"}
		}
	}
	for _, r := range p.Revocations {
		by, of := p.rootIndex(r.By), p.rootIndex(r.Key)
		if by < 0 || of >= by || !ed25519.Verify(r.By, revocationText(p.Node(), r.Key, r.At, r.Reason), r.Value) {
			return &Refusal{BadSignature, "a revocation is not by the root whose it is to revoke"}
		}
	}
	return p.verifyCard()
}

func (p *Passport) verifyForm() error {
	switch {
	case len(p.Root) != ed25519.PublicKeySize:
		return &Refusal{Malformed, "no root key"}
	case len(p.Successions) > maxSuccessions || len(p.Certificates) > maxKeys || len(p.Revocations) > maxKeys:
		return &Refusal{Malformed, fmt.Sprintf("a passport holds %d successions, %d certificates and %d revocations at most", maxSuccessions, maxKeys, maxKeys)}
	case len(p.CardText) > MaxPassport:
		return &Refusal{Malformed, fmt.Sprintf("the card is longer than %d bytes", MaxPassport)}
	}
	for _, s := range p.Successions {
		if len(s.Old) != ed25519.PublicKeySize || len(s.New) != ed25519.PublicKeySize {
			return &Refusal{Malformed, "a succession without keys"}
		}
	}
	for _, c := range p.Certificates {
		if len(c.Key) != ed25519.PublicKeySize || c.Until != nil && c.Until.Before(c.From) {
			return &Refusal{Malformed, "a certificate of no key, or that ends before it begins"}
		}
	}
	for _, r := range p.Revocations {
		if len(r.Key) != ed25519.PublicKeySize || len(r.Reason) > maxReason {
			return &Refusal{Malformed, fmt.Sprintf("a revocation of no key, or whose reason is longer than %d bytes", maxReason)}
		}
	}
	return nil
}

func (p *Passport) verifyCard() error {
	if len(p.CardText) == 0 {
		return nil
	}
	card, err := p.Card()
	s := p.CardSignature
	switch {
	case err != nil:
		return &Refusal{Malformed, err.Error()}
	case card.Node != p.Node() || s.Node != p.Node():
		return &Refusal{Malformed, fmt.Sprintf("the card is of node %s, not of %s", card.Node, p.Node())}
	}
	if err := p.Signs(s.Key, s.At); err != nil {
		return err
	}
	if !ed25519.Verify(s.Key, cardText(p.CardText, s.At), s.Value) {
		return &Refusal{BadSignature, "the card is not signed by its node"}
	}
	return nil
}

// signCard signs the card that the passport holds.
func (p *Passport) signCard(node alliance.NodeID, key ed25519.PrivateKey, at time.Time) {
	at = at.UTC()
	p.CardSignature = Signature{Node: node, Key: publicOf(key), At: at, Value: ed25519.Sign(key, cardText(p.CardText, at))}
}

// Bytes returns the passport as it is kept in files and travels.
func (p *Passport) Bytes() ([]byte, error) {
	type plain Passport
	return jsonv2.Marshal((*plain)(p))
}

// ParsePassport reads and verifies a passport. The error is a Refusal.
func ParsePassport(text []byte) (*Passport, error) {
	if len(text) > MaxPassport {
		return nil, &Refusal{Malformed, fmt.Sprintf("a passport of %d bytes; at most %d are read", len(text), MaxPassport)}
	}
	p := &Passport{}
	if err := p.UnmarshalJSON(text); err != nil {
		return nil, &Refusal{Malformed, err.Error()}
	}
	return p, p.Verify()
}

// UnmarshalJSON reads a passport and brings its card into the form that was signed,
// however whoever kept it wrote it. Names that are not known are passed over, for
// passports of newer programs.
func (p *Passport) UnmarshalJSON(text []byte) error {
	type plain Passport
	var read plain
	if err := jsonv2.Unmarshal(text, &read); err != nil {
		return fmt.Errorf("passport: %w: %w", err, fault.Invalid)
	}
	if len(read.CardText) > 0 {
		if err := read.CardText.Canonicalize(); err != nil {
			return fmt.Errorf("passport: card: %w: %w", err, fault.Invalid)
		}
	}
	*p = Passport(read)
	return nil
}

// Passports is a ring in memory.
type Passports map[alliance.NodeID]*Passport

// Passport implements Ring.
func (ps Passports) Passport(node alliance.NodeID) (*Passport, bool) {
	p, ok := ps[node]
	return p, ok
}
