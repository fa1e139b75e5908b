package envelope

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Fork is two things that a node's keys signed and that cannot both be true: proof that
// a key is in strange hands. It is a Refusal, of reason Forked. Nobody can tell which
// is true but people, on the telephone.
type Fork struct { //nolint:errname // it is kept as proof
	Node alliance.NodeID
	What string
}

func (f *Fork) Error() string { return fmt.Sprintf("node %s: %s", f.Node, f.What) }

// Unwrap makes it a Refusal.
func (f *Fork) Unwrap() error { return &Refusal{Forked, f.Error()} }

// Merge joins what is known of a node with another passport of it, which is verified
// here; known is nil for a node that is new. It does not matter in which order
// passports come, nor how often. No revocation and no succession is ever lost, and a
// card gives way to a later revision only. The error is a Refusal: a *Fork where two
// successions lead from one root, or two cards have one revision and are not the same.
func Merge(known, other *Passport) (*Passport, error) {
	if err := other.Verify(); err != nil {
		return nil, err
	}
	if known == nil {
		m := other.clone()
		m.arrange()
		return m, nil
	}
	if !bytes.Equal(known.Root, other.Root) {
		return nil, &Refusal{UnknownSender, fmt.Sprintf("it is the passport of node %s, not of %s", other.Node(), known.Node())}
	}
	successions, err := mergeSuccessions(known, other)
	if err != nil {
		return nil, err
	}
	m := &Passport{Root: known.Root, Successions: successions}
	m.Certificates = append(append(m.Certificates, known.Certificates...), other.Certificates...)
	m.Revocations = append(append(m.Revocations, known.Revocations...), other.Revocations...)
	m.arrange()
	if err := m.mergeCards(known, other); err != nil {
		return nil, err
	}
	return m, m.Verify()
}

func mergeSuccessions(a, b *Passport) ([]Succession, error) {
	longer, shorter := a.Successions, b.Successions
	if len(shorter) > len(longer) {
		longer, shorter = shorter, longer
	}
	merged := append([]Succession(nil), longer...)
	for n, s := range shorter {
		if !bytes.Equal(s.New, longer[n].New) {
			return nil, &Fork{a.Node(), fmt.Sprintf("two roots claim to follow the root %s: %s and %s",
				alliance.KeyFingerprint(s.Old), alliance.KeyFingerprint(a.Successions[n].New), alliance.KeyFingerprint(b.Successions[n].New))}
		}
		if cmp.Or(s.At.Compare(longer[n].At), bytes.Compare(s.OldValue, longer[n].OldValue), bytes.Compare(s.NewValue, longer[n].NewValue)) < 0 {
			merged[n] = s
		}
	}
	return merged, nil
}

// mergeCards takes the card of the later revision. A card whose key does not count any
// more, by what both passports say, is none: with a stolen key cards of any revision
// can be made.
func (m *Passport) mergeCards(a, b *Passport) error {
	var revision int
	for _, from := range []*Passport{a, b} {
		candidate := *m
		candidate.CardText, candidate.CardSignature = from.CardText, from.CardSignature
		if len(from.CardText) == 0 || candidate.verifyCard() != nil {
			continue
		}
		card, err := candidate.Card()
		if err != nil {
			continue
		}
		switch same := bytes.Equal(m.CardText, from.CardText); {
		case len(m.CardText) == 0 || card.Revision > revision:
		case card.Revision < revision:
			continue
		case !same:
			return &Fork{m.Node(), fmt.Sprintf("two cards have the revision %d and say different things", revision)}
		case cmp.Or(m.CardSignature.At.Compare(from.CardSignature.At), bytes.Compare(m.CardSignature.Value, from.CardSignature.Value)) >= 0:
			continue
		}
		*m, revision = candidate, card.Revision
	}
	return nil
}

// Distrust is a local operator's word, after a telephone call, that a key is in strange
// hands, before a revocation is here, or where none can come.
type Distrust struct {
	// Fingerprint is that of the key, or of the node for all its keys.
	Fingerprint string    `json:"fingerprint"`
	By          string    `json:"by"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}

// Check brings the fingerprint into its one form and reports what is missing. The error
// is fault.Invalid.
func (d *Distrust) Check() error {
	said, err := alliance.ParseFingerprint(d.Fingerprint)
	if err != nil {
		return err
	}
	d.Fingerprint = said
	if d.By == "" || d.Reason == "" || d.At.IsZero() || len(d.Reason) > maxReason {
		return fmt.Errorf("distrust of %s: who, when and why are wanted, in up to %d bytes: %w", said, maxReason, fault.Invalid)
	}
	return nil
}

// Distruster is a Ring that knows which keys are not trusted here. Verify asks it, if
// the ring is one.
type Distruster interface {
	// Distrusted returns why what has a fingerprint, a key or a node, is not
	// trusted, if it is not.
	Distrusted(fingerprint string) (Distrust, bool)
}

// Distrusts are those of a node, by fingerprint.
type Distrusts map[string]Distrust

// Distrusted implements Distruster.
func (ds Distrusts) Distrusted(fingerprint string) (Distrust, bool) {
	d, ok := ds[fingerprint]
	return d, ok
}

// Guarded is a ring with what is not trusted of it.
type Guarded struct {
	Ring
	Distruster
}

// distrusted refuses a key of a node that is not trusted here: the node, its root in
// use, or the key itself.
func distrusted(d Distruster, p *Passport, key ed25519.PublicKey) error {
	for _, fingerprint := range []string{p.Node().Fingerprint(), alliance.KeyFingerprint(p.root()), alliance.KeyFingerprint(key)} {
		if why, ok := d.Distrusted(fingerprint); ok {
			return &Refusal{DistrustedKey, fmt.Sprintf("%s, by its fingerprint %s, is not trusted here since %s: %s", p.Node(), fingerprint, why.At.Format(time.RFC3339), why.Reason)}
		}
	}
	return nil
}

// MergeTrusted is Merge for a node that distrusts some keys: a succession that is new
// here and leads away from a root that is distrusted is refused, since whoever stole
// the root can make one. A person who has heard the new root's fingerprint lifts the
// distrust first.
func MergeTrusted(known, other *Passport, d Distruster) (*Passport, error) {
	m, err := Merge(known, other)
	if err != nil {
		return nil, err
	}
	had := 0
	if known != nil {
		had = len(known.Successions)
	}
	if why, ok := d.Distrusted(m.Node().Fingerprint()); ok && known == nil {
		return nil, &Refusal{DistrustedKey, fmt.Sprintf("node %s is not trusted here: %s", m.Node(), why.Reason)}
	}
	for _, s := range m.Successions[had:] {
		if why, ok := d.Distrusted(alliance.KeyFingerprint(s.Old)); ok {
			return nil, &Refusal{DistrustedKey, fmt.Sprintf("a new root of node %s, %s, was named by a root that is not trusted here: %s", m.Node(), alliance.KeyFingerprint(s.New), why.Reason)}
		}
	}
	return m, nil
}
