package document

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/signintech/gopdf"
)

// families name the faces within a PDF, each with the tag of six letters that
// marks a subset (PDF 1.7 §9.6.4) and is another for other characters.
func families(pages []page) (names [faces]string) {
	var used [faces]map[rune]bool
	for i := range pages {
		for _, o := range pages[i].ops {
			if o.what != opText {
				continue
			}
			if used[o.face] == nil {
				used[o.face] = map[rune]bool{}
			}
			for _, r := range o.text {
				used[o.face][r] = true
			}
		}
	}
	for id, name := range [faces]string{"Text", "Bold", "MoreText", "MoreBold", "Han"} {
		if used[id] == nil {
			continue // what is not drawn with is not embedded
		}
		sum := sha256.Sum256([]byte(string(slices.Sorted(maps.Keys(used[id])))))
		for _, b := range sum[:6] {
			names[id] += string(rune('A' + b%26))
		}
		names[id] += "+" + name
	}
	return names
}

// PDF writes the paper as A4 pages: with its marking and number on each, text
// that can be selected, an outline of its sections, and of each font only the
// characters used. The same paper and fonts give the same bytes. It fails as
// fault.Unavailable when the paper needs Chinese characters and no font has them.
func (p *Paper) PDF(fonts *Fonts) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	seen := shown(*p)
	if err := fonts.need(seen.allText()); err != nil {
		return nil, err
	}
	pages, err := setPaper(&seen, fonts)
	if err != nil {
		return nil, err
	}
	text, err := drawPages(&seen, pages, fonts)
	if err != nil {
		return nil, fmt.Errorf("write paper as PDF: %w", err)
	}
	return text, nil
}

// allText joins every text of the paper and the words that are put around it.
func (p *Paper) allText() string {
	var b strings.Builder
	b.WriteString(p.Title)
	for _, f := range p.head() {
		b.WriteString(f.Label + f.Value)
	}
	w := p.Language.words()
	for i, title := range p.headings() {
		b.WriteString(title)
		for _, block := range p.Sections[i].Blocks {
			for _, line := range lines(block, w) {
				b.WriteString(line)
			}
		}
	}
	return b.String()
}

func drawPages(p *Paper, pages []page, fonts *Fonts) ([]byte, error) {
	var pdf gopdf.GoPdf
	pdf.Start(gopdf.Config{PageSize: gopdf.Rect{W: points(pageWidth), H: points(pageHeight)}})
	family := families(pages)
	for id, f := range fonts.face {
		if family[id] != "" {
			if err := pdf.AddTTFFontByReader(family[id], bytes.NewReader(f.data)); err != nil {
				return nil, fmt.Errorf("embed %s: %w", f.file, err)
			}
		}
	}
	pdf.SetInfo(gopdf.PdfInfo{
		Title: basicPlane(p.Title), Author: basicPlane(p.Issuer.Name), Subject: basicPlane(string(p.Marking)),
		Creator: "Tocsin", Producer: "Tocsin", CreationDate: p.Written.At.UTC(),
	})
	for i := range pages {
		pdf.AddPage()
		if err := drawPage(&pdf, &pages[i], family); err != nil {
			return nil, fmt.Errorf("page %d: %w", i+1, err)
		}
		for _, s := range pages[i].sections {
			pdf.SetXY(0, points(s.y-gap))
			pdf.AddOutlineWithPosition(basicPlane(s.title))
		}
	}
	return pdf.GetBytesPdfReturnErr()
}

func drawPage(pdf *gopdf.GoPdf, p *page, family [faces]string) error {
	for _, o := range p.ops {
		switch o.what {
		case opRect:
			pdf.SetFillColor(o.tint.r, o.tint.g, o.tint.b)
			pdf.RectFromUpperLeftWithStyle(points(o.x), points(o.y), points(o.w), points(o.h), "F")
		case opLine:
			pdf.SetLineWidth(0.5)
			pdf.SetStrokeColor(o.tint.r, o.tint.g, o.tint.b)
			pdf.Line(points(o.x), points(o.y), points(o.x+o.w), points(o.y+o.h))
		case opText:
			if err := pdf.SetFont(family[o.face], "", points(o.size)); err != nil {
				return err
			}
			pdf.SetTextColor(o.tint.r, o.tint.g, o.tint.b)
			pdf.SetXY(points(o.x), points(o.y))
			if err := pdf.Text(o.text); err != nil {
				return fmt.Errorf("set %.40q: %w", o.text, err)
			}
		}
	}
	return nil
}

func points(l length) float64 { return float64(l) / float64(point) }

// basicPlane writes what the library would encode wrongly as its code point.
func basicPlane(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > 0xffff {
			b.WriteString(codePoint(r))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
