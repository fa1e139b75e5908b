package stix

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Faults returns what is wrong with a document: with each object by the tables,
// and with the bundle as a whole. A document is valid when none is a Must.
func (d *Document) Faults() []Fault {
	c := &checker{tableModel: model()}
	path := ""
	if d.Bundle != nil {
		c.bundle(d)
		path = "objects"
	}
	for i, o := range d.Objects {
		here := path
		if d.Bundle != nil || len(d.Objects) > 1 {
			here = fmt.Sprintf("%s[%d]", path, i)
		}
		c.object(here, o)
	}
	if d.Bundle != nil {
		c.together(d)
	}
	return c.faults
}

// Faults returns what is wrong with one object.
func (o Object) Faults() []Fault {
	c := &checker{tableModel: model()}
	c.object("", o)
	return c.faults
}

var (
	typeForm     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	propertyForm = regexp.MustCompile(`^[a-z][a-z0-9_]{2,249}$`)
	keyForm      = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,250}$`)
)

// The bounds of a type's name (§3.1).
const minName, maxName = 3, 250

// reserved are names that no property may have (§3.8).
var reserved = []string{"severity", "action", "username", "phone_number", "phone_numbers"}

// object checks one object.
func (c *checker) object(path string, o Object) {
	kind, ok := o["type"].(string)
	if !ok {
		c.must(join(path, "type"), "it is required, and a text")
		return
	}
	if !typeForm.MatchString(kind) || len(kind) < minName || len(kind) > maxName {
		c.must(join(path, "type"), "%s is no name of a type: lower-case letters, digits and single hyphens", shown(kind))
	}
	c.identity(path, o, kind)
	class := c.types[kind]
	switch {
	case kind == "bundle":
		c.must(join(path, "type"), "a bundle cannot be inside a bundle")
	case class != nil:
		c.class(path, o, class)
		c.unknown(path, o, class, o.openedBy())
	default:
		c.custom(path, o, kind)
	}
	c.special(path, o, kind)
	c.granular(path, o)
}

// identity checks the id and the version of the specification.
func (c *checker) identity(path string, o Object, kind string) {
	if version, stated := o["spec_version"]; stated && version != "2.0" && version != "2.1" {
		c.must(join(path, "spec_version"), "%s is neither 2.0 nor 2.1", shown(version))
	}
	id, ok := o["id"].(string)
	if !ok {
		return // the tables say that it is required
	}
	here := join(path, "id")
	if reason := idFault(id); reason != "" {
		c.must(here, "%s", reason)
		return
	}
	if typeOf(id) != kind {
		c.must(here, "it does not begin with %q", kind+"--")
		return
	}
	version := id[len(id)-22]
	class := c.types[kind]
	switch {
	case class == nil:
	case class.family == observableFamily:
		c.observableID(here, o, class, version)
	case version != '4' && kind != markingDefinition && kind != extensionDefinition:
		c.should(ruleUUID, here, "the UUID should be of version 4, not %c", version)
	}
}

// observableID checks the version of an observable's UUID (§2.9, §3.4).
func (c *checker) observableID(path string, o Object, class *class, version byte) {
	contributes := slices.ContainsFunc(class.id, func(name string) bool { return o[name] != nil })
	switch {
	case !contributes && version != '4':
		c.must(path, "without any property that contributes to the id, a UUID of version 4 must be used")
	case contributes && version != '5':
		c.should(ruleUUID, path, "the id should be made of %s: a UUID of version 5", strings.Join(class.id, ", "))
	}
}

// class checks the properties that a table has.
func (c *checker) class(path string, o Object, class *class) {
	for i := range class.properties {
		p := &class.properties[i]
		value, present := o[p.name]
		switch {
		case !present && p.name == "spec_version" && class.family != observableFamily:
			c.should(ruleVersion, join(path, p.name), "it is required in STIX 2.1; without it the object counts as STIX 2.0")
		case !present && p.required && (!p.new || o["spec_version"] == "2.1"):
			c.must(join(path, p.name), "it is required")
		case present:
			c.property(join(path, p.name), p, value)
		}
	}
	for _, r := range class.rules {
		c.rule(path, o, r)
	}
}

func (c *checker) rule(path string, o Object, r rule) {
	present := func(name string) bool { _, ok := o[name]; return ok }
	first, rest := r.names[0], r.names[1:]
	switch r.kind {
	case "some":
		if !slices.ContainsFunc(r.names, present) {
			c.must(path, "at least one of %s is required", strings.Join(r.names, ", "))
		}
	case "one":
		if n := len(slices.DeleteFunc(slices.Clone(r.names), func(name string) bool { return !present(name) })); n != 1 {
			c.must(path, "exactly one of %s must be there, not %d", strings.Join(r.names, ", "), n)
		}
	case "with":
		for _, name := range rest {
			if present(first) && !present(name) {
				c.must(join(path, name), "it is required with %s", first)
			}
		}
	case "order", "after":
		earlier, err1 := parseTime(o.Text(first))
		later, err2 := parseTime(o.Text(rest[0]))
		switch {
		case err1 != nil || err2 != nil:
		case later.Before(earlier):
			c.must(join(path, rest[0]), "it is before %s", first)
		case r.kind == "after" && later.Equal(earlier):
			c.must(join(path, rest[0]), "it is not later than %s", first)
		}
	}
}

// property checks a value, or each of a list.
func (c *checker) property(path string, p *property, value any) {
	if !p.list {
		c.value(path, p, value)
		return
	}
	list, ok := value.([]any)
	switch {
	case !ok:
		c.must(path, "a list is expected")
	case len(list) == 0:
		c.must(path, "a list must not be empty")
	}
	for i, item := range list {
		c.value(fmt.Sprintf("%s[%d]", path, i), p, item)
	}
}

// record checks an object within an object.
func (c *checker) record(path string, class *class, value any) {
	o, ok := value.(map[string]any)
	if !ok {
		c.must(path, "an object is expected")
		return
	}
	c.class(path, o, class)
	c.unknown(path, o, class, false)
	switch class.name {
	case "external-reference":
		c.externalReference(path, o)
	case "kill-chain-phase":
		c.killChain(path, o)
	case "windows-registry-value":
	}
}

// unknown looks at the properties that a table does not have. Any may be there
// where an extension opens the object.
func (c *checker) unknown(path string, o Object, class *class, opened bool) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if class.byName[name] != nil {
			continue
		}
		here := join(path, name)
		switch {
		case slices.Contains(reserved, name):
			c.must(here, "the name is reserved")
			continue
		case !propertyForm.MatchString(name):
			c.must(here, "it is no name of a property: lower-case letters, digits and underscores, at least three")
			continue
		}
		c.customValue(here, name, o[name])
		c.note(ruleProperty, here, "the standard defines no such property of %s", class.name)
		c.customName(here, name, "x_", "property", opened)
	}
}

// customValue checks what can be checked of a value that nobody defined.
func (c *checker) customValue(path, name string, value any) {
	for key := range asObject(value) {
		if strings.ToLower(key) != key {
			c.should(ruleKeys, join(path, key), "a key should be lower-case")
		}
	}
	switch list, _ := value.([]any); {
	case value == nil:
		c.must(path, "null is no value in STIX")
	case list != nil && len(list) == 0:
		c.must(path, "a list must not be empty")
	case strings.HasSuffix(name, "_bin"):
		c.value(path, &property{kind: "binary"}, value)
	case strings.HasSuffix(name, "_hex"):
		c.value(path, &property{kind: "hex"}, value)
	}
}

func asObject(value any) map[string]any {
	o, _ := value.(map[string]any)
	return o
}

// customName says what the standard thinks of names that are not its own (§11).
// Where an extension defines what is named, the form of the name is no more than a
// note.
func (c *checker) customName(path, name, prefix, what string, extended bool) {
	level := Note
	if !extended {
		level = Should
		c.should(ruleExtension, path, "a custom %s should be part of an extension", what)
	}
	rest, prefixed := strings.CutPrefix(name, prefix)
	switch rest = strings.TrimSuffix(rest, "-ext"); {
	case !prefixed:
		c.add(Fault{path, fmt.Sprintf("the name of a custom %s should begin with %q", what, prefix), level, rulePrefix})
	case !strings.ContainsAny(rest, "-_"):
		c.add(Fault{path, fmt.Sprintf("the name of a custom %s should say behind %q who made it", what, prefix), level, ruleSource})
	}
}

// custom checks an object of a type that the standard does not define.
func (c *checker) custom(path string, o Object, kind string) {
	c.note(ruleType, join(path, "type"), "the standard defines no type %q", kind)
	common := c.records["common-sdo"]
	role := o.newType()
	if role == "new-sco" {
		common = c.records["common-sco"]
	}
	c.customName(join(path, "type"), kind, "x-", "type", role != "")
	c.class(path, o, common)
	for _, name := range slices.Sorted(maps.Keys(o)) {
		here := join(path, name)
		switch {
		case common.byName[name] != nil:
		case slices.Contains(reserved, name):
			c.must(here, "the name is reserved")
		case !propertyForm.MatchString(name):
			c.must(here, "it is no name of a property: lower-case letters, digits and underscores, at least three")
		default:
			c.customValue(here, name, o[name])
		}
	}
}
