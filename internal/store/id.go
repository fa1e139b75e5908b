package store

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// idAlphabet is Crockford's base 32, whose order is that of the bytes.
const idAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IDLength is how long an identifier is.
const IDLength = 26

// NewID makes an identifier for what a person creates: a ULID
// (github.com/ulid/spec), the moment in milliseconds and 80 random bits as 26
// letters and digits. Identifiers sort by their moment; within a millisecond
// in no order. For what may arrive twice use a hash of its content instead.
func NewID(now time.Time) string {
	var bits [16]byte
	_, _ = rand.Read(bits[6:]) // never fails (crypto/rand)
	var moment [8]byte
	binary.BigEndian.PutUint64(moment[:], uint64(max(now.UnixMilli(), 0)))
	copy(bits[:6], moment[2:])
	return encodeID(bits)
}

// encodeID writes 128 bits as 26 characters of 5 bits, two zero bits first.
func encodeID(bits [16]byte) string {
	high, low := binary.BigEndian.Uint64(bits[:8]), binary.BigEndian.Uint64(bits[8:])
	var text [IDLength]byte
	for i := IDLength - 1; i >= 0; i-- {
		text[i] = idAlphabet[low&31]
		low = low>>5 | high<<59
		high >>= 5
	}
	return string(text[:])
}

// IDAt returns the moment that an identifier was made at; false when the text
// is none.
func IDAt(id string) (time.Time, bool) {
	if len(id) != IDLength {
		return time.Time{}, false
	}
	var millis int64
	for i := range IDLength {
		digit := digitOf(id[i])
		if digit < 0 || i == 0 && digit > 7 {
			return time.Time{}, false
		}
		if i < 10 {
			millis = millis<<5 | int64(digit)
		}
	}
	return time.UnixMilli(millis).UTC(), true
}

func digitOf(c byte) int {
	for i := range len(idAlphabet) {
		if idAlphabet[i] == c {
			return i
		}
	}
	return -1
}
