package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// Erase forgets the observables of a kind that were last seen before a day,
// except those that a case holds, and records that it did and why. Answers
// about that time then say so.
func (l *Ledger) Erase(ctx context.Context, kind intel.ObservableKind, before time.Time, reason string) (Record, error) {
	r := Record{What: Erased, Kind: kind, Before: momentOf(before).day().time(), Reason: reason}
	err := l.remove(ctx, &r, func(w *pebble.Batch, key, _ []byte) error { return w.Delete(key, nil) })
	return r, err
}

// pseudonymFile holds the key of pseudonyms, beside the store and not in it:
// without it nobody can tell which value a pseudonym was made of (GDPR Art.
// 4(5): the additional information is kept separately). Whoever deletes the
// file makes pseudonymised values anonymous.
const pseudonymFile = "pseudonym.key"

// Pseudonymise replaces the values of a kind that were last seen before a day
// by keyed hashes, except those that a case holds, and records that it did and
// why. A question about one value is answered as before; a question about a
// range no longer finds it, and its answer says so.
func (l *Ledger) Pseudonymise(ctx context.Context, kind intel.ObservableKind, before time.Time, reason string) (Record, error) {
	r := Record{What: Pseudonymised, Kind: kind, Before: momentOf(before).day().time(), Reason: reason}
	if err := l.makePseudonymKey(); err != nil {
		return r, err
	}
	err := l.remove(ctx, &r, func(w *pebble.Batch, key, value []byte) error {
		if key[2] == formPseudonym {
			r.Observables--
			return nil
		}
		pseudonym, _ := l.pseudonymOf(key)
		if err := w.Merge(pseudonym, value, nil); err != nil {
			return err
		}
		return w.Delete(key, nil)
	})
	return r, err
}

// remove calls act for what a record is about, then keeps the record.
func (l *Ledger) remove(ctx context.Context, r *Record, act func(w *pebble.Batch, key, value []byte) error) error {
	if r.Kind == intel.NoObservable || r.Kind == intel.IPRange {
		return fmt.Errorf("kind %q is never remembered: %w", r.Kind, fault.Invalid)
	}
	limit := momentOf(r.Before).day()
	var s sighting
	err := l.sweep(ctx, prefixSpan([]byte{spaceObservable, byte(r.Kind)}), func(w *pebble.Batch, key, value []byte) error {
		if err := s.decode(value); err != nil {
			return err
		}
		if s.touched() >= limit {
			return nil
		}
		if l.holds.has(key) {
			r.Held++
			return nil
		}
		r.Observables++
		return act(w, key, value)
	})
	if err != nil {
		return fmt.Errorf("%s before %s: not all were %s: %w", r.Kind, r.Before.Format(time.DateOnly), r.What, err)
	}
	return l.record(ctx, r)
}

// pseudonymOf returns the key that stands for another; false where none is
// used.
func (l *Ledger) pseudonymOf(key []byte) ([]byte, bool) {
	secret := l.pseudonym.Load()
	if secret == nil {
		return nil, false
	}
	mac := hmac.New(sha256.New, *secret)
	mac.Write(key[1:])
	return append([]byte{spaceObservable, key[1], formPseudonym}, mac.Sum(nil)[:hashBytes]...), true
}

func (l *Ledger) loadPseudonymKey() error {
	secret, err := os.ReadFile(filepath.Join(l.dir, pseudonymFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(secret) != sha256.Size {
		return fmt.Errorf("%s has %d bytes, not %d: put the right one back, or remove it to make pseudonyms anonymous: %w",
			filepath.Join(l.dir, pseudonymFile), len(secret), sha256.Size, fault.Invalid)
	}
	l.pseudonym.Store(&secret)
	return nil
}

// makePseudonymKey makes the key where there is none, on disk before it is used.
func (l *Ledger) makePseudonymKey() (err error) {
	if l.pseudonym.Load() != nil {
		return nil
	}
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(l.dir, pseudonymFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("key of pseudonyms: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(secret); err != nil {
		return fmt.Errorf("key of pseudonyms: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("key of pseudonyms: %w", err)
	}
	l.pseudonym.Store(&secret)
	return nil
}

// gaps is, for one kind, before which days what was last seen then is no longer
// found.
type gaps struct{ erased, pseudonymised day }

// noteGaps notes what was removed of each kind, for Ask, which does not wait
// for writers.
func (l *Ledger) noteGaps() {
	all := map[intel.ObservableKind]gaps{}
	for _, r := range l.records {
		g := all[r.Kind]
		switch r.What {
		case Erased:
			g.erased = max(g.erased, momentOf(r.Before).day())
		case Pseudonymised:
			g.pseudonymised = max(g.pseudonymised, momentOf(r.Before).day())
		}
		all[r.Kind] = g
	}
	l.removed.Store(&all)
}

// problem says why, for what was removed, a question may have missed
// something; empty when it cannot have.
func (g gaps) problem(q *Question, isRange bool) string {
	since := moment(0)
	if !q.Since.IsZero() {
		since = momentOf(q.Since)
	}
	switch {
	case since < g.erased.start():
		return fmt.Sprintf("what was last seen before %s was erased", g.erased.time().Format(time.DateOnly))
	case isRange && since < g.pseudonymised.start():
		return fmt.Sprintf("what was last seen before %s was pseudonymised: ask for single values", g.pseudonymised.time().Format(time.DateOnly))
	}
	return ""
}
