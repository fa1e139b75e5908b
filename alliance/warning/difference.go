package warning

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/alliance"
)

// Difference is one thing that a revision changes.
type Difference struct {
	Op     string `json:"op"` // added, removed, changed
	Where  string `json:"where"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Differences says what after changes of before, in the order of the warning's
// parts; nil is a warning that says nothing any more. What every revision changes
// (its number, when it was issued) is left out.
func Differences(before, after *alliance.Warning) []Difference {
	d := &differences{}
	if before == nil {
		before = &alliance.Warning{}
	}
	if after == nil {
		after = &alliance.Warning{}
	}
	d.value("colour", string(before.Colour), string(after.Colour))
	d.value("category", before.Category, after.Category)
	d.value("tlp", before.Marking.String(), after.Marking.String())
	d.value("pap", before.PAP, after.PAP)
	d.value("effective", moment(&before.Effective), moment(&after.Effective))
	d.value("expires", moment(before.Expires), moment(after.Expires))
	d.value("issued by one person", glass(before.BreakGlass), glass(after.BreakGlass))
	d.scope(&before.Scope, &after.Scope)
	compare(d, "text", before.Texts, after.Texts, func(t alliance.Text) string { return t.Language }, textOf)
	compare(d, "indicator", before.Indicators, after.Indicators, indicatorName, indicatorText)
	compare(d, "rule", before.Rules, after.Rules, func(r alliance.Rule) string { return r.ID }, func(r alliance.Rule) string { return r.Text })
	compare(d, "product", before.Products, after.Products, productName, func(p alliance.Product) string { return plainWords(p.Versions, p.Note) })
	compare(d, "measure", before.Measures, after.Measures, func(m alliance.Measure) string { return m.ID }, measureText)
	compare(d, "reference", before.References, after.References, func(r string) string { return r }, func(string) string { return "" })
	d.value("ask", askText(&before.Ask), askText(&after.Ask))
	return d.all
}

type differences struct{ all []Difference }

func (d *differences) value(where, before, after string) {
	switch {
	case before == after:
	case before == "":
		d.all = append(d.all, Difference{Op: "added", Where: where, After: after})
	case after == "":
		d.all = append(d.all, Difference{Op: "removed", Where: where, Before: before})
	default:
		d.all = append(d.all, Difference{Op: "changed", Where: where, Before: before, After: after})
	}
}

func (d *differences) scope(before, after *alliance.Scope) {
	list := func(where string, b, a []string) {
		compare(d, where, b, a, func(s string) string { return s }, func(string) string { return "" })
	}
	list("scope: kind", words(before.Kinds), words(after.Kinds))
	list("scope: sector", before.Sectors, after.Sectors)
	list("scope: region", before.Regions, after.Regions)
	list("scope: member", words(before.Members), words(after.Members))
}

func words[T ~string](all []T) []string {
	list := make([]string, len(all))
	for i, w := range all {
		list[i] = string(w)
	}
	return list
}

// compare notes what of a list is new, gone, or said otherwise, by name.
func compare[T any](d *differences, where string, before, after []T, name, text func(T) string) {
	had := make(map[string]string, len(before))
	for _, b := range before {
		had[name(b)] = text(b)
	}
	has := make(map[string]bool, len(after))
	for _, a := range after {
		n, now := name(a), text(a)
		has[n] = true
		was, there := had[n]
		switch {
		case !there:
			d.all = append(d.all, Difference{Op: "added", Where: where + " " + n, After: now})
		case was != now:
			d.all = append(d.all, Difference{Op: "changed", Where: where + " " + n, Before: was, After: now})
		}
	}
	for _, b := range before {
		if n := name(b); !has[n] {
			d.all = append(d.all, Difference{Op: "removed", Where: where + " " + n, Before: had[n]})
			has[n] = true
		}
	}
}

func moment(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func glass(g *alliance.BreakGlass) string {
	switch {
	case g == nil:
		return ""
	case g.Ratified != nil:
		return g.By + ", ratified"
	}
	return g.By
}

func textOf(t alliance.Text) string { return plainWords(t.Title, t.Body, t.Impact) }

func plainWords(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), "\n")
}

func indicatorName(i alliance.Indicator) string {
	name := i.Kind.String() + " " + i.Value
	if i.Port != 0 {
		name += fmt.Sprintf(" port %d", i.Port)
	}
	if m := i.Match.String(); m != "" {
		name += " (" + m + ")"
	}
	return name
}

func indicatorText(i alliance.Indicator) string {
	all := []string{i.Action.String(), i.Label, i.Why}
	if i.Confidence != 0 {
		all = append(all, fmt.Sprintf("confidence %d", i.Confidence))
	}
	all = append(all, moment(i.From), moment(i.Until))
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ", ")
}

func productName(p alliance.Product) string { return plainWords(p.CPE, p.PURL) }

func measureText(m alliance.Measure) string {
	text := m.Text + ", by " + moment(&m.Due)
	if m.Evidence {
		text += ", with evidence"
	}
	return text
}

func askText(a *alliance.Ask) string {
	var all []string
	if !a.Since.IsZero() {
		all = append(all, "since "+moment(&a.Since))
	}
	if a.TimePercent > 0 {
		all = append(all, fmt.Sprintf("%d %% of the time", a.TimePercent))
	}
	if a.HostPercent > 0 {
		all = append(all, fmt.Sprintf("%d %% of the hosts", a.HostPercent))
	}
	if !a.By.IsZero() {
		all = append(all, "by "+moment(&a.By))
	}
	return strings.Join(all, ", ")
}
