package stix

import (
	_ "embed" // tables.txt
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed tables.txt
var tables string

// The families of types.
const (
	domainFamily       = "sdo"
	relationshipFamily = "sro"
	observableFamily   = "sco"
	metaFamily         = "meta"
)

// Types with rules of their own.
const (
	markingDefinition   = "marking-definition"
	extensionDefinition = "extension-definition"
	languageContent     = "language-content"
)

// property is what a table says of one property.
type property struct {
	name     string
	required bool
	new      bool // required since STIX 2.1 only
	list     bool
	kind     string   // its first word: text, integer, id, …
	args     []string // types of an id, name of a vocabulary or record, bounds
	min, max *float64
	refLevel Level // of a reference that is no id
}

// class is what the tables say of a type, a record or an extension.
type class struct {
	name       string
	family     string // of a type; for an extension the type that it extends
	properties []property
	byName     map[string]*property
	rules      []rule
	id         []string // contributing properties
}

// rule ties properties to each other.
type rule struct {
	kind  string // some, one, with, order, after
	names []string
}

// relation is what a type may be the source of.
type relation struct{ source, kind string }

// tableModel is the content of tables.txt.
type tableModel struct {
	vocabularies map[string][]string
	types        map[string]*class
	records      map[string]*class
	extensions   map[string]*class
	relations    map[relation][]string
}

// model reads the tables once; TestTables reads them too, so that a fault in them
// is never met by a user.
var model = sync.OnceValue(func() *tableModel {
	m, err := readTables(tables)
	if err != nil {
		panic(err) // the embedded file is broken
	}
	return m
})

func readTables(text string) (*tableModel, error) {
	m := &tableModel{
		vocabularies: map[string][]string{}, types: map[string]*class{}, records: map[string]*class{}, extensions: map[string]*class{},
		relations: map[relation][]string{},
	}
	var c *class
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(line, "# ")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		var err error
		if line[0] == '\t' {
			err = c.add(words)
		} else {
			c, err = m.begin(words)
		}
		if err != nil {
			return nil, fmt.Errorf("tables.txt, line %d: %w", n, err)
		}
	}
	return m, m.complete()
}

// begin reads a line that is not indented.
func (m *tableModel) begin(words []string) (*class, error) {
	if len(words) < 2 {
		return nil, fmt.Errorf("%q says nothing", words)
	}
	c := &class{name: words[1], byName: map[string]*property{}}
	switch words[0] {
	case "vocabulary":
		m.vocabularies[words[1]] = words[2:]
	case "relation":
		key := relation{words[1], words[2]}
		m.relations[key] = append(m.relations[key], words[3:]...)
	case "object":
		c.family = words[2]
		m.types[c.name] = c
	case "record":
		m.records[c.name] = c
	case "extension":
		c.family = words[2]
		m.extensions[c.name] = c
	default:
		return nil, fmt.Errorf("unknown word %q", words[0])
	}
	return c, nil
}

// add reads an indented line.
func (c *class) add(words []string) error {
	if c == nil || len(words) < 2 {
		return fmt.Errorf("%q stands alone", words)
	}
	if kind, ok := strings.CutPrefix(words[0], "@"); ok {
		if kind == "id" {
			c.id = words[1:]
			return nil
		}
		c.rules = append(c.rules, rule{kind, words[1:]})
		return nil
	}
	p := property{}
	name, since, required := strings.Cut(words[0], "!")
	p.name, p.required, p.new = name, required, since == "2.1"
	if words[1] == "list" && len(words) == 3 {
		p.list, words = true, words[1:]
	}
	kind, rest, _ := strings.Cut(words[1], ":")
	p.kind = kind
	switch kind {
	case "integer", "number":
		low, high, _ := strings.Cut(rest, ":")
		p.min, p.max = bound(low), bound(high)
	case "id":
		p.args = strings.Split(rest, "|")
	default:
		p.args = []string{rest}
	}
	c.properties = append(c.properties, p)
	return nil
}

func bound(text string) *float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return &n
}

// complete gives every type its common properties (§3.2), and checks that what the
// tables refer to is there.
func (m *tableModel) complete() error {
	for _, c := range m.types {
		common := m.records["common-sdo"]
		switch {
		case c.family == observableFamily:
			common = m.records["common-sco"]
		case c.name == markingDefinition:
			common = m.records["common-marking"]
		}
		for i := range c.properties {
			if c.family == observableFamily {
				c.properties[i].refLevel = Should
			}
		}
		c.properties = append(slices.Clone(common.properties), c.properties...)
		c.rules = append(slices.Clone(common.rules), c.rules...)
	}
	for _, classes := range []map[string]*class{m.types, m.records, m.extensions} {
		for _, c := range classes {
			for i := range c.properties {
				p := &c.properties[i]
				c.byName[p.name] = p
				if err := m.refers(p); err != nil {
					return fmt.Errorf("%s.%s: %w", c.name, p.name, err)
				}
			}
		}
	}
	return nil
}

func (m *tableModel) refers(p *property) error {
	switch p.kind {
	case "record":
		if m.records[p.args[0]] == nil {
			return fmt.Errorf("no record %q", p.args[0])
		}
	case "open", "enum":
		if m.vocabularies[p.args[0]] == nil {
			return fmt.Errorf("no vocabulary %q", p.args[0])
		}
	case "id":
		for _, kind := range p.args {
			if kind != "*" && kind != domainFamily && kind != observableFamily && kind != relationshipFamily && m.types[kind] == nil {
				return fmt.Errorf("no type %q", kind)
			}
		}
	case "text", "integer", "number", "boolean", "time", "mstime", "hashes", "dictionary", "hex", "binary", "url", "any", "reserved", "extensions", "observables":
	default:
		return fmt.Errorf("unknown kind %q", p.kind)
	}
	return nil
}

// family returns the family of a type; of an unknown one "".
func (m *tableModel) family(kind string) string {
	if c := m.types[kind]; c != nil {
		return c.family
	}
	return ""
}
