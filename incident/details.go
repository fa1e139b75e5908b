package incident

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Details are what an incident says of itself; what is nil stays as it is.
type Details struct {
	Title       *string `json:"title"`
	Summary     *string `json:"summary"`
	Kind        *Kind   `json:"kind"`
	Category    *string `json:"category"`
	Owner       *string `json:"owner"`
	Cause       *string `json:"cause"`
	Lessons     *string `json:"lessons"`
	CrossBorder *Answer `json:"cross_border"`
}

// Describe changes what an incident says of itself.
func (r *Register) Describe(ctx context.Context, c Change, d Details) (Incident, error) {
	if err := d.check(); err != nil {
		return Incident{}, err
	}
	return r.change(ctx, c, func(ctx context.Context, tx *store.Tx, i *Incident) error {
		var words []string
		before, after := map[string]string{}, map[string]string{}
		for _, f := range d.fields(i) {
			if f.to == nil || *f.to == f.get() {
				continue
			}
			before[f.name], after[f.name] = f.get(), *f.to
			f.set(*f.to)
			words = append(words, f.words(*f.to))
		}
		if len(words) == 0 {
			return nil
		}
		return r.tell(ctx, tx, c, i, &Entry{Kind: EntryChange, Text: strings.Join(words, "; "), Data: object("before", before, "after", after)})
	})
}

// field is one of an incident's details, as text.
type field struct {
	name string
	get  func() string
	set  func(string)
	to   *string
	long bool
}

func (f *field) words(to string) string {
	switch {
	case to == "":
		return f.name + " taken out"
	case f.long:
		return f.name + " written anew"
	}
	return f.name + ": " + to
}

func (d *Details) fields(i *Incident) []field {
	return []field{
		detail("title", &i.Title, d.Title, false),
		detail("summary", &i.Summary, d.Summary, true),
		detail("kind", &i.Kind, d.Kind, false),
		detail("category", &i.Category, d.Category, false),
		detail("owner", &i.Owner, d.Owner, false),
		detail("cause", &i.Cause, d.Cause, true),
		detail("lessons", &i.Lessons, d.Lessons, true),
		detail("cross-border effect", &i.CrossBorder, d.CrossBorder, false),
	}
}

func detail[T ~string](name string, of, to *T, long bool) field {
	f := field{name: name, get: func() string { return string(*of) }, set: func(s string) { *of = T(s) }, long: long}
	if to != nil {
		s := string(*to)
		f.to = &s
	}
	return f
}

func (d *Details) check() error {
	if d.Kind != nil && !slices.Contains(kinds, *d.Kind) {
		return fmt.Errorf("kind %q: use one of %s: %w", *d.Kind, joined(kinds), fault.Invalid)
	}
	if d.CrossBorder != nil && !slices.Contains(answers, *d.CrossBorder) {
		return fmt.Errorf("cross_border %q: use one of %s: %w", *d.CrossBorder, joined(answers), fault.Invalid)
	}
	var texts []text
	for _, t := range []text{
		{"title", d.Title, maxTitle, true},
		{"summary", d.Summary, maxText, false},
		{"category", d.Category, maxShort, false},
		{"owner", d.Owner, maxShort, false},
		{"cause", d.Cause, maxText, false},
		{"lessons", d.Lessons, maxText, false},
	} {
		if t.value != nil {
			texts = append(texts, t)
		}
	}
	return checkTexts(texts...)
}
