package ledger

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
)

// What may have been done to a ledger, in Record.What.
const (
	Pruned        = "pruned"
	Erased        = "erased"
	Pseudonymised = "pseudonymised"
	Imported      = "imported"
)

// Record says that something was removed from the ledger, made unreadable, or
// brought in, so that what it does not know can be explained. Records are never
// removed.
type Record struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	// Kind is the kind of what was erased or pseudonymised.
	Kind intel.ObservableKind `json:"kind,omitzero"`
	// Before is the day before which what was removed was last seen.
	Before time.Time `json:"before,omitzero"`
	// Values are the pseudonyms of the values meant, where not all of the kind are;
	// Bits the lengths of those that are ranges of addresses.
	Values []string `json:"values,omitempty"`
	Bits   []int    `json:"bits,omitempty"`
	// Key tells which key the pseudonyms of this record were made with.
	Key string `json:"key,omitempty"`
	// By is who asked for it, Reason what they gave as one.
	By          string `json:"by,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Observables uint64 `json:"observables"`
	Presences   uint64 `json:"presences,omitempty"`
	// Held is how many were left because a case holds them.
	Held uint64 `json:"held,omitempty"`
}

// record keeps a record, on disk when it returns, in front of what is not yet
// known to be: what a crash leaves of the changes before it is there as well.
func (l *Ledger) record(ctx context.Context, r *Record) error {
	_, err := l.begin(ctx, r)
	return err
}

// begin keeps a record before what it tells of is done, so that no answer can miss
// something without saying why, whatever happens in between. The function that
// it returns replaces it by what was done.
func (l *Ledger) begin(ctx context.Context, r *Record) (end func(context.Context) error, err error) {
	r.At = l.now().UTC()
	var key []byte
	var at int
	err = l.alone(ctx, func(db *pebble.DB) error {
		at = len(l.records)
		key = r.storeKey(at)
		if err := setRecord(db, key, r); err != nil {
			return err
		}
		l.records = append(l.records, *r)
		l.noteGaps()
		return nil
	})
	return func(ctx context.Context) error {
		return l.alone(ctx, func(db *pebble.DB) error {
			l.records[at] = *r
			return setRecord(db, key, r)
		})
	}, err
}

// storeKey is the key of a record that so many others were kept before, of which
// one may be of the same time.
func (r *Record) storeKey(others int) []byte {
	key := binary.BigEndian.AppendUint64([]byte{spaceRecord}, uint64(r.At.UnixNano()))
	return binary.BigEndian.AppendUint32(key, uint32(others))
}

// leavesGap reports whether something that was seen may not be found for it.
func (r *Record) leavesGap() bool { return r.What == Erased || r.What == Pseudonymised }

func setRecord(db pebble.Writer, key []byte, r *Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := db.Set(key, text, pebble.Sync); err != nil { // a batch does not look at the option
		return fmt.Errorf("record what was %s: %w", r.What, err)
	}
	return nil
}

func (l *Ledger) loadRecords() error {
	defer l.noteGaps()
	return scan(l.db, prefixSpan([]byte{spaceRecord}), func(key, value []byte) error {
		var r Record
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("record %x: %w", key, err)
		}
		l.records = append(l.records, r)
		return nil
	})
}

// Records returns what was done to the ledger, the earliest first.
func (l *Ledger) Records() []Record {
	l.writing.Lock()
	defer l.writing.Unlock()
	return append([]Record(nil), l.records...)
}
