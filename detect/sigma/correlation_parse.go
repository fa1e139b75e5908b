package sigma

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

var kindNames = [...]string{
	"event_count", "value_count", "value_sum", "value_avg", "value_percentile", "temporal", "temporal_ordered",
}

func (k CorrelationKind) String() string { return kindNames[k] }

// correlation reads a correlation document.
func (d *document) correlation() (*Correlation, error) {
	n := d.keys["correlation"]
	if n.Kind != yaml.MappingNode {
		return nil, flawAt(n, "correlation must be a map of type, rules, group-by, timespan and condition")
	}
	pairs, err := pairsOf(n)
	if err != nil {
		return nil, err
	}
	c := &Correlation{
		ID: d.text("id"), Name: d.text("name"), Status: d.status(), Description: d.text("description"),
		Author: strings.Join(d.texts("author"), ", "), License: d.text("license"), Date: d.text("date"), Modified: d.text("modified"),
		References: d.texts("references"), Tags: d.texts("tags"), FalsePositives: d.texts("falsepositives"),
		Path: d.path, Line: d.root.Line,
	}
	if c.Title, err = d.title(); err != nil {
		return nil, err
	}
	if c.Level, err = d.level(); err != nil {
		return nil, err
	}
	c.Generate = strings.EqualFold(d.text("generate"), "true")
	if err := readCorrelation(c, n, pairs); err != nil {
		return nil, err
	}
	return c, nil
}

// correlationKeys are what the correlation section may hold. An unknown key is
// refused, since to overlook one would change what the correlation means.
var correlationKeys = []string{"type", "rules", "group-by", "timespan", "aliases", "condition", "generate"}

func readCorrelation(c *Correlation, n *yaml.Node, pairs []pair) error {
	for _, p := range pairs {
		if !slices.Contains(correlationKeys, p.key.Value) {
			return flawAt(p.key, "unknown key %q in correlation: known are %s", p.key.Value, strings.Join(correlationKeys, ", "))
		}
	}
	steps := []struct {
		key  string
		need bool
		read func(*yaml.Node) error
	}{
		{"type", true, c.readKind},
		{"rules", true, c.readRules},
		{"group-by", false, c.readGroupBy},
		{"timespan", true, c.readTimespan},
		{"aliases", false, c.readAliases},
		{"generate", false, c.readGenerate},
	}
	for _, step := range steps {
		p, ok := findPair(pairs, step.key)
		if !ok || nullNode(p.value) {
			if step.need {
				return flawAt(n, "correlation has no %s", step.key)
			}
			continue
		}
		if err := step.read(p.value); err != nil {
			return err
		}
	}
	condition, ok := findPair(pairs, "condition")
	if !ok || nullNode(condition.value) {
		return c.defaultCondition(n)
	}
	return c.readCondition(condition.value)
}

// median is the percentile meant by a condition that names none.
const median = 50

func (c *Correlation) readKind(n *yaml.Node) error {
	at := slices.Index(kindNames[:], n.Value)
	if at < 0 {
		return flawAt(n, "unknown correlation type %q: one of %s", n.Value, strings.Join(kindNames[:], ", "))
	}
	c.Kind = CorrelationKind(at)
	if c.Kind == ValuePercentile {
		c.Percentile = median
	}
	return nil
}

// correlationRulesLimit bounds how many rules one correlation may build on.
const correlationRulesLimit = 100

// groupByLimit bounds the fields of one group-by, each of which is kept for
// every group.
const groupByLimit = 20

func (c *Correlation) readRules(n *yaml.Node) (err error) {
	c.Rules, err = nameList(n, "rules")
	if err == nil && len(c.Rules) == 0 {
		err = flawAt(n, "correlation rules is empty: list IDs or names of rules")
	}
	if err == nil && len(c.Rules) > correlationRulesLimit {
		err = flawAt(n, "correlation builds on %d rules, more than %d", len(c.Rules), correlationRulesLimit)
	}
	return err
}

func (c *Correlation) readGroupBy(n *yaml.Node) (err error) {
	c.GroupBy, err = nameList(n, "group-by")
	if err == nil && len(c.GroupBy) > groupByLimit {
		err = flawAt(n, "group-by has %d fields, more than %d", len(c.GroupBy), groupByLimit)
	}
	return err
}

func (c *Correlation) readGenerate(n *yaml.Node) error {
	c.Generate = strings.EqualFold(n.Value, "true")
	return nil
}

// nameList reads a list of names, or one name.
func nameList(n *yaml.Node, what string) ([]string, error) {
	entries := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		entries = n.Content
	}
	var names []string
	for _, entry := range entries {
		if entry.Kind != yaml.ScalarNode || scalarText(entry) == "" {
			return nil, flawAt(entry, "%s must be a list of names", what)
		}
		if slices.Contains(names, entry.Value) {
			return nil, flawAt(entry, "%s lists %q twice", what, entry.Value)
		}
		names = append(names, entry.Value)
	}
	return names, nil
}

