package report

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/incident"
	"tocsin/internal/fault"
	"tocsin/plan/fact"
)

// recipient finds one of the regime's recipients.
func (c *Content) recipient(id string) (fact.Title, bool) {
	for k := range c.Recipients {
		if c.Recipients[k].ID == id {
			return c.Recipients[k].Title, true
		}
	}
	return fact.Title{}, false
}

// view is what of a report one reader may see.
type view struct {
	*Content
	to     Named // whom it is for; empty for those who write it
	fields []Field
	// hidden are the parts of the case that fields it may not see are drawn from.
	hidden []string
}

// inside says that the reader is one of those who write the report.
func (v *view) inside() bool { return v.to.IsZero() }

// hides says that a part of the case is hidden, and no field shows it openly.
func (v *view) hides(part string) bool {
	return slices.Contains(v.hidden, part) && !slices.ContainsFunc(v.fields, func(f Field) bool { return slices.Contains(f.From, part) })
}

// viewFor leaves out what a recipient must not see: the fields that the form
// hides from it, facts of those fields where another field tells of them among
// others, and entries of the timeline about what they are drawn from. What
// people wrote in their own words is shown as they wrote it. The error is
// fault.Invalid for who is no recipient under the regime.
func (c *Content) viewFor(recipient string) (*view, error) {
	v := &view{Content: c}
	if recipient == "" {
		v.fields = c.Fields
		return v, nil
	}
	title, ok := c.recipient(recipient)
	if !ok {
		ids := make([]string, len(c.Recipients))
		for k := range ids {
			ids[k] = c.Recipients[k].ID
		}
		return nil, fmt.Errorf("regime %s has no recipient %.100q, it has %v: %w", c.Regime.ID, recipient, ids, fault.Invalid)
	}
	v.to = Named{recipient, title}
	var keys []string
	for _, f := range c.Fields {
		if !slices.Contains(f.HiddenFrom, recipient) {
			v.fields = append(v.fields, f)
			continue
		}
		v.hidden = append(v.hidden, f.From...)
		for _, p := range f.Drawn {
			keys = append(keys, p.Keys...)
		}
		for _, from := range f.From {
			if key, ok := strings.CutPrefix(from, "fact:"); ok {
				keys = append(keys, key)
			}
		}
	}
	// A field that tells of nothing else is not shown as missing: it is hidden too.
	var shown []Field
	for _, f := range v.fields {
		filled := f.Filled()
		f.Drawn = v.pieces(f.Drawn, keys)
		if f.Filled() == filled {
			shown = append(shown, f)
		}
	}
	v.fields = shown
	return v, nil
}

// pieces leaves out what of some pieces tells of hidden facts or parts.
func (v *view) pieces(all []Piece, keys []string) []Piece {
	var seen []Piece
	for _, p := range all {
		secret := slices.ContainsFunc(p.Keys, func(key string) bool {
			return slices.Contains(keys, key) && p.Part != "fact:"+key
		})
		switch {
		case secret && p.Part == "case.criteria":
			p.Line = Words{} // which criterion holds may be seen, by what may not
		case secret:
			continue
		}
		if p.Timeline != nil {
			p.Timeline = slices.DeleteFunc(slices.Clone(p.Timeline), func(e Entry) bool {
				return slices.ContainsFunc(partsOf(e.Kind), v.hides)
			})
		}
		seen = append(seen, p)
	}
	return seen
}

// partsOf are the parts of a case that an entry of the timeline tells of.
func partsOf(k incident.EntryKind) []string {
	switch k {
	case incident.EntryObservable:
		return []string{"case.observables"}
	case incident.EntryEvidence:
		return []string{"case.evidence", "case.scene"}
	case incident.EntryAsset, incident.EntryAlert:
		return []string{"case.assets"}
	case incident.EntryLevel:
		return []string{"case.level", "case.criteria", "case.impact"}
	case incident.EntryTask:
		return []string{"case.measures_taken", "case.measures_planned"}
	case incident.EntryLink:
		return []string{"case.links"}
	case incident.EntryReport:
		return []string{"reports.previous"}
	case incident.EntryOpened:
		return []string{"case.title", "case.description"}
	}
	return nil // how far the case is, and what people told in their own words
}
