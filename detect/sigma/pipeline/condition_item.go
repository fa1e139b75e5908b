package pipeline

import (
	"fmt"
	"regexp"
	"slices"

	"tocsin/detect/sigma"
)

// itemCondition reads a condition on detection items.
func itemCondition(kind string, p *params) (condition[*item], error) {
	switch kind {
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(i *item) bool { return i.applied[id] }, nil
	case "match_string":
		return matchString(p)
	case "match_value":
		value := sigma.ParsePattern(p.text("value"))
		return overValues(p, func(t *sigma.Test) bool { return samePattern(t, value) })
	case "contains_wildcard":
		return overValues(p, func(t *sigma.Test) bool {
			pattern, ok := t.Match.(*sigma.Pattern)
			return ok && slices.ContainsFunc(pattern.Tokens, func(t sigma.Token) bool { return t.Wild == sigma.One || t.Wild == sigma.Any })
		})
	case "is_null":
		return overValues(p, func(t *sigma.Test) bool {
			_, ok := t.Match.(sigma.IsNull)
			return ok
		})
	}
	return nil, unknown("detection item condition", kind, "match_string", "match_value", "contains_wildcard", "is_null", "processing_item_applied")
}

// overValues asks each value of an item; "cond" says whether any or all must
// fit.
func overValues(p *params, fits func(*sigma.Test) bool) (condition[*item], error) {
	mode := p.text("cond")
	if mode != "any" && mode != "all" {
		return nil, fmt.Errorf("cond must be any or all, not %q", mode)
	}
	return func(i *item) bool {
		if mode == "any" {
			return slices.ContainsFunc(i.tests(), fits)
		}
		return !slices.ContainsFunc(i.tests(), func(t *sigma.Test) bool { return !fits(t) })
	}, nil
}

// matchString matches strings with a regular expression from their beginning.
func matchString(p *params) (condition[*item], error) {
	pattern, err := compile(p.text("pattern"), true)
	if err != nil {
		return nil, err
	}
	negate := p.boolean("negate")
	return overValues(p, func(t *sigma.Test) bool {
		text, ok := t.Match.(*sigma.Pattern)
		return (ok && pattern.MatchString(text.String())) != negate
	})
}

// compile reads a regular expression of a pipeline.
func compile(source string, atStart bool) (*regexp.Regexp, error) {
	if atStart {
		source = `\A(?:` + source + ")"
	}
	if err := sigma.CheckRegexp(source); err != nil {
		return nil, err
	}
	return regexp.Compile(source)
}

// tests returns the tests of the item, one for each value.
func (i *item) tests() []*sigma.Test {
	var all []*sigma.Test
	sigma.EachTest(i.x, func(t *sigma.Test) { all = append(all, t) })
	return all
}

// has reports whether a value is exactly the pattern.
func (i *item) has(value *sigma.Pattern) bool {
	return slices.ContainsFunc(i.tests(), func(t *sigma.Test) bool { return samePattern(t, value) })
}

func samePattern(t *sigma.Test, value *sigma.Pattern) bool {
	pattern, ok := t.Match.(*sigma.Pattern)
	return ok && slices.Equal(pattern.Tokens, value.Tokens)
}

// fieldName is a field name of a subject.
type fieldName struct {
	subject *subject
	name    string // empty for keywords
}

// fieldCondition reads a condition on field names.
func fieldCondition(kind string, p *params) (condition[fieldName], error) {
	switch kind {
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(f fieldName) bool { return f.subject.names[f.name][id] }, nil
	case "include_fields":
		return listedFields(p)
	case "exclude_fields":
		listed, err := listedFields(p)
		return func(f fieldName) bool { return !listed(f) }, err
	}
	return nil, unknown("field name condition", kind, "include_fields", "exclude_fields", "processing_item_applied")
}

func listedFields(p *params) (condition[fieldName], error) {
	fields := p.list("fields")
	switch mode := p.optional("mode"); mode {
	case "", "plain":
		return func(f fieldName) bool { return f.name != "" && slices.Contains(fields, f.name) }, nil
	case "re":
		patterns := make([]*regexp.Regexp, len(fields))
		for i, source := range fields {
			var err error
			if patterns[i], err = compile(source, true); err != nil {
				return nil, err
			}
		}
		return func(f fieldName) bool {
			return f.name != "" && slices.ContainsFunc(patterns, func(r *regexp.Regexp) bool { return r.MatchString(f.name) })
		}, nil
	default:
		return nil, fmt.Errorf("mode must be plain or re, not %q", mode)
	}
}

// meant reports whether a step's conditions hold for an item: those on items,
// and those on field names for its field or one that it refers to.
func (st *step) meant(i *item) bool {
	if !st.items.hold(i) {
		return false
	}
	if st.fields.hold(fieldName{i.subject, i.field}) {
		return true
	}
	return slices.ContainsFunc(i.tests(), func(t *sigma.Test) bool {
		reference, ok := t.Match.(*sigma.Reference)
		return ok && st.fields.hold(fieldName{i.subject, reference.Field})
	})
}
