package main

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
	"tocsin/internal/output"
)

// identityCmd is the verbs of the keys by which other nodes know this one. Those that
// change them need that no node runs on the data directory.
type identityCmd struct {
	Show        identityShowCmd        `cmd:"" help:"Who this node is: its name, card, and every key with its fingerprint."`
	Fingerprint identityFingerprintCmd `cmd:"" help:"Print the node's fingerprint, to be read out by telephone."`
	Create      identityCreateCmd      `cmd:"" help:"Make the keys before the first start, which makes them otherwise."`
	Renew       identityRenewCmd       `cmd:"" help:"Sign with a new key from now on; what the one before signed stays good."`
	RotateRoot  identityRotateRootCmd  `cmd:"" help:"Hand over to a new root key; the node stays the same."`
	Revoke      identityRevokeCmd      `cmd:"" help:"Say that a key was stolen: nothing that it signed is accepted any more."`
	Recover     identityRecoverCmd     `cmd:"" help:"Make the keys of a node whose machine is lost anew, from its root key and its passport."`
	Export      identityExportCmd      `cmd:"" help:"Write the passport, by which others verify what this node signs. It is no secret."`
}

func (c *console) identityDir() string { return filepath.Join(c.data, "identity") }

func (c *console) identity() (*envelope.Identity, error) {
	i, err := envelope.Load(c.identityDir())
	if errors.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("%w: 'tocsin up' makes one at its first start, 'tocsin identity create' before it", err)
	}
	return i, err
}

// identityAlone hands the identity to what changes it, while no node uses it, and says
// what has to follow.
func (c *console) identityAlone(change func(*envelope.Identity) error, said string) (err error) {
	lock, err := c.alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	i, err := c.identity()
	if err != nil {
		return err
	}
	if err := change(i); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s\nThe key in use is now %s.\nOthers learn of it over links once the node runs; 'tocsin identity export' writes it into a file for those without one.\n",
		said, alliance.KeyFingerprint(i.Key()))
	return err
}

type identityShowCmd struct {
	Format string `help:"text or json." enum:"text,json" default:"text"`
}

// identityShown is an identity in JSON.
type identityShown struct {
	Node        alliance.NodeID  `json:"node"`
	Fingerprint string           `json:"fingerprint"`
	RootHere    bool             `json:"root_here"`
	Keys        []envelope.KeyOf `json:"keys"`
	Card        json.RawMessage  `json:"card,omitempty"`
}

func (s *identityShowCmd) Run(c *console) error {
	i, err := c.identity()
	if err != nil {
		return err
	}
	p := i.Passport()
	_, missing := os.Stat(filepath.Join(c.identityDir(), envelope.RootFile))
	shown := identityShown{i.ID(), i.ID().Fingerprint(), missing == nil, p.Keys(), json.RawMessage(p.CardText)}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(shown)
	}
	_, err = fmt.Fprintf(c.out, "node         %s\nfingerprint  %s\n", shown.Node, shown.Fingerprint)
	if card, has := p.Card(); has == nil {
		_, err = fmt.Fprintf(c.out, "card         %s, %s, revision %d of %s\n", output.Plain(card.Name("en")), output.Plain(string(card.Kind)), card.Revision, minute(card.Issued))
	}
	if err != nil {
		return err
	}
	if err := writeKeys(c.out, shown.Keys); err != nil {
		return err
	}
	where := "The root key is not in the data directory: it is kept elsewhere."
	if shown.RootHere {
		where = "The root key lies in " + output.Plain(filepath.Join(c.identityDir(), envelope.RootFile)) + ": move it to where no network leads. Only renew, rotate-root and revoke need it."
	}
	_, err = fmt.Fprintln(c.out, where)
	return err
}

// keyWords are the roles of keys for people.
var keyWords = map[envelope.KeyRole]string{
	envelope.RootKey: "root", envelope.FormerRootKey: "root before", envelope.SigningKey: "signs", envelope.FormerKey: "signed", envelope.RevokedKeyRole: "REVOKED",
}

func writeKeys(to io.Writer, keys []envelope.KeyOf) error {
	for _, k := range keys {
		times := ""
		if !k.From.IsZero() {
			times += "  from " + minute(k.From)
		}
		if k.Until != nil {
			word := "until"
			if k.Role == envelope.RevokedKeyRole {
				word = "since"
			}
			times += "  " + word + " " + minute(*k.Until)
		}
		if k.Reason != "" {
			times += "  " + output.Plain(k.Reason)
		}
		if _, err := fmt.Fprintf(to, "%-11s  %s%s\n", keyWords[k.Role], k.Fingerprint, times); err != nil {
			return err
		}
	}
	return nil
}

