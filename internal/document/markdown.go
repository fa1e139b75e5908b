package document

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Limits of Markdown that is read as such; what passes one is read as plain text.
const (
	// maxMarkdown is far more than anyone types, and little enough for the
	// parser's worst case.
	maxMarkdown = 64 << 10
	// maxNesting bounds the depth of quotes, lists and emphasis within each
	// other, which the parser and the walk follow by recursion.
	maxNesting = 64
	// maxLinks bounds what may be a link's beginning: each that has no end makes
	// the parser look through all that follows.
	maxLinks = 4000
)

// Markdown reads CommonMark with GitHub's tables into blocks. Only its text and
// a few kinds of emphasis come through: HTML stands as the text that it is, a
// link as its text with the address behind it, a picture as its description
// and address. It never fails.
func Markdown(source string) Blocks {
	if source == "" {
		return nil
	}
	if len(source) > maxMarkdown || nesting(source) > maxNesting || strings.Count(source, "[") > maxLinks {
		return Blocks{Text(source)}
	}
	m := &markdown{source: []byte(source)}
	p := parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(append(parser.DefaultParagraphTransformers(),
			util.Prioritized(extension.NewTableParagraphTransformer(), 200))...),
	)
	m.blocks(p.Parse(text.NewReader(m.source)), false)
	return m.out
}

// nesting estimates from above how deep the blocks of a line can be nested: by
// the marks and the indentation it begins with.
func nesting(source string) int {
	deepest := 0
	for line := range strings.Lines(source) {
		marks := 0
		for i := 0; i < len(line) && strings.IndexByte(" \t>-*+0123456789.)", line[i]) >= 0; i++ {
			if line[i] == ' ' || line[i] == '\t' || line[i] == '>' {
				marks++
			}
		}
		deepest = max(deepest, marks)
	}
	return deepest
}

type markdown struct {
	source []byte
	out    Blocks
}

// blocks reads the children of n.
func (m *markdown) blocks(n ast.Node, quote bool) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		m.block(c, quote)
	}
}

func (m *markdown) block(n ast.Node, quote bool) {
	switch n := n.(type) {
	case *ast.Heading:
		m.add(Heading{Text: plain(m.runs(n))})
	case *ast.Blockquote:
		m.blocks(n, true)
	case *ast.List:
		var l List
		m.list(n, 0, &l)
		m.add(l)
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		m.add(Preformatted{Text: strings.TrimSuffix(m.lines(n), "\n")})
	case *ast.HTMLBlock:
		raw := m.lines(n)
		if n.HasClosure() {
			raw += string(n.ClosureLine.Value(m.source))
		}
		m.add(Text(strings.TrimSuffix(raw, "\n")))
	case *east.Table:
		m.add(m.table(n))
	case *ast.ThematicBreak, *ast.LinkReferenceDefinition:
	default:
		if runs := m.runs(n); len(runs) > 0 {
			m.add(Paragraph{Runs: runs, Quote: quote})
		}
	}
}

func (m *markdown) add(b Block) { m.out = append(m.out, b) }

func (m *markdown) lines(n ast.Node) string {
	return string(n.Lines().Value(m.source))
}

// list reads a list; what is nested in its items beyond lists and paragraphs
// becomes their text.
func (m *markdown) list(n *ast.List, depth int, out *List) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "•"
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + "."
			number++
		}
		at := len(out.Items)
		out.Items = append(out.Items, Item{Mark: mark, Depth: min(depth, maxDepth)})
		for c := item.FirstChild(); c != nil; c = c.NextSibling() {
			if inner, ok := c.(*ast.List); ok {
				m.list(inner, depth+1, out)
				continue
			}
			m.itemText(c, &out.Items[at])
		}
	}
}

func (m *markdown) itemText(n ast.Node, item *Item) {
	inner := &markdown{source: m.source}
	inner.block(n, false)
	for _, b := range inner.out {
		if len(item.Runs) > 0 {
			item.Runs = append(item.Runs, Run{Text: "\n"})
		}
		if p, ok := b.(Paragraph); ok {
			item.Runs = append(item.Runs, p.Runs...)
			continue
		}
		item.Runs = append(item.Runs, Run{Text: strings.Join(lines(b, English.words()), "\n")})
	}
}

func (m *markdown) table(n *east.Table) Block {
	var t Table
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		var row []Cell
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			row = append(row, Cell{Text: plain(m.runs(c))})
		}
		if _, ok := r.(*east.TableHeader); ok {
			for _, c := range row {
				t.Columns = append(t.Columns, Column{Title: c.Text})
			}
			continue
		}
		for len(row) < len(t.Columns) {
			row = append(row, Cell{})
		}
		t.Rows = append(t.Rows, row[:len(t.Columns)])
	}
	if len(t.Columns) == 0 || len(t.Columns) > maxColumns {
		return Preformatted{Text: strings.TrimSuffix(m.lines(n), "\n")}
	}
	return t
}

// runs reads the inline children of n.
func (m *markdown) runs(n ast.Node) []Run {
	var runs []Run
	m.inline(n, "", &runs)
	return runs
}

func (m *markdown) inline(n ast.Node, style Style, out *[]Run) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			m.text(c, style, out)
		case *ast.String:
			put(out, string(c.Value), style)
		case *ast.CodeSpan:
			m.inline(c, Code, out)
		case *ast.Emphasis:
			inner := Italic
			if c.Level > 1 || style == Bold {
				inner = Bold
			}
			m.inline(c, inner, out)
		case *ast.Link:
			m.inline(c, style, out)
			put(out, fmt.Sprintf(" <%s>", c.Destination), style)
		case *ast.Image:
			m.inline(c, style, out)
			put(out, fmt.Sprintf(" <%s>", c.Destination), style)
		case *ast.AutoLink:
			put(out, string(c.Label(m.source)), style)
		case *ast.RawHTML:
			put(out, string(c.Segments.Value(m.source)), style)
		default:
			m.inline(c, style, out)
		}
	}
}

// text adds a text as it is meant: escapes and entities resolved, except in code.
func (m *markdown) text(n *ast.Text, style Style, out *[]Run) {
	value := n.Value(m.source)
	if style != Code && !n.IsRaw() {
		value = util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(value)))
	}
	put(out, string(value), style)
	switch {
	case n.HardLineBreak():
		put(out, "\n", style)
	case n.SoftLineBreak():
		put(out, m.soft(n), style)
	}
}

// soft is what a line's end in the source stands for: a space, and between two
// Chinese characters nothing.
func (m *markdown) soft(n *ast.Text) string {
	before := []rune(string(n.Value(m.source)))
	next, ok := n.NextSibling().(*ast.Text)
	if !ok || len(before) == 0 {
		return " "
	}
	after := []rune(string(next.Value(m.source)))
	if len(after) > 0 && wide(before[len(before)-1]) && wide(after[0]) {
		return ""
	}
	return " "
}

// put adds text to the last run where the style is the same.
func put(out *[]Run, text string, style Style) {
	if text == "" {
		return
	}
	if last := len(*out) - 1; last >= 0 && (*out)[last].Style == style {
		(*out)[last].Text += text
		return
	}
	*out = append(*out, Run{Text: text, Style: style})
}
