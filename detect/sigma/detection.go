package sigma

import (
	"fmt"

	"go.yaml.in/yaml/v4"
)

// detectionParser reads the detection section of one rule.
type detectionParser struct {
	searches []*Search
	items    int
	budget   *budget
	notes    []flaw
}

func (d *detectionParser) note(n *yaml.Node, format string, args ...any) {
	d.notes = append(d.notes, flaw{position{n.Line, n.Column}, fmt.Sprintf(format, args...)})
}

// parseSearches reads every entry that skip does not take.
func (d *detectionParser) parseSearches(pairs []pair, skip func(name string) bool) error {
	for _, p := range pairs {
		name := p.key.Value
		if skip(name) {
			continue
		}
		x, err := d.parseSearch(name, p.value)
		if err != nil {
			return err
		}
		d.searches = append(d.searches, &Search{Name: name, X: x, Line: p.key.Line})
	}
	return nil
}

// parseSearch reads one search identifier: a map, a list of maps, a list of
// keywords, or one keyword (rules specification, "Search-Identifier").
func (d *detectionParser) parseSearch(name string, n *yaml.Node) (Expr, error) {
	switch {
	case n.Kind == yaml.MappingNode:
		return d.parseMap(name, n)
	case n.Kind == yaml.SequenceNode:
		return d.parseList(name, n)
	case nullNode(n) || scalarText(n) == "":
		return nil, flawAt(n, "search %q is empty: give it fields or keywords, or delete it", name)
	}
	return d.parseKeywords(n)
}

func (d *detectionParser) parseMap(name string, n *yaml.Node) (Expr, error) {
	pairs, err := pairsOf(n)
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, flawAt(n, "search %q is empty: give it fields or keywords, or delete it", name)
	}
	parts := make([]Expr, len(pairs))
	for i, p := range pairs {
		if parts[i], err = d.parseItem(p); err != nil {
			return nil, err
		}
	}
	return joinAll(parts), nil
}

func (d *detectionParser) parseList(name string, n *yaml.Node) (Expr, error) {
	if len(n.Content) == 0 {
		return nil, flawAt(n, "search %q is an empty list: give it maps or keywords, or delete it", name)
	}
	parts := make([]Expr, len(n.Content))
	for i, entry := range n.Content {
		x, err := d.parseEntry(name, entry)
		if err != nil {
			return nil, err
		}
		parts[i] = x
	}
	return joinAny(parts), nil
}

// parseEntry reads one entry of a list: a map or a keyword.
func (d *detectionParser) parseEntry(name string, n *yaml.Node) (Expr, error) {
	switch {
	case n.Kind == yaml.MappingNode:
		return d.parseMap(name, n)
	case n.Kind == yaml.SequenceNode:
		return nil, flawAt(n, "search %q: a list within a list has no meaning: write one list", name)
	case nullNode(n):
		return nil, flawAt(n, "search %q: an empty entry: give it a value or delete it", name)
	}
	return d.parseKeywords(n)
}
