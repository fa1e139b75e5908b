package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/intel"
)

// ruleCondition reads a condition on a whole rule.
func ruleCondition(kind string, p *params) (condition[*subject], error) {
	switch kind {
	case "logsource":
		return logSourceCondition(p), nil
	case "contains_field":
		field := p.text("field")
		return func(s *subject) bool {
			return slices.ContainsFunc(s.items(), func(i *item) bool { return i.field == field && field != "" })
		}, nil
	case "contains_detection_item":
		field, value := p.text("field"), sigma.ParsePattern(p.text("value"))
		return func(s *subject) bool {
			return slices.ContainsFunc(s.items(), func(i *item) bool { return i.field == field && field != "" && i.has(value) })
		}, nil
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(s *subject) bool { return s.applied[id] }, nil
	case "is_sigma_rule":
		return func(s *subject) bool { return s.rule != nil }, nil
	case "is_sigma_correlation_rule":
		return func(s *subject) bool { return s.correlation != nil }, nil
	case "tag":
		tag := p.text("tag")
		return func(s *subject) bool { return slices.Contains(s.attributes().tags, tag) }, nil
	case "rule_attribute":
		return attributeCondition(p)
	}
	return nil, unknown("rule condition", kind, "logsource", "contains_field", "contains_detection_item",
		"processing_item_applied", "is_sigma_rule", "is_sigma_correlation_rule", "rule_attribute", "tag")
}

func unknown(what, name string, known ...string) error {
	return fmt.Errorf("%s %q is not supported: supported are %s", what, name, strings.Join(known, ", "))
}

func logSourceCondition(p *params) condition[*subject] {
	asked := intel.LogSource{Product: p.optional("product"), Category: p.optional("category"), Service: p.optional("service")}
	p.optional("custom_attributes")
	fits := func(l intel.LogSource) bool {
		return (asked.Product == "" || asked.Product == l.Product) &&
			(asked.Category == "" || asked.Category == l.Category) &&
			(asked.Service == "" || asked.Service == l.Service)
	}
	return func(s *subject) bool {
		if s.rule != nil {
			return fits(s.rule.LogSource)
		}
		return slices.ContainsFunc(s.sources, fits)
	}
}

// attributes are what rule_attribute and tag can ask of.
type attributes struct {
	texts map[string]string
	dates map[string]string
	lists map[string][]string
	tags  []string
	level intel.Severity
	state string
}

func (s *subject) attributes() attributes {
	if r := s.rule; r != nil {
		return attributes{
			texts: map[string]string{"id": r.ID, "name": r.Name, "title": r.Title, "description": r.Description, "author": r.Author, "license": r.License, "taxonomy": r.Taxonomy},
			dates: map[string]string{"date": r.Date, "modified": r.Modified},
			lists: map[string][]string{"tags": r.Tags, "references": r.References, "falsepositives": r.FalsePositives, "fields": r.Fields},
			tags:  r.Tags, level: r.Level, state: r.Status,
		}
	}
	c := s.correlation
	return attributes{
		texts: map[string]string{"id": c.ID, "name": c.Name, "title": c.Title, "description": c.Description, "author": c.Author, "license": c.License},
		dates: map[string]string{"date": c.Date, "modified": c.Modified},
		lists: map[string][]string{"tags": c.Tags, "references": c.References, "falsepositives": c.FalsePositives},
		tags:  c.Tags, level: c.Level, state: c.Status,
	}
}

var (
	attributeNames = []string{"id", "name", "title", "description", "author", "license", "taxonomy", "date", "modified", "tags", "references", "falsepositives", "fields", "level", "status"}
	// statusOrder is how settled a rule is, least first.
	statusOrder = []string{"unsupported", "deprecated", "experimental", "test", "stable"}
)

// attributeCondition compares an attribute of the rule with a value. What a
// rule does not state equals nothing.
func attributeCondition(p *params) (condition[*subject], error) {
	attribute, value, op := p.text("attribute"), p.text("value"), p.optional("op")
	if op == "" {
		op = "eq"
	}
	if !slices.Contains(attributeNames, attribute) {
		return nil, unknown("attribute", attribute, attributeNames...)
	}
	var level intel.Severity
	if attribute == "level" {
		if err := level.UnmarshalText([]byte(strings.ToLower(value))); err != nil {
			return nil, err
		}
	}
	if attribute == "status" && !slices.Contains(statusOrder, value) {
		return nil, unknown("status", value, statusOrder...)
	}
	if err := checkOp(attribute, op); err != nil {
		return nil, err
	}
	return func(s *subject) bool {
		a := s.attributes()
		switch {
		case attribute == "level":
			return a.level != intel.Unrated && compares(op, int(a.level)-int(level))
		case attribute == "status":
			return a.state != "" && compares(op, slices.Index(statusOrder, a.state)-slices.Index(statusOrder, value))
		case a.dates[attribute] != "":
			return compares(op, strings.Compare(isoDate(a.dates[attribute]), isoDate(value)))
		case a.texts[attribute] != "":
			return (a.texts[attribute] == value) == (op == "eq")
		}
		switch op {
		case "in":
			return slices.Contains(a.lists[attribute], value)
		case "not_in":
			return !slices.Contains(a.lists[attribute], value)
		}
		return op == "ne" && a.lists[attribute] != nil // a list is never equal to one value
	}, nil
}

func isoDate(text string) string { return strings.ReplaceAll(text, "/", "-") }

var comparisons = []string{"eq", "ne", "gte", "gt", "lte", "lt"}

// checkOp refuses comparisons that an attribute does not allow.
func checkOp(attribute, op string) error {
	allowed := comparisons
	switch attribute {
	case "id", "name", "title", "description", "author", "license", "taxonomy":
		allowed = []string{"eq", "ne"}
	case "tags", "references", "falsepositives", "fields":
		allowed = append([]string{"in", "not_in"}, comparisons...)
	}
	if !slices.Contains(allowed, op) {
		return unknown("comparison of "+attribute, op, allowed...)
	}
	return nil
}

// compares reports whether a difference is what the operator asks.
func compares(op string, difference int) bool {
	switch op {
	case "eq":
		return difference == 0
	case "ne":
		return difference != 0
	case "gte":
		return difference >= 0
	case "gt":
		return difference > 0
	case "lte":
		return difference <= 0
	case "lt":
		return difference < 0
	}
	return false
}
