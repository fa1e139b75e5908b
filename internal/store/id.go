package store

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"
)

// idAlphabet is Crockford's base 32, whose order is that of the bytes.
const idAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IDLength is how long an identifier is.
const IDLength = 26

// NewID makes an identifier for what a person creates: a ULID
// (github.com/ulid/spec), the moment in milliseconds and 80 random bits as 26
// letters and digits. Identifiers sort by their moment; within a millisecond
// in no order, see IDs. For what may arrive twice use a hash of its content.
func NewID(now time.Time) string { return newBits(now).id() }

// FirstID returns what sorts before every identifier made at the moment or
// later, and after those made before: a bound for questions about a period.
func FirstID(at time.Time) string { return idBits{high: momentBits(at)}.id() }

// IDs makes identifiers that sort in the order in which they were made, also
// when the clock is set back. The zero value is ready; it may be used
// concurrently.
type IDs struct {
	mu   sync.Mutex
	last idBits // guarded by mu
}

// Next makes an identifier.
func (i *IDs) Next(now time.Time) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if bits := newBits(now); bits.high>>16 > i.last.high>>16 {
		i.last = bits
	} else {
		i.last = i.last.next()
	}
	return i.last.id()
}

// idBits are the 128 bits of an identifier: 48 of the moment, 80 at random.
type idBits struct{ high, low uint64 }

func newBits(now time.Time) idBits {
	var random [16]byte
	_, _ = rand.Read(random[6:]) // never fails (crypto/rand)
	return idBits{momentBits(now) | binary.BigEndian.Uint64(random[:8]), binary.BigEndian.Uint64(random[8:])}
}

func momentBits(at time.Time) uint64 { return uint64(max(at.UnixMilli(), 0)) << 16 }

func (b idBits) next() idBits {
	b.low++
	if b.low == 0 {
		b.high++
	}
	return b
}

// id writes the bits as 26 characters of 5 bits, two zero bits first.
func (b idBits) id() string {
	high, low := b.high, b.low
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
