package memory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/disk"
	"tocsin/internal/fault"
	"tocsin/memory/archive"
)

// Hold keeps what a case names from retention and erasure until the case is
// released: observables in the ledger, and events in the archive.
type Hold struct {
	Case   string    `json:"case"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason,omitempty"`
	// Observables are held wherever they stand: of a range all addresses in it, of
	// a domain all below it too.
	Observables []HeldObservable `json:"observables,omitempty"`
	// Events are held as a whole; nil holds none by themselves.
	Events *Selection `json:"events,omitempty"`
}

// HeldObservable is an observable in a Hold.
type HeldObservable struct {
	Kind  intel.ObservableKind `json:"kind"`
	Value string               `json:"value"`
}

// Selection chooses events: those on one of the hosts, where any are named, and
// from one of the sources, where any are, and within the time, where it is
// bounded. An event that does not say when it happened is within every time.
type Selection struct {
	Hosts   []string  `json:"hosts,omitempty"` // in capital or small letters
	Sources []string  `json:"sources,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"` // not included
}

func (s *Selection) empty() bool {
	return s == nil || (len(s.Hosts)+len(s.Sources) == 0 && s.Since.IsZero() && s.Until.IsZero())
}

func (s *Selection) has(r *archive.Row) bool {
	if s.empty() {
		return false
	}
	is := func(host string) bool { return strings.EqualFold(host, string(r.Host)) }
	switch {
	case len(s.Hosts) > 0 && !slices.ContainsFunc(s.Hosts, is):
		return false
	case len(s.Sources) > 0 && !slices.Contains(s.Sources, r.Source.Name):
		return false
	case r.Time.IsZero():
		return true
	}
	return (s.Since.IsZero() || !r.Time.Before(s.Since)) && (s.Until.IsZero() || r.Time.Before(s.Until))
}

// HoldsFile lists the holds, in a memory's folder.
const HoldsFile = "holds.json"

// holds are those of a memory. The file is what is listed; the ledger has the
// observables of at least what stands in it.
type holds struct {
	path    string
	writing sync.Mutex             // held by whoever changes them
	current atomic.Pointer[[]Hold] // never changed, replaced whole
}

func (h *holds) list() []Hold { return *h.current.Load() }

// openHolds reads the holds. One that cannot be read must not be forgotten, so a
// damaged file is an error.
func openHolds(dir string) (*holds, error) {
	h := &holds{path: filepath.Join(dir, HoldsFile)}
	list := []Hold{}
	text, err := os.ReadFile(h.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, fmt.Errorf("%s is damaged: put it back from a backup, or remove it to hold only what the ledger knows of: %w", h.path, err)
		}
	}
	h.current.Store(&list)
	return h, nil
}

// replace writes the holds, on disk when it returns.
func (h *holds) replace(list []Hold) error {
	text, err := json.MarshalIndent(list, "", "\t")
	if err != nil {
		return err
	}
	if err := disk.Replace(h.path, append(text, '\n')); err != nil {
		return fmt.Errorf("holds: %w", err)
	}
	h.current.Store(&list)
	return nil
}

// Holds returns the holds, in the order in which they were made, and behind them
// the cases for which the ledger alone holds something: one whose hold or release
// was broken off, or whose list was lost. Release ends those too.
func (m *Memory) Holds() []Hold {
	all := slices.Clone(m.holds.list())
	listed := map[string]bool{}
	for _, h := range all {
		listed[h.Case] = listed[h.Case] || len(h.Observables) > 0
	}
	for _, name := range m.Ledger.Cases() {
		if !listed[name] {
			all = append(all, Hold{Case: name, Reason: LedgerOnly})
		}
	}
	return all
}

// LedgerOnly is the reason of a hold that the ledger alone knows of.
const LedgerOnly = "the ledger holds observables for it, and the list of holds does not say which: hold them again, or release the case"

// normal returns observables in normal form, whoever named them: only so they are
// found. The error is fault.Invalid.
func normal(named []HeldObservable) ([]HeldObservable, error) {
	all := make([]HeldObservable, 0, len(named))
	for _, n := range named {
		o, err := observable.Parse(n.Kind, n.Value)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, fault.Invalid)
		}
		all = append(all, HeldObservable(o))
	}
	return all, nil
}

