package sigma

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parseItem reads one entry of a search: "Field|modifier|…" and its values.
func (d *detectionParser) parseItem(p pair) (Expr, error) {
	parts := strings.Split(p.key.Value, "|")
	it := &item{field: parts[0], budget: d.budget}
	if nullNode(p.key) {
		it.field = ""
	}
	it.keyword = it.field == ""
	values, err := d.readValues(p)
	if err != nil {
		return nil, err
	}
	it.values = values
	return d.finishItem(it, parts[1:], p.key)
}

// parseKeywords reads keywords that stand in a plain list.
func (d *detectionParser) parseKeywords(n *yaml.Node) (Expr, error) {
	v, err := d.readValue(n)
	if err != nil {
		return nil, err
	}
	return d.finishItem(&item{keyword: true, values: []value{v}, budget: d.budget}, nil, n)
}

// finishItem applies the modifiers and makes the tests.
func (d *detectionParser) finishItem(it *item, modifiers []string, key *yaml.Node) (Expr, error) {
	for i, name := range modifiers {
		if slices.Contains(modifiers[:i], name) {
			return nil, flawAt(key, "%s: modifier %q stands twice", key.Value, name)
		}
		apply, ok := modifierNamed(name)
		if !ok {
			return nil, flawAt(key, "%s: %v", key.Value, unknownModifier(name))
		}
		if err := apply(it); err != nil {
			return nil, it.flaw(key, err)
		}
	}
	if len(it.values) > 1 && slices.ContainsFunc(it.values, func(v value) bool { return v.null }) {
		d.note(key, "%s: null stands beside other values: Sigma wants a search of its own for it", key.Value)
	}
	if it.all && len(it.values) == 1 {
		d.note(key, "%s: 'all' means nothing for a single value", key.Value)
	}
	d.items++
	x, err := it.expr(d.items)
	if err != nil {
		return nil, it.flaw(key, err)
	}
	return x, nil
}

// flaw gives an error the position of the key unless it has one of its own.
func (it *item) flaw(key *yaml.Node, err error) error {
	if _, placed := errors.AsType[*flaw](err); placed {
		return err
	}
	return flawAt(key, "%s: %v", key.Value, err)
}

