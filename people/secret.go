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

// A token is "tocsin_" and 58 characters of a-z and 2-7: 256 random bits and a
// checksum over them. The prefix lets scanners for leaked secrets know it; the
// checksum tells a mistyped token from one that was revoked.
const (
	prefix      = "tocsin_"
	randomBytes = 32
	sumBytes    = 4
	idBytes     = 5 // enough that no two of a node's tokens share one
)

func encoding() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// newSecret makes a token.
func newSecret() string {
	bits := make([]byte, randomBytes, randomBytes+sumBytes)
	_, _ = rand.Read(bits) // never fails (crypto/rand)
	return prefix + encoding().EncodeToString(withSum(bits))
}

func withSum(bits []byte) []byte {
	return binary.BigEndian.AppendUint32(bits, crc32.ChecksumIEEE(bits))
}

// wellFormed reports whether text can be a token: it has the form, and the
// checksum is right.
func wellFormed(text string) bool {
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

// hashOf is what is stored of a token. A token has 256 random bits, so no slow
// hash is needed: there is nothing to guess.
func hashOf(secret string) hash { return sha256.Sum256([]byte(secret)) }

func (h hash) id() string { return hex.EncodeToString(h[:idBytes]) }
