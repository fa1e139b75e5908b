package alliance

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"tocsin/internal/fault"
)

// NodeID names a node for ever: "n" and the first 130 bits of the SHA-256 of
// its first root key, in 26 letters and digits of lower-case base32. It is one
// token in a subject of the bus, and a file's name.
type NodeID string

// nodeLetters is the length of a NodeID behind its n.
const nodeLetters = 26

var nodeEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NodeOf returns the node whose first root key this is.
func NodeOf(root ed25519.PublicKey) NodeID {
	sum := sha256.Sum256(root)
	return NodeID("n" + nodeEncoding.EncodeToString(sum[:])[:nodeLetters])
}

// ParseNodeID reads a NodeID. The error is fault.Invalid.
func ParseNodeID(text string) (NodeID, error) {
	id := NodeID(strings.ToLower(strings.TrimSpace(text)))
	if !id.Valid() {
		return "", fmt.Errorf("%q is no node: n and %d letters and digits: %w", text, nodeLetters, fault.Invalid)
	}
	return id, nil
}

// Valid reports whether it has the form of a NodeID.
func (n NodeID) Valid() bool {
	if len(n) != nodeLetters+1 || n[0] != 'n' {
		return false
	}
	return !strings.ContainsFunc(string(n[1:]), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '2' || c > '7') })
}

// fingerprintGroups of five digits each are 83 bits: far more than anybody can
// search for a second key with the same.
const fingerprintGroups = 5

// Fingerprint returns the node in five groups of five digits, to be read out by
// telephone: digits are the same in every language. It is made of the ID alone, so
// it is that of the first root key for ever.
func (n NodeID) Fingerprint() string {
	return fingerprint("tocsin fingerprint\n" + string(n))
}

// KeyFingerprint returns one key in the same form, for when a key is stolen and is to
// be distrusted after a telephone call. It is never that of a node.
func KeyFingerprint(key ed25519.PublicKey) string {
	return fingerprint("tocsin key fingerprint\n" + string(key))
}

func fingerprint(of string) string {
	sum := sha256.Sum256([]byte(of))
	hi, lo := binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])
	groups := make([]string, fingerprintGroups)
	for i := range groups {
		var rest uint64
		hi, rest = bits.Div64(0, hi, 100000)
		lo, rest = bits.Div64(rest, lo, 100000)
		groups[i] = fmt.Sprintf("%05d", rest)
	}
	return strings.Join(groups, " ")
}

// ParseFingerprint reads a fingerprint as people type what they hear: the digits
// count, spaces, dots and hyphens between them do not. The error is fault.Invalid.
func ParseFingerprint(text string) (string, error) {
	digits := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" \t.-", c) {
			return -1
		}
		return c
	}, text)
	const group = 5
	if len(digits) != fingerprintGroups*group || strings.ContainsFunc(digits, func(c rune) bool { return c < '0' || c > '9' }) {
		return "", fmt.Errorf("%.60q is no fingerprint: %d digits are wanted: %w", text, fingerprintGroups*group, fault.Invalid)
	}
	groups := make([]string, fingerprintGroups)
	for i := range groups {
		groups[i] = digits[i*group : (i+1)*group]
	}
	return strings.Join(groups, " "), nil
}
