package output

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"tocsin/detect"
	"tocsin/intel"
)

// ruleView is what a rule found, in the table and in detail.
type ruleView struct {
	Anchor             string
	Title, ID          string
	Class, Level       string
	Marks              []bool
	Kind               string // "Rule" or "Correlation"
	Findings, Hosts    string
	When, First, Last  string
	Spark              []rect
	Techniques         []string
	ShortTechniques    string
	Description        string
	Status, Author     string
	License, LogSource string
	HostNames          []string
	MoreHosts          string
	FalsePositives     []string
	References         []reference
	Examples           []exampleView
	ExamplesOf         string
	Open               bool
	Search             string // what the filter box looks at
}

type reference struct{ Text, URL string }

type exampleView struct {
	When, Host, Where string
	EventID           string
	Matched, Event    []valueView
	GroupBy           []valueView
	Count             string
}

type valueView struct {
	Name, Value string
	Hit         bool
}

const (
	// maxRuleHosts bounds the hosts named with a rule.
	maxRuleHosts = 40
	// openRules is how many of the gravest rules are shown opened.
	openRules = 3
)

func ruleViews(o *Overview, c *chart) []ruleView {
	var views []ruleView
	for i, g := range o.Groups() {
		v := newRuleView(o, g)
		v.Anchor = fmt.Sprintf("rule-%d", i+1)
		if c != nil {
			v.Spark = spark(g.timeline, c.from, c.to)
		}
		v.Open = i < openRules && g.Meta.Level >= intel.High
		views = append(views, v)
	}
	return views
}

func newRuleView(o *Overview, g *Group) ruleView {
	m := &g.Meta
	level := min(m.Level, intel.Critical)
	v := ruleView{
		Title: Plain(m.Title), ID: Plain(m.ID), Class: level.String(), Level: capital(level.String()), Marks: marks(level), Kind: "Rule",
		Findings: number(g.Findings), When: span(g.First, g.Last), First: moment(g.First), Last: moment(g.Last),
		Description: block(m.Description), Status: Plain(m.Status), Author: Plain(m.Author), License: Plain(m.License), LogSource: Plain(g.LogSource.String()),
	}
	if g.Correlation {
		v.Kind = "Correlation"
	}
	if g.Indicator {
		v.Kind = "Indicators"
	}
	names, all := o.GroupHosts(g, maxRuleHosts)
	v.Hosts = number(all)
	for _, name := range names {
		v.HostNames = append(v.HostNames, Plain(name))
	}
	if rest := all - len(names); rest > 0 {
		v.MoreHosts = "and " + number(rest) + " more"
	}
	ids := make([]string, 0, len(g.Techniques))
	for _, t := range g.Techniques {
		v.Techniques = append(v.Techniques, Plain(t.String()))
		ids = append(ids, Plain(t.ID))
	}
	v.ShortTechniques = strings.Join(ids, ", ")
	for _, text := range m.FalsePositives {
		v.FalsePositives = append(v.FalsePositives, Plain(text))
	}
	for _, text := range m.References {
		v.References = append(v.References, newReference(text))
	}
	for _, f := range g.Examples {
		v.Examples = append(v.Examples, newExample(f))
	}
	v.ExamplesOf = Count(len(v.Examples), "example", "examples") + " of " + number(g.Findings)
	v.Search = strings.ToLower(strings.Join([]string{v.Title, v.ID, v.Level, strings.Join(v.Techniques, " "), strings.Join(v.HostNames, " "), v.LogSource}, " "))
	return v
}

// newReference makes a link only of what leads to the web: rules are other
// people's text too.
func newReference(text string) reference {
	r := reference{Text: Plain(text)}
	if u, err := url.Parse(text); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		r.URL = u.String()
	}
	return r
}

func newExample(f *detect.Finding) exampleView {
	v := exampleView{When: moment(f.Time), Host: Plain(f.Host), EventID: Plain(f.EventID)}
	if !f.Time.IsZero() {
		v.When += " UTC"
	}
	v.Where = fmt.Sprintf("%s, record %d", Plain(f.Source), f.Record)
	if f.Correlation != nil {
		v.Count = Count(f.Count, "event together", "events together")
	}
	hit := map[detect.Value]bool{}
	for _, field := range f.Fields {
		if !hit[field] {
			v.Matched = append(v.Matched, valueView{Name: Plain(fieldName(field)), Value: block(field.Value), Hit: true})
		}
		hit[field] = true
	}
	for _, field := range f.GroupBy {
		v.GroupBy = append(v.GroupBy, valueView{Name: Plain(field.Name), Value: block(field.Value), Hit: true})
	}
	for _, field := range f.Event {
		v.Event = append(v.Event, valueView{Name: Plain(field.Name), Value: block(field.Value), Hit: hit[field]})
	}
	return v
}

// block is Plain for text that may have several lines, as scripts do.
func block(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"):
			// the line break of Windows; the next rune writes it
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		default:
			writePlain(&b, r)
		}
		i += size
	}
	return b.String()
}