// spans are the letters of a timespan. The specification has s, m, h and d;
// pySigma also takes w, M and y (a month of 30 days, a year of 365).
var spans = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour,
	'w': 7 * 24 * time.Hour, 'M': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour,
}

func (c *Correlation) readTimespan(n *yaml.Node) error {
	text := scalarText(n)
	if text == "" {
		return flawAt(n, "timespan must be a number and a letter, such as 5m")
	}
	unit, ok := spans[text[len(text)-1]]
	count, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if !ok || err != nil || count == 0 || time.Duration(count) > math.MaxInt64/unit {
		return flawAt(n, "timespan %q must be a number above zero and one letter of s, m, h, d, w, M, y, such as 5m", text)
	}
	c.Timespan = time.Duration(count) * unit
	return nil
}

func (c *Correlation) readAliases(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return flawAt(n, "aliases must be a map of alias to rule to field")
	}
	aliases, err := pairsOf(n)
	if err != nil {
		return err
	}
	c.Aliases = make(map[string]map[string]string, len(aliases))
	for _, alias := range aliases {
		if alias.value.Kind != yaml.MappingNode {
			return flawAt(alias.value, "alias %q must be a map of rule to field", alias.key.Value)
		}
		fields, err := pairsOf(alias.value)
		if err != nil {
			return err
		}
		c.Aliases[alias.key.Value] = make(map[string]string, len(fields))
		for _, f := range fields {
			if scalarText(f.value) == "" {
				return flawAt(f.value, "alias %q names no field of %q", alias.key.Value, f.key.Value)
			}
			c.Aliases[alias.key.Value][f.key.Value] = scalarText(f.value)
		}
	}
	return nil
}

// defaultCondition is what holds without a condition: all rules of a temporal
// correlation must have matched. The others need one.
func (c *Correlation) defaultCondition(n *yaml.Node) error {
	if c.Kind != Temporal && c.Kind != TemporalOrdered {
		return flawAt(n, "%s needs a condition, such as \"condition: {gte: 10}\"", c.Kind)
	}
	c.Bounds = []Bound{{Op: GreaterOrEqual, Value: float64(len(c.Rules))}}
	return nil
}

var boundOps = map[string]Op{
	"gt": Greater, "gte": GreaterOrEqual, "lt": Less, "lte": LessOrEqual, "eq": Equal, "neq": NotEqual,
}

func (c *Correlation) readCondition(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return flawAt(n, "a correlation's condition is a map, such as {gte: 10}")
	}
	pairs, err := pairsOf(n)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if err := c.readConditionEntry(p); err != nil {
			return err
		}
	}
	needsField := c.Kind == ValueCount || c.Kind == ValueSum || c.Kind == ValueAvg || c.Kind == ValuePercentile
	switch {
	case len(c.Bounds) == 0:
		return flawAt(n, "the condition compares nothing: write one of gt, gte, lt, lte, eq, neq")
	case needsField && len(c.Fields) == 0:
		return flawAt(n, "%s needs the field whose values it looks at: write \"field: Name\" in the condition", c.Kind)
	case !needsField && len(c.Fields) > 0:
		return flawAt(n, "%s looks at no field: use value_count to count values", c.Kind)
	case c.Kind != ValueCount && len(c.Fields) > 1:
		return flawAt(n, "%s looks at one field", c.Kind)
	}
	return nil
}

func (c *Correlation) readConditionEntry(p pair) error {
	switch p.key.Value {
	case "field":
		var err error
		c.Fields, err = nameList(p.value, "field")
		return err
	case "percentile":
		percentile, ok := ParseNumber([]byte(scalarText(p.value)))
		if !ok || percentile < 0 || percentile > 100 {
			return flawAt(p.value, "percentile must be a number from 0 to 100")
		}
		c.Percentile = percentile
		return nil
	}
	op, ok := boundOps[p.key.Value]
	if !ok {
		return flawAt(p.key, "unknown key %q in the condition: one of gt, gte, lt, lte, eq, neq, field, percentile", p.key.Value)
	}
	limit, ok := ParseNumber([]byte(scalarText(p.value)))
	if !ok {
		return flawAt(p.value, "%s takes a number, not %q", p.key.Value, scalarText(p.value))
	}
	c.Bounds = append(c.Bounds, Bound{Op: op, Value: limit})
	return nil
}

// Holds reports whether all bounds hold for what was counted, summed or
// computed.
func (c *Correlation) Holds(v float64) bool {
	for _, b := range c.Bounds {
		if !b.Op.holds(v, b.Value) {
			return false
		}
	}
	return true
}

func (op Op) holds(v, limit float64) bool {
	switch op {
	case Less:
		return v < limit
	case LessOrEqual:
		return v <= limit
	case Greater:
		return v > limit
	case GreaterOrEqual:
		return v >= limit
	case Equal:
		return v == limit
	case NotEqual:
		return v != limit
	}
	return false
}

var opSigns = [...]string{"<", "<=", ">", ">=", "=", "!="}

func (op Op) String() string { return opSigns[op] }

func (b Bound) String() string { return fmt.Sprintf("%s %g", b.Op, b.Value) }
