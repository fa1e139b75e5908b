package envelope

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// The files of an identity, in a folder of their own, 0700, each 0600. RootFile may
// be taken away and kept offline: nothing but certifying, revoking and handing over
// to another root needs it.
const (
	RootFile     = "root.pem"
	SigningFile  = "signing.pem"
	PassportFile = "passport.json"
)

// Identity is a node's keys. It may be used concurrently.
type Identity struct {
	id  alliance.NodeID
	dir string

	mu       sync.RWMutex // guards what follows
	signing  ed25519.PrivateKey
	passport Passport
}

// ID returns the node's ID.
func (i *Identity) ID() alliance.NodeID { return i.id }

// Create makes an identity in a folder that has none: a root key, a signing key
// that it certifies from now on, and no card yet. The error is fault.Conflict where
// there is an identity, or keys that were left of one: keys are never overwritten.
func Create(dir string, now time.Time) (*Identity, error) {
	i, err := create(dir, now)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return i, nil
}

func create(dir string, now time.Time) (*Identity, error) {
	root, err := newKey()
	if err != nil {
		return nil, err
	}
	signing, err := newKey()
	if err != nil {
		return nil, err
	}
	return createOf(dir, now, root, signing)
}

func createOf(dir string, now time.Time, root, signing ed25519.PrivateKey) (*Identity, error) {
	if err := openFolder(dir); err != nil {
		return nil, err
	}
	i := &Identity{id: alliance.NodeOf(publicOf(root)), dir: dir, signing: signing}
	p := Passport{Root: publicOf(root), Certificates: []Certificate{certify(i.id, root, publicOf(signing), now, nil)}}
	// The passport comes last: with it the identity is there.
	return i, errors.Join(writeKey(i.path(RootFile), root), writeKey(i.path(SigningFile), signing), i.keep(&p))
}

// openFolder makes the folder of an identity that is not there yet.
func openFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{PassportFile, RootFile, SigningFile} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return fmt.Errorf("%s is there already: an identity is made once, and keys are never overwritten: %w", filepath.Join(dir, name), fault.Conflict)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Chmod(dir, 0o700)
}

// Load opens the identity in a folder; its root key need not be there. The error is
// fault.NotFound when there is none, fault.Forbidden when others may read it.
func Load(dir string) (*Identity, error) {
	i, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return i, nil
}

func load(dir string) (*Identity, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("none in %s: %w", dir, fault.NotFound)
	}
	if err != nil {
		return nil, err
	}
	i := &Identity{dir: dir}
	text, err := readPrivate(i.path(PassportFile), MaxPassport)
	if err != nil {
		return nil, err
	}
	if err := onlyOurs(dir, info); err != nil {
		return nil, err
	}
	p, err := ParsePassport(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: restore it from a backup", i.path(PassportFile), err)
	}
	i.passport, i.id = *p, p.Node()
	if root, err := os.Lstat(i.path(RootFile)); err == nil {
		if err := onlyOurs(i.path(RootFile), root); err != nil {
			return nil, err
		}
	}
	i.signing, err = readCurrent(i.path(SigningFile), p.inUse)
	return i, err
}

// Passport returns what others know the node by.
func (i *Identity) Passport() *Passport {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.passport.clone()
}

// Key returns the public key that the node signs with.
func (i *Identity) Key() ed25519.PublicKey {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return publicOf(i.signing)
}

// Describe signs a card, which becomes that of the passport. The node's ID is filled
// in, and a revision one greater than before. The error is fault.Invalid where the
// card does not say when it was issued, or before the key was certified.
func (i *Identity) Describe(card alliance.Card) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	card.Node, card.Issued = i.id, card.Issued.UTC()
	if before, err := i.passport.Card(); err == nil {
		card.Revision = before.Revision
	}
	card.Revision++
	text, err := canonical(card)
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	p := i.passport.clone()
	p.CardText = text
	p.signCard(i.id, i.signing, card.Issued)
	if err := p.Verify(); err != nil {
		return fmt.Errorf("card: %w", err)
	}
	return i.keep(p)
}

// Adopt takes up what another copy of the node's own passport says more: a revocation
// or a succession that was made where the root is kept. The error is that of Merge.
func (i *Identity) Adopt(other *Passport) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	merged, err := Merge(&i.passport, other)
	if err != nil {
		return err
	}
	return i.keep(merged)
}

// keep makes a passport the identity's, on disk before anything is signed by it.
func (i *Identity) keep(p *Passport) error {
	p.arrange()
	text, err := p.Bytes()
	if err != nil {
		return err
	}
	if err := disk.Replace(i.path(PassportFile), text); err != nil {
		return err
	}
	i.passport = *p
	return nil
}

func (i *Identity) path(name string) string { return filepath.Join(i.dir, name) }

// sign signs a text; at is when, where nothing in the text says so.
func (i *Identity) sign(text []byte, at time.Time) Signature {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return Signature{Node: i.id, Key: publicOf(i.signing), At: at, Value: ed25519.Sign(i.signing, text)}
}
