package ledger

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tocsin/intel"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
)

// Removal is what is to be erased or pseudonymised.
type Removal struct {
	Kind intel.ObservableKind
	// Before is the day, in UTC, before which it was last seen.
	Before time.Time
	// Only are the values meant, where there are any: of a range all addresses in
	// it, of a domain all below it too.
	Only []intel.Observable
	// By is who wants it, Reason why.
	By, Reason string
	// Dry counts, and changes nothing.
	Dry bool
}

// Erase forgets observables, except those that a case holds, and records that it
// does and why. Answers about that time say so from the beginning on, also when it
// is broken off, which the error tells: it may be repeated. What it deletes is on
// disk until Scrub.
func (l *Ledger) Erase(ctx context.Context, removal Removal) (Record, error) {
	return l.remove(ctx, Erased, &removal, func(w *pebble.Batch, key, _ []byte) error { return w.Delete(key, nil) })
}

// pseudonymFile holds the key of pseudonyms, beside the store and not in it:
// without it nobody can tell which value a pseudonym was made of (GDPR Art.
// 4(5): the additional information is kept separately). Whoever deletes the
// file makes pseudonymised values anonymous.
const pseudonymFile = "pseudonym.key"

// Pseudonymise replaces values by keyed hashes, except those that a case holds,
// and records that it did and why. A question about one value is answered as
// before; one about a range finds, of a domain or the beginning of URLs, that value
// alone, and its answer says so.
func (l *Ledger) Pseudonymise(ctx context.Context, removal Removal) (Record, error) {
	if !removal.Dry {
		if err := l.makePseudonymKey(); err != nil {
			return Record{}, err
		}
	}
	return l.remove(ctx, Pseudonymised, &removal, func(w *pebble.Batch, key, value []byte) error {
		pseudonym, _ := l.pseudonymOf(key)
		if err := w.Merge(pseudonym, value, nil); err != nil {
			return err
		}
		return w.Delete(key, nil)
	})
}

// remove keeps a record, and calls act for what is to be removed.
func (l *Ledger) remove(ctx context.Context, what string, m *Removal, act func(w *pebble.Batch, key, value []byte) error) (Record, error) {
	r := Record{What: what, Kind: m.Kind, Before: momentOf(m.Before).day().time(), By: m.By, Reason: m.Reason}
	spans, err := l.spansOf(m, &r)
	if err != nil {
		return r, err
	}
	if m.Dry {
		return r, l.removeFrom(ctx, spans, &r, nil)
	}
	if what == Pseudonymised || len(r.Values) > 0 {
		r.Key = l.pseudonymKey()
	}
	end, err := l.begin(ctx, &r)
	if err != nil {
		return r, err
	}
	err = l.removeFrom(ctx, spans, &r, act)
	return r, errors.Join(err, end(context.WithoutCancel(ctx)))
}

// removeFrom goes through spans; without act it counts.
func (l *Ledger) removeFrom(ctx context.Context, spans []span, r *Record, act func(w *pebble.Batch, key, value []byte) error) error {
	limit := momentOf(r.Before).day()
	var s sighting
	for _, part := range spans {
		err := l.sweep(ctx, part, func(w *pebble.Batch, key, value []byte) error {
			if err := s.decode(value); err != nil {
				return err
			}
			switch {
			case s.touched() >= limit, r.What == Pseudonymised && key[2] == formPseudonym:
				return nil
			case l.holds.has(key):
				r.Held++
				return nil
			}
			r.Observables++
			if act == nil {
				return nil
			}
			return act(w, key, value)
		})
		if err != nil {
			return fmt.Errorf("%s before %s: not all were %s: %w", r.Kind, r.Before.Format(time.DateOnly), r.What, err)
		}
	}
	return nil
}

// spansOf returns where what is to be removed stands, and notes in the record
// which values are meant, as pseudonyms.
func (l *Ledger) spansOf(m *Removal, r *Record) ([]span, error) {
	if m.Kind == intel.NoObservable || m.Kind == intel.IPRange {
		return nil, fmt.Errorf("kind %q is never remembered: %w", m.Kind, fault.Invalid)
	}
	if len(m.Only) == 0 {
		return []span{prefixSpan([]byte{spaceObservable, byte(m.Kind)})}, nil
	}
	var spans []span
	for _, o := range m.Only {
		if o.Kind != m.Kind && (o.Kind != intel.IPRange || m.Kind != intel.IPAddress) {
			return nil, fmt.Errorf("%s is not of the kind %s: %w", o, m.Kind, fault.Invalid)
		}
		covered, err := l.heldBy(o)
		if err != nil {
			return nil, err
		}
		spans = append(spans, covered...)
		if !m.Dry {
			pseudonym, err := l.Pseudonym(o)
			if err != nil {
				return nil, err
			}
			r.Values = append(r.Values, pseudonym)
			if prefix, err := netip.ParsePrefix(o.Value); o.Kind == intel.IPRange && err == nil && !slices.Contains(r.Bits, prefix.Bits()) {
				r.Bits = append(r.Bits, prefix.Bits())
			}
		}
	}
	return spans, nil
}

// Pseudonym returns what stands for an observable in records of what was removed,
// and in events whose values were pseudonymised. The same observable always has
// the same one. It makes the key where there is none.
func (l *Ledger) Pseudonym(o intel.Observable) (string, error) {
	if err := l.makePseudonymKey(); err != nil {
		return "", err
	}
	key, _ := l.pseudonymOf(appendKey(nil, o.Kind, []byte(o.Value)))
	return pseudonymText(key), nil
}

// PseudonymPrefix begins every pseudonym; behind it stand 26 letters and digits
// that are no hash, name or number of any kind.
const PseudonymPrefix = "pseudonym-"

func pseudonymText(key []byte) string {
	return PseudonymPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(key[keyHead:]))
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

// makePseudonymKey makes the key where there is none, on disk before it is used:
// whole or not at all, since half a key would not open.
func (l *Ledger) makePseudonymKey() error {
	l.making.Lock()
	defer l.making.Unlock()
	if l.pseudonym.Load() != nil {
		return nil
	}
	secret := make([]byte, sha256.Size)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	if err := disk.Replace(filepath.Join(l.dir, pseudonymFile), secret); err != nil {
		return fmt.Errorf("key of pseudonyms: %w", err)
	}
	l.pseudonym.Store(&secret)
	return nil
}

// pseudonymKey tells which key is in use and nothing about it; "" while there is
// none.
func (l *Ledger) pseudonymKey() string {
	secret := l.pseudonym.Load()
	if secret == nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte("tocsin: which key of pseudonyms"), *secret...))
	return hex.EncodeToString(sum[:8])
}
