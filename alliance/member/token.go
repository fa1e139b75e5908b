package member

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"tocsin/alliance"
	"tocsin/internal/fault"
)

// TokenPrefix begins every token, so that scanners for leaked secrets know it.
const TokenPrefix = "tocsinjoin_"

const (
	tokenVersion = 1
	secretBytes  = 32
	pinBytes     = sha256.Size
	nodeBytes    = 27
	// maxAddress bounds the address in a token, maxToken the token as it is pasted,
	// blanks that a mail put between included.
	maxAddress = 255
	maxToken   = 4096

	pinnedFlag  = 1
	privateFlag = 2
)

// Token is an invitation as it is handed over: where the hub is, who it is, how it
// proves that, and the secret that may be used once. It prints as [redacted].
type Token struct {
	Address string // of the hub's API, https; http for this machine only
	Hub     alliance.NodeID
	// Pin is the SHA-256 of the certificate that the hub's own authority, or the hub
	// itself, has; nil where systems know its authority.
	Pin []byte
	// Private is set where the address is in a private network, or on this machine.
	Private bool

	secret [secretBytes]byte
}

func (Token) String() string { return "[redacted]" }

// GoString keeps the secret out of %#v.
func (Token) GoString() string { return "[redacted]" }

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Text is the token as it is pasted: one line of lower-case letters and digits,
// with a checksum.
func (t *Token) Text() string {
	flags := byte(0)
	if len(t.Pin) > 0 {
		flags |= pinnedFlag
	}
	if t.Private {
		flags |= privateFlag
	}
	b := append([]byte{tokenVersion, flags}, t.Hub...)
	b = append(b, t.secret[:]...)
	b = append(b, t.Pin...)
	b = append(b, t.Address...)
	return TokenPrefix + tokenEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// ErrDamaged is in the error of a token that was not copied whole.
var ErrDamaged = errors.New("the token was not copied whole, or a character was changed: copy it again")

// ParseToken reads a token as somebody pastes it: blanks and line breaks in it, and
// capital letters, do no harm. The error is fault.Invalid, and never holds what
// was pasted.
func ParseToken(text string) (*Token, error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, fmt.Errorf("token: %w: %w", err, fault.Invalid)
	}
	return t, nil
}

func parseToken(text string) (*Token, error) {
	if len(text) > maxToken {
		return nil, fmt.Errorf("longer than %d characters", maxToken)
	}
	text = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || strings.ContainsRune("<>\"'`", c) {
			return -1
		}
		return unicode.ToLower(c)
	}, text)
	rest, ok := strings.CutPrefix(text, TokenPrefix)
	if !ok {
		return nil, errors.New("an invitation begins with " + TokenPrefix)
	}
	b, err := tokenEncoding.DecodeString(rest)
	if err != nil || len(b) < 4 || tokenEncoding.EncodeToString(b) != rest {
		return nil, ErrDamaged
	}
	b, sum := b[:len(b)-4], b[len(b)-4:]
	if binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE(b) {
		return nil, ErrDamaged
	}
	if len(b) == 0 || b[0] != tokenVersion {
		return nil, errors.New("a later version made it: this program must be updated first")
	}
	return readToken(b[1:])
}

// readToken reads what stands behind the version.
func readToken(b []byte) (*Token, error) {
	t := &Token{}
	take := func(n int) []byte {
		if len(b) < n {
			b = nil
			return make([]byte, n) // too short: the hub is then no node
		}
		var part []byte
		part, b = b[:n:n], b[n:]
		return part
	}
	flags := take(1)[0]
	t.Hub = alliance.NodeID(take(nodeBytes))
	copy(t.secret[:], take(secretBytes))
	if flags&pinnedFlag != 0 {
		t.Pin = take(pinBytes)
	}
	t.Private = flags&privateFlag != 0
	t.Address = string(b)
	if !t.Hub.Valid() || flags&^(pinnedFlag|privateFlag) != 0 {
		return nil, ErrDamaged
	}
	address, err := checkAddress(t.Address)
	if err != nil {
		return nil, err
	}
	if address != t.Address {
		return nil, ErrDamaged
	}
	return t, nil
}

// newToken makes a token with a new secret.
func newToken(address string, hub alliance.NodeID, pin []byte) (*Token, error) {
	address, err := checkAddress(address)
	if err != nil {
		return nil, err
	}
	if len(pin) != 0 && len(pin) != pinBytes {
		return nil, fmt.Errorf("a pin of %d bytes: %w", len(pin), fault.Invalid)
	}
	t := &Token{Address: address, Hub: hub, Pin: pin, Private: private(address)}
	_, _ = rand.Read(t.secret[:]) // never fails (crypto/rand)
	return t, nil
}

// checkAddress returns the address of a hub without a slash at its end. Without
// encryption it may be on this machine only.
func checkAddress(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxAddress || u.Host == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || !printable(text) {
		return "", fmt.Errorf("no address of a hub: write https://HOST:PORT: %w", fault.Invalid)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !thisMachine(u.Hostname())) {
		return "", fmt.Errorf("%s://%s: a hub is reached by https; http is for this machine only: %w", u.Scheme, u.Host, fault.Invalid)
	}
	return strings.TrimRight(text, "/"), nil
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

func thisMachine(host string) bool {
	at, err := netip.ParseAddr(host)
	return err == nil && at.IsLoopback() || strings.EqualFold(host, "localhost")
}

// private reports whether an address is seen to be no public one. A name that leads
// into a private network is not: that is for whoever joins to allow.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	at, err := netip.ParseAddr(u.Hostname())
	return thisMachine(u.Hostname()) || err == nil && at.IsPrivate()
}

// hashOf is what is stored of a secret of 256 random bits: nobody can guess it, so
// no slow hash is needed; and since the hash is what is looked up, how long that
// takes tells nothing of the secret.
func hashOf(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:])
}

// newSecret returns 256 random bits in hexadecimal.
func newSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return hex.EncodeToString(b)
}

// readSecret reads what newSecret wrote.
func readSecret(text string) ([]byte, bool) {
	b, err := hex.DecodeString(text)
	return b, err == nil && len(b) == secretBytes
}
