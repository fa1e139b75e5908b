package document

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template and style
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
)

//go:embed paper.html
var paperHTML string

//go:embed paper.css
var paperCSS string

// htmlView is what the template of a page is given.
type htmlView struct {
	Title     string
	Language  Language
	Marking   Marking
	Class     string
	Style     template.CSS
	StyleHash string
	Head      []Field
	Sections  []Section
}

// HTML writes the paper as one file that needs no other: no script, no address
// that is followed, nothing loaded, which its own policy forbids as well. It
// prints on A4 with its marking and number on each page.
func (p *Paper) HTML() ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	seen := shown(*p)
	style := seen.style()
	sum := sha256.Sum256([]byte(style))
	view := htmlView{
		Title: seen.Title, Language: seen.Language, Marking: seen.Marking, Class: seen.Marking.class(),
		Style:     template.CSS(style), //nolint:gosec // our own file and words, nothing of the paper
		StyleHash: base64.StdEncoding.EncodeToString(sum[:]),
		Head:      seen.head(), Sections: seen.Sections,
	}
	for i, title := range seen.headings() {
		view.Sections[i].Title = title
	}
	return render("paper", seen.Language, view)
}

// render runs one of the templates in the words of a language.
func render(name string, language Language, view any) ([]byte, error) {
	w := language.words()
	t, err := template.New("").Funcs(template.FuncMap{
		"kind":  Block.kind,
		"mark":  State.mark,
		"state": func(s State) string { return s.word(w) },
		"words": w.html,
	}).Parse(paperHTML)
	if err != nil {
		return nil, fmt.Errorf("parse paper's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, view); err != nil {
		return nil, fmt.Errorf("write paper as HTML: %w", err)
	}
	return b.Bytes(), nil
}

// htmlWords are the words that the template asks for by name.
type htmlWords struct {
	Missing, Note, Colon, None, Corrects, Role, Name, Signed, ToSign, Differences, Same string
}

func (w words) html() htmlWords {
	return htmlWords{
		Missing: w.missing, Note: w.note, Colon: w.colon, None: w.none, Corrects: w.corrects, Role: w.role, Name: w.name,
		Signed: w.signed, ToSign: w.toSign, Differences: w.differences, Same: w.same,
	}
}

func (m Marking) class() string {
	return strings.ToLower(strings.NewReplacer(":", "-", "+", "-").Replace(string(m)))
}

// style returns the page's style: the file, and what stands in the margins of
// each printed page, which only a style can say. Nothing in it is the paper's
// own text.
func (p *Paper) style() string {
	before, rest, _ := strings.Cut(p.Language.words().page, "%d")
	between, after, _ := strings.Cut(rest, "%d")
	number := fmt.Sprintf(`"%s" counter(page) "%s" counter(pages) "%s"`, before, between, after)
	margin := ""
	if c, ok := p.Marking.colour(); ok {
		box := fmt.Sprintf(`{ content: "%s"; color: #%02x%02x%02x; background: #000; font: 700 12pt sans-serif; text-align: center; width: %dpt; height: 16pt; margin: auto 0; }`,
			p.Marking, c.r, c.g, c.b, 10*len(p.Marking))
		margin = "@top-right " + box + " @bottom-right " + box + " "
	}
	return paperCSS + "@page { size: A4; margin: 20mm 18mm; " + margin +
		`@bottom-center { content: ` + number + `; font: 8pt sans-serif; color: #47515a; } }` + "\n"
}
