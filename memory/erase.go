package memory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/memory/archive"
	"tocsin/memory/ledger"
)

// Erasure is what somebody wants erased or pseudonymised: the observables of a
// kind that were last seen before a day, and their values in events that happened
// before it.
type Erasure struct {
	Kind intel.ObservableKind `json:"kind"`
	// Before counts as the day, in UTC, that it falls on: what was seen on that day
	// stays.
	Before time.Time `json:"before"`
	// Only are the values meant, where there are any: of a range all addresses in
	// it, of a domain all below it too.
	Only []HeldObservable `json:"only,omitempty"`
	// Pseudonymise replaces values by keyed hashes instead.
	Pseudonymise bool `json:"pseudonymise,omitempty"`
	// By is who wants it, Reason why.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason"`
	// Dry counts, and changes nothing.
	Dry bool `json:"dry_run,omitempty"`
}

// Erase erases or pseudonymises in ledger and archive, but for what a case holds,
// and records who wanted it and why. It is recorded before it begins and when it
// is done: one that was broken off may be repeated, and changes what is left.
// The error is fault.Conflict, and names the case, for a single value that is
// held.
//
// What was not yet written to the archive is written first. Then giveBack is
// called, which has the journal give back what came before and is remembered; it
// may be nil where there is no journal. What stays on purpose is in Act.Kept.
func (m *Memory) Erase(ctx context.Context, e Erasure, giveBack func(context.Context) error) (Act, error) {
	e.Before = e.Before.UTC().Truncate(24 * time.Hour)
	if err := e.check(time.Now()); err != nil {
		return Act{}, err
	}
	for _, o := range e.Only {
		if cases := m.holds.cases(intel.Observable(o)); len(cases) > 0 {
			return Act{}, fmt.Errorf("%s %s is held for %s: release it first: %w", o.Kind, o.Value, strings.Join(cases, ", "), fault.Conflict)
		}
	}
	if err := m.RestoreHolds(ctx); err != nil {
		return Act{}, err
	}
	m.erasing.Lock()
	defer m.erasing.Unlock()
	act := Act{What: Erased, By: e.By, Reason: e.Reason, Kind: e.Kind, Before: e.Before, Kept: kept(e.Kind)}
	if e.Pseudonymise {
		act.What = Pseudonymised
	}
	if e.Dry {
		return act, m.erase(ctx, &e, &act.Removed)
	}
	for _, o := range e.Only {
		pseudonym, err := m.Ledger.Pseudonym(intel.Observable(o))
		if err != nil {
			return act, err
		}
		act.Values = append(act.Values, pseudonym)
	}
	if err := m.acts.add(&act); err != nil {
		return act, err
	}
	err := m.erase(ctx, &e, &act.Removed)
	if err == nil && giveBack != nil {
		err = giveBack(ctx)
		act.JournalGivenBack = err == nil
	}
	if err == nil {
		act.Finished = time.Now().UTC()
	} else {
		act.Failed = err.Error()
	}
	return act, errors.Join(err, m.acts.add(&act))
}

// kept says where values of a kind stay on purpose.
func kept(kind intel.ObservableKind) []string {
	var where []string
	switch kind {
	case intel.Domain, intel.IPAddress, intel.FilePath, intel.FileName: // what hosts and sources are named by
		where = append(where, "Events keep the names of the host and the source that they came from, and the ledger the names of hosts and sources, also where such a name is a value that was meant.")
	}
	return append(where, "Findings, records set aside, exports and backups keep the values that they have.")
}

// check checks what is wanted, and brings values into normal form.
func (e *Erasure) check(now time.Time) (err error) {
	if e.Only, err = normal(e.Only); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	switch {
	case e.Kind == intel.NoObservable || e.Kind == intel.IPRange:
		return fmt.Errorf("erase: %q is no kind that is remembered: %w", e.Kind, fault.Invalid)
	case e.Before.IsZero() || e.Before.After(now):
		return fmt.Errorf("erase: say before which day, up to today: %w", fault.Invalid)
	case strings.TrimSpace(e.Reason) == "":
		return fmt.Errorf("erase: say why: it is recorded: %w", fault.Invalid)
	}
	for _, o := range e.Only {
		if o.Kind != e.Kind && (o.Kind != intel.IPRange || e.Kind != intel.IPAddress) {
			return fmt.Errorf("erase: %s %s is not of the kind %s: %w", o.Kind, o.Value, e.Kind, fault.Invalid)
		}
	}
	return nil
}

// erase does what an act records.
func (m *Memory) erase(ctx context.Context, e *Erasure, removed *Removed) error {
	if err := errors.Join(m.eraseLedger(ctx, e, removed), m.Archive.Flush()); err != nil {
		return err
	}
	var editor *redactor
	done, err := m.Archive.Redact(ctx, archive.Redaction{Before: e.Before, Dry: e.Dry, Editor: func(names *intel.Names) func(*archive.Row) bool {
		editor = m.newRedactor(e, names)
		return editor.row
	}})
	removed.Segments, removed.Events = done.Segments, done.Events
	removed.HeldEvents = editor.held
	if editor.failed != nil {
		err = errors.Join(err, editor.failed)
	}
	return err
}

func (m *Memory) eraseLedger(ctx context.Context, e *Erasure, removed *Removed) error {
	removal := ledger.Removal{Kind: e.Kind, Before: e.Before, By: e.By, Reason: e.Reason, Dry: e.Dry}
	for _, o := range e.Only {
		removal.Only = append(removal.Only, intel.Observable(o))
	}
	remove := m.Ledger.Erase
	if e.Pseudonymise {
		remove = m.Ledger.Pseudonymise
	}
	r, err := remove(ctx, removal)
	removed.Observables, removed.HeldObservables = r.Observables, r.Held
	if err != nil || e.Dry {
		return err
	}
	// What was deleted is on disk until then: by this erasure, or by one that was
	// broken off.
	return m.Ledger.Scrub(ctx)
}
