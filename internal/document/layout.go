package document

import (
	"fmt"

	"tocsin/internal/fault"
)

// A4 with margins that leave a line of some 90 Latin or 48 Chinese characters.
const (
	pageWidth   = 595276
	pageHeight  = 841890
	marginSide  = 54 * point
	marginTop   = 64 * point
	marginFoot  = 62 * point
	textWidth   = pageWidth - 2*marginSide
	textBottom  = pageHeight - marginFoot
	textHeight  = textBottom - marginTop
	headerLine  = 36 * point
	footerLine  = pageHeight - 34*point
	labelWidth  = 140 * point // of a form's labels
	momentWidth = 132 * point // of a timeline's times
)

// Sizes of text and the distance of its lines.
const (
	sizeTitle   = 18 * point
	sizeSection = 13 * point
	sizePart    = 11 * point
	sizeText    = 9500
	sizeSmall   = 8 * point
	sizeMarking = 12 * point // TLP 2.0: at least 12 points

	gap = 6 * point // between blocks
	pad = 3 * point // within cells
)

// leading is the distance of lines: Chinese needs a little more than Latin.
func leading(size length) length { return size * 145 / 100 }

// maxPages bounds a PDF: a paper within Check's limits is far smaller unless it
// is made of newlines.
const maxPages = 20_000

// op is one thing drawn: a text, a filled rectangle or a line.
type op struct {
	what       opKind
	x, y, w, h length // a text's y is its baseline, a line goes from x, y by w, h
	text       string
	face       faceID
	size       length
	tint       rgb
}

type opKind uint8

const (
	opText opKind = iota
	opRect
	opLine
)

// page is what is drawn on a page, in order, and the sections that begin on it.
type page struct {
	ops      []op
	sections []mark
}

// mark is a section's title and how far down its page it begins.
type mark struct {
	title string
	y     length
}

// layout sets blocks onto pages from top to bottom. It draws nothing: pages are
// known, and can be counted, before the first is written.
type layout struct {
	fonts *Fonts
	words words
	zh    bool
	pages []page
	y     length // how far down the page is used
	err   error
}

// setPaper sets a paper whose texts are visible.
func setPaper(p *Paper, fonts *Fonts) ([]page, error) {
	l := &layout{fonts: fonts, words: p.Language.words(), zh: p.Language == Chinese}
	l.newPage()
	l.lines(l.glyphs(p.Title, bold, sizeTitle, ink), 0, textWidth, sizeTitle)
	l.y += gap
	l.fields(p.head())
	for i, title := range p.headings() {
		s := p.Sections[i]
		if s.Appendix && l.y > marginTop {
			l.newPage()
		}
		l.section(title)
		for _, b := range s.Blocks {
			l.block(b)
			l.y += gap
		}
	}
	if l.err != nil {
		return nil, l.err
	}
	for i := range l.pages {
		l.furniture(p, i)
	}
	return l.pages, nil
}

func (l *layout) newPage() {
	if len(l.pages) >= maxPages {
		if l.err == nil {
			l.err = fmt.Errorf("set paper: more than %d pages: %w", maxPages, fault.Invalid)
		}
		l.y = marginTop
		return
	}
	l.pages = append(l.pages, page{})
	l.y = marginTop
}

// room begins a new page unless h is left on this one. What is higher than a
// page begins where it is.
func (l *layout) room(h length) {
	if l.y+h > textBottom && l.y > marginTop && h <= textHeight {
		l.newPage()
	}
}

func (l *layout) draw(o op) {
	if l.err == nil {
		p := &l.pages[len(l.pages)-1]
		p.ops = append(p.ops, o)
	}
}

func (l *layout) glyphs(text string, id faceID, size length, tint rgb) []glyph {
	return l.fonts.glyphs(nil, text, look{face: id, size: size, tint: tint, chinese: l.zh})
}

