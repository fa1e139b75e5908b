package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Bounds on a rule file. The largest file of the public rule sets has 60 KiB,
// 2,000 values and nests nine deep.
const (
	fileLimit  = 1 << 20 // bytes
	nodeLimit  = 200_000 // values, after aliases are followed: stops YAML bombs
	depthLimit = 64
	keyLimit   = 2_000 // keys of one map
)

// position is where in a file something stands.
type position struct{ line, column int }

// flaw is an error at a position; Parse adds the path and the rule.
type flaw struct {
	position
	reason string
}

func (f *flaw) Error() string { return f.reason }

func flawAt(n *yaml.Node, format string, args ...any) error {
	return &flaw{position{n.Line, n.Column}, fmt.Sprintf(format, args...)}
}

// ReadYAML reads the documents of a YAML file within the bounds of Parse, with
// aliases followed. It is for formats that go with rules, such as pipelines.
// Errors are Problems of the path.
func ReadYAML(path string, text []byte) ([]*yaml.Node, error) {
	roots, err := readDocuments(text)
	if err != nil {
		return nil, problemOf(path, err)
	}
	return roots, nil
}

// ParseSearch reads one search as it stands in a detection section.
func ParseSearch(path, name string, definition *yaml.Node) (*Search, error) {
	x, err := (&detectionParser{budget: newBudget()}).parseSearch(name, definition)
	if err != nil {
		return nil, problemOf(path, err)
	}
	return &Search{Name: name, X: x, Line: definition.Line}, nil
}

// readDocuments reads the YAML documents of a file. Documents read before an
// error are returned with it. Aliases are resolved, merge keys are not.
func readDocuments(text []byte) ([]*yaml.Node, error) {
	if len(text) > fileLimit {
		return nil, &flaw{reason: fmt.Sprintf("file has more than the %d bytes a rule file may have: split it", fileLimit)}
	}
	limits := loaderlimits.New(loaderlimits.DepthValue(depthLimit))
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithPlugin(limits))
	if err != nil {
		return nil, &flaw{reason: err.Error()}
	}
	var roots []*yaml.Node
	budget := nodeLimit
	for {
		var document yaml.Node
		err := loader.Load(&document)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return roots, yamlFlaw(err, text)
		}
		if len(document.Content) != 1 {
			continue
		}
		root := document.Content[0]
		if err := resolveAliases(&root, &budget, 0); err != nil {
			return roots, err
		}
		roots = append(roots, root)
	}
}

// resolveAliases replaces every alias by what it stands for. A document whose
// aliases multiply runs out of budget, one whose anchor holds its own alias
// out of depth.
func resolveAliases(n **yaml.Node, budget *int, depth int) error {
	*budget--
	if *budget < 0 {
		return flawAt(*n, "more than %d values once aliases are followed: write the rule without so many aliases", nodeLimit)
	}
	if depth > depthLimit {
		return flawAt(*n, "nested deeper than %d", depthLimit)
	}
	for (*n).Kind == yaml.AliasNode {
		*n = (*n).Alias
	}
	for i := range (*n).Content {
		if err := resolveAliases(&(*n).Content[i], budget, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// yamlFlaw says what is wrong with text, and what to do about what people most
// often do wrong.
func yamlFlaw(err error, text []byte) error {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		return &flaw{reason: "not valid YAML: " + err.Error()}
	}
	reason := "not valid YAML: " + load.Message
	if load.ContextMsg != "" {
		reason += " (" + load.ContextMsg + ")"
	}
	switch {
	case !utf8.Valid(text):
		reason += ": save the file as UTF-8"
	case strings.Contains(load.Message, "cannot start any token") && indentedByTab(text, load.Mark.Line):
		reason += ": indent with blanks, not with tabs"
	case strings.Contains(load.Message, "cannot start any token"), strings.Contains(load.Message, "mapping values are not allowed"):
		reason += ": put the value in single quotes"
	}
	return &flaw{position{load.Mark.Line, load.Mark.Column}, reason}
}

// indentedByTab reports whether the line of that number begins with a tab,
// after blanks.
func indentedByTab(text []byte, number int) bool {
	for line := range bytes.Lines(text) {
		if number--; number == 0 {
			return bytes.HasPrefix(bytes.TrimLeft(line, " "), []byte("\t"))
		}
	}
	return false
}

// pair is one entry of a map.
type pair struct{ key, value *yaml.Node }

// pairsOf returns the entries of a map, in the order of the file, with those
// that merge keys ("<<") bring in put last. A key that stands twice is refused:
// YAML forbids it, and one of the two would be silently lost.
func pairsOf(n *yaml.Node) ([]pair, error) {
	if len(n.Content) > 2*keyLimit {
		return nil, flawAt(n, "a map of %d keys: more than the %d a rule may have in one", len(n.Content)/2, keyLimit)
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, flawAt(key, "a key must be plain text")
		}
		if isMerge(key) {
			merged = append(merged, value)
			continue
		}
		if first, ok := findPair(pairs, key.Value); ok {
			return nil, flawAt(key, "%q stands twice in one map, first on line %d: rename one, or write one list of values", key.Value, first.key.Line)
		}
		pairs = append(pairs, pair{key, value})
	}
	return mergePairs(pairs, merged)
}

func isMerge(key *yaml.Node) bool {
	return key.Value == "<<" && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// mergePairs adds what merge keys bring in; what is already there wins (YAML
// merge key language-independent type).
func mergePairs(pairs []pair, merged []*yaml.Node) ([]pair, error) {
	for _, n := range merged {
		sources := []*yaml.Node{n}
		if n.Kind == yaml.SequenceNode {
			sources = n.Content
		}
		for _, source := range sources {
			if source.Kind != yaml.MappingNode {
				return nil, flawAt(source, "a merge key (<<) needs an alias of a map, or a list of them")
			}
			more, err := pairsOf(source)
			if err != nil {
				return nil, err
			}
			for _, p := range more {
				if _, ok := findPair(pairs, p.key.Value); !ok {
					pairs = append(pairs, p)
				}
			}
		}
	}
	return pairs, nil
}

func findPair(pairs []pair, key string) (pair, bool) {
	for _, p := range pairs {
		if p.key.Value == key {
			return p, true
		}
	}
	return pair{}, false
}

func nullNode(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// scalarText returns a scalar's text as it was written, so that 2024-01-01,
// 0x10, 1.0 and true stay what the rule's author wrote.
func scalarText(n *yaml.Node) string {
	if nullNode(n) {
		return ""
	}
	return n.Value
}
