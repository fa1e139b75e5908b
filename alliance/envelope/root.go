package envelope

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Each operation here needs the root key, which may lie elsewhere: root is the path of
// its file; "" is RootFile in the identity's folder.

// Renew makes another signing key, certified from now on. The one before ends now: what
// it signed until then is still good. The card is signed anew.
func (i *Identity) Renew(root string, now time.Time) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, _, err := i.readRoot(root)
	if err != nil {
		return err
	}
	p := i.passport.clone()
	now = now.UTC()
	for n, c := range p.Certificates {
		if bytes.Equal(c.Key, publicOf(i.signing)) && (c.Until == nil || c.Until.After(now)) {
			p.Certificates[n] = certify(i.id, key, c.Key, c.From, &now)
		}
	}
	return i.replaceSigning(p, key, now)
}

// Revoke tells everybody that a key of the node's does not count any more, since when
// it did not, and why: of the signing key in use, which is replaced, of one before it,
// or of a root that was succeeded. Nothing that a revoked signing key signed is
// accepted from then on, whenever it says that it was signed: whoever stole the key
// writes what date they like. The passport has to be sent to everybody after it.
func (i *Identity) Revoke(root string, revoked ed25519.PublicKey, since time.Time, reason string, now time.Time) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	key, _, err := i.readRoot(root)
	if err != nil {
		return err
	}
	p := i.passport.clone()
	if bytes.Equal(revoked, p.root()) {
		return fmt.Errorf("a root cannot revoke itself: hand over to another root first, which then revokes it: %w", fault.Conflict)
	}
	if p.rootIndex(revoked) < 0 && p.certificate(revoked) == nil {
		return fmt.Errorf("no key of this node has the fingerprint %s: %w", alliance.KeyFingerprint(revoked), fault.NotFound)
	}
	p.Revocations = append(p.Revocations, revoke(i.id, key, revoked, since, reason))
	if !bytes.Equal(revoked, publicOf(i.signing)) {
		return i.keepWhole(p)
	}
	return i.replaceSigning(p, key, now.UTC())
}

// Succeed hands over from the root to a new one, whose key is written to next, a file
// that must not exist; "" puts it in the place of the old. The node's ID stays. Old and
// new root both sign; from then on only the new one counts, and it certifies the
// signing keys anew.
func (i *Identity) Succeed(root, next string, now time.Time) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	old, path, err := i.readRoot(root)
	if err != nil {
		return err
	}
	inPlace := next == ""
	if inPlace {
		next = path + nextSuffix // one that a crash left certified nothing: it is overwritten
	} else if _, err := os.Lstat(next); err == nil {
		return fmt.Errorf("%s is there already: keys are never overwritten: %w", next, fault.Conflict)
	}
	successor, err := newKey()
	if err != nil {
		return err
	}
	p := i.passport.clone()
	p.Successions = append(p.Successions, succeed(p.Node(), old, successor, now))
	for n, c := range p.Certificates {
		p.Certificates[n] = certify(i.id, successor, c.Key, c.From, c.Until)
	}
	for _, r := range i.passport.Revocations {
		if i.passport.counts(&r) {
			p.Revocations = append(p.Revocations, revoke(i.id, successor, r.Key, r.At, r.Reason))
		}
	}
	if err := writeKey(next, successor); err != nil {
		return err
	}
	if err := i.keepWhole(p); err != nil {
		return err
	}
	if inPlace {
		return putInPlace(path)
	}
	return nil
}

// Recover makes an identity of a node whose machine is lost or in strange hands, in a
// folder that has none, from its passport, as any other node or backup has it, and its
// root. All keys that signed for the node are revoked, and another signs.
func Recover(dir string, known *Passport, root string, since time.Time, reason string, now time.Time) (*Identity, error) {
	if err := known.Verify(); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if err := openFolder(dir); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	i := &Identity{id: known.Node(), dir: dir, passport: *known.clone()}
	key, _, err := i.readRoot(root)
	if err != nil {
		return nil, err
	}
	p := i.passport.clone()
	for _, c := range known.Certificates {
		if _, revoked := known.Revoked(c.Key); !revoked {
			p.Revocations = append(p.Revocations, revoke(i.id, key, c.Key, since, reason))
		}
	}
	return i, i.replaceSigning(p, key, now.UTC())
}

// readRoot reads the root key in use, and says where it was.
func (i *Identity) readRoot(path string) (ed25519.PrivateKey, string, error) {
	if path == "" {
		path = i.path(RootFile)
	}
	current := i.passport.root()
	key, err := readCurrent(path, func(public ed25519.PublicKey) bool { return bytes.Equal(public, current) })
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, path, fmt.Errorf("this needs the root key: %w: say where it is kept, with --root FILE", err)
	case err != nil:
		return nil, path, fmt.Errorf("root key: %w", err)
	}
	return key, path, nil
}

// replaceSigning makes a new signing key, certified from a moment on, and signs the
// card with it.
func (i *Identity) replaceSigning(p *Passport, root ed25519.PrivateKey, now time.Time) error {
	signing, err := newKey()
	if err != nil {
		return err
	}
	p.Certificates = append(p.Certificates, certify(i.id, root, publicOf(signing), now, nil))
	if len(p.CardText) > 0 {
		p.signCard(i.id, signing, now)
	}
	path := i.path(SigningFile)
	if err := writeKey(path+nextSuffix, signing); err != nil {
		return err
	}
	if err := i.keepWhole(p); err != nil {
		return err
	}
	i.signing = signing
	return putInPlace(path)
}

// keepWhole keeps a passport that verifies.
func (i *Identity) keepWhole(p *Passport) error {
	if err := p.Verify(); err != nil {
		return err
	}
	return i.keep(p)
}
