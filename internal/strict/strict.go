// Package strict reads YAML that people write and that a program must not
// misunderstand: an unknown key, a key given twice, an alias or a second
// document is an error, and every error names file, line and reason.
//
// It knows nothing of what is read. Who reads checks the meaning afterwards,
// and asks Document.Problem for an error at the line of what is wrong.
package strict

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/internal/spelling"
)

const (
	// sizeLimit bounds a file: our largest is a twentieth of it.
	sizeLimit = 1 << 20
	// depthLimit bounds nesting: our deepest file has ten levels.
	depthLimit = 32
)

// Problem is what is wrong with a file, and where.
type Problem struct { //nolint:errname // it is shown in lists of what is wrong as often as returned
	File   string
	Line   int
	Reason string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Reason) }

// Document knows at which line everything in a file stands.
type Document struct {
	file  string
	lines map[string]int
}

// Load reads one document into what a pointer leads to. The error is a
// *Problem.
func Load(file string, content []byte, into any) (*Document, error) {
	d := &Document{file: file, lines: map[string]int{"": 1}}
	if len(content) > sizeLimit {
		return nil, &Problem{file, 1, fmt.Sprintf("larger than %d bytes", sizeLimit)}
	}
	var root yaml.Node
	if err := yaml.Load(content, &root); err != nil {
		return nil, atLine(file, err)
	}
	if p := d.walk(&root, "", 0); p != nil {
		return nil, p
	}
	if err := yaml.Load(content, into, yaml.WithKnownFields()); err != nil {
		return nil, atLine(file, err)
	}
	return d, nil
}

// LoadFS is Load of a file in a file system.
func LoadFS(root fs.FS, file string, into any) (*Document, error) {
	content, err := fs.ReadFile(root, file)
	if err != nil {
		return nil, err
	}
	return Load(file, content, into)
}

// Problem is an error at the line of a path such as "levels[2].criteria[0]".
// Where the path itself is not in the file, what should hold it is named.
func (d *Document) Problem(path, format string, args ...any) *Problem {
	return &Problem{d.file, d.Line(path), fmt.Sprintf(format, args...)}
}

// Line is where a path stands, or what should hold it.
func (d *Document) Line(path string) int {
	for {
		if line, ok := d.lines[path]; ok {
			return line
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return 1
		}
		path = path[:cut]
	}
}

// Has reports whether a path is in the file.
func (d *Document) Has(path string) bool {
	_, ok := d.lines[path]
	return ok
}

// walk notes the lines of a node and what is below it.
func (d *Document) walk(n *yaml.Node, path string, depth int) *Problem {
	switch {
	case depth > depthLimit:
		return &Problem{d.file, n.Line, fmt.Sprintf("nested deeper than %d levels", depthLimit)}
	case n.Kind == yaml.AliasNode:
		return &Problem{d.file, n.Line, "aliases (*name) are not allowed: write it out"}
	}
	if _, ok := d.lines[path]; !ok || path == "" {
		d.lines[path] = max(n.Line, 1)
	}
	for i, child := range n.Content {
		below := path
		switch n.Kind {
		case yaml.SequenceNode:
			below = path + "[" + strconv.Itoa(i) + "]"
		case yaml.MappingNode:
			if i%2 == 0 {
				if child.Kind != yaml.ScalarNode {
					return &Problem{d.file, child.Line, "a key that is no plain word"}
				}
				d.lines[join(path, child.Value)] = child.Line
				continue
			}
			below = join(path, n.Content[i-1].Value)
		}
		if p := d.walk(child, below, depth+1); p != nil {
			return p
		}
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

var (
	firstLine  = regexp.MustCompile(`line (\d+)`)
	unknownKey = regexp.MustCompile(`field (.+?) not found in type \S+`)
	goTypes    = regexp.MustCompile(`cannot (?:construct|unmarshal) !!(\w+)(?: ` + "`" + `([^` + "`" + `]*)` + "`" + `)? into \S+`)
)

// atLine makes a Problem of an error of the YAML library, of whose lines the
// first is told.
func atLine(file string, err error) *Problem {
	text := strings.TrimSpace(strings.TrimPrefix(err.Error(), "yaml: "))
	line := 1
	if m := firstLine.FindStringSubmatchIndex(text); m != nil {
		line, _ = strconv.Atoi(text[m[2]:m[3]])
		line = max(line, 1)
		text = strings.TrimLeft(text[m[1]:], ":, ")
		text, _, _ = strings.Cut(text, "\n")
		if rest, ok := strings.CutPrefix(text, "column "); ok {
			text = strings.TrimLeft(strings.TrimLeft(rest, "0123456789"), ":, ")
		}
	}
	text = unknownKey.ReplaceAllString(text, `unknown key "$1"`)
	text = goTypes.ReplaceAllString(text, "$1 $2 does not fit here")
	return &Problem{file, line, strings.ReplaceAll(text, "\n", "; ")}
}

// Nearest returns the word that another was probably meant to be, as
// `, did you mean "x"?`, or "".
func Nearest(word string, words []string) string {
	if best := spelling.Nearest(word, words, max(len(word)/3, 1)); best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ""
}
