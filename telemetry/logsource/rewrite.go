package logsource

import (
	"fmt"
	"strings"
)

// rewriting says how paths become names.
type rewriting struct {
	// Prefixes are dropped; a segment "*" stands for any one segment. What
	// remains is the name; a name that Reserved lists keeps the last segment of
	// the prefix in front ("EventData.EventID").
	Prefixes texts `yaml:"prefixes"`
	// Names gives a path another name.
	Names map[string]string `yaml:"names"`
	// Reserved names are the product's own; data of an event that is called
	// the same must not pass for them.
	Reserved texts `yaml:"reserved"`
}

func (r *rewriting) add(more rewriting) {
	r.Prefixes = append(r.Prefixes, more.Prefixes...)
	r.Reserved = append(r.Reserved, more.Reserved...)
	addAll(&r.Names, more.Names)
}

// rewriter is every mapping's rewriting together.
type rewriter struct {
	prefixes []prefix
	names    map[string]string
}

type prefix struct {
	segments []string
	keep     string // put in front of a reserved name
	reserved map[string]bool
}

// add takes over one file's rewriting; a path that two files name differently
// is an error.
func (w *rewriter) add(r rewriting) error {
	for path, name := range r.Names {
		if old, ok := w.names[path]; ok && old != name {
			return fmt.Errorf("path %q is rewritten to %q and to %q", path, old, name)
		}
		w.names[path] = name
	}
	reserved := map[string]bool{}
	for _, name := range r.Reserved {
		reserved[name] = true
	}
	for _, text := range r.Prefixes {
		segments := strings.Split(strings.TrimSuffix(text, "."), ".")
		keep := segments[len(segments)-1]
		if keep == "*" && len(segments) > 1 {
			keep = segments[len(segments)-2]
		}
		w.prefixes = append(w.prefixes, prefix{segments: segments, keep: keep, reserved: reserved})
	}
	return nil
}

// rewrite returns the name that a path stands for. Names hold no blanks: rules
// leave them out (rules specification 2.1, "Field Usage").
func (w *rewriter) rewrite(path string) string {
	path = normalise(path)
	if name, ok := w.names[path]; ok {
		return name
	}
	for i := range w.prefixes {
		rest, ok := w.prefixes[i].cut(path)
		if !ok {
			continue
		}
		name := unspaced(rest)
		if w.prefixes[i].reserved[name] {
			return w.prefixes[i].keep + "." + name
		}
		return name
	}
	return unspaced(path)
}

func unspaced(name string) string { return strings.ReplaceAll(name, " ", "") }

// cut returns what follows the prefix; something must.
func (p *prefix) cut(path string) (rest string, ok bool) {
	for _, want := range p.segments {
		segment, after, found := strings.Cut(path, ".")
		if !found || want != "*" && want != segment {
			return "", false
		}
		path = after
	}
	return path, path != ""
}

// attributeMarks are the ways in which converters write an XML attribute's
// name behind its element's ("Provider.#attributes.Name", "Provider.@Name").
var attributeMarks = strings.NewReplacer(".#attributes.", "_", "_attributes.", "_", ".@", "_")

// normalise writes the paths of XML turned into JSON one way: an attribute is
// Element_Attribute, an element's own text has its element's path. It does not
// touch other paths.
func normalise(path string) string {
	if !strings.HasPrefix(path, "Event.") {
		return path
	}
	path = attributeMarks.Replace(path)
	for _, mark := range [...]string{".#text", ".#value", ".$t"} {
		path = strings.TrimSuffix(path, mark)
	}
	return path
}