// runs sets runs of text, each in its style.
func (l *layout) runs(runs []Run, size length, tint rgb) []glyph {
	var out []glyph
	for _, r := range runs {
		style := look{face: regular, size: size, tint: tint, chinese: l.zh}
		switch r.Style {
		case Bold:
			style.face = bold
		case Code:
			style.tint, style.chinese = quiet, false
		case Italic:
			style.tint = quiet
		}
		out = l.fonts.glyphs(out, r.Text, style)
	}
	return out
}

// lines sets glyphs from the left edge x, and goes on on the next page where
// this one is full.
func (l *layout) lines(glyphs []glyph, x, width, size length) {
	for _, line := range breakLines(glyphs, width) {
		if l.y+leading(size) > textBottom {
			l.newPage()
		}
		l.line(line, x, l.y, size)
		l.y += leading(size)
	}
}

// line draws one line below y; glyphs of one face and colour are one text.
func (l *layout) line(line []glyph, x, y, size length) {
	x += marginSide
	baseline := y + (leading(size)-size)/2 + size*86/100
	for start := 0; start < len(line); {
		end := start + 1
		for end < len(line) && line[end].face == line[start].face && line[end].tint == line[start].tint {
			end++
		}
		text := make([]rune, 0, end-start)
		for _, g := range line[start:end] {
			text = append(text, g.r)
		}
		l.draw(op{what: opText, x: x, y: baseline, text: string(text), face: line[start].face, size: size, tint: line[start].tint})
		x += widthOf(line[start:end])
		start = end
	}
}

// rule draws a thin line across from x, at y.
func (l *layout) rule(x, y, width length) {
	l.draw(op{what: opLine, x: marginSide + x, y: y, w: width, tint: rule})
}

// section titles a section, together with what begins it.
func (l *layout) section(title string) {
	l.y += gap
	l.room(leading(sizeSection) + 4*leading(sizeText))
	at := len(l.pages) - 1
	l.pages[at].sections = append(l.pages[at].sections, mark{title: title, y: l.y})
	l.lines(l.glyphs(title, bold, sizeSection, ink), 0, textWidth, sizeSection)
	l.rule(0, l.y+point, textWidth)
	l.y += gap
}

// furniture draws what stands on every page: the marking above and below, the
// title, the issuer and the number of the page.
func (l *layout) furniture(p *Paper, at int) {
	top, foot := headerLine-leading(sizeSmall)/2, footerLine-leading(sizeSmall)/2
	side := textWidth / 4
	number := l.glyphs(fmt.Sprintf(l.words.page, at+1, len(l.pages)), regular, sizeSmall, quiet)
	inPage := &layout{fonts: l.fonts, words: l.words, zh: l.zh, pages: l.pages[at : at+1]}
	inPage.line(fit(l.glyphs(p.Title, regular, sizeSmall, quiet), 3*side-gap), 0, top, sizeSmall)
	inPage.line(fit(l.glyphs(p.Issuer.Name, regular, sizeSmall, quiet), side+side/2), 0, foot, sizeSmall)
	inPage.line(number, (textWidth-widthOf(number))/2, foot, sizeSmall)
	if tint, ok := p.Marking.colour(); ok {
		label := l.glyphs(string(p.Marking), bold, sizeMarking, tint)
		for _, middle := range [...]length{headerLine, footerLine} {
			w, h := widthOf(label)+2*pad, leading(sizeMarking)+2*point
			inPage.draw(op{what: opRect, x: marginSide + textWidth - w, y: middle - h/2, w: w, h: h, tint: black})
			inPage.line(label, textWidth-w+pad, middle-leading(sizeMarking)/2, sizeMarking)
		}
	}
}

// fit cuts a line to a width.
func fit(line []glyph, width length) []glyph {
	for i := range line {
		if line[i].r == '\n' {
			line = line[:i]
			break
		}
	}
	var used length
	for i := range line {
		if used += line[i].width; used > width {
			return line[:i]
		}
	}
	return line
}
