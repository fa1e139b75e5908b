package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/spelling"
)

// subject is what kind of thing an item's values have become.
type subject uint8

const (
	asText subject = iota
	asRegexp
	asNetwork
	asReference
	asExists
	asNumber
)

var subjectNames = [...]string{"text", "re", "cidr", "fieldref", "exists", "a number comparison"}

// item is one entry of a search while its modifiers are applied, in the order
// they are written (rules specification, "Value Modifiers").
type item struct {
	field   string
	keyword bool
	values  []value
	budget  *budget

	subject     subject
	front, back bool // for re and fieldref: text may stand before, after
	side        bool // startswith, endswith or contains was given
	flags       string
	op          Op
	part        TimePart
	all, negate bool
	cased       bool
	encoded     bool // a modifier changed the text
	expand      bool
}

// value is one value of an item: its text as written and, while the subject is
// text, the patterns it stands for, of which any may hold.
type value struct {
	position
	text     string
	null     bool
	patterns [][]Token
}

// modifier is what a modifier does to an item.
type modifier func(*item) error

// modifierNamed knows every modifier of the modifiers appendix 2.1 and the long
// names that pySigma also takes.
func modifierNamed(name string) (modifier, bool) {
	switch name {
	case "all":
		return func(it *item) error { it.all = true; return nil }, true
	case "neq":
		return func(it *item) error { it.negate = true; return nil }, true
	case "cased":
		return applyCased, true
	case "contains":
		return func(it *item) error { return it.anchor(name, true, true) }, true
	case "startswith":
		return func(it *item) error { return it.anchor(name, false, true) }, true
	case "endswith":
		return func(it *item) error { return it.anchor(name, true, false) }, true
	case "windash":
		return applyWindash, true
	case "expand":
		return applyExpand, true
	case "re":
		return func(it *item) error { return it.become(name, asRegexp) }, true
	case "cidr":
		return func(it *item) error { return it.become(name, asNetwork) }, true
	case "fieldref":
		return func(it *item) error { return it.become(name, asReference) }, true
	case "exists":
		return func(it *item) error { return it.become(name, asExists) }, true
	}
	if m, ok := regexpFlag(name); ok {
		return m, true
	}
	if m, ok := encoder(name); ok {
		return m, true
	}
	return comparison(name)
}

// typingErrors is how many a name may have for a hint about what was meant: not
// so many that nothing of it is left.
func typingErrors(name string) int { return min(2, len(name)-1) }

// modifierNames are all modifiers, for the hint about an unknown one.
var modifierNames = []string{
	"all", "base64", "base64offset", "cased", "cidr", "contains", "day", "endswith", "exists", "expand",
	"fieldref", "gt", "gte", "hour", "i", "lt", "lte", "m", "minute", "month", "neq", "re", "s", "startswith",
	"utf16", "utf16be", "utf16le", "week", "wide", "windash", "year",
}

