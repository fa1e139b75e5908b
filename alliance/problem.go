package alliance

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"tocsin/internal/fault"
)

// Problem is one thing that is wrong with what was checked. It is fault.Invalid.
type Problem struct { //nolint:errname // it is shown in lists of what is wrong as often as returned
	Field  string // a JSON Pointer (RFC 6901): /indicators/3/why
	Reason string
}

func (p *Problem) Error() string { return p.Field + ": " + p.Reason }

// Unwrap makes it fault.Invalid.
func (p *Problem) Unwrap() error { return fault.Invalid }

// ProblemsOf returns the problems that an error of a Check holds, in their order.
func ProblemsOf(err error) []*Problem {
	var all []*Problem
	if p, ok := errors.AsType[*checked](err); ok {
		all = p.problems
	}
	return all
}

// checked is all that is wrong with one thing.
type checked struct {
	what     string
	problems []*Problem
	more     bool
}

func (c *checked) Error() string {
	lines := make([]string, 0, len(c.problems)+1)
	for _, p := range c.problems {
		lines = append(lines, p.Error())
	}
	if c.more {
		lines = append(lines, "and more")
	}
	return c.what + ": " + strings.Join(lines, "; ")
}

func (c *checked) Unwrap() error { return fault.Invalid }

// maxProblems is how many are told: nobody reads more at once, and what is checked
// may be made to be wrong a million times.
const maxProblems = 20

// check collects what is wrong.
type check struct{ checked }

func newCheck(what string) *check { return &check{checked{what: what}} }

func (c *check) wrong(field, format string, args ...any) {
	if c.full() {
		c.more = true
		return
	}
	c.problems = append(c.problems, &Problem{field, fmt.Sprintf(format, args...)})
}

// want notes a problem unless ok.
func (c *check) want(ok bool, field, format string, args ...any) {
	if !ok {
		c.wrong(field, format, args...)
	}
}

// full reports whether more would not be told.
func (c *check) full() bool { return len(c.problems) >= maxProblems }

// err is what is wrong, or nil.
func (c *check) err() error {
	if len(c.problems) == 0 {
		return nil
	}
	return &c.checked
}

// The lengths of texts, in bytes. They leave room for every language at three bytes
// a letter, and for no book.
const (
	maxWord  = 64        // a code, an ID
	maxLine  = 512       // a title, a name, a label
	maxNote  = 4 << 10   // a reason, a measure
	maxProse = 64 << 10  // the text of a warning in one language
	maxURL   = 2 << 10   // browsers take about as much
	maxRule  = 256 << 10 // a Sigma rule: what detect/sigma reads at most is more
)

// id checks something that a program calls something: an ID of a message, a measure.
func (c *check) id(field, text string) {
	c.want(text != "" && len(text) <= maxWord && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	}), field, "up to %d letters, digits, - _ . : are wanted", maxWord)
}

// line checks text of one line that must not be empty.
func (c *check) line(field, text string, most int) {
	c.want(strings.TrimSpace(text) != "", field, "it is empty")
	c.text(field, text, most, "")
}

// prose checks text of several lines that must not be empty.
func (c *check) prose(field, text string, most int) {
	c.want(strings.TrimSpace(text) != "", field, "it is empty")
	c.text(field, text, most, "\n\t")
}

// text checks text that may be empty: whole UTF-8, without control characters but
// those allowed, and without what turns the direction of what follows.
func (c *check) text(field, text string, most int, allowed string) {
	switch {
	case len(text) > most:
		c.wrong(field, "it has %d bytes; at most %d are allowed", len(text), most)
	case !utf8.ValidString(text):
		c.wrong(field, "it is not UTF-8 text")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune(allowed, r) }):
		c.wrong(field, "it holds a control character")
	case strings.ContainsFunc(text, turns):
		c.wrong(field, "it holds a character that turns the direction of text")
	}
}

// turns reports whether a character overrides the direction of those that follow:
// with them a text reads other than it is.
func turns(r rune) bool { return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 }

// language checks the tag of a language (BCP 47).
func (c *check) language(field, tag string) {
	if len(tag) > maxWord {
		c.wrong(field, "no language has a tag of %d bytes", len(tag))
		return
	}
	_, err := language.Parse(tag)
	c.want(err == nil && !strings.Contains(tag, "_"), field, "%q is no language (BCP 47), as en or zh-CN", tag)
}

// sector checks the form of a sector's code: which there are stands in
// plan/organisation, and another node may know more.
func (c *check) sector(field, code string) {
	ok := code != "" && len(code) <= maxWord
	for part := range strings.SplitSeq(code, ".") {
		ok = ok && part != "" && part[0] >= 'a' && part[0] <= 'z' &&
			!strings.ContainsFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' })
	}
	c.want(ok, field, "%.70q is no sector's code, as health or health.hospital", code)
}

// region checks the form of a code of ISO 3166-1 (two letters) or 3166-2.
func (c *check) region(field, code string) {
	country, part, divided := strings.Cut(code, "-")
	ok := len(country) == 2 && upper(country) && (!divided || len(part) >= 1 && len(part) <= 3 && upperOrDigit(part))
	if ok {
		r, err := language.ParseRegion(country)
		ok = err == nil && r.IsCountry()
	}
	c.want(ok, field, "%.10q is no country or part of one (ISO 3166), as CN or CN-31", code)
}

func upper(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 'A' || r > 'Z' })
}

func upperOrDigit(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
}

// web checks an address of the web that people may be led to.
func (c *check) web(field, text string) {
	if len(text) > maxURL {
		c.wrong(field, "it has %d bytes; at most %d are allowed", len(text), maxURL)
		return
	}
	u, err := url.Parse(text)
	c.want(err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil, field, "an https:// address without user is wanted")
	c.text(field, text, maxURL, "")
}

// moment checks a time that must be there, and can be said in RFC 3339.
func (c *check) moment(field string, at time.Time) {
	c.want(!at.IsZero(), field, "a time is wanted")
	c.want(at.Year() >= 1 && at.Year() <= 9999, field, "there is no such year")
}

// count checks how many there are of something.
func (c *check) count(field string, n, most int) bool {
	c.want(n <= most, field, "there are %d; at most %d are allowed", n, most)
	return n <= most
}

// unique checks that nothing stands in a list twice.
func unique[T comparable](c *check, field string, list []T) {
	seen := make(map[T]bool, len(list))
	for i, v := range list {
		if seen[v] {
			c.wrong(fmt.Sprintf("%s/%d", field, i), "%.70v stands there twice", v)
		}
		seen[v] = true
	}
}
