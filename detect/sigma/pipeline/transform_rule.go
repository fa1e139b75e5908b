package pipeline

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// logSourceChange gives rules another log source.
type logSourceChange struct{ to intel.LogSource }

func changeLogSource(p *params) (transformation, error) {
	return &logSourceChange{intel.LogSource{
		Product: p.optional("product"), Category: p.optional("category"), Service: p.optional("service"),
	}}, nil
}

func (t *logSourceChange) apply(_ *step, s *subject) error {
	if s.rule != nil {
		s.rule.LogSource = t.to
	}
	return nil
}

// addedCondition adds a search to the condition of rules.
type addedCondition struct {
	name       string
	conditions *yaml.Node
	path       string
	template   bool
	negated    bool
}

func addCondition(p *params) (transformation, error) {
	t := &addedCondition{
		name: p.optional("name"), conditions: p.node("conditions"), path: p.path,
		template: p.boolean("template"), negated: p.boolean("negated"),
	}
	if t.name == "" {
		t.name = "_cond_" + p.id
	}
	if t.conditions == nil {
		return nil, p.err
	}
	_, err := t.search(intel.LogSource{})
	return t, err
}

// search reads the conditions, with the log source filled in where they are a
// template.
func (t *addedCondition) search(l intel.LogSource) (*sigma.Search, error) {
	n := t.conditions
	if t.template {
		n = filled(n, strings.NewReplacer(
			"$$", "$", "${category}", l.Category, "$category", l.Category,
			"${product}", l.Product, "$product", l.Product, "${service}", l.Service, "$service", l.Service,
		))
	}
	return sigma.ParseSearch(t.path, t.name, n)
}

// filled returns the definition with the values replaced, and the field names
// as they are.
func filled(n *yaml.Node, values *strings.Replacer) *yaml.Node {
	out := *n
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, inner := range n.Content {
		out.Content[i] = inner
		if n.Kind != yaml.MappingNode || i%2 == 1 {
			out.Content[i] = filled(inner, values)
		}
	}
	if n.Kind == yaml.ScalarNode {
		out.Value = values.Replace(n.Value)
	}
	return &out
}

func (t *addedCondition) apply(st *step, s *subject) error {
	if s.rule == nil {
		return nil
	}
	added, err := t.search(s.rule.LogSource)
	if err != nil {
		return err
	}
	condition, text := sigma.Expr(added), t.name
	if t.negated {
		condition, text = sigma.Not{X: added}, "not "+t.name
	}
	s.rule = s.rule.With(sigma.Added{Searches: []*sigma.Search{added}, Condition: condition, Text: text})
	root := s.nodeOf(added.X)
	s.searches = append(s.searches, &search{added, root})
	_, err = replaceItems(root, func(i *item) (node, error) {
		i.applied[st.id] = true
		return i, nil
	})
	return err
}
