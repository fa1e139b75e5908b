package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// NamesLimit is how many different hosts a ledger tells apart, and how many
// sources and log sources: hostile input must not fill memory with names. A
// million hosts are about 100 MB. What comes after counts as one more, nameless
// host.
const NamesLimit = 1 << 20

// nameLimit is how long a name may be: a host's is 253 bytes at most (RFC 1035),
// a path that is a source's may be longer. Of a longer one the beginning counts.
const nameLimit = 512

// nameKind says what is named. The numbers are stored.
type nameKind byte

const (
	hostName   nameKind = 1
	sourceName nameKind = 2
	logName    nameKind = 3 // product, category and service, ended by zeros
)

// noName stands for the names after NamesLimit, and for none.
const noName = 0

// names gives names their numbers. It is safe for concurrent use. A number is
// the first four bytes of the name's SHA-256, or the next that is free where
// two names would have the same.
type names struct {
	kind nameKind

	mu       sync.RWMutex
	byText   map[string]uint32 // guarded by mu
	byNumber map[uint32]string // guarded by mu
	fresh    []uint32          // guarded by mu: not yet written
}

func newNames(kind nameKind) *names {
	return &names{kind: kind, byText: map[string]uint32{}, byNumber: map[uint32]string{}}
}

// number returns a name's number, a new one where it has none.
func (n *names) number(name []byte) uint32 {
	name = name[:min(len(name), nameLimit)]
	if len(name) == 0 {
		return noName
	}
	n.mu.RLock()
	number, ok := n.byText[string(name)]
	n.mu.RUnlock()
	if ok {
		return number
	}
	return n.give(string(name))
}

func (n *names) give(name string) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if number, ok := n.byText[name]; ok {
		return number
	}
	if len(n.byText) >= NamesLimit {
		return noName
	}
	sum := sha256.Sum256([]byte(name))
	number := binary.BigEndian.Uint32(sum[:])
	for n.byNumber[number] != "" || number == noName {
		number++
	}
	n.byText[name], n.byNumber[number] = number, name
	n.fresh = append(n.fresh, number)
	return number
}

// text returns the name of a number.
func (n *names) text(number uint32) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.byNumber[number]
}

func (n *names) len() int {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return len(n.byText)
}

// write adds to a batch the names that no batch has had yet, so that a number
// is never stored without its name. Names whose batch failed are written again.
func (n *names) write(b *pebble.Batch) (written int, err error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, number := range n.fresh {
		key := binary.BigEndian.AppendUint32([]byte{spaceName, byte(n.kind)}, number)
		if err := b.Set(key, []byte(n.byNumber[number]), nil); err != nil {
			return 0, err
		}
	}
	return len(n.fresh), nil
}

// wrote forgets that the first of the new names are new.
func (n *names) wrote(written int) {
	if written == 0 {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fresh = n.fresh[written:]
}

// load reads all names from the database.
func (n *names) load(db *pebble.DB) error {
	return scan(db, prefixSpan([]byte{spaceName, byte(n.kind)}), func(key, value []byte) error {
		if len(key) != 6 {
			return fmt.Errorf("name %x: %w", key, errValue)
		}
		number := binary.BigEndian.Uint32(key[2:])
		n.byText[string(value)], n.byNumber[number] = number, string(value)
		return nil
	})
}