type identityFingerprintCmd struct {
	Key bool `help:"That of the key in use instead, which others distrust after a call when it is stolen."`
}

func (f *identityFingerprintCmd) Run(c *console) error {
	i, err := c.identity()
	if err != nil {
		return err
	}
	said := i.ID().Fingerprint()
	if f.Key {
		said = alliance.KeyFingerprint(i.Key())
	}
	_, err = fmt.Fprintln(c.out, said)
	return err
}

type identityCreateCmd struct{}

func (*identityCreateCmd) Run(c *console) (err error) {
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return err
	}
	lock, err := c.alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	i, err := envelope.Create(c.identityDir(), time.Now())
	if err != nil {
		return err
	}
	return c.sayIdentity(i)
}

func (c *console) sayIdentity(i *envelope.Identity) error {
	_, err := fmt.Fprintf(c.out, "This node is %s.\nIts fingerprint is %s.\n", i.ID(), i.ID().Fingerprint())
	return err
}

// rootFlag is where the root key is.
type rootFlag struct {
	Root string `help:"File of the root key, where it is not in the data directory." placeholder:"FILE"`
}

type identityRenewCmd struct{ rootFlag }

func (r *identityRenewCmd) Run(c *console) error {
	return c.identityAlone(func(i *envelope.Identity) error { return i.Renew(r.Root, time.Now()) }, "The signing key is renewed.")
}

type identityRotateRootCmd struct {
	rootFlag
	NewRoot string `help:"File to write the new root key into; without it, it takes the place of the old." placeholder:"FILE"`
}

func (r *identityRotateRootCmd) Run(c *console) error {
	return c.identityAlone(func(i *envelope.Identity) error { return i.Succeed(r.Root, r.NewRoot, time.Now()) },
		"Another root key counts from now on. Where the one before may be in strange hands: 'tocsin identity revoke' with its fingerprint.")
}

type identityRevokeCmd struct {
	rootFlag
	Key    string `arg:"" optional:"" help:"Fingerprint of the key, as 'identity show' prints it; the key in use without it."`
	Reason string `help:"Why, for others to read." required:""`
	Since  moment `help:"Since when others may have had the key; now without it." placeholder:"TIME"`
}

func (r *identityRevokeCmd) Run(c *console) error {
	since := r.Since.Time
	if since.IsZero() {
		since = time.Now()
	}
	return c.identityAlone(func(i *envelope.Identity) error {
		key := i.Key()
		if r.Key != "" {
			var err error
			if key, err = ownKey(i, r.Key); err != nil {
				return err
			}
		}
		return i.Revoke(r.Root, key, since, r.Reason, time.Now())
	}, "The key is revoked.")
}

func ownKey(i *envelope.Identity, typed string) (ed25519.PublicKey, error) {
	fingerprint, err := alliance.ParseFingerprint(typed)
	if err != nil {
		return nil, usageError{err}
	}
	key, ok := i.Passport().FindKey(fingerprint)
	if !ok {
		return nil, fmt.Errorf("no key of this node has the fingerprint %s: see 'tocsin identity show': %w", fingerprint, fault.NotFound)
	}
	return key, nil
}

type identityRecoverCmd struct {
	Passport string `help:"The node's passport, as any other node or a backup has it." required:"" placeholder:"FILE"`
	Root     string `help:"File of the root key." required:"" placeholder:"FILE"`
	Reason   string `help:"Why, for others to read." required:""`
	Since    moment `help:"Since when others may have had the keys; now without it." placeholder:"TIME"`
}

func (r *identityRecoverCmd) Run(c *console) (err error) {
	known, err := readPassport(r.Passport)
	if err != nil {
		return err
	}
	since := r.Since.Time
	if since.IsZero() {
		since = time.Now()
	}
	if err := os.MkdirAll(c.data, 0o700); err != nil {
		return err
	}
	lock, err := c.alone()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	i, err := envelope.Recover(c.identityDir(), known, r.Root, since, r.Reason, time.Now())
	if err != nil {
		return err
	}
	return c.sayIdentity(i)
}

type identityExportCmd struct {
	Out string `help:"Write it here rather than to standard output." placeholder:"FILE"`
}

func (e *identityExportCmd) Run(c *console) error {
	i, err := c.identity()
	if err != nil {
		return err
	}
	text, err := i.Passport().Bytes()
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if e.Out == "" {
		_, err = c.out.Write(text)
		return err
	}
	return os.WriteFile(e.Out, text, 0o644) //nolint:gosec // it is made for others to read
}

// readPassport reads a passport that others wrote.
func readPassport(path string) (p *envelope.Passport, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(io.LimitReader(f, envelope.MaxPassport+2))
	if err != nil {
		return nil, err
	}
	if p, err = envelope.ParsePassport(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}
