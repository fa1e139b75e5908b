package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// A secret is a prefix, "tocsin_" that of a token, and 58 characters of a-z and
// 2-7: 256 random bits and a checksum over them. The prefix lets scanners for
// leaked secrets know it, and keeps one kind from being taken for another; the
// checksum tells a mistyped secret from one that was revoked.
const (
	prefix      = "tocsin_"
	randomBytes = 32
	sumBytes    = 4
	idBytes     = 5 // enough that no two of a node's tokens share one
)

func encoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// newSecret makes a secret.
func newSecret(prefix string) string {
	return prefix + encoding().EncodeToString(withSum(random(randomBytes)))
}

func random(n int) []byte {
	bits := make([]byte, n)
	_, _ = rand.Read(bits) // never fails (crypto/rand)
	return bits
}

func withSum(bits []byte) []byte {
	return binary.BigEndian.AppendUint32(bits, crc32.ChecksumIEEE(bits))
}

// wellFormed reports whether text can be a secret: it has the form, and the
// checksum is right.
func wellFormed(prefix, text string) bool {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return false
	}
	bits, err := encoding().DecodeString(rest)
	if err != nil || len(bits) != randomBytes+sumBytes {
		return false
	}
	// Written again and compared, since the last character has spare bits.
	return prefix+encoding().EncodeToString(withSum(bits[:randomBytes:randomBytes])) == text
}

type hash [sha256.Size]byte

// hashOf is what is stored of a secret, which has 256 random bits: no slow hash
// is needed, there is nothing to guess. Since what is looked up is the hash,
// how long that takes tells nothing of the secret either.
func hashOf(secret string) hash { return sha256.Sum256([]byte(secret)) }

func (h hash) id() string { return hex.EncodeToString(h[:idBytes]) }

func (h hash) String() string { return hex.EncodeToString(h[:]) }
