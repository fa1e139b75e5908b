package csaf

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/internal/fault"
)

// Version is a version of the standard.
type Version uint8

// The versions.
const (
	V20 Version = iota // CSAF 2.0
	V21                // CSAF 2.1, as drafted
)

func (v Version) String() string {
	if v == V20 {
		return "2.0"
	}
	return "2.1"
}

// Schema stands for a test's number where the JSON schema itself is not kept.
const Schema = "schema"

// Message is what a test found at one place.
type Message struct {
	Test   string `json:"test"` // "6.1.1", or Schema
	Level  Level  `json:"level"`
	Path   string `json:"path,omitempty"` // "vulnerabilities[0].cve"
	Reason string `json:"reason"`
}

// Level is how much a message weighs (§6.1 to 6.3).
type Level string

// The levels.
const (
	Error       Level = "error"
	Warning     Level = "warning"
	Information Level = "information"
)

func levelOf(test string) Level {
	switch {
	case strings.HasPrefix(test, "6.2."):
		return Warning
	case strings.HasPrefix(test, "6.3."):
		return Information
	}
	return Error
}

// maxMessages bounds what is said of a document that is nothing but faults; that a test
// failed is said all the same.
const maxMessages = 2000

// Report is what the tests said of a document.
type Report struct {
	Version  Version
	ID       string // tracking.id, where it is a text
	Valid    bool   // the schema is kept and no mandatory test failed
	Failed   []string
	Messages []Message
	// Unsaid counts messages beyond the limit.
	Unsaid int
	// Skipped are tests that could not be answered, with the reason.
	Skipped map[string]string
}

// Options say how to test. The zero value asks no network and takes today.
type Options struct {
	// Resolves reports whether an address answers with 2xx or 3xx. Without it, tests
	// 6.3.6 and 6.3.7 are not run. It is called once for each address.
	Resolves func(ctx context.Context, url string) bool
	// Now is when the document is tested; 6.2.33 asks whether a date has come.
	Now time.Time
}

// Validate tests a document. The error, a fault.Invalid, is for what is no JSON, or no
// document of a version known here. It may be called concurrently.
func Validate(ctx context.Context, document []byte, o Options) (*Report, error) {
	root, err := parse(string(document))
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	c := &checker{Options: o, root: root, document: root.get("document")}
	switch version := root.at("document", "csaf_version").str(); version {
	case "2.0":
	case "2.1":
		c.version = V21
	default:
		return nil, fmt.Errorf("%w: document.csaf_version is %s; 2.0 and 2.1 are known", fault.Invalid, shown(version))
	}
	if c.Now.IsZero() {
		c.Now = time.Now()
	}
	return c.run(ctx)
}

func (c *checker) run(ctx context.Context) (*Report, error) {
	c.report = &Report{Version: c.version, ID: c.document.at("tracking", "id").str(), Skipped: map[string]string{}}
	c.failed = map[string]bool{}
	c.conform(c.root, &value{kind: object, object: shapes(c.version)["root"]})
	c.index()
	for i := range rules {
		r := &rules[i]
		if r.in == both || r.in == only20 && c.version == V20 || r.in == only21 && c.version == V21 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			c.test = r.id
			r.check(c)
		}
	}
	if c.Resolves != nil {
		if err := c.resolve(ctx); err != nil {
			return nil, err
		}
	}
	r := c.report
	r.Failed = make([]string, 0, len(c.failed))
	r.Valid = true
	for id := range c.failed {
		r.Failed = append(r.Failed, id)
		r.Valid = r.Valid && levelOf(id) != Error
	}
	slices.SortFunc(r.Failed, compareTests)
	slices.SortStableFunc(r.Messages, func(a, b Message) int { return compareTests(a.Test, b.Test) })
	return r, nil
}

// compareTests orders numbers of tests: 6.1.9 before 6.1.10, the schema before all.
func compareTests(a, b string) int {
	if a == b {
		return 0
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		if c := cmp.Or(cmp.Compare(len(as[i]), len(bs[i])), strings.Compare(as[i], bs[i])); c != 0 {
			if a == Schema {
				return -1
			} else if b == Schema {
				return 1
			}
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// fail says what the test that is run found.
func (c *checker) fail(n *node, format string, args ...any) {
	c.say(c.test, n, format, args...)
}

func (c *checker) say(test string, n *node, format string, args ...any) {
	c.failed[test] = true
	if len(c.report.Messages) >= maxMessages {
		c.report.Unsaid++
		return
	}
	reason := format
	if len(args) > 0 {
		reason = fmt.Sprintf(format, args...)
	}
	c.report.Messages = append(c.report.Messages, Message{Test: test, Level: levelOf(test), Path: n.path(), Reason: reason})
}

// skip says that the test cannot be answered here.
func (c *checker) skip(format string, args ...any) {
	c.report.Skipped[c.test] = fmt.Sprintf(format, args...)
}
