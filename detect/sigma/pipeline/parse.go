package pipeline

import (
	"errors"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"

	"tocsin/detect/sigma"
)

// Parse reads one pipeline file. Path is used in messages only. What is wrong
// is a *sigma.Problem with line and column.
func Parse(path string, text []byte) (*Pipeline, error) {
	roots, err := sigma.ReadYAML(path, text)
	if err != nil {
		return nil, err
	}
	if len(roots) != 1 {
		return nil, &sigma.Problem{Path: path, Reason: fmt.Sprintf("a pipeline file holds one YAML document, not %d", len(roots))}
	}
	p := &Pipeline{Vars: map[string][]string{}}
	if err := p.read(path, roots[0]); err != nil {
		return nil, err
	}
	return p, nil
}

// read takes the head of a pipeline and its steps.
func (p *Pipeline) read(path string, root *yaml.Node) error {
	top := newParams(path, "", root)
	p.Name = top.optional("name")
	p.Backends = top.list("allowed_backends")
	if text := top.optional("priority"); text != "" {
		priority, err := strconv.Atoi(text)
		if err != nil {
			return top.failAt(top.values["priority"], "priority must be a whole number, not %q", text)
		}
		p.Priority = priority
	}
	if vars := top.optionalNode("vars"); vars != nil {
		entries := newParams(path, "", vars)
		for _, name := range entries.order {
			p.Vars[name] = entries.list(name)
		}
		if entries.err != nil {
			return entries.err
		}
	}
	for _, key := range []string{"postprocessing", "finalizers"} {
		if n := top.optionalNode(key); n != nil && len(n.Content) > 0 {
			return top.failAt(n, "%s is for the conversion into queries: rules are not converted here, take it out", key)
		}
	}
	steps := top.node("transformations")
	if err := top.finish(); err != nil {
		return err
	}
	if steps.Kind != yaml.SequenceNode {
		return top.failAt(steps, "transformations must be a list")
	}
	for i, n := range steps.Content {
		st, err := parseStep(path, n, i)
		if err != nil {
			return err
		}
		p.steps = append(p.steps, st)
	}
	return nil
}

// transformationOf knows the transformations that are supported, by name.
func transformationOf(kind string, p *params) (transformation, error) {
	switch kind {
	case "field_name_mapping":
		return fieldMapping(p)
	case "field_name_prefix_mapping":
		return prefixMapping(p)
	case "add_condition":
		return addCondition(p)
	case "change_logsource":
		return changeLogSource(p)
	case "replace_string":
		return replaceString(p)
	case "value_placeholders":
		return valuePlaceholders(p)
	}
	return nil, unknown("transformation", kind, "field_name_mapping", "field_name_prefix_mapping", "add_condition",
		"change_logsource", "replace_string", "value_placeholders")
}

func parseStep(path string, n *yaml.Node, index int) (*step, error) {
	p := newParams(path, "", n)
	st := &step{id: p.optional("id")}
	if st.id == "" {
		st.id = "step" + strconv.Itoa(index+1)
	}
	p.id = st.id
	kind := p.text("type")
	if p.err != nil {
		return nil, p.err
	}
	var err error
	if st.rules, err = parseConditions(p, "rule", ruleCondition); err != nil {
		return nil, err
	}
	if st.items, err = parseConditions(p, "detection_item", itemCondition); err != nil {
		return nil, err
	}
	if st.fields, err = parseConditions(p, "field_name", fieldCondition); err != nil {
		return nil, err
	}
	if st.transform, err = transformationOf(kind, p); err != nil && p.err == nil {
		return nil, p.wrap(p.values["type"], err)
	}
	return st, p.finish()
}

// parseConditions reads the conditions of one kind and how they are joined.
func parseConditions[T any](p *params, prefix string, parse func(string, *params) (condition[T], error)) (conditions[T], error) {
	c := conditions[T]{negated: p.boolean(prefix + "_cond_not")}
	switch op := p.optional(prefix + "_cond_op"); op {
	case "or":
		c.anyOf = true
	case "", "and":
	default:
		return c, p.failAt(p.values[prefix+"_cond_op"], "%s_cond_op must be and or or, not %q", prefix, op)
	}
	named := map[string]condition[T]{}
	list := p.optionalNode(prefix + "_conditions")
	if list == nil {
		list = &yaml.Node{Kind: yaml.SequenceNode}
	}
	if list.Kind != yaml.SequenceNode && list.Kind != yaml.MappingNode {
		return c, p.failAt(list, "%s_conditions must be a list or a map", prefix)
	}
	for i, n := range list.Content {
		if list.Kind == yaml.MappingNode && i%2 == 0 {
			continue
		}
		one, err := parseCondition(p, n, parse)
		if err != nil {
			return c, err
		}
		c.all = append(c.all, one)
		if list.Kind == yaml.MappingNode {
			named[list.Content[i-1].Value] = one
		}
	}
	if text := p.optional(prefix + "_cond_expr"); text != "" {
		expr, err := parseExpr(text, named)
		if err != nil {
			return c, p.wrap(p.values[prefix+"_cond_expr"], err)
		}
		c.expr = expr
	}
	return c, nil
}

func parseCondition[T any](step *params, n *yaml.Node, parse func(string, *params) (condition[T], error)) (condition[T], error) {
	p := newParams(step.path, step.id, n)
	kind := p.text("type")
	if p.err != nil {
		return nil, p.err
	}
	one, err := parse(kind, p)
	if err != nil && p.err == nil {
		return nil, p.wrap(p.values["type"], err)
	}
	return one, p.finish()
}

// wrap gives an error its place, unless it has one.
func (p *params) wrap(n *yaml.Node, err error) error {
	if placed, ok := errors.AsType[*sigma.Problem](err); ok {
		return placed
	}
	return p.failAt(n, "%v", err)
}
