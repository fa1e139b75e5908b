package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/intel"
)

// Redaction is what is to be changed in events that were archived.
type Redaction struct {
	// Before bounds the events: those that happened before it. One that does not
	// say when it happened, or says a time after it was archived, is as old as
	// that.
	Before time.Time
	// Editor returns what changes a row's fields, by names as given, and reports
	// whether it did. It is called once.
	Editor func(names *intel.Names) func(*Row) bool
	// Dry counts, and changes nothing.
	Dry bool
}

// Redacted says what was changed.
type Redacted struct {
	Segments int // written anew
	Events   int // changed
}

// Redact writes segments anew in which an event changes. Each stands in the old
// form or in the new one, whatever happens: the manifest that lists the new file
// no longer lists the old, which is then removed. A segment that is damaged is
// left as it is and told of in the error, after the others are done. What was put
// and is not yet written is not looked at: Flush first.
func (a *Archive) Redact(ctx context.Context, r Redaction) (Redacted, error) {
	a.rewriting.Lock()
	defer a.rewriting.Unlock()
	d := redacting{archive: a, Redaction: r, names: intel.NewNames(nil)}
	d.edit = r.Editor(d.names)
	var damage error
	for _, e := range a.current.Load().Segments {
		if e.earliest() >= r.Before.UnixMicro() {
			continue
		}
		switch err := d.segment(ctx, e); {
		case ctx.Err() != nil:
			return d.done, ctx.Err()
		case errors.Is(err, errDamaged):
			damage = errors.Join(damage, fmt.Errorf("redact %s: %w", e.File, err))
		case err != nil:
			return d.done, fmt.Errorf("redact %s: %w", e.File, err)
		}
	}
	return d.done, damage
}

// earliest is a time before which none of a segment's events happened.
func (e *entry) earliest() int64 {
	if e.Min > e.Max {
		return e.Written
	}
	return min(e.Min, e.Written)
}

type redacting struct {
	Redaction
	archive *Archive
	names   *intel.Names
	edit    func(*Row) bool
	done    Redacted
}

func (d *redacting) segment(ctx context.Context, e entry) error {
	changed := 0
	rewriter := d.archive.newRewriter()
	rewriter.names = d.names
	_, err := rewriter.take(ctx, e, func(row *Row) bool {
		at := row.Time
		if archived := microTime(e.Written); at.IsZero() || at.After(archived) {
			at = archived
		}
		if at.Before(d.Before) && d.edit(row) {
			changed++
		}
		return true
	})
	if err != nil || changed == 0 {
		return err
	}
	d.done.Segments++
	d.done.Events += changed
	if d.Dry {
		return nil
	}
	_, err = rewriter.swap([]entry{e}, 0)
	return err
}
