package logsource

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/intel"
)

// file is one mapping file as written.
type file struct {
	// Mapping names the mapping; Extends instead adds to mappings of that name.
	Mapping string `yaml:"mapping"`
	Extends texts  `yaml:"extends"`
	// Title says what is mapped, for people; Documentation where its fields
	// are described.
	Title         string `yaml:"title"`
	Documentation texts  `yaml:"documentation"`
	// Order decides which mapping is asked first: the lower.
	Order int `yaml:"order"`
	// Inputs are the ways in which the product's records reach us, for people.
	Inputs texts `yaml:"inputs"`
	// Proven names the data sets with real records that the mapping was tried on.
	Proven texts `yaml:"proven"`
	// Formats restricts the mapping to sources of these formats.
	Formats texts `yaml:"formats"`

	Rewrite rewriting        `yaml:"rewrite"`
	Let     map[string]texts `yaml:"let"`
	When    condition        `yaml:"when"`
	// Keys are fields with many values that decide about sources; Constants
	// are keys whose value is told to the rule compiler.
	Keys      texts `yaml:"keys"`
	Constants texts `yaml:"constants"`

	Time  texts `yaml:"time"`
	Host  texts `yaml:"host"`
	facts `yaml:",inline"`

	// Raw are objects and lists that rules search as text.
	Raw texts `yaml:"raw"`
	// Embedded are text fields that hold a record of their own.
	Embedded map[string]string `yaml:"embedded"`

	Sources      []*source      `yaml:"sources"`
	Unproducible []unproducible `yaml:"unproducible"`

	name string // of the file
	rank int    // which folder it is from: the earlier is asked first
}

// source is one entry of a mapping: where it holds, it adds what it says.
type source struct {
	When  condition `yaml:"when"`
	facts `yaml:",inline"`
}

// facts are what a mapping or an entry says of the records it holds for.
type facts struct {
	Product  texts `yaml:"product"`
	Service  texts `yaml:"service"`
	Category texts `yaml:"category"`
	// Fields says under which names a rule's field stands; its own name counts
	// only where listed. Aliases are looked at after those, or after the own
	// name.
	Fields  map[string]texts `yaml:"fields"`
	Aliases map[string]texts `yaml:"aliases"`
	// Prefixes replaces the beginning of a rule's field.
	Prefixes map[string]texts `yaml:"prefixes"`
	// Initials also looks for a field with the first letter of each part small
	// or big: Azure writes the same columns both ways.
	Initials bool `yaml:"initials"`
	// Set adds a field with a fixed value; Build adds one put together from
	// others ('{user.domain}\{user.name}'), when they are present and it is not;
	// of several templates each adds a value.
	Set   map[string]string `yaml:"set"`
	Build map[string]texts  `yaml:"build"`
}

// unproducible is a log source of published rules that no input can produce.
type unproducible struct {
	Product  string `yaml:"product"`
	Category string `yaml:"category"`
	Service  string `yaml:"service"`
	Reason   string `yaml:"reason"`
}

func (u unproducible) logSource() intel.LogSource {
	return intel.LogSource{Product: u.Product, Category: u.Category, Service: u.Service}
}

// texts is a text or a list of texts.
type texts []string

// UnmarshalYAML reads one text or a list of them.
func (t *texts) UnmarshalYAML(node *yaml.Node) error {
	nodes := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		nodes = node.Content
	}
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
			return fmt.Errorf("line %d: a text or a list of texts is wanted", n.Line)
		}
		*t = append(*t, n.Value)
	}
	return nil
}

// fileLimit bounds a mapping file: the largest of ours is below 40 KiB.
const fileLimit = 1 << 20

// parseFile reads one mapping file strictly.
func parseFile(name string, content []byte) (*file, error) {
	if len(content) > fileLimit {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, fileLimit)
	}
	f := &file{name: name}
	if err := yaml.Load(content, f, yaml.WithKnownFields()); err != nil {
		return nil, atLine(name, err)
	}
	if (f.Mapping == "") == (len(f.Extends) == 0) {
		return nil, fmt.Errorf("%s:1: give either mapping (a name) or extends (the name of a mapping)", name)
	}
	if f.Mapping != "" && len(f.When) == 0 && len(f.Formats) == 0 && len(f.Sources) > 0 {
		return nil, fmt.Errorf("%s:1: mapping %q says neither when nor formats: it would hold of every record", name, f.Mapping)
	}
	if len(f.Extends) > 0 && (len(f.When) > 0 || len(f.Formats) > 0 || f.Order != 0) {
		return nil, fmt.Errorf("%s:1: when, formats and order belong to the mapping itself, not to what extends it", name)
	}
	if slices.Contains(f.Sources, nil) {
		return nil, fmt.Errorf("%s:1: an entry of sources is empty", name)
	}
	for _, u := range f.Unproducible {
		if u.Reason == "" {
			return nil, fmt.Errorf("%s:1: unproducible %s has no reason", name, u.logSource())
		}
	}
	return f, nil
}

// atLine writes an error of the YAML library, which says "line N: " once or
// more, as file:N.
func atLine(name string, err error) error {
	text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", "; "), "yaml: ")
	_, rest, found := strings.Cut(text, "line ")
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if !found || digits == 0 {
		return fmt.Errorf("%s:1: %s", name, text)
	}
	line := "line " + rest[:digits]
	text = strings.TrimSpace(strings.TrimPrefix(text, "construct errors:"))
	for strings.HasPrefix(text, line) {
		text = strings.TrimLeft(text[len(line):], ": ")
	}
	return fmt.Errorf("%s:%s: %s", name, rest[:digits], text)
}

// add takes over what another file says that extends this one.
func (f *file) add(more *file) {
	f.Documentation = append(f.Documentation, more.Documentation...)
	f.Inputs = append(f.Inputs, more.Inputs...)
	f.Proven = append(f.Proven, more.Proven...)
	f.Keys = append(f.Keys, more.Keys...)
	f.Constants = append(f.Constants, more.Constants...)
	f.Time = append(f.Time, more.Time...)
	f.Host = append(f.Host, more.Host...)
	f.Raw = append(f.Raw, more.Raw...)
	f.Sources = append(f.Sources, more.Sources...)
	f.Unproducible = append(f.Unproducible, more.Unproducible...)
	f.Rewrite.add(more.Rewrite)
	f.facts.add(more.facts)
	addAll(&f.Embedded, more.Embedded)
	addTexts(&f.Let, more.Let)
}

func (f *facts) add(more facts) {
	f.Product = append(f.Product, more.Product...)
	f.Service = append(f.Service, more.Service...)
	f.Category = append(f.Category, more.Category...)
	f.Initials = f.Initials || more.Initials
	addTexts(&f.Fields, more.Fields)
	addTexts(&f.Aliases, more.Aliases)
	addTexts(&f.Prefixes, more.Prefixes)
	addTexts(&f.Build, more.Build)
	addAll(&f.Set, more.Set)
}

func addAll(into *map[string]string, more map[string]string) {
	if *into == nil && len(more) > 0 {
		*into = map[string]string{}
	}
	maps.Copy(*into, more)
}

func addTexts(into *map[string]texts, more map[string]texts) {
	for k, v := range more {
		if *into == nil {
			*into = map[string]texts{}
		}
		for _, text := range v {
			if !slices.Contains((*into)[k], text) {
				(*into)[k] = append((*into)[k], text)
			}
		}
	}
}
