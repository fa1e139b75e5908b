package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Format is what a report is exported as.
type Format string

// The formats.
const (
	JSON Format = "json" // for programs: fields by their IDs
	HTML Format = "html"
	PDF  Format = "pdf"
	// CSV and XLSX are of statistics; XLSX also of the papers about a case.
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// ParseLanguage reads en or zh; the error is fault.Invalid.
func ParseLanguage(text string) (document.Language, error) {
	switch text {
	case "en":
		return document.English, nil
	case "zh", "zh-CN":
		return document.Chinese, nil
	}
	return "", fmt.Errorf("language %.20q: use en or zh: %w", text, fault.Invalid)
}

// Export writes a version of a report, 0 for the last, as a recipient of the
// regime gets it, or whole for an empty one. The bytes depend on the version,
// who signed it and, in a PDF, on the machine's fonts alone: not on the day, nor
// on what became of the case or of the regime's pack, nor on whether it was
// submitted. The error is fault.Invalid for a recipient, language or format that
// there is not, and fault.Unavailable for a PDF where no font has the characters.
func (r *Reports) Export(ctx context.Context, word string, version int64, recipient, language string, format Format) ([]byte, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return nil, err
	}
	p, err := r.At(ctx, word, version)
	if err != nil {
		return nil, err
	}
	v, err := p.Content.viewFor(recipient)
	if err != nil {
		return nil, err
	}
	p.settle()
	if format == JSON {
		return p.filed(v, l)
	}
	return r.render(p.paper(v, l), format)
}

// settle makes a report say the same before and after it is submitted.
func (p *Report) settle() {
	p.Deliveries, p.Changed = nil, p.Made
	p.Status = p.status()
}

// render writes a paper.
func (r *Reports) render(p *document.Paper, format Format) ([]byte, error) {
	switch format {
	case JSON:
		return p.JSON()
	case HTML:
		return p.HTML()
	case XLSX:
		return p.XLSX()
	case PDF:
		if r.config.Fonts == nil {
			return nil, fmt.Errorf("no fonts are set up for PDF: %w", fault.Unavailable)
		}
		fonts, err := r.config.Fonts()
		if err != nil {
			return nil, err
		}
		return p.PDF(fonts)
	}
	return nil, fmt.Errorf("format %.20q: use %s, %s or %s: %w", format, JSON, HTML, PDF, fault.Invalid)
}

// Filed is a report as a program reads it.
type Filed struct {
	Report   string            `json:"report,omitempty"`
	Version  int64             `json:"version"`
	SHA256   string            `json:"sha256,omitempty"` // of the whole content; left out where fields are
	Status   Status            `json:"status"`
	Language document.Language `json:"language"`
	Regime   string            `json:"regime"`
	Pack     int               `json:"pack"`
	Clock    string            `json:"clock,omitempty"`
	Form     string            `json:"form"`
	Kind     string            `json:"kind"`
	From     string            `json:"from,omitempty"`
	To       string            `json:"to,omitempty"`
	Marking  document.Marking  `json:"marking,omitempty"`
	Written  document.Moment   `json:"written"`
	Fields   []FiledField      `json:"fields"`
	Signed   []FiledSignature  `json:"signed"`
	FellBack []string          `json:"english_only,omitempty"` // fields whose titles have no Chinese
	Signers  int               `json:"signers"`
}

// FiledField is a field of it.
type FiledField struct {
	ID      string          `json:"id"`
	Title   string          `json:"title"`
	Need    string          `json:"need"`
	Missing bool            `json:"missing,omitempty"`
	Text    string          `json:"text,omitempty"`
	Blocks  document.Blocks `json:"blocks,omitempty"` // where it is more than a line
}

// FiledSignature is who signed it.
type FiledSignature struct {
	Name string          `json:"name"`
	Role string          `json:"role,omitempty"`
	At   document.Moment `json:"at"`
}

// filed writes the report for programs.
func (p *Report) filed(v *view, l document.Language) ([]byte, error) {
	w := &writer{language: l}
	f := Filed{
		Report: p.Number, Version: p.Version, SHA256: p.SHA256, Status: p.Status, Language: l, Regime: v.Regime.ID, Pack: v.Pack, Clock: v.Clock.ID,
		Form: v.Form.ID, Kind: string(v.Kind), From: v.Organisation, To: v.to.ID, Marking: v.Marking, Written: v.At, Signers: p.Signers,
		Fields: []FiledField{}, Signed: []FiledSignature{},
	}
	if v.hides("case.number") {
		f.Report = ""
	}
	if v.hides("organisation.name") {
		f.From = ""
	}
	if len(v.fields) < len(v.Fields) {
		f.SHA256 = "" // a short text that is hidden could be guessed from it
	}
	for k := range v.fields {
		field := &v.fields[k]
		one := FiledField{ID: field.ID, Title: in(field.Title, l), Need: field.Need, Missing: !field.Filled()}
		if text, short := w.short(field); short {
			one.Text = text
		} else {
			one.Blocks = w.long(field)
		}
		if w.onlyEnglish(field.Title) != "" {
			f.FellBack = append(f.FellBack, field.ID)
		}
		f.Fields = append(f.Fields, one)
	}
	for _, s := range p.signers() {
		f.Signed = append(f.Signed, FiledSignature{s.Name, s.Role, s.At})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		return nil, fmt.Errorf("write report %s as JSON: %w", p.Number, err)
	}
	return b.Bytes(), nil
}

// Diff says how a report changed from one version to another, field by field and
// word by word, in a language.
func (r *Reports) Diff(ctx context.Context, word string, from, to int64, language string) (document.Difference, error) {
	l, err := ParseLanguage(language)
	if err != nil {
		return document.Difference{}, err
	}
	var before, after Report
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		var first, second error
		before, first = r.at(ctx, tx, word, from)
		after, second = r.at(ctx, tx, word, to)
		return errors.Join(first, second)
	})
	if err != nil {
		return document.Difference{}, err
	}
	a, err := before.compared(l)
	if err != nil {
		return document.Difference{}, err
	}
	b, err := after.compared(l)
	if err != nil {
		return document.Difference{}, err
	}
	return document.Diff(a, b), nil
}

// compared is a version as a paper without what differs in any two.
func (p *Report) compared(l document.Language) (*document.Paper, error) {
	v, err := p.Content.viewFor("")
	if err != nil {
		return nil, err
	}
	w := &writer{language: l}
	out := &document.Paper{
		Title: in(v.Form.Title, l), Reference: p.Number, Language: l, Marking: v.Marking, Issuer: document.Party{Name: v.Organisation},
		Sections: []document.Section{{Title: w.say("Content", "报告内容"), Blocks: w.fields(v)}},
	}
	return out, out.Check()
}
