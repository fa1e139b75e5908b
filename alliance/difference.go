package alliance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
)

// Difference is one thing that a revision of a warning changed, for people to be
// shown. Field is a word from a fixed list, which interfaces translate; Key says which
// of several (a language, an indicator, a measure). Before is empty where something
// was added, After where it was taken away.
type Difference struct {
	Field  string `json:"field"`
	Key    string `json:"key,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Diff returns what changed from one revision of a warning to another, in the order of
// a warning's parts. Revision, and when it was issued, are no changes.
func Diff(before, after *Warning) []Difference {
	var d differences
	d.one("number", "", before.Number, after.Number)
	d.one("category", "", before.Category, after.Category)
	d.one("colour", "", string(before.Colour), string(after.Colour))
	d.scope(&before.Scope, &after.Scope)
	d.one("effective", "", moment(&before.Effective), moment(&after.Effective))
	d.one("expires", "", moment(before.Expires), moment(after.Expires))
	d.one("tlp", "", before.Marking.String(), after.Marking.String())
	d.one("pap", "", before.PAP, after.PAP)
	byKey(&d, before.Texts, after.Texts, func(t *Text) string { return t.Language }, func(d *differences, key string, b, a *Text) {
		d.one("title", key, b.Title, a.Title)
		d.one("text", key, b.Body, a.Body)
		d.one("impact", key, b.Impact, a.Impact)
	})
	byKey(&d, before.Indicators, after.Indicators, indicatorKey, func(d *differences, key string, b, a *Indicator) {
		d.one("indicator", key, indicatorSaid(b), indicatorSaid(a))
	})
	byKey(&d, before.Rules, after.Rules, func(r *Rule) string { return r.ID }, func(d *differences, key string, b, a *Rule) {
		d.one("rule", key, b.Text, a.Text)
	})
	byKey(&d, before.Products, after.Products, func(p *Product) string { return p.CPE + p.PURL + " " + p.Versions }, func(d *differences, key string, b, a *Product) {
		d.one("product", key, productSaid(b), productSaid(a))
	})
	byKey(&d, before.Measures, after.Measures, func(m *Measure) string { return m.ID }, func(d *differences, key string, b, a *Measure) {
		d.one("measure", key, b.Text, a.Text)
		d.one("measure_due", key, moment(&b.Due), moment(&a.Due))
		d.one("measure_evidence", key, yes(b.Evidence), yes(a.Evidence))
	})
	d.ask(&before.Ask, &after.Ask)
	d.breakGlass(before.BreakGlass, after.BreakGlass)
	d.one("exercise", "", yes(before.Exercise), yes(after.Exercise))
	d.list("reference", before.References, after.References)
	return d
}

type differences []Difference

func (d *differences) one(field, key, before, after string) {
	if before != after {
		*d = append(*d, Difference{field, key, before, after})
	}
}

// list notes what a list lost and gained.
func (d *differences) list(field string, before, after []string) {
	had, has := asSet(before), asSet(after)
	for _, v := range before {
		if !has[v] {
			d.one(field, v, v, "")
		}
	}
	for _, v := range after {
		if !had[v] {
			d.one(field, v, "", v)
		}
	}
}

func asSet(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, v := range list {
		set[v] = true
	}
	return set
}

func (d *differences) scope(b, a *Scope) {
	d.list("kind", texts(b.Kinds), texts(a.Kinds))
	d.list("sector", b.Sectors, a.Sectors)
	d.list("region", b.Regions, a.Regions)
	d.list("member", texts(b.Members), texts(a.Members))
}

func texts[T ~string](list []T) []string {
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(v)
	}
	return all
}

func (d *differences) ask(b, a *Ask) {
	d.one("ask_since", "", moment(&b.Since), moment(&a.Since))
	d.one("ask_time_percent", "", percent(b.TimePercent), percent(a.TimePercent))
	d.one("ask_host_percent", "", percent(b.HostPercent), percent(a.HostPercent))
	d.one("ask_by", "", moment(&b.By), moment(&a.By))
}

func (d *differences) breakGlass(b, a *BreakGlass) {
	if b == nil {
		b = &BreakGlass{}
	}
	if a == nil {
		a = &BreakGlass{}
	}
	d.one("break_glass", "", b.Reason, a.Reason)
	d.one("ratified", "", moment(b.Ratified), moment(a.Ratified))
}

// byKey compares lists whose parts have a key: what is gone or new is compared with
// nothing.
func byKey[T any](d *differences, before, after []T, key func(*T) string, compare func(d *differences, key string, b, a *T)) {
	was := make(map[string]*T, len(before))
	for i := range before {
		was[key(&before[i])] = &before[i]
	}
	is := make(map[string]bool, len(after))
	for i := range after {
		is[key(&after[i])] = true
	}
	var none T
	for i := range before {
		if k := key(&before[i]); !is[k] {
			compare(d, k, &before[i], &none)
		}
	}
	for i := range after {
		k := key(&after[i])
		b := was[k]
		if b == nil {
			b = &none
		}
		compare(d, k, b, &after[i])
	}
}

func indicatorKey(i *Indicator) string {
	key := i.Kind.String() + " " + i.Value
	if i.Match != intel.MatchOrdinary {
		key += " " + i.Match.String()
	}
	if i.Port != 0 {
		key += " port " + strconv.Itoa(int(i.Port))
	}
	return key
}

// indicatorSaid is what is said of an indicator; nothing of none.
func indicatorSaid(i *Indicator) string {
	if i.Kind == intel.NoObservable {
		return ""
	}
	parts := []string{i.Action.String()}
	for _, part := range []string{i.Label, i.Why} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if i.Confidence > 0 {
		parts = append(parts, percent(int(i.Confidence)))
	}
	if from, until := moment(i.From), moment(i.Until); from+until != "" {
		parts = append(parts, from+"/"+until) // an interval, ISO 8601-1 section 5.5.2.2
	}
	return strings.Join(parts, ", ")
}

func productSaid(p *Product) string {
	return strings.Join(slices.DeleteFunc([]string{p.CPE, p.PURL, p.Versions, p.Note}, func(s string) bool { return s == "" }), ", ")
}

func moment(at *time.Time) string {
	if at == nil || at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func percent(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d%%", n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
