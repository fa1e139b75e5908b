package stix

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	idForm   = regexp.MustCompile(`^[a-z][a-z0-9-]+[a-z0-9]--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`)
	hexForm  = regexp.MustCompile(`^([0-9a-fA-F]{2})+$`)
	// Values of open vocabularies are lower-case, with hyphens between words.
	openForm = regexp.MustCompile(`^[a-z0-9+#.]+(-[a-z0-9+#.]+)*$`)
)

func idFault(id string) string {
	if !idForm.MatchString(id) {
		return shown(id) + " is no id: a type, two hyphens and a UUID"
	}
	return ""
}

var errTime = errors.New("it is no moment in UTC: 2016-01-20T12:31:12.123Z")

// parseTime reads a moment (§2.16).
func parseTime(text string) (time.Time, error) {
	if !timeForm.MatchString(text) {
		return time.Time{}, errTime
	}
	if text[17:19] == "60" { // a leap second, which Go does not know
		text = text[:17] + "59" + text[19:]
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errTime
	}
	return t, nil
}

// biggest is the greatest whole number that STIX has (§2.10).
const biggest = 1<<53 - 1

// value checks one value by its kind.
func (c *checker) value(path string, p *property, value any) {
	switch p.kind {
	case "integer", "number":
		c.number(path, p, value)
	case "boolean":
		if _, ok := value.(bool); !ok {
			c.must(path, "true or false is expected")
		}
	case "hashes":
		c.hashes(path, value)
	case "dictionary":
		c.dictionary(path, value)
	case "observables":
		c.observables(path, value)
	case "extensions":
		c.extensions(path, value)
	case "record":
		c.record(path, c.records[p.args[0]], value)
	case "any":
	case "reserved":
		c.must(path, "the property is reserved")
	default:
		text, ok := value.(string)
		if !ok {
			c.must(path, "a text is expected")
			return
		}
		c.text(path, p, text)
	}
}

func (c *checker) text(path string, p *property, text string) {
	switch p.kind {
	case "time", "mstime":
		if _, err := parseTime(text); err != nil {
			c.must(path, "%s: %v", shown(text), err)
		} else if _, fraction, _ := strings.Cut(text, "."); p.kind == "mstime" && len(fraction) < len("000Z") {
			c.must(path, "%s: it must be precise to the millisecond", shown(text))
		}
	case "hex":
		if !hexForm.MatchString(text) {
			c.must(path, "%s is not hexadecimal", shown(text))
		}
	case "binary":
		if _, err := base64.StdEncoding.DecodeString(text); err != nil || strings.ContainsAny(text, "\r\n") {
			c.must(path, "%s is not base64", shown(text))
		}
	case "url":
		if u, err := url.Parse(text); err != nil || !u.IsAbs() || strings.ContainsAny(text, " \t\r\n") {
			c.must(path, "%s is no URL", shown(text))
		}
	case "id":
		c.reference(path, p.args, text, p.refLevel)
	case "enum":
		if !slices.Contains(c.vocabularies[p.args[0]], text) {
			c.must(path, "%s is none of %s", shown(text), strings.Join(c.vocabularies[p.args[0]], ", "))
		}
	case "open":
		if !slices.Contains(c.vocabularies[p.args[0]], text) {
			c.should(ruleVocabulary+":"+p.args[0], path, "%s is not in the vocabulary %s", shown(text), p.args[0])
			if !openForm.MatchString(text) {
				c.should(ruleForm, path, "%s should be lower-case, with hyphens between words", shown(text))
			}
		}
	}
}

func (c *checker) number(path string, p *property, value any) {
	n, ok := asFloat(value)
	switch {
	case !ok:
		c.must(path, "a number is expected")
	case p.kind == "integer" && (n != math.Trunc(n) || math.Abs(n) > biggest):
		c.must(path, "a whole number is expected")
	case p.min != nil && n < *p.min:
		c.must(path, "%v is less than %v", value, *p.min)
	case p.max != nil && n > *p.max:
		c.must(path, "%v is more than %v", value, *p.max)
	}
}

// asFloat takes what JSON gives, and what our own code sets.
func asFloat(value any) (float64, bool) {
	switch n := value.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	}
	return 0, false
}

// reference checks an id that refers to an object of certain types. A type that
// the standard does not define may be of any family. level is that of what is no
// id: in observables, where such a text may be a key of STIX 2.0, it is no Must.
func (c *checker) reference(path string, types []string, id string, level Level) {
	if reason := idFault(id); reason != "" {
		c.add(Fault{path, reason, level, ruleObservables})
		return
	}
	kind := typeOf(id)
	family := c.family(kind)
	fits := slices.ContainsFunc(types, func(wanted string) bool { return wanted == "*" || wanted == kind || wanted == family })
	if !fits && (family != "" || kind == "bundle") {
		c.must(path, "it refers to %s, not to %s", kind, strings.Join(types, ", "))
		return
	}
	if c.known != nil && !c.known[id] && !fixed(id) {
		c.note(ruleUnresolved, path, "%s is not in the bundle", id)
	}
}

// hashForms are how the algorithms' values look (§2.7).
var hashForms = map[string]*regexp.Regexp{
	"MD5": hexOf(32), "SHA-1": hexOf(40), "SHA-256": hexOf(64), "SHA-512": hexOf(128), "SHA3-256": hexOf(64), "SHA3-512": hexOf(128),
	"SSDEEP": regexp.MustCompile(`^[a-zA-Z0-9/+:.]{1,128}$`), "TLSH": regexp.MustCompile(`^[a-zA-Z0-9]{70,72}$`),
}

func hexOf(digits int) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf("^[0-9a-fA-F]{%d}$", digits))
}

var hashKey = regexp.MustCompile(`^[a-zA-Z0-9_-]{3,250}$`)

func (c *checker) hashes(path string, value any) {
	hashes, ok := value.(map[string]any)
	if !ok || len(hashes) == 0 {
		c.must(path, "hashes by algorithm are expected")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(hashes)) {
		here := join(path, name)
		hash, ok := hashes[name].(string)
		switch form := hashForms[name]; {
		case !ok:
			c.must(here, "a text is expected")
		case !hashKey.MatchString(name):
			c.must(here, "it is no name of an algorithm")
		case form != nil && !form.MatchString(hash):
			c.must(here, "%s is no hash of %s", shown(hash), name)
		case form == nil && !strings.HasPrefix(name, "x_"):
			c.should(ruleHash, here, "%s is no algorithm of the vocabulary hash-algorithm-ov", shown(name))
		}
	}
}

// dictionary checks keys (§2.3); the values may be anything but null and empty lists.
func (c *checker) dictionary(path string, value any) {
	dictionary, ok := value.(map[string]any)
	if !ok || len(dictionary) == 0 {
		c.must(path, "an object that is not empty is expected")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(dictionary)) {
		here := join(path, key)
		if !keyForm.MatchString(key) {
			c.must(here, "it is no key: letters, digits, hyphens and underscores")
		}
		list, isList := dictionary[key].([]any)
		if dictionary[key] == nil || isList && len(list) == 0 {
			c.must(here, "it has no value")
		}
	}
}
