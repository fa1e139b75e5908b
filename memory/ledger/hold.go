package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// holds are what retention and erasure must leave, guarded by Ledger.writing.
type holds struct {
	byCase map[string][]span
	all    []span // the union, in order and disjoint
}

// caseLimit is how long the name of a case may be.
const caseLimit = 200

// Hold keeps observables for a case from Prune, Erase and Pseudonymise until
// the case is released: of a range all addresses in it, of a domain all below
// it too, whether or not they were seen yet. Several calls for one case add up;
// what several cases hold is kept until the last is released, and what a case
// holds already changes nothing. It is on disk when Hold returns.
func (l *Ledger) Hold(ctx context.Context, name string, observables []intel.Observable) error {
	if name == "" || len(name) > caseLimit || bytes.IndexByte([]byte(name), 0) >= 0 {
		return fmt.Errorf("hold for case %q: a case has a name of at most %d bytes: %w", name, caseLimit, fault.Invalid)
	}
	var all []span
	for _, o := range observables {
		held, err := l.heldBy(o)
		if err != nil {
			return fmt.Errorf("hold for case %s: %w", name, err)
		}
		all = append(all, held...)
	}
	spans := l.notHeld(name, all)
	if len(spans) == 0 {
		return nil
	}
	return l.changeHolds(ctx, func(w *pebble.Batch) error {
		for _, s := range spans {
			if err := w.Set(s.holdKey(name), nil, nil); err != nil {
				return err
			}
		}
		return nil
	}, func() { l.holds.byCase[name] = append(l.holds.byCase[name], spans...) })
}

// notHeld returns what of spans a case does not hold yet.
func (l *Ledger) notHeld(name string, spans []span) []span {
	l.writing.Lock()
	defer l.writing.Unlock()
	known := map[string]bool{}
	for _, s := range l.holds.byCase[name] {
		known[string(s.holdKey(name))] = true
	}
	return slices.DeleteFunc(spans, func(s span) bool { return known[string(s.holdKey(name))] })
}

// heldBy returns where what an observable covers stands, under its value and
// under its pseudonym.
func (l *Ledger) heldBy(o intel.Observable) ([]span, error) {
	var spans []span
	if o.Kind == intel.IPRange || o.Kind == intel.Domain {
		s, err := spanOf(o)
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	if o.Kind == intel.IPRange {
		return spans, nil
	}
	key := appendKey(nil, o.Kind, []byte(o.Value))
	if len(spans) == 0 {
		spans = append(spans, pointSpan(key))
	}
	if p, ok := l.pseudonymOf(key); ok {
		spans = append(spans, pointSpan(p))
	}
	return spans, nil
}

// pointSpan is the span of one key.
func pointSpan(key []byte) span { return span{key, append(slices.Clone(key), 0)} }

// Release ends the hold of a case. The error is fault.NotFound when it holds
// nothing.
func (l *Ledger) Release(ctx context.Context, name string) error {
	s := prefixSpan(holdPrefix(name))
	err := l.changeHolds(ctx, func(w *pebble.Batch) error {
		if len(l.holds.byCase[name]) == 0 {
			return fmt.Errorf("case %s holds nothing: %w", name, fault.NotFound)
		}
		return w.DeleteRange(s.from, s.to, nil)
	}, func() { delete(l.holds.byCase, name) })
	return err
}

// Cases returns the cases that hold observables, in order.
func (l *Ledger) Cases() []string {
	l.writing.Lock()
	defer l.writing.Unlock()
	return slices.Sorted(maps.Keys(l.holds.byCase))
}

// changeHolds writes a change, waits for the disk, and makes it hold.
func (l *Ledger) changeHolds(ctx context.Context, write func(*pebble.Batch) error, changed func()) error {
	return l.alone(ctx, func(db *pebble.DB) error {
		w := db.NewBatch()
		defer w.Close()
		if err := write(w); err != nil {
			return err
		}
		if err := w.Commit(pebble.Sync); err != nil {
			return err
		}
		changed()
		l.holds.unite()
		return nil
	})
}

// alone does what only one writer at a time may.
func (l *Ledger) alone(ctx context.Context, work func(*pebble.DB) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db, done, err := l.use()
	if err != nil {
		return err
	}
	defer done()
	l.writing.Lock()
	defer l.writing.Unlock()
	return work(db)
}

// holdPrefix is what the keys of all holds of a case begin with.
func holdPrefix(name string) []byte { return append(append([]byte{spaceHold}, name...), 0) }

// holdKey has both ends of the span: spans of one case may begin alike.
func (s span) holdKey(name string) []byte {
	b := binary.AppendUvarint(holdPrefix(name), uint64(len(s.from)))
	return append(append(b, s.from...), s.to...)
}

func (l *Ledger) loadHolds() error {
	l.holds.byCase = map[string][]span{}
	err := scan(l.db, prefixSpan([]byte{spaceHold}), func(key, _ []byte) error {
		name, ends, found := bytes.Cut(key[1:], []byte{0})
		length, n := binary.Uvarint(ends)
		if !found || n <= 0 || length > uint64(len(ends)-n) {
			return fmt.Errorf("hold %x: %w", key, errValue)
		}
		ends = slices.Clone(ends[n:])
		l.holds.byCase[string(name)] = append(l.holds.byCase[string(name)], span{ends[:length:length], ends[length:]})
		return nil
	})
	l.holds.unite()
	return err
}

// unite makes all of byCase.
func (h *holds) unite() {
	h.all = h.all[:0]
	for _, spans := range h.byCase {
		h.all = append(h.all, spans...)
	}
	slices.SortFunc(h.all, func(a, b span) int { return bytes.Compare(a.from, b.from) })
	united := h.all[:0]
	for _, s := range h.all {
		if n := len(united); n > 0 && bytes.Compare(s.from, united[n-1].to) <= 0 {
			if bytes.Compare(s.to, united[n-1].to) > 0 {
				united[n-1].to = s.to
			}
			continue
		}
		united = append(united, s)
	}
	h.all = united
}

func (h *holds) has(key []byte) bool {
	at, found := slices.BinarySearchFunc(h.all, key, func(s span, key []byte) int { return bytes.Compare(s.from, key) })
	return found || (at > 0 && h.all[at-1].has(key))
}
