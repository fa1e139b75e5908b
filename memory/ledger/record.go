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
	// Values are the pseudonyms of the values meant, where not all of the kind are.
	Values []string `json:"values,omitempty"`
	// By is who asked for it, Reason what they gave as one.
	By          string `json:"by,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Observables uint64 `json:"observables"`
	Presences   uint64 `json:"presences,omitempty"`
	// Held is how many were left because a case holds them.
	Held uint64 `json:"held,omitempty"`
}

// record keeps a record, on disk when it returns.
func (l *Ledger) record(ctx context.Context, r *Record) error {
	r.At = l.now().UTC()
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return l.alone(ctx, func(db *pebble.DB) error {
		key := binary.BigEndian.AppendUint64([]byte{spaceRecord}, uint64(r.At.UnixNano()))
		key = binary.BigEndian.AppendUint32(key, uint32(len(l.records))) // two at once
		if err := db.Set(key, text, pebble.Sync); err != nil {
			return fmt.Errorf("record what was %s: %w", r.What, err)
		}
		l.records = append(l.records, *r)
		l.noteGaps()
		return nil
	})
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
