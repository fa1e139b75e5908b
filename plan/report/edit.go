package report

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Edit is what a person writes into a report.
type Edit struct {
	// Fields are texts in Markdown by the fields' IDs, in place of what is drawn
	// from the case; nil takes a person's text out again.
	Fields map[string]*string
	// Marking, when it is not nil, is the paper's label of TLP 2.0; empty for none.
	Marking *document.Marking
}

// maxWritten is a text of some fifteen pages.
const maxWritten = 64 << 10

// Write writes into the fields of a report, which makes a version; one that was
// signed has no signatures then. The error is fault.Invalid for a field that the
// form does not have.
func (r *Reports) Write(ctx context.Context, c Change, e Edit) (p Report, err error) {
	for id, text := range e.Fields {
		if text == nil {
			continue
		}
		trimmed := strings.TrimSpace(*text)
		switch {
		case trimmed == "":
			return Report{}, fmt.Errorf("field %.100q: the text is empty; take it out to have it drawn from the case: %w", id, fault.Invalid)
		case len(trimmed) > maxWritten:
			return Report{}, fmt.Errorf("field %.100q: the text has %d bytes; at most %d: %w", id, len(trimmed), maxWritten, fault.Invalid)
		case !utf8.ValidString(trimmed) || strings.ContainsRune(trimmed, 0):
			return Report{}, fmt.Errorf("field %.100q: the text is not UTF-8: %w", id, fault.Invalid)
		}
	}
	if e.Marking != nil {
		if err := checkMarking(*e.Marking); err != nil {
			return Report{}, err
		}
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s, err := r.seen(ctx, tx, c)
		if err != nil {
			return err
		}
		p, err = r.revise(ctx, tx, c, s, "report.write", func(old *Content) (Content, error) { return r.written(c, old, e) })
		return err
	})
	return p, err
}

func (r *Reports) written(c Change, old *Content, e Edit) (Content, error) {
	next := *old
	next.Fields = slices.Clone(old.Fields)
	if e.Marking != nil {
		next.Marking = *e.Marking
	}
	for _, id := range slices.Sorted(maps.Keys(e.Fields)) {
		f, text := next.field(id), e.Fields[id]
		switch {
		case f == nil:
			return next, fmt.Errorf("the form %s of %s has no field %.100q: %w", old.Form.ID, old.Regime.ID, id, fault.Invalid)
		case text == nil:
			f.Written = nil
		case f.Written != nil && f.Written.Text == strings.TrimSpace(*text) && f.Written.Over == f.over():
		default:
			at := document.Moment{At: r.now().In(old.At.At.Location()), Zone: old.At.Zone}
			f.Written = &Written{Text: strings.TrimSpace(*text), By: c.Who.Name, At: at, Over: f.over()}
		}
	}
	return next, nil
}

func checkMarking(m document.Marking) error {
	labels := []document.Marking{"", document.TLPRed, document.TLPAmberStrict, document.TLPAmber, document.TLPGreen, document.TLPClear}
	if !slices.Contains(labels, m) {
		return fmt.Errorf("marking %.40q: use one of TLP 2.0, as %s: %w", m, document.TLPAmber, fault.Invalid)
	}
	return nil
}