// Hold adds a hold. Several for one case add up. The error is fault.Invalid for
// one that names nothing.
func (m *Memory) Hold(ctx context.Context, h Hold) error {
	if len(h.Observables) == 0 && h.Events.empty() {
		return fmt.Errorf("hold for case %q: name observables, or the host, source or time of events: %w", h.Case, fault.Invalid)
	}
	var err error
	if h.Observables, err = normal(h.Observables); err != nil {
		return fmt.Errorf("hold for case %q: %w", h.Case, err)
	}
	if h.Events.empty() {
		h.Events = nil
	} else if !h.Events.Since.IsZero() && !h.Events.Until.IsZero() && !h.Events.Since.Before(h.Events.Until) {
		return fmt.Errorf("hold for case %q: since is not before until: %w", h.Case, fault.Invalid)
	}
	m.holds.writing.Lock()
	defer m.holds.writing.Unlock()
	h.At = time.Now().UTC()
	// The ledger first: what it holds too much Holds shows, and can be released.
	if err := m.holdObservables(ctx, &h); err != nil {
		return err
	}
	if err := m.holds.replace(append(slices.Clone(m.holds.list()), h)); err != nil {
		return err
	}
	m.Archive.HoldsChanged()
	return m.acts.add(&Act{What: Held, Case: h.Case, By: h.By, Reason: h.Reason})
}

func (m *Memory) holdObservables(ctx context.Context, h *Hold) error {
	var all []intel.Observable
	for _, o := range h.Observables {
		all = append(all, intel.Observable(o))
	}
	return m.Ledger.Hold(ctx, h.Case, all)
}

// Release ends the holds of a case. The error is fault.NotFound when it holds
// nothing.
func (m *Memory) Release(ctx context.Context, name, by, reason string) error {
	m.holds.writing.Lock()
	defer m.holds.writing.Unlock()
	list := m.holds.list()
	left := slices.DeleteFunc(slices.Clone(list), func(h Hold) bool { return h.Case == name })
	listed := len(left) < len(list)
	if listed {
		if err := m.holds.replace(left); err != nil {
			return err
		}
		m.Archive.HoldsChanged()
	}
	err := m.Ledger.Release(ctx, name)
	if errors.Is(err, fault.NotFound) && listed { // it held events only
		err = nil
	}
	if err != nil {
		return err
	}
	return m.acts.add(&Act{What: Released, Case: name, By: by, Reason: reason})
}

// RestoreHolds has the ledger hold all that is listed, of which it may not know
// when it was put back from elsewhere. It is called before anything is forgotten.
func (m *Memory) RestoreHolds(ctx context.Context) error {
	m.holds.writing.Lock()
	defer m.holds.writing.Unlock()
	for _, h := range m.holds.list() {
		if len(h.Observables) > 0 {
			if err := m.holdObservables(ctx, &h); err != nil {
				return err
			}
		}
	}
	return nil
}

// Prune removes archived events as archive.Prune does, but for those held.
func (m *Memory) Prune(ctx context.Context, before time.Time, maxBytes int64) (archive.Pruned, error) {
	var hold func(*archive.Row) bool
	if slices.ContainsFunc(m.holds.list(), func(h Hold) bool { return h.Events != nil }) {
		hold = m.holds.hasEvent
	}
	return m.Archive.Prune(ctx, before, maxBytes, hold)
}

// hasEvent reports whether a case holds an event.
func (h *holds) hasEvent(r *archive.Row) bool {
	return slices.ContainsFunc(h.list(), func(one Hold) bool { return one.Events.has(r) })
}

// has reports whether a case holds an observable.
func (h *holds) has(o intel.Observable) bool {
	for _, one := range h.list() {
		for _, held := range one.Observables {
			if covers(intel.Observable(held), o) {
				return true
			}
		}
	}
	return false
}

// cases returns the cases that hold something of what an observable covers.
func (h *holds) cases(o intel.Observable) []string {
	var names []string
	for _, one := range h.list() {
		if slices.ContainsFunc(one.Observables, func(held HeldObservable) bool {
			return covers(intel.Observable(held), o) || covers(o, intel.Observable(held))
		}) {
			names = append(names, one.Case)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// covers reports whether an observable means another too: a range those in it, a
// domain those below it.
func covers(a, b intel.Observable) bool {
	if a == b {
		return true
	}
	switch {
	case a.Kind == intel.Domain && b.Kind == intel.Domain:
		return strings.HasSuffix(b.Value, "."+a.Value)
	case a.Kind == intel.IPRange:
		outer, err := netip.ParsePrefix(a.Value)
		if err != nil {
			return false
		}
		if b.Kind == intel.IPRange {
			inner, err := netip.ParsePrefix(b.Value)
			return err == nil && outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
		}
		addr, err := netip.ParseAddr(cmp.Or(b.Value, " "))
		return b.Kind == intel.IPAddress && err == nil && outer.Contains(addr)
	}
	return false
}