func unknownModifier(name string) error {
	if near := spelling.Nearest(name, modifierNames, typingErrors(name)); near != "" {
		return fmt.Errorf("unknown modifier %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown modifier %q: known are %s", name, strings.Join(modifierNames, ", "))
}

// become makes the values something else than text; only text as it was
// written can become that.
func (it *item) become(name string, s subject) error {
	if it.subject != asText {
		return fmt.Errorf("modifier %q cannot follow %s", name, subjectNames[it.subject])
	}
	if it.encoded || it.side {
		return fmt.Errorf("modifier %q works on values as written: put it first", name)
	}
	if it.expand {
		return fmt.Errorf("modifier %q cannot follow expand: write it before", name)
	}
	it.subject = s
	return nil
}

// anchor handles contains, startswith and endswith: where text may stand
// before and after the value.
func (it *item) anchor(name string, front, back bool) error {
	switch it.subject {
	case asText:
		for i := range it.values {
			for j, tokens := range it.values[i].patterns {
				it.values[i].patterns[j] = surround(tokens, front, back)
			}
		}
	case asRegexp, asReference:
		it.front, it.back = it.front || front, it.back || back
	default:
		return fmt.Errorf("modifier %q cannot follow %s", name, subjectNames[it.subject])
	}
	it.side = true
	return nil
}

func applyCased(it *item) error {
	if it.subject != asText && it.subject != asReference {
		return fmt.Errorf("modifier \"cased\" has no meaning for %s", subjectNames[it.subject])
	}
	it.cased = true
	return nil
}

func applyWindash(it *item) error {
	return it.eachPattern("windash", func(tokens []Token) ([][]Token, error) {
		variants, ok := dashVariants(tokens)
		if !ok {
			return nil, fmt.Errorf("windash: more than %d dashes begin a parameter, or the value is very long: split it", dashLimit)
		}
		return variants, nil
	})
}

func applyExpand(it *item) error {
	it.expand = true
	if it.subject == asRegexp { // its text is looked through when all modifiers are known
		return nil
	}
	return it.eachPattern("expand", func(tokens []Token) ([][]Token, error) {
		return [][]Token{insertPlaceholders(tokens)}, nil
	})
}

// eachPattern replaces every pattern of the item by what change makes of it.
func (it *item) eachPattern(name string, change func([]Token) ([][]Token, error)) error {
	if it.subject != asText {
		return fmt.Errorf("modifier %q cannot follow %s", name, subjectNames[it.subject])
	}
	for i := range it.values {
		v := &it.values[i]
		var patterns [][]Token
		for _, tokens := range v.patterns {
			changed, err := change(tokens)
			if err != nil {
				return &flaw{v.position, err.Error()}
			}
			if err := it.budget.spend(cost(changed...)); err != nil {
				return &flaw{v.position, err.Error()}
			}
			patterns = append(patterns, changed...)
		}
		v.patterns = patterns
	}
	return nil
}

// cost is about how many bytes patterns take.
func cost(patterns ...[]Token) int {
	bytes := 0
	for _, tokens := range patterns {
		for _, t := range tokens {
			bytes += tokenCost + len(t.Literal)
		}
	}
	return bytes
}

// regexpFlag knows the sub-modifiers of re.
func regexpFlag(name string) (modifier, bool) {
	short, ok := map[string]string{
		"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s",
	}[name]
	return func(it *item) error {
		if it.subject != asRegexp {
			return fmt.Errorf("modifier %q belongs after re: write \"|re|%s\"", name, name)
		}
		if !strings.Contains(it.flags, short) {
			it.flags += short
		}
		return nil
	}, ok
}

// encoder knows the modifiers that encode text (modifiers appendix, "Encoding").
func encoder(name string) (modifier, bool) {
	var change func([]Token) ([][]Token, error)
	switch name {
	case "wide", "utf16le":
		change = always(func(t []Token) []Token { return utf16Tokens(t, binary.LittleEndian) })
	case "utf16be":
		change = always(func(t []Token) []Token { return utf16Tokens(t, binary.BigEndian) })
	case "utf16":
		change = always(func(t []Token) []Token {
			return joinTokens(literal(byteOrderMark), utf16Tokens(t, binary.LittleEndian))
		})
	case "base64":
		change = plainOnly(name, func(plain string) []string {
			return []string{base64.StdEncoding.EncodeToString([]byte(plain))}
		})
	case "base64offset":
		change = plainOnly(name, func(plain string) []string {
			offsets := base64Offsets(plain)
			return offsets[:]
		})
	default:
		return nil, false
	}
	return func(it *item) error {
		if it.expand {
			return fmt.Errorf("modifier %q cannot follow expand: encode the values of the placeholder instead", name)
		}
		it.encoded = true
		return it.eachPattern(name, change)
	}, true
}

// always makes an encoder of one that fits every pattern.
func always(encode func([]Token) []Token) func([]Token) ([][]Token, error) {
	return func(tokens []Token) ([][]Token, error) { return [][]Token{encode(tokens)}, nil }
}

// plainOnly makes an encoder of text without wildcards.
func plainOnly(name string, encode func(string) []string) func([]Token) ([][]Token, error) {
	return func(tokens []Token) ([][]Token, error) {
		plain, ok := plainText(tokens)
		if !ok {
			return nil, fmt.Errorf("%s cannot encode a wildcard or placeholder: put %s before contains, startswith and endswith, and escape '*' and '?' with a backslash", name, name)
		}
		var out [][]Token
		for _, text := range encode(plain) {
			if text == "" {
				return nil, fmt.Errorf("%s: the value is too short to be recognised when encoded", name)
			}
			if tokens := literal(text); !slices.ContainsFunc(out, func(o []Token) bool { return slices.Equal(o, tokens) }) {
				out = append(out, tokens)
			}
		}
		return out, nil
	}
}

// comparison knows the numeric and the time modifiers.
func comparison(name string) (modifier, bool) {
	ops := map[string]Op{"lt": Less, "lte": LessOrEqual, "gt": Greater, "gte": GreaterOrEqual}
	if op, ok := ops[name]; ok {
		return func(it *item) error { return it.compare(name, op) }, true
	}
	parts := map[string]TimePart{"minute": Minute, "hour": Hour, "day": Day, "week": Week, "month": Month, "year": Year}
	part, ok := parts[name]
	return func(it *item) error { return it.timePart(name, part) }, ok
}

func (it *item) compare(name string, op Op) error {
	if it.subject == asNumber && it.op == Equal { // a time part came before
		it.op = op
		return nil
	}
	it.op = op
	return it.become(name, asNumber)
}

func (it *item) timePart(name string, part TimePart) error {
	if it.part != NoPart {
		return fmt.Errorf("modifier %q: an item compares one part of a time only", name)
	}
	it.part = part
	if it.subject == asNumber {
		return nil
	}
	it.op = Equal
	return it.become(name, asNumber)
}
