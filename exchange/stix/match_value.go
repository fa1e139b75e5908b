package stix

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tocsin/internal/fault"
)

// predicate tests a value of a property. The error is fault.Invalid for a text that
// is compared with a moment and is none.
type predicate func(value any) (bool, error)

// compile makes the predicate of a test (§9.6.1).
func compile(c *Comparison) (predicate, error) {
	var values []any
	for _, l := range c.Values {
		value, err := l.value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Path, err)
		}
		values = append(values, value)
	}
	var test predicate
	var err error
	switch c.Operator {
	case "EXISTS":
		return nil, nil
	case "=", "!=":
		return equality(values[0], (c.Operator == "!=") != c.Not), nil
	case "IN":
		test, err = membership(values)
	case "LIKE":
		test = like(values[0])
	case "MATCHES":
		test, err = matches(values[0])
	case "ISSUBSET", "ISSUPERSET":
		test, err = subset(values[0], c.Operator == "ISSUPERSET")
	default:
		return order(values[0], c.Operator, c.Not), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", c.Path, c.Operator, err)
	}
	if !c.Not {
		return test, nil
	}
	return func(value any) (bool, error) {
		holds, err := test(value)
		return !holds && err == nil, err
	}, nil
}

// value returns what a constant stands for.
func (l Literal) value() (any, error) {
	switch l.Kind {
	case "integer", "float":
		n, err := strconv.ParseFloat(l.Text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no number", shown(l.Text))
		}
		return n, nil
	case "boolean":
		return l.Text == "true", nil
	case "hex":
		return hex.DecodeString(l.Text)
	case "binary":
		// The grammar lets the padding be wrong by a character.
		b, err := base64.StdEncoding.DecodeString(l.Text)
		if err != nil {
			return nil, fmt.Errorf("%s is not base64", shown(l.Text))
		}
		return b, nil
	case "time":
		t, err := parseTime(l.Text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", shown(l.Text), err)
		}
		return t, nil
	}
	return l.Text, nil
}

// comparableWith brings a value to the kind of a constant; false where their kinds are
// not compared (§9.6.1). Texts with characters above 255 are no binary.
func comparableWith(constant, value any) (a, b any, ok bool, err error) {
	if n, isNumber := asFloat(value); isNumber {
		value = n
	}
	switch c := constant.(type) {
	case time.Time:
		switch v := value.(type) {
		case time.Time:
			return v, c, true, nil
		case string:
			t, err := parseTime(v)
			if err != nil {
				return nil, nil, false, fmt.Errorf("%s: %w: %w", shown(v), err, fault.Invalid)
			}
			return t, c, true, nil
		}
	case float64:
		_, ok = value.(float64)
	case bool:
		_, ok = value.(bool)
	case string:
		switch v := value.(type) {
		case string:
			ok = true
		case []byte:
			latin, fits := toLatin1(c)
			return v, latin, fits, nil
		case time.Time:
			return v.UTC().Format(time.RFC3339Nano), c, true, nil
		}
	case []byte:
		switch v := value.(type) {
		case []byte:
			ok = true
		case string:
			latin, fits := toLatin1(v)
			return latin, c, fits, nil
		}
	}
	return value, constant, ok, nil
}

// compare orders two values of one kind.
func compare(a, b any) int {
	switch a := a.(type) {
	case time.Time:
		return a.Compare(b.(time.Time))
	case float64:
		return cmp.Compare(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string)) // by code points, as UTF-8 is ordered like them
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case bool:
		if a == b.(bool) {
			return 0
		}
		return 1
	}
	return 1
}

