package envelope

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
)

// What is signed begins with what it is and whose, so that a signature on one thing is
// never one on another.

func certificateText(node alliance.NodeID, key ed25519.PublicKey, from time.Time, until *time.Time) []byte {
	end := ""
	if until != nil {
		end = stamp(*until)
	}
	return fmt.Appendf(nil, "tocsin certificate 1\n%s\n%x\n%s\n%s", node, []byte(key), stamp(from), end)
}

func revocationText(node alliance.NodeID, key ed25519.PublicKey, at time.Time, reason string) []byte {
	return fmt.Appendf(nil, "tocsin revocation 1\n%s\n%x\n%s\n%s", node, []byte(key), stamp(at), reason)
}

func successionText(node alliance.NodeID, old, next ed25519.PublicKey, at time.Time) []byte {
	return fmt.Appendf(nil, "tocsin succession 1\n%s\n%x\n%x\n%s", node, []byte(old), []byte(next), stamp(at))
}

func cardText(card []byte, at time.Time) []byte {
	return append(fmt.Appendf(nil, "tocsin card 1\n%s\n", stamp(at)), card...)
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

func certify(node alliance.NodeID, root ed25519.PrivateKey, key ed25519.PublicKey, from time.Time, until *time.Time) Certificate {
	c := Certificate{Key: key, From: from.UTC(), By: publicOf(root)}
	if until != nil {
		end := until.UTC()
		c.Until = &end
	}
	c.Value = ed25519.Sign(root, certificateText(node, key, c.From, c.Until))
	return c
}

func revoke(node alliance.NodeID, root ed25519.PrivateKey, key ed25519.PublicKey, since time.Time, reason string) Revocation {
	since = since.UTC()
	return Revocation{Key: key, At: since, Reason: reason, By: publicOf(root), Value: ed25519.Sign(root, revocationText(node, key, since, reason))}
}

func succeed(node alliance.NodeID, old, next ed25519.PrivateKey, at time.Time) Succession {
	at = at.UTC()
	text := successionText(node, publicOf(old), publicOf(next), at)
	return Succession{Old: publicOf(old), New: publicOf(next), At: at, OldValue: ed25519.Sign(old, text), NewValue: ed25519.Sign(next, text)}
}

// rootAt is the root after n successions.
func (p *Passport) rootAt(n int) ed25519.PublicKey {
	if n == 0 {
		return p.Root
	}
	return p.Successions[n-1].New
}

// root is the one that counts.
func (p *Passport) root() ed25519.PublicKey { return p.rootAt(len(p.Successions)) }

// rootIndex is after how many successions a key was the root first, or -1.
func (p *Passport) rootIndex(key ed25519.PublicKey) int {
	for n := range len(p.Successions) + 1 {
		if bytes.Equal(p.rootAt(n), key) {
			return n
		}
	}
	return -1
}

// certificate is what the root that counts says of a key, or nil. Of several the
// narrowest end counts: an end is never taken back.
func (p *Passport) certificate(key ed25519.PublicKey) *Certificate {
	var found *Certificate
	root := p.root()
	for n := range p.Certificates {
		c := &p.Certificates[n]
		if !bytes.Equal(c.Key, key) || !bytes.Equal(c.By, root) {
			continue
		}
		if found == nil {
			first := *c
			found = &first
			continue
		}
		if c.From.Before(found.From) {
			found.From = c.From
		}
		if c.Until != nil && (found.Until == nil || c.Until.Before(*found.Until)) {
			found.Until = c.Until
		}
	}
	return found
}

// counts reports whether a revocation has an effect. One by the root in use has, and
// one by a root before it, unless that was revoked itself, or the key was certified
// only after it was succeeded: who finds an old root cannot stop the node.
func (p *Passport) counts(r *Revocation) bool {
	by := p.rootIndex(r.By)
	if by == len(p.Successions) {
		return true
	}
	for n := range p.Revocations {
		if bytes.Equal(p.Revocations[n].Key, r.By) {
			return false
		}
	}
	c := p.certificate(r.Key)
	return c == nil || !c.From.After(p.Successions[by].At)
}

// Revoked returns the revocation of a key of the node's, if there is one that counts.
func (p *Passport) Revoked(key ed25519.PublicKey) (Revocation, bool) {
	for n := range p.Revocations {
		if r := &p.Revocations[n]; bytes.Equal(r.Key, key) && p.counts(r) {
			return *r, true
		}
	}
	return Revocation{}, false
}

// Signs checks that a key signs for the node what was signed at a moment. The error is
// a Refusal.
func (p *Passport) Signs(key ed25519.PublicKey, at time.Time) error {
	return p.signs(key, at, time.Time{})
}

// signs is Signs for what was certainly there at a moment, if that is not zero: a
// revocation of a later moment does not count against it.
func (p *Passport) signs(key ed25519.PublicKey, at, had time.Time) error {
	if r, revoked := p.Revoked(key); revoked && (had.IsZero() || !had.Before(r.At)) {
		return &Refusal{RevokedKey, fmt.Sprintf("the key does not count since %s: %s", r.At.Format(time.RFC3339), r.Reason)}
	}
	c := p.certificate(key)
	switch {
	case c == nil:
		return &Refusal{BadSignature, fmt.Sprintf("node %s has no such key", p.Node())}
	case at.Before(c.From.Add(-MaxSkew)):
		return &Refusal{BadSignature, fmt.Sprintf("signed at %s with a key that counts from %s on", at.Format(time.RFC3339), c.From.Format(time.RFC3339))}
	case c.Until != nil && at.After(c.Until.Add(MaxSkew)):
		return &Refusal{BadSignature, fmt.Sprintf("signed at %s with a key that counted until %s", at.Format(time.RFC3339), c.Until.Format(time.RFC3339))}
	}
	return nil
}

// inUse reports whether a key signs for the node now.
func (p *Passport) inUse(key ed25519.PublicKey) bool {
	c := p.certificate(key)
	_, revoked := p.Revoked(key)
	return c != nil && c.Until == nil && !revoked
}

// KeyRole is what a key is to a node.
type KeyRole string

// The roles.
const (
	RootKey        KeyRole = "root"
	FormerRootKey  KeyRole = "former_root"
	SigningKey     KeyRole = "signing"
	FormerKey      KeyRole = "former_signing"
	RevokedKeyRole KeyRole = "revoked"
)

// KeyOf is one key of a node, for people to be shown.
type KeyOf struct {
	Key         ed25519.PublicKey `json:"key"`
	Fingerprint string            `json:"fingerprint"`
	Role        KeyRole           `json:"role"`
	From        time.Time         `json:"from,omitzero"`
	Until       *time.Time        `json:"until,omitempty"`
	Reason      string            `json:"reason,omitempty"` // why it was revoked
}

// Keys lists the keys of the node: its roots, then those that sign or did.
func (p *Passport) Keys() []KeyOf {
	var all []KeyOf
	add := func(k KeyOf) {
		if r, revoked := p.Revoked(k.Key); revoked {
			k.Role, k.Until, k.Reason = RevokedKeyRole, &r.At, r.Reason
		}
		k.Fingerprint = alliance.KeyFingerprint(k.Key)
		all = append(all, k)
	}
	for n := range len(p.Successions) + 1 {
		k := KeyOf{Key: p.rootAt(n), Role: RootKey}
		if n > 0 {
			k.From = p.Successions[n-1].At
		}
		if n < len(p.Successions) {
			k.Role, k.Until = FormerRootKey, &p.Successions[n].At
		}
		add(k)
	}
	seen := map[string]bool{}
	for _, c := range p.Certificates {
		if folded := p.certificate(c.Key); folded != nil && !seen[string(c.Key)] {
			seen[string(c.Key)] = true
			k := KeyOf{Key: c.Key, Role: SigningKey, From: folded.From, Until: folded.Until}
			if folded.Until != nil {
				k.Role = FormerKey
			}
			add(k)
		}
	}
	return all
}

// FindKey returns the key of the node that has a fingerprint.
func (p *Passport) FindKey(fingerprint string) (ed25519.PublicKey, bool) {
	for _, k := range p.Keys() {
		if k.Fingerprint == fingerprint {
			return k.Key, true
		}
	}
	return nil, false
}

// clone is a passport that can be changed apart; keys and signatures never are.
func (p *Passport) clone() *Passport {
	c := *p
	c.Successions, c.Certificates, c.Revocations = slices.Clone(p.Successions), slices.Clone(p.Certificates), slices.Clone(p.Revocations)
	return &c
}

// arrange brings a passport into the one order that its content has, and drops what
// only roots before the present one certified: that counts no more.
func (p *Passport) arrange() {
	root := p.root()
	p.Certificates = slices.DeleteFunc(p.Certificates, func(c Certificate) bool { return !bytes.Equal(c.By, root) })
	slices.SortFunc(p.Certificates, compareCertificates)
	p.Certificates = slices.CompactFunc(p.Certificates, func(a, b Certificate) bool {
		a.Value, b.Value = nil, nil
		return compareCertificates(a, b) == 0
	})
	slices.SortFunc(p.Revocations, compareRevocations)
	p.Revocations = slices.CompactFunc(p.Revocations, func(a, b Revocation) bool {
		a.Value, b.Value = nil, nil
		return compareRevocations(a, b) == 0
	})
}

func compareCertificates(a, b Certificate) int {
	until := func(c Certificate) time.Time {
		if c.Until == nil {
			return time.Time{}
		}
		return *c.Until
	}
	return cmp.Or(a.From.Compare(b.From), bytes.Compare(a.Key, b.Key), until(a).Compare(until(b)), bytes.Compare(a.By, b.By), bytes.Compare(a.Value, b.Value))
}

func compareRevocations(a, b Revocation) int {
	return cmp.Or(a.At.Compare(b.At), bytes.Compare(a.Key, b.Key), bytes.Compare(a.By, b.By), strings.Compare(a.Reason, b.Reason), bytes.Compare(a.Value, b.Value))
}
