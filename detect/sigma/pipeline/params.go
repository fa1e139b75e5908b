package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/detect/sigma"
)

// params reads the entries of a map one after the other and remembers the
// first thing that is wrong, so that callers need to look once, in finish.
type params struct {
	path   string
	id     string // of the step, for names made from it
	root   *yaml.Node
	order  []string
	values map[string]*yaml.Node
	taken  []string
	err    error
}

func newParams(path, id string, n *yaml.Node) *params {
	p := &params{path: path, id: id, root: n, values: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		p.err = p.failAt(n, "a map is expected")
		return p
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if p.values[key.Value] != nil {
			p.fail(key, "%q stands twice in one map", key.Value)
		}
		p.order = append(p.order, key.Value)
		p.values[key.Value] = value
	}
	return p
}

func (p *params) failAt(n *yaml.Node, format string, args ...any) error {
	if n == nil {
		n = p.root
	}
	return &sigma.Problem{Path: p.path, Line: n.Line, Column: n.Column, Reason: fmt.Sprintf(format, args...)}
}

func (p *params) fail(n *yaml.Node, format string, args ...any) {
	if p.err == nil {
		p.err = p.failAt(n, format, args...)
	}
}

// finish returns what was wrong; an entry that nobody asked for is.
func (p *params) finish() error {
	for _, key := range p.order {
		if !slices.Contains(p.taken, key) {
			p.fail(p.values[key], "unknown key %q: known here are %s", key, strings.Join(p.taken, ", "))
		}
	}
	return p.err
}

func (p *params) optionalNode(key string) *yaml.Node {
	p.taken = append(p.taken, key)
	n := p.values[key]
	if n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	return n
}

func (p *params) node(key string) *yaml.Node {
	n := p.optionalNode(key)
	if n == nil {
		p.fail(p.root, "%s is missing", key)
	}
	return n
}

func (p *params) optional(key string) string { return p.scalar(key, p.optionalNode(key)) }

func (p *params) text(key string) string { return p.scalar(key, p.node(key)) }

func (p *params) scalar(key string, n *yaml.Node) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		p.fail(n, "%s must be text", key)
	}
	return n.Value
}

func (p *params) boolean(key string) bool {
	switch text := p.optional(key); strings.ToLower(text) {
	case "true":
		return true
	case "", "false":
	default:
		p.fail(p.values[key], "%s must be true or false, not %q", key, text)
	}
	return false
}

// list reads a list of texts, or one; nil when the key is absent.
func (p *params) list(key string) []string {
	n := p.optionalNode(key)
	if n == nil {
		return nil
	}
	return p.texts(key, n)
}

func (p *params) texts(key string, n *yaml.Node) []string {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	texts := make([]string, 0, len(entries))
	for _, entry := range entries {
		if entry.Kind != yaml.ScalarNode {
			p.fail(entry, "%s must be text or a list of texts", key)
			continue
		}
		texts = append(texts, entry.Value)
	}
	return texts
}

// entry is one line of a mapping.
type entry struct {
	key    string
	values []string
}

// mapping reads a map of names to a name or several, in its order. A null key
// stands for keywords.
func (p *params) mapping(key string) []entry {
	n := p.node(key)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.fail(n, "%s must be a map", key)
		return nil
	}
	var entries []entry
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{n.Content[i].Value, p.texts(key, n.Content[i+1])}
		if n.Content[i].Tag == "!!null" {
			e.key = ""
		}
		if len(e.values) == 0 || slices.Contains(e.values, "") {
			p.fail(n.Content[i+1], "%s of %q names no field", key, e.key)
		}
		if slices.ContainsFunc(entries, func(other entry) bool { return other.key == e.key }) {
			p.fail(n.Content[i], "%q stands twice in one map", e.key)
		}
		entries = append(entries, e)
	}
	return entries
}