func toLatin1(text string) ([]byte, bool) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 255 {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

func fromLatin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func equality(constant any, not bool) predicate {
	if text, ok := constant.(string); ok { // by far the most frequent
		other := equalTo(constant)
		return func(value any) (bool, error) {
			if v, ok := value.(string); ok {
				return (v == text) != not, nil
			}
			equal, err := other(value)
			return equal != not && err == nil, err
		}
	}
	equal := equalTo(constant)
	return func(value any) (bool, error) {
		same, err := equal(value)
		return same != not && err == nil, err
	}
}

func equalTo(constant any) predicate {
	return func(value any) (bool, error) {
		a, b, ok, err := comparableWith(constant, value)
		return ok && err == nil && compare(a, b) == 0, err
	}
}

// order tests <, <=, > and >=. What has no order is never before or after, not
// even with NOT.
func order(constant any, operator string, not bool) predicate {
	return func(value any) (bool, error) {
		a, b, ok, err := comparableWith(constant, value)
		if err != nil {
			return false, err
		}
		if _, isBool := a.(bool); isBool {
			return false, nil
		}
		if !ok {
			// A text that can be no binary is compared all the same, and is not less.
			_, text := a.(string)
			_, binary := b.([]byte)
			return (text && binary || latin(constant, value)) && not, nil
		}
		n := compare(a, b)
		holds := false
		switch operator {
		case "<":
			holds = n < 0
		case "<=":
			holds = n <= 0
		case ">":
			holds = n > 0
		case ">=":
			holds = n >= 0
		}
		return holds != not, nil
	}
}

// latin reports whether one of the two is a text and the other binary.
func latin(a, b any) bool {
	_, aText := a.(string)
	_, bText := b.(string)
	_, aBinary := a.([]byte)
	_, bBinary := b.([]byte)
	return aText && bBinary || aBinary && bText
}

// membership tests IN. Its constants are of one kind (§9.2, Set); whole numbers and
// others are one.
func membership(values []any) (predicate, error) {
	texts := make(map[string]bool, len(values))
	for i, value := range values {
		if i > 0 && fmt.Sprintf("%T", value) != fmt.Sprintf("%T", values[0]) {
			return nil, errors.New("the values are not of one kind")
		}
		if text, ok := value.(string); ok {
			texts[text] = true
		}
	}
	others := make([]predicate, len(values))
	for i, value := range values {
		others[i] = equalTo(value)
	}
	return func(value any) (bool, error) {
		if text, ok := value.(string); ok && len(texts) > 0 {
			return texts[text], nil
		}
		for _, equal := range others {
			if same, err := equal(value); same || err != nil {
				return same, err
			}
		}
		return false, nil
	}, nil
}

// asText returns what LIKE and MATCHES look at, normalised (§9.6.1).
func asText(value any) (string, bool) {
	text, ok := value.(string)
	return norm.NFC.String(text), ok
}

// like tests LIKE: % stands for any characters, _ for one.
func like(constant any) predicate {
	text, _ := constant.(string)
	pattern := []rune(norm.NFC.String(text))
	_, binary := toLatin1(text)
	return func(value any) (bool, error) {
		text, ok := asText(value)
		if b, isBinary := value.([]byte); isBinary && binary {
			text, ok = string(b), true
			if !utf8.Valid(b) {
				text = fromLatin1(b)
			}
		}
		return ok && wild(pattern, []rune(text)), nil
	}
}

// wild goes back only to the last %, so that it takes no more than the product of
// the lengths.
func wild(pattern, text []rune) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '%':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '_' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return !slices.ContainsFunc(pattern[p:], func(r rune) bool { return r != '%' })
}

// matches tests MATCHES. Binary is looked at byte by byte: \xd4 is that byte.
func matches(constant any) (predicate, error) {
	text, _ := constant.(string)
	form, err := regexp.Compile(norm.NFC.String(text))
	if err != nil {
		return nil, fmt.Errorf("a regular expression of RE2 is expected: %w", err)
	}
	_, binary := toLatin1(norm.NFC.String(text))
	return func(value any) (bool, error) {
		if b, ok := value.([]byte); ok {
			return binary && form.MatchString(fromLatin1(b)), nil
		}
		text, ok := asText(value)
		return ok && form.MatchString(text), nil
	}, nil
}

// subset tests whether the value's addresses are among the constant's, or, for
// ISSUPERSET, the other way round.
func subset(constant any, superset bool) (predicate, error) {
	text, _ := constant.(string)
	ours, ok := network(text)
	if !ok {
		return nil, fmt.Errorf("%s is no address or network", shown(text))
	}
	return func(value any) (bool, error) {
		text, _ := value.(string)
		theirs, ok := network(text)
		if !ok {
			return false, nil
		}
		inner, outer := theirs, ours
		if superset {
			inner, outer = outer, inner
		}
		return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr()), nil
	}, nil
}

func network(text string) (netip.Prefix, bool) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
