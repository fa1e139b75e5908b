package envelope

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// The files of an identity, in a folder of their own, 0700, each 0600. RootFile may
// be taken away and kept offline; it is needed to certify another signing key.
const (
	RootFile     = "root.pem"
	SigningFile  = "signing.pem"
	PassportFile = "passport.json"
)

// Identity is a node's keys. It may be used concurrently.
type Identity struct {
	id       alliance.NodeID
	dir      string
	signing  ed25519.PrivateKey
	passport Passport
}

// ID returns the node's ID.
func (i *Identity) ID() alliance.NodeID { return i.id }

// Create makes an identity in a folder that has none: a root key, a signing key
// that it certifies from now on, and no card yet.
func Create(dir string, now time.Time) (*Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	rootPublic, root, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	signingPublic, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	i := &Identity{id: alliance.NodeOf(rootPublic), dir: dir, signing: signing}
	i.passport = Passport{Root: rootPublic, Certificates: []Certificate{certify(root, signingPublic, now)}}
	if err := errors.Join(writeKey(filepath.Join(dir, RootFile), root), writeKey(filepath.Join(dir, SigningFile), signing), i.store()); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return i, nil
}

// Load opens the identity in a folder. The error is fault.NotFound when there is
// none.
func Load(dir string) (*Identity, error) {
	text, err := os.ReadFile(filepath.Join(dir, PassportFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("identity: none in %s: %w", dir, fault.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	i := &Identity{dir: dir}
	if err := json.Unmarshal(text, &i.passport); err != nil {
		return nil, fmt.Errorf("identity: %s: %w: restore it from a backup", PassportFile, err)
	}
	if i.signing, err = readKey(filepath.Join(dir, SigningFile)); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	i.id = i.passport.Node()
	return i, nil
}

// Passport returns what others know the node by.
func (i *Identity) Passport() *Passport { p := i.passport; return &p }

// Describe signs a card, which becomes that of the passport. The node's ID is filled
// in, and a revision one greater than before.
func (i *Identity) Describe(card alliance.Card) error {
	card.Node = i.id
	if before, err := i.passport.Card(); err == nil {
		card.Revision = before.Revision
	}
	card.Revision++
	text, err := canonical(card)
	if err != nil {
		return fmt.Errorf("card: %w", err)
	}
	i.passport.CardText, i.passport.CardSignature = text, i.sign(cardText(text))
	return i.store()
}

func (i *Identity) sign(text []byte) Signature {
	public, _ := i.signing.Public().(ed25519.PublicKey)
	return Signature{Node: i.id, Key: public, Value: ed25519.Sign(i.signing, text)}
}

func (i *Identity) store() error {
	text, err := json.MarshalIndent(&i.passport, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(i.dir, PassportFile+".new")
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(i.dir, PassportFile))
}

const keyType = "TOCSIN ED25519 SEED"

func writeKey(path string, key ed25519.PrivateKey) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: key.Seed()}), 0o600)
}

func readKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != keyType || len(block.Bytes) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s: no key in it: %w", filepath.Base(path), fault.Invalid)
	}
	return ed25519.NewKeyFromSeed(block.Bytes), nil
}
