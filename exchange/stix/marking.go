package stix

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
)

// tlpExtension is the id of the OASIS extension that brings TLP 2.0 to STIX.
const tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// tlp is one of the markings that have fixed ids.
type tlp struct {
	id      string
	name    string
	version int // of TLP
	marking intel.Marking
}

// tlps are the markings of TLP 1 (§7.2.1) and of the extension for TLP 2.0.
var tlps = []tlp{
	{"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", "white", 1, intel.TLPClear},
	{"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", "green", 1, intel.TLPGreen},
	{"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", "amber", 1, intel.TLPAmber},
	{"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "red", 1, intel.TLPRed},
	{"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", "clear", 2, intel.TLPClear},
	{"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "green", 2, intel.TLPGreen},
	{"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber", 2, intel.TLPAmber},
	{"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003", "amber+strict", 2, intel.TLPAmberStrict},
	{"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", "red", 2, intel.TLPRed},
}

// The moments at which the two sets were defined.
const (
	tlp1Created = "2017-01-20T00:00:00.000Z"
	tlp2Created = "2022-10-01T00:00:00.000Z"
)

// fixed reports whether an id needs no object: everyone knows what it stands for.
func fixed(id string) bool {
	return id == tlpExtension || slices.ContainsFunc(tlps, func(t tlp) bool { return t.id == id })
}

// object is the definition as the standard writes it.
func (t tlp) object() Object {
	o := Object{"type": markingDefinition, "spec_version": "2.1", "id": t.id, "created": tlp1Created, "name": "TLP:" + strings.ToUpper(t.name)}
	if t.version == 1 {
		o["definition_type"], o["definition"] = "tlp", map[string]any{"tlp": t.name}
		return o
	}
	o["created"] = tlp2Created
	o["extensions"] = map[string]any{tlpExtension: map[string]any{"extension_type": "property-extension", "tlp_2_0": t.name}}
	return o
}

// TLP returns the definition of a marking of TLP 2.0, with its fixed id; nil for
// what nobody marked.
func TLP(m intel.Marking) Object {
	for _, t := range tlps {
		if t.version == 2 && t.marking == m {
			return t.object()
		}
	}
	return nil
}

// MarkingOf returns the marking that the id of a definition stands for, of TLP 1 or
// 2.0; Unmarked when it is another definition's.
func MarkingOf(id string) intel.Marking {
	for _, t := range tlps {
		if t.id == id {
			return t.marking
		}
	}
	return intel.Unmarked
}

// Marking returns the strictest marking of TLP on the object as a whole.
func (o Object) Marking() intel.Marking {
	m := intel.Unmarked
	for _, id := range o.Texts("object_marking_refs") {
		m = max(m, MarkingOf(id))
	}
	return m
}

// Statement returns a marking that says something in words (§7.2.1).
func Statement(text string, now time.Time) Object {
	o := New(markingDefinition, now)
	o["definition_type"], o["definition"] = "statement", map[string]any{"statement": text}
	return o
}

func (o Object) tlpRefs() []string {
	return slices.DeleteFunc(o.Texts("object_marking_refs"), func(id string) bool { return MarkingOf(id) == intel.Unmarked })
}

// marking checks a marking definition (§7.2.1).
func (c *checker) marking(path string, o Object) {
	if slices.Contains(o.Texts("object_marking_refs"), o.ID()) {
		c.must(join(path, "object_marking_refs"), "a marking must not be marked with itself")
	}
	for _, t := range tlps {
		same := o.Text("definition_type") == "tlp" || o.Extension(tlpExtension)["tlp_2_0"] != nil
		if t.id == o.ID() && same && !reflect.DeepEqual(t.object(), o) {
			c.must(path, "it is not the definition of %s that has this id", t.object()["name"])
			return
		}
		if t.id == o.ID() && same {
			return
		}
	}
	kind, definition := o.Text("definition_type"), o.Inner("definition")
	switch {
	case kind == "tlp" || o.Extension(tlpExtension)["tlp_2_0"] != nil:
		c.must(path, "markings of TLP have fixed ids, and this is none of them")
	case o["extensions"] != nil:
	case kind == "" || definition == nil:
		c.must(path, "definition_type and definition, or an extension, are required")
		c.should(ruleExtension, path, "a custom marking should be an extension")
	case kind == "statement":
		if _, ok := definition["statement"].(string); !ok {
			c.must(join(path, "definition.statement"), "it is required, and a text")
		}
	default:
		c.should(ruleMarkingTypes, join(path, "definition_type"), "%s is neither statement nor tlp", shown(kind))
		c.should(ruleExtension, path, "a custom marking should be an extension")
	}
}

var selectorForm = regexp.MustCompile(`^([a-z0-9_-]{3,249}(\.(\[\d+\]|[a-zA-Z0-9_-]{1,250}))*|id)$`)

// granular checks that granular markings select what is there (§7.2.3).
func (c *checker) granular(path string, o Object) {
	list, _ := o["granular_markings"].([]any)
	for i, item := range list {
		marking, _ := item.(map[string]any)
		if lang, stated := marking["lang"].(string); stated && !languageTag(lang) {
			c.must(fmt.Sprintf("%s[%d].lang", join(path, "granular_markings"), i), "%s is no language of RFC 5646", shown(lang))
		}
		for n, selector := range Object(marking).Texts("selectors") {
			here := fmt.Sprintf("%s[%d].selectors[%d]", join(path, "granular_markings"), i, n)
			if !selectorForm.MatchString(selector) {
				c.must(here, "%s is no selector", shown(selector))
			} else if _, found := o.Select(selector); !found {
				c.must(here, "%s selects nothing in the object", shown(selector))
			}
		}
	}
}

// Select returns what a selector of a granular marking selects (§7.2.3).
func (o Object) Select(selector string) (any, bool) {
	var value any = map[string]any(o)
	for part := range strings.SplitSeq(selector, ".") {
		if index, ok := strings.CutPrefix(part, "["); ok {
			list, isList := value.([]any)
			n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if !isList || err != nil || n < 0 || n >= len(list) {
				return nil, false
			}
			value = list[n]
			continue
		}
		inner, isObject := value.(map[string]any)
		next, present := inner[part]
		if !isObject || !present {
			return nil, false
		}
		value = next
	}
	return value, true
}

// MarkedAt returns the strictest marking of TLP that counts for what a selector
// selects: that of the whole object, or a stricter one of the value or of what it
// is in.
func (o Object) MarkedAt(selector string) intel.Marking {
	m := o.Marking()
	list, _ := o["granular_markings"].([]any)
	for _, item := range list {
		marking, _ := item.(map[string]any)
		for _, selected := range Object(marking).Texts("selectors") {
			if selector == selected || strings.HasPrefix(selector, selected+".") {
				m = max(m, MarkingOf(Object(marking).Text("marking_ref")))
			}
		}
	}
	return m
}

// bundle checks the bundle's own properties (§8.1).
func (c *checker) bundle(d *Document) {
	id, ok := d.Bundle["id"].(string)
	switch {
	case !ok:
		c.must("id", "it is required, and a text")
	case idFault(id) != "":
		c.must("id", "%s", idFault(id))
	case typeOf(id) != "bundle":
		c.must("id", "it does not begin with %q", "bundle--")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Bundle)) {
		switch {
		case name == "type" || name == "id" || name == "extensions":
		case name == "spec_version" && (d.Bundle[name] == "2.0" || d.Bundle[name] == "2.1"):
		case !propertyForm.MatchString(name):
			c.must(name, "it is no name of a property")
		default:
			c.note(ruleProperty, name, "the standard defines no such property of a bundle")
			c.customName(name, name, "x_", "property", d.Bundle.openedBy())
		}
	}
	c.known = make(map[string]bool, len(d.Objects))
	for _, o := range d.Objects {
		c.known[o.ID()] = true
	}
}

// together checks that no version of an object is there twice (§3.6).
func (c *checker) together(d *Document) {
	type version struct{ id, modified string }
	first := map[version]int{}
	for i, o := range d.Objects {
		v := version{o.ID(), o.Text("modified")}
		if n, twice := first[v]; twice && v.id != "" {
			c.should(ruleDuplicate, fmt.Sprintf("objects[%d].id", i), "objects[%d] is the same version of the same object", n)
			continue
		}
		first[v] = i
	}
}
