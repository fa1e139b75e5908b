package sigma

import (
	"fmt"
	"strings"

	"tocsin/internal/spelling"
)

// conditionParser is a recursive-descent parser of conditions. Precedence, from
// weakest: or, and, not, "x of", parentheses (rules specification, "Condition").
type conditionParser struct {
	words    []string
	at       int
	depth    int
	searches []*Search
	byName   map[string]*Search
	used     map[*Search]bool
	budget   *budget
}

// conditionDepth bounds how deep a condition nests. The public rules need 4.
const conditionDepth = 64

func newConditionParser(searches []*Search, used map[*Search]bool, b *budget) *conditionParser {
	c := &conditionParser{searches: searches, byName: make(map[string]*Search, len(searches)), used: used, budget: b}
	for _, s := range searches {
		c.byName[s.Name] = s
	}
	return c
}

// parse reads one condition and marks the searches it names as used.
func (c *conditionParser) parse(text string) (Expr, error) {
	if hint := obsolete(text); hint != "" {
		return nil, fmt.Errorf("%s is obsolete and not supported: %s", strings.TrimSpace(text[strings.IndexByte(text, '|'):]), hint)
	}
	c.words, c.at = conditionWords(text), 0
	if len(c.words) == 0 {
		return nil, fmt.Errorf("the condition is empty: name the searches that must hold, such as %s", c.suggestion())
	}
	x, err := c.parseOr()
	if err != nil {
		return nil, err
	}
	if c.at < len(c.words) {
		return nil, c.unexpected("'and' or 'or'")
	}
	return x, nil
}

// obsolete names what to write instead of an aggregation of Sigma version 1.
func obsolete(text string) string {
	_, aggregation, found := strings.Cut(text, "|")
	if !found {
		return ""
	}
	switch word, _, _ := strings.Cut(strings.TrimSpace(aggregation), "("); strings.ToLower(strings.TrimSpace(word)) {
	case "count":
		return "use a correlation of type event_count, or value_count to count values of a field"
	case "sum", "avg":
		return "use a correlation of type value_" + strings.ToLower(strings.TrimSpace(word))
	case "min", "max":
		return "use a correlation of type value_percentile"
	}
	if strings.HasPrefix(strings.TrimSpace(aggregation), "near") {
		return "use a correlation of type temporal"
	}
	return "use a correlation"
}

func conditionWords(text string) []string {
	text = strings.ReplaceAll(text, "(", " ( ")
	text = strings.ReplaceAll(text, ")", " ) ")
	return strings.Fields(text)
}

func (c *conditionParser) peek() string {
	if c.at < len(c.words) {
		return strings.ToLower(c.words[c.at])
	}
	return ""
}

func (c *conditionParser) parseOr() (Expr, error)  { return c.parseChain("or", c.parseAnd) }
func (c *conditionParser) parseAnd() (Expr, error) { return c.parseChain("and", c.parseNot) }

// parseChain reads operands joined by one operator.
func (c *conditionParser) parseChain(operator string, operand func() (Expr, error)) (Expr, error) {
	var parts []Expr
	for {
		x, err := operand()
		if err != nil {
			return nil, err
		}
		parts = append(parts, x)
		if c.peek() != operator {
			break
		}
		c.at++
	}
	if operator == "or" {
		return joinAny(parts), nil
	}
	return joinAll(parts), nil
}

func (c *conditionParser) parseNot() (Expr, error) {
	if c.peek() != "not" {
		return c.parseOperand()
	}
	c.at++
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > conditionDepth {
		return nil, fmt.Errorf("the condition nests deeper than %d", conditionDepth)
	}
	x, err := c.parseNot()
	return Not{x}, err
}

// parseOperand reads "( … )", "1 of …" or the name of a search.
func (c *conditionParser) parseOperand() (Expr, error) {
	switch c.peek() {
	case "":
		return nil, fmt.Errorf("the condition ends too early: a search is missing after %q", strings.Join(c.words, " "))
	case "(":
		return c.parseGroup()
	case ")", "and", "or":
		return nil, c.unexpected("a search")
	}
	if c.at+1 < len(c.words) && strings.EqualFold(c.words[c.at+1], "of") {
		return c.parseOf()
	}
	name := c.words[c.at]
	s, ok := c.byName[name]
	if !ok {
		return nil, c.unknown(name)
	}
	c.at++
	return c.use(s)
}

func (c *conditionParser) parseGroup() (Expr, error) {
	c.at++
	c.depth++
	defer func() { c.depth-- }()
	if c.depth > conditionDepth {
		return nil, fmt.Errorf("the condition nests deeper than %d", conditionDepth)
	}
	x, err := c.parseOr()
	if err != nil {
		return nil, err
	}
	if c.peek() != ")" {
		return nil, c.unexpected("')'")
	}
	c.at++
	return x, nil
}

// parseOf reads "1 of", "any of" or "all of" with a pattern or "them".
func (c *conditionParser) parseOf() (Expr, error) {
	quantifier := c.peek()
	if quantifier != "1" && quantifier != "any" && quantifier != "all" {
		return nil, fmt.Errorf("%q: only '1 of', 'any of' and 'all of' exist", c.words[c.at]+" of")
	}
	if c.at+2 >= len(c.words) {
		return nil, fmt.Errorf("%q names no searches: write 'them' or a pattern such as 'selection_*'", c.words[c.at]+" of")
	}
	pattern := c.words[c.at+2]
	c.at += 3
	var parts []Expr
	for _, s := range c.searches {
		if !selects(pattern, s.Name) {
			continue
		}
		part, err := c.use(s)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("'%s of %s' fits no search: there are %s", quantifier, pattern, c.names())
	}
	if quantifier == "all" {
		return joinAll(parts), nil
	}
	return joinAny(parts), nil
}

// selects reports whether a pattern of "1 of" names a search. Searches that
// begin with an underscore are left out unless the pattern does too.
func selects(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	if strings.EqualFold(pattern, "them") {
		return true
	}
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return name == pattern
	}
	rest, ok := strings.CutPrefix(name, pieces[0])
	if !ok {
		return false
	}
	last := pieces[len(pieces)-1]
	for _, piece := range pieces[1 : len(pieces)-1] {
		_, after, found := strings.Cut(rest, piece)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}

func (c *conditionParser) use(s *Search) (Expr, error) {
	if err := c.budget.spend(nameCost); err != nil {
		return nil, err
	}
	c.used[s] = true
	return s, nil
}

func (c *conditionParser) unexpected(wanted string) error {
	if c.at >= len(c.words) {
		return fmt.Errorf("the condition ends where %s is missing", wanted)
	}
	return fmt.Errorf("%q where %s is expected, after %q", c.words[c.at], wanted, strings.Join(c.words[:c.at], " "))
}

func (c *conditionParser) unknown(name string) error {
	var names []string
	for _, s := range c.searches {
		names = append(names, s.Name)
	}
	if near := spelling.Nearest(name, names, typingErrors(name)); near != "" {
		return fmt.Errorf("no search is called %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("no search is called %q: there are %s", name, c.names())
}

// namesShown bounds how many names an error message lists.
const namesShown = 10

func (c *conditionParser) names() string {
	if len(c.searches) == 0 {
		return "none"
	}
	var names []string
	for _, s := range c.searches[:min(len(c.searches), namesShown)] {
		names = append(names, s.Name)
	}
	if len(c.searches) > namesShown {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

func (c *conditionParser) suggestion() string {
	if len(c.searches) == 0 {
		return "selection"
	}
	return c.searches[0].Name
}
