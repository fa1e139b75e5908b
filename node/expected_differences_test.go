package node_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/detect"
)

// differencesFile says why a watch and the opinion differ, and who is right.
// See its head for how it is written.
var differencesFile = filepath.Join("testdata", "expected_differences.txt")

const noReason = "for no known reason"

// differences are the known reasons.
type differences struct {
	reviewed string // the digest of the opinion in which each was looked at
	rules    []*ruleDifference
	marks    []mark
}

// ruleDifference is a rule that was found to differ.
type ruleDifference struct {
	class, rule, why string
	more             bool // the watch finds more events than the opinion, else fewer
	seen             bool
}

func (d *ruleDifference) String() string { return d.class + ": " + d.rule + " " + d.why }

// mark tells by a finding itself that it is of a class: every test holds.
type mark struct {
	class string
	tests [][2]string
}

// reason returns the class that explains why the rule matches another number
// of events than wanted, or noReason: the class that the marks tell, of at
// least as many findings as are too many, else that of the rule's line.
func (d *differences) reason(rule string, want int, got []*detect.Finding) string {
	class := noReason
	for _, l := range slices.Backward(d.rules) {
		if l.rule == rule && l.more == (len(got) > want) {
			l.seen = true
			class = l.class
		}
	}
	told, marked := "", 0
	for _, f := range slices.Backward(got) {
		if c := d.markOf(f); c != "" {
			told = c
			marked++
		}
	}
	if len(got) > want && marked >= len(got)-want {
		return told
	}
	return class
}

func (d *differences) markOf(f *detect.Finding) string {
	for _, m := range d.marks {
		if !slices.ContainsFunc(m.tests, func(test [2]string) bool { return !holds(f, test[0], test[1]) }) {
			return m.class
		}
	}
	return ""
}

// holds reports whether a finding is what a test of a mark asks for.
func holds(f *detect.Finding, key, value string) bool {
	switch key {
	case "event":
		return f.EventID == value
	case "category":
		return f.Rule.LogSource.Category == value
	case "service":
		return f.Rule.LogSource.Service == value
	case "field":
		return slices.ContainsFunc(f.Fields, func(v detect.Value) bool { return v.Name == value })
	case "prefix":
		return slices.ContainsFunc(f.Fields, func(v detect.Value) bool { return strings.HasPrefix(v.Value, value) })
	}
	return false
}

// markKeys are the tests that holds knows.
var markKeys = []string{"event", "category", "service", "field", "prefix"}

func readDifferences(t *testing.T) *differences {
	t.Helper()
	text, err := os.ReadFile(differencesFile)
	if err != nil {
		t.Fatal(err)
	}
	d, err := parseDifferences(string(text))
	if err != nil {
		t.Fatalf("%s:%v", differencesFile, err)
	}
	return d
}

func parseDifferences(text string) (*differences, error) {
	d := &differences{}
	class, n := "", 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "reviewed" && len(words) == 2:
			d.reviewed = words[1]
		case words[0] == "class" && len(words) > 4:
			class = words[1]
		case class != "" && words[0] == "mark" && len(words) > 1:
			m, err := parseMark(class, words[1:])
			if err != nil {
				return nil, fmt.Errorf("%d: %w", n, err)
			}
			d.marks = append(d.marks, m)
		case class != "" && (words[0] == "more" || words[0] == "fewer") && len(words) > 3:
			d.rules = append(d.rules, &ruleDifference{
				class: class, rule: words[1], more: words[0] == "more", why: strings.Join(words[2:], " "),
			})
		default:
			return nil, fmt.Errorf("%d: not a line of this file: %q", n, strings.TrimSpace(line))
		}
	}
	return d, nil
}

func parseMark(class string, words []string) (mark, error) {
	m := mark{class: class}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(markKeys, key) {
			return m, fmt.Errorf("%q is no test of a mark: write one of %v, '=' and a value", word, markKeys)
		}
		m.tests = append(m.tests, [2]string{key, value})
	}
	return m, nil
}

func digest(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