func (d *detectionParser) readValues(p pair) ([]value, error) {
	if p.value.Kind == yaml.MappingNode {
		return nil, flawAt(p.value, "%s: a map cannot be a value: write nested fields with dots, \"a.b\"", p.key.Value)
	}
	nodes := []*yaml.Node{p.value}
	if p.value.Kind == yaml.SequenceNode {
		nodes = p.value.Content
	}
	if len(nodes) == 0 {
		return nil, flawAt(p.value, "%s: the list has no values: write null for an absent field, '' for an empty one", p.key.Value)
	}
	values := make([]value, len(nodes))
	for i, n := range nodes {
		v, err := d.readValue(n)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

func (d *detectionParser) readValue(n *yaml.Node) (value, error) {
	if n.Kind != yaml.ScalarNode {
		return value{}, flawAt(n, "a value must be text, a number, true, false or null")
	}
	v := value{position: position{n.Line, n.Column}, text: scalarText(n), null: nullNode(n)}
	if !v.null {
		v.patterns = [][]Token{parsePattern(v.text)}
	}
	if err := d.budget.spend(nodeCost + cost(v.patterns...)); err != nil {
		return value{}, flawAt(n, "%v", err)
	}
	return v, nil
}

// expr makes the tests of an item: any value must hold, or all with 'all', and
// not with 'neq'.
func (it *item) expr(number int) (Expr, error) {
	parts := make([]Expr, 0, len(it.values))
	for _, v := range it.values {
		matches, err := it.matches(v)
		if err != nil {
			return nil, &flaw{v.position, err.Error()}
		}
		tests := make([]Expr, len(matches))
		for i, m := range matches {
			tests[i] = &Test{Field: it.field, Match: m, Line: v.line, Item: number}
		}
		parts = append(parts, joinAny(tests))
	}
	x := joinAny(parts)
	if it.all {
		x = joinAll(parts)
	}
	if it.negate {
		x = Not{x}
	}
	return x, nil
}

// matches returns what one value asks; any of them suffices.
func (it *item) matches(v value) ([]Match, error) {
	if v.null {
		return it.null()
	}
	var m Match
	var err error
	switch it.subject {
	case asText:
		return it.texts(v), nil
	case asRegexp:
		m, err = it.regexp(v)
	case asNetwork:
		m, err = network(v.text)
	case asReference:
		m, err = it.reference(v)
	case asExists:
		m, err = it.exists(v)
	case asNumber:
		m, err = it.number(v)
	}
	return []Match{m}, err
}

func (it *item) null() ([]Match, error) {
	if it.keyword {
		return nil, errors.New("null cannot be a keyword: name the field that must be absent")
	}
	if it.subject != asText || it.side || it.encoded || it.expand || it.cased {
		return nil, errors.New("null takes no modifier but neq")
	}
	return []Match{IsNull{}}, nil
}

func (it *item) texts(v value) []Match {
	matches := make([]Match, len(v.patterns))
	for i, tokens := range v.patterns {
		if it.keyword && !it.side {
			tokens = surround(tokens, true, true)
		}
		matches[i] = &Pattern{Tokens: tokens, Cased: it.cased}
	}
	return matches
}

func (it *item) regexp(v value) (Match, error) {
	source := v.text
	if it.side && (!it.front || !it.back) {
		source = "(?:" + source + ")"
		if !it.front {
			source = `\A` + source
		}
		if !it.back {
			source += `\z`
		}
	}
	if it.flags != "" {
		source = "(?" + it.flags + ")" + source
	}
	var template []Token
	if it.expand {
		template = insertPlaceholders(literal(source))
		// A letter in place of each placeholder lets the rest be checked.
		source = filledTemplate(template, func(string) string { return "x" })
	}
	steps, err := regexpSteps(source)
	if err == nil {
		err = it.budget.spendSteps(steps)
	}
	if err != nil {
		return nil, err
	}
	if _, complete := plainText(template); !complete {
		return &Regexp{Template: template}, nil
	}
	return &Regexp{Source: source}, nil
}

// filledTemplate writes the template of a regular expression with something
// for its placeholders.
func filledTemplate(template []Token, fill func(name string) string) string {
	var b strings.Builder
	for _, t := range template {
		if t.Wild == Placeholder {
			b.WriteString(fill(t.Literal))
			continue
		}
		b.WriteString(t.Literal)
	}
	return b.String()
}

func network(text string) (Match, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		text = netip.PrefixFrom(addr, addr.BitLen()).String()
	}
	if _, err := netip.ParsePrefix(text); err != nil {
		return nil, fmt.Errorf("cidr: %q is not a network such as 10.0.0.0/8 or fe80::/10", text)
	}
	return &Network{Prefix: text}, nil
}

func (it *item) reference(v value) (Match, error) {
	if it.keyword {
		return nil, errors.New("fieldref needs a field to compare: write \"Field|fieldref\"")
	}
	if v.text == "" {
		return nil, errors.New("fieldref needs the name of the other field")
	}
	side := Whole
	switch {
	case it.front && it.back:
		side = Inside
	case it.front:
		side = End
	case it.back:
		side = Start
	}
	return &Reference{Field: v.text, Side: side, Cased: it.cased}, nil
}

func (it *item) exists(v value) (Match, error) {
	if it.keyword {
		return nil, errors.New("exists needs a field: write \"Field|exists: true\"")
	}
	switch strings.ToLower(v.text) {
	case "true", "yes":
		return Exists(true), nil
	case "false", "no":
		return Exists(false), nil
	}
	return nil, fmt.Errorf("exists takes true or false, not %q", v.text)
}

// The numbers that each part of a time may have (modifiers appendix, "Time
// Modifiers"); ISO 8601 years of 53 weeks are allowed.
var partRanges = map[TimePart][2]float64{
	Minute: {0, 59}, Hour: {0, 23}, Day: {1, 31}, Week: {1, 53}, Month: {1, 12}, Year: {0, 9999},
}

func (it *item) number(v value) (Match, error) {
	if it.keyword {
		return nil, errors.New("a comparison needs a field")
	}
	n, ok := ParseNumber([]byte(v.text))
	if !ok {
		return nil, fmt.Errorf("%q is not a number", v.text)
	}
	if bounds, ok := partRanges[it.part]; ok && (n < bounds[0] || n > bounds[1]) {
		return nil, fmt.Errorf("%s is out of range: %s is a number between %g and %g", strconv.FormatFloat(n, 'g', -1, 64), it.part, bounds[0], bounds[1])
	}
	return &Compare{Op: it.op, Number: n, Part: it.part}, nil
}

// compileRegexp compiles what CheckRegexp has let pass.
func compileRegexp(r *Regexp) (*regexp.Regexp, error) { return regexp.Compile(r.Source) }
