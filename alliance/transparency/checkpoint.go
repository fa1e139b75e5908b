package transparency

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// Hash is a hash of the tree (RFC 6962, section 2.1).
type Hash = tlog.Hash

// Checkpoint is a state of a log that its hub has signed.
type Checkpoint struct {
	// Origin names the log: the node, and from its second log on the number behind a
	// slash.
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   Hash   `json:"root"`
	// Note is the signed note, as it was handed out.
	Note string `json:"note"`
}

// Origin names the log of a node. Logs are numbered from 1.
func Origin(node alliance.NodeID, number int64) string {
	if number == 1 {
		return string(node)
	}
	return string(node) + "/" + strconv.FormatInt(number, 10)
}

// ParseOrigin returns whose log it is, and the log's number. The error is
// fault.Invalid.
func ParseOrigin(origin string) (alliance.NodeID, int64, error) {
	name, rest, more := strings.Cut(origin, "/")
	node, number := alliance.NodeID(name), int64(1)
	if more {
		number, _ = strconv.ParseInt(rest, 10, 64) // 0 is refused below
	}
	if !node.Valid() || Origin(node, number) != origin || number < 1 {
		return "", 0, fmt.Errorf("log %.80q: the origin is no node's: %w", origin, fault.Invalid)
	}
	return node, number, nil
}

// text is what is signed (C2SP tlog-checkpoint, note text).
func (c *Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// sign returns the checkpoint with its note.
func (c Checkpoint) sign(signer note.Signer) (Checkpoint, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	c.Note = string(signed)
	return c, err
}

// maxNote bounds a note: three lines and a few signatures.
const maxNote = 8 << 10

// OpenCheckpoint reads a signed checkpoint and verifies that the node whose log
// it is has signed it with one of the keys. One changed bit anywhere is an error,
// which is fault.Invalid.
func OpenCheckpoint(signed string, keys ...ed25519.PublicKey) (Checkpoint, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	node, _, err := ParseOrigin(c.Origin)
	if err != nil {
		return Checkpoint{}, err
	}
	verifiers := make([]note.Verifier, 0, len(keys))
	for i, key := range keys {
		if slices.ContainsFunc(keys[:i], func(k ed25519.PublicKey) bool { return k.Equal(key) }) {
			continue // one that is given twice would be taken for two that are mixed up
		}
		v, err := verifier(node, key)
		if err != nil {
			return Checkpoint{}, err
		}
		verifiers = append(verifiers, v)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint of log %s at %d entries: no key of that node signed it (%w): %w", c.Origin, c.Size, err, fault.Invalid)
	}
	// The decoder of base64 overlooks bits that mean nothing; then two notes that
	// differ would be one.
	for _, list := range [][]note.Signature{opened.Sigs, opened.UnverifiedSigs} {
		for _, s := range list {
			if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
				return Checkpoint{}, fmt.Errorf("checkpoint of log %s: a signature is not spelled as it should be: %w", c.Origin, fault.Invalid)
			}
		}
	}
	return c, nil
}

// ReadCheckpoint reads a checkpoint without asking who signed it. The error is
// fault.Invalid.
func ReadCheckpoint(signed string) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, fmt.Errorf("checkpoint: longer than %d bytes: %w", maxNote, fault.Invalid)
	}
	text, _, ok := strings.Cut(signed, "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) != 3 {
		return Checkpoint{}, fmt.Errorf("checkpoint %.60q: three lines and a signature are wanted: %w", signed, fault.Invalid)
	}
	c := Checkpoint{Origin: lines[0], Note: signed}
	var err error
	if c.Size, err = readSize(lines[1]); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint of log %.80q: %w", c.Origin, err)
	}
	if c.Root, err = readHash(lines[2]); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint of log %.80q: %w", c.Origin, err)
	}
	return c, nil
}

// maxSize is more entries than any log has, and far from where numbers end.
const maxSize = 1 << 48

func readSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxSize || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%.40q is no number of entries: %w", text, fault.Invalid)
	}
	return n, nil
}

func readHash(text string) (Hash, error) {
	var h Hash
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(sum) != len(h) {
		return h, fmt.Errorf("%.60q is no hash in base64: %w", text, fault.Invalid)
	}
	copy(h[:], sum)
	return h, nil
}

// verifier checks signatures of a node.
func verifier(node alliance.NodeID, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := VerifierKey(node, key)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(text)
}

// VerifierKey returns a node's public key as the format of notes spells it, which
// other programs for transparency logs understand.
func VerifierKey(node alliance.NodeID, key ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(string(node), key)
}

// ParseVerifierKey reads what VerifierKey writes. The error is fault.Invalid.
func ParseVerifierKey(text string) (alliance.NodeID, ed25519.PublicKey, error) {
	v, err := note.NewVerifier(text)
	if err != nil {
		return "", nil, fmt.Errorf("key %.80q: %w: %w", text, err, fault.Invalid)
	}
	parts := strings.SplitN(text, "+", 3)
	raw, err := base64.StdEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize {
		return "", nil, fmt.Errorf("key %.80q is not of Ed25519: %w", text, fault.Invalid)
	}
	node := alliance.NodeID(v.Name())
	if !node.Valid() {
		return "", nil, fmt.Errorf("key %.80q: its name is no node's: %w", text, fault.Invalid)
	}
	return node, ed25519.PublicKey(raw[1:]), nil
}

// signer signs notes with a node's key.
type signer struct {
	note.Verifier
	key crypto.Signer
}

// newSigner returns what signs as the node. The key is of Ed25519.
func newSigner(node alliance.NodeID, key crypto.Signer) (note.Signer, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("signing key of node %s: Ed25519 is wanted, not %T: %w", node, key.Public(), fault.Invalid)
	}
	v, err := verifier(node, public)
	return signer{v, key}, err
}

// Sign signs the text of a note.
func (s signer) Sign(text []byte) ([]byte, error) {
	return s.key.Sign(rand.Reader, text, crypto.Hash(0))
}
