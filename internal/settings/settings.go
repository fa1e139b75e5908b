// Package settings reads a configuration file strictly, and tells what is in
// force and where each value comes from.
//
// Its words: a setting is a leaf of a structure under a dotted key, as its yaml
// tags name it. A file that names a key which is not there, or twice, is
// refused, with the line and what may have been meant.
//
// It does not know what settings mean.
package settings

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/internal/fault"
	"tocsin/internal/spelling"
)

// Origins says of keys where their values come from; a key that is not in it
// has its default.
type Origins map[string]string

// fileLimit bounds a file of settings: far more than one that a person writes.
const fileLimit = 1 << 20

// Read reads a YAML text into a structure and returns which keys it sets and in
// which lines. All keys that are not known are named at once. The error is
// fault.Invalid.
func Read(name string, text []byte, into any) (Origins, error) {
	if len(text) > fileLimit {
		return nil, fmt.Errorf("%s: more than %d bytes: %w", name, fileLimit, fault.Invalid)
	}
	if empty(string(text)) {
		return Origins{}, nil
	}
	var document yaml.Node
	if err := yaml.Load(text, &document); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, fault.Invalid)
	}
	r := &reader{name: name, known: keysOf(reflect.TypeOf(into).Elem(), ""), origins: Origins{}}
	r.mapping(root(&document), reflect.TypeOf(into).Elem(), "")
	if len(r.wrong) > 0 {
		return nil, errors.Join(r.wrong...)
	}
	if err := yaml.Load(text, into, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", name, err, fault.Invalid)
	}
	return r.origins, nil
}

// empty reports whether a text holds nothing but remarks, which YAML does not
// take for a document.
func empty(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}

// root is the node of a document's content.
func root(document *yaml.Node) *yaml.Node {
	if document.Kind == yaml.DocumentNode && len(document.Content) > 0 {
		return document.Content[0]
	}
	return document
}

// reader compares a file's keys with a structure's.
type reader struct {
	name    string
	known   []string
	origins Origins
	wrong   []error
}

func (r *reader) refuse(line int, format string, args ...any) {
	const most = 100 // more help nobody
	if len(r.wrong) < most {
		r.wrong = append(r.wrong, fmt.Errorf("%s:%d: %s: %w", r.name, line, fmt.Sprintf(format, args...), fault.Invalid))
	}
}

// mapping compares the keys of a mapping with the fields of a structure.
func (r *reader) mapping(n *yaml.Node, t reflect.Type, prefix string) {
	if isNull(n) {
		return // "tls:" without anything below it
	}
	if n.Kind != yaml.MappingNode {
		r.refuse(n.Line, "%s must be keys and values", either(strings.TrimSuffix(prefix, "."), "the file"))
		return
	}
	fields := fieldsOf(t)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		full := prefix + key.Value
		field, ok := fields[key.Value]
		switch {
		case !ok:
			r.refuse(key.Line, "unknown key %q%s", full, r.meant(full))
		case isSection(field.Type):
			r.mapping(value, field.Type, full+".")
		case isNull(value): // the default stays
		default:
			if first, twice := r.origins[full]; twice {
				r.refuse(key.Line, "%q is set twice: also in %s", full, first)
				continue
			}
			r.origins[full] = fmt.Sprintf("%s:%d", r.name, key.Line)
		}
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func either(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// meant says which known key looks most like one that is not.
func (r *reader) meant(key string) string {
	for _, known := range r.known {
		if last(known) == last(key) {
			return fmt.Sprintf(": did you mean %q?", known) // in the wrong section
		}
	}
	if best := spelling.Nearest(key, r.known, len(key)/3+1); best != "" { // a third of it may be wrong
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ""
}

func last(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

// fieldsOf returns the fields of a structure by the names that files use.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for field := range t.Fields() {
		if name := nameOf(field); name != "" {
			fields[name] = field
		}
	}
	return fields
}

// nameOf is a field's name in files, "" for one that has none.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// isSection reports whether a type is a section of settings rather than one.
func isSection(t reflect.Type) bool {
	type readsItself interface{ UnmarshalYAML(n *yaml.Node) error }
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[readsItself]())
}

// keysOf returns all keys of a structure, sections included.
func keysOf(t reflect.Type, prefix string) []string {
	fields := fieldsOf(t)
	var keys []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		keys = append(keys, prefix+name)
		if isSection(fields[name].Type) {
			keys = append(keys, keysOf(fields[name].Type, prefix+name+".")...)
		}
	}
	return keys
}
