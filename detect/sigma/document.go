package sigma

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/intel"
)

// document is one YAML document being read.
type document struct {
	path  string
	root  *yaml.Node
	keys  map[string]*yaml.Node
	notes []*Problem

	budget *budget
}

func newDocument(path string, root *yaml.Node, b *budget) (*document, error) {
	if root.Kind != yaml.MappingNode {
		return nil, flawAt(root, "a rule is a map with title, logsource and detection")
	}
	if err := b.spend(nodeCost * countNodes(root)); err != nil {
		return nil, flawAt(root, "%v", err)
	}
	pairs, err := pairsOf(root)
	if err != nil {
		return nil, err
	}
	doc := &document{path: path, root: root, budget: b, keys: make(map[string]*yaml.Node, len(pairs))}
	for _, p := range pairs {
		doc.keys[p.key.Value] = p.value
	}
	return doc, nil
}

func countNodes(n *yaml.Node) int {
	count := 1
	for _, inner := range n.Content {
		count += countNodes(inner)
	}
	return count
}

func (d *document) has(key string) bool { return d.keys[key] != nil }

func (d *document) note(at position, format string, args ...any) {
	d.notes = append(d.notes, &Problem{
		Path: d.path, Line: at.line, Column: at.column,
		ID: d.text("id"), Title: d.text("title"), Reason: fmt.Sprintf(format, args...),
	})
}

// text returns a value of the head of the document. What is not text there is
// worth no rejection and counts as absent.
func (d *document) text(key string) string {
	if n := d.keys[key]; n != nil && n.Kind == yaml.ScalarNode {
		return scalarText(n)
	}
	return ""
}

// texts returns a list of the head; a single value counts as a list of one.
func (d *document) texts(key string) []string {
	n := d.keys[key]
	if n == nil || nullNode(n) {
		return nil
	}
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	var texts []string
	for _, entry := range entries {
		if entry.Kind == yaml.ScalarNode && !nullNode(entry) {
			texts = append(texts, scalarText(entry))
		}
	}
	return texts
}

// title returns the title, which every document must have.
func (d *document) title() (string, error) {
	title := d.text("title")
	if title == "" {
		return "", flawAt(d.root, "no title: say in a few words what the rule finds")
	}
	return title, nil
}

func (d *document) level() (intel.Severity, error) {
	var level intel.Severity
	n := d.keys["level"]
	if n == nil || nullNode(n) {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(strings.ToLower(scalarText(n)))); err != nil {
		return level, flawAt(n, "%v", err)
	}
	return level, nil
}

var statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}

func (d *document) status() string {
	status := d.text("status")
	if status != "" && !slices.Contains(statuses, status) {
		n := d.keys["status"]
		d.note(position{n.Line, n.Column}, "unknown status %q: one of %s", status, strings.Join(statuses, ", "))
	}
	return status
}

func (d *document) related() []Related {
	n := d.keys["related"]
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []Related
	for _, entry := range n.Content {
		var r Related
		if id := lookup(entry, "id"); id != nil {
			r.ID = scalarText(id)
		}
		if kind := lookup(entry, "type"); kind != nil {
			r.Type = scalarText(kind)
		}
		if r.ID != "" {
			all = append(all, r)
		}
	}
	return all
}

// logSource reads the log source, which rules and filters must have.
func (d *document) logSource() (intel.LogSource, error) {
	var l intel.LogSource
	n := d.keys["logsource"]
	if n == nil {
		return l, flawAt(d.root, "no logsource: name the product, category or service whose events are meant")
	}
	if n.Kind != yaml.MappingNode {
		return l, flawAt(n, "logsource must be a map of product, category and service")
	}
	pairs, err := pairsOf(n)
	if err != nil {
		return l, err
	}
	for _, p := range pairs {
		into := map[string]*string{"product": &l.Product, "category": &l.Category, "service": &l.Service}[p.key.Value]
		if into == nil {
			continue // definition and custom fields
		}
		if p.value.Kind != yaml.ScalarNode {
			return l, flawAt(p.value, "logsource %s must be text", p.key.Value)
		}
		*into = scalarText(p.value)
	}
	if l == (intel.LogSource{}) {
		return l, flawAt(n, "logsource is empty: name the product, category or service whose events are meant")
	}
	return l, nil
}

// rule reads a detection rule.
func (d *document) rule() (*Rule, error) {
	r := &Rule{
		ID: d.text("id"), Name: d.text("name"), Status: d.status(),
		Description: d.text("description"), Author: strings.Join(d.texts("author"), ", "), License: d.text("license"),
		Date: d.text("date"), Modified: d.text("modified"), Taxonomy: d.text("taxonomy"),
		References: d.texts("references"), Tags: d.texts("tags"),
		FalsePositives: d.texts("falsepositives"), Fields: d.texts("fields"),
		Related: d.related(), Path: d.path, Line: d.root.Line,
	}
	var err error
	if r.Title, err = d.title(); err != nil {
		return nil, err
	}
	if r.Level, err = d.level(); err != nil {
		return nil, err
	}
	if r.LogSource, err = d.logSource(); err != nil {
		return nil, err
	}
	section, err := d.section("detection", func(string) bool { return false })
	if err != nil {
		return nil, err
	}
	r.Searches, r.Conditions, r.ConditionTexts = section.searches, section.conditions, section.texts
	return r, nil
}

// section is a detection section: searches and conditions over them.
type section struct {
	searches   []*Search
	conditions []Expr
	texts      []string
}

// section reads a map of searches with a condition. Keys that skip takes are
// not searches.
func (d *document) section(key string, skip func(name string) bool) (*section, error) {
	n := d.keys[key]
	if n.Kind != yaml.MappingNode {
		return nil, flawAt(n, "%s must be a map of searches and a condition", key)
	}
	pairs, err := pairsOf(n)
	if err != nil {
		return nil, err
	}
	condition, ok := findPair(pairs, "condition")
	if !ok {
		return nil, flawAt(n, "%s has no condition: say which searches must hold", key)
	}
	parser := &detectionParser{budget: d.budget}
	err = parser.parseSearches(pairs, func(name string) bool {
		return name == "condition" || name == "timeframe" || skip(name)
	})
	if err != nil {
		return nil, err
	}
	s := &section{searches: parser.searches}
	used := map[*Search]bool{}
	if err := s.readConditions(condition.value, used, d.budget); err != nil {
		return nil, err
	}
	for _, f := range parser.notes {
		d.note(f.position, "%s", f.reason)
	}
	for _, search := range s.searches {
		if !used[search] {
			d.note(position{search.Line, 1}, "search %q is not used by the condition", search.Name)
		}
	}
	return s, nil
}

// readConditions reads one condition or a list of them.
func (s *section) readConditions(n *yaml.Node, used map[*Search]bool, b *budget) error {
	parser := newConditionParser(s.searches, used, b)
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	if len(entries) == 0 {
		return flawAt(n, "the list of conditions is empty")
	}
	for _, entry := range entries {
		if entry.Kind != yaml.ScalarNode {
			return flawAt(entry, "a condition must be text")
		}
		x, err := parser.parse(scalarText(entry))
		if err != nil {
			return flawAt(entry, "%v", err)
		}
		s.conditions = append(s.conditions, x)
		s.texts = append(s.texts, scalarText(entry))
	}
	return nil
}
