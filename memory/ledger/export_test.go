package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tocsin/intel"
)

// OnFiles makes a ledger keep its store in these files.
func (c Config) OnFiles(files vfs.FS) Config {
	c.files = files
	return c
}

// Key returns an observable's key.
func Key(kind intel.ObservableKind, value []byte) []byte { return appendKey(nil, kind, value) }

// Observable returns what a key is of.
func Observable(key []byte) (intel.Observable, bool) { return observable(key) }

// Merge joins encoded values in the order given, as the database does.
func Merge(key []byte, values ...[]byte) ([]byte, error) {
	m, err := merger().Merge(key, values[0])
	if err != nil {
		return nil, err
	}
	for _, v := range values[1:] {
		if err := m.MergeOlder(v); err != nil {
			return nil, err
		}
	}
	sum, _, err := m.Finish(true)
	return sum, err
}

// Encoded is the value of one sighting on each host and day.
func Encoded(hosts []uint32, seconds []uint32, undated uint64) []byte {
	var sum sighting
	for _, at := range seconds {
		var s sighting
		s.one(moment(at))
		sum.join(&s)
	}
	for _, h := range hosts {
		sum.hosts.add(hostID(h))
	}
	if undated > 0 {
		sum.undated, sum.received = undated, day(undated%1000)
	}
	return sum.append(nil)
}

// Reencoded decodes a value and encodes it again.
func Reencoded(value []byte) ([]byte, error) {
	var s sighting
	if err := s.decode(value); err != nil {
		return nil, err
	}
	return s.append(nil), nil
}

// HostNumber decodes a value and returns how many hosts it says.
func HostNumber(value []byte) (uint64, bool) {
	var s sighting
	if err := s.decode(value); err != nil {
		return 0, false
	}
	return s.hosts.number()
}

// CheckExport reads an export as Import does before it adds anything.
func CheckExport(ctx context.Context, text []byte) error {
	_, err := checkExport(ctx, bytes.NewReader(text))
	return err
}

// Ended returns the lines of an export with the end that fits them.
func Ended(text []byte) []byte {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(bytes.Clone(text), '\n')
	}
	lines := max(bytes.Count(text, []byte{'\n'})-1, 0)
	return fmt.Appendf(bytes.Clone(text), "{\"end\":true,\"lines\":%d,\"sha256\":\"%x\"}\n", lines, sha256.Sum256(text))
}
