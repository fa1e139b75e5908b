package document

// block sets one block.
func (l *layout) block(b Block) {
	switch b := b.(type) {
	case Paragraph:
		l.paragraph(b)
	case Heading:
		l.heading(b.Text)
	case Preformatted:
		l.preformatted(b.Text)
	case List:
		l.list(b)
	case Fields:
		l.fields(b.Fields)
	case Table:
		l.table(b)
	case Timeline:
		l.timeline(b)
	case Checklist:
		l.checklist(b)
	case Signatures:
		l.signatures(b)
	}
}

func (l *layout) paragraph(p Paragraph) {
	if !p.Quote {
		l.lines(l.runs(p.Runs, sizeText, ink), 0, textWidth, sizeText)
		return
	}
	const indent = 14 * point
	for _, line := range breakLines(l.runs(p.Runs, sizeText, quiet), textWidth-2*indent) {
		l.room(leading(sizeText))
		l.draw(op{what: opRect, x: marginSide + indent/2, y: l.y, w: 2 * point, h: leading(sizeText), tint: rule})
		l.line(line, indent, l.y, sizeText)
		l.y += leading(sizeText)
	}
}

// heading stays with what follows it, be it the titles and first row of a table.
func (l *layout) heading(text string) {
	l.room(leading(sizePart) + gap + 5*leading(sizeText))
	l.lines(l.glyphs(text, bold, sizePart, ink), 0, textWidth, sizePart)
}

func (l *layout) preformatted(text string) {
	for _, line := range breakLines(l.glyphs(text, regular, sizeSmall, ink), textWidth-2*pad) {
		l.room(leading(sizeSmall))
		l.draw(op{what: opRect, x: marginSide, y: l.y, w: textWidth, h: leading(sizeSmall), tint: shade})
		l.line(line, pad, l.y, sizeSmall)
		l.y += leading(sizeSmall)
	}
}

func (l *layout) list(b List) {
	const step = 16 * point
	for _, it := range b.Items {
		left := length(it.Depth) * step
		mark := l.glyphs(it.Mark, regular, sizeText, quiet)
		indent := left + max(step, widthOf(mark)+pad)
		l.room(leading(sizeText))
		l.line(fit(mark, step*3), left, l.y, sizeText)
		indent = min(indent, left+step*3+pad)
		l.lines(l.runs(it.Runs, sizeText, ink), indent, textWidth-indent, sizeText)
	}
}

// side is a text set in a column of its own.
type side struct {
	lines [][]glyph
	x     length
	right length // where lines end, beyond x; 0 sets them to the left
}

// beside sets columns of lines next to each other; where they do not fit on the
// page they go on on the next, and again is drawn there first.
func (l *layout) beside(size length, under bool, again func(), columns ...side) {
	height := 0
	for _, c := range columns {
		height = max(height, len(c.lines))
	}
	before := len(l.pages)
	if l.room(length(height)*leading(size) + 2*pad); len(l.pages) > before {
		again()
	}
	for at := 0; at < height; {
		if l.y+2*pad+leading(size) > textBottom {
			l.newPage()
			again()
		}
		n := max(1, min(height-at, int((textBottom-l.y-2*pad)/leading(size))))
		for _, c := range columns {
			for i := at; i < min(at+n, len(c.lines)); i++ {
				x := c.x
				if c.right > 0 {
					x += max(0, c.right-widthOf(c.lines[i]))
				}
				l.line(c.lines[i], x, l.y+pad+length(i-at)*leading(size), size)
			}
		}
		at += n
		l.y += length(n)*leading(size) + 2*pad
		if under {
			l.rule(0, l.y, textWidth)
		}
		if l.err != nil {
			return
		}
	}
}

func nothing() {}

func (l *layout) fields(fields []Field) {
	for _, f := range fields {
		label := breakLines(l.glyphs(f.Label, regular, sizeText, quiet), labelWidth-2*pad)
		value := l.glyphs(f.Value, regular, sizeText, ink)
		if f.Missing {
			value = l.glyphs(l.words.missing, bold, sizeText, care)
		}
		if f.Note != "" {
			value = append(value, l.glyphs("\n"+l.words.note+l.words.colon+f.Note, regular, sizeText, quiet)...)
		}
		l.beside(sizeText, true, nothing, side{lines: label}, side{lines: breakLines(value, textWidth-labelWidth), x: labelWidth})
	}
}

func (l *layout) timeline(b Timeline) {
	for _, e := range b.Entries {
		var text []glyph
		if e.Corrects != "" {
			text = l.glyphs(l.words.corrects+l.words.colon+e.Corrects+"\n", bold, sizeText, care)
		}
		text = append(text, l.glyphs(e.Text, regular, sizeText, ink)...)
		if e.Who != "" {
			text = append(text, l.glyphs("\n"+e.Who, regular, sizeText, quiet)...)
		}
		at := breakLines(l.glyphs(e.At.String(), regular, sizeText, quiet), momentWidth-2*pad)
		l.beside(sizeText, true, nothing, side{lines: at}, side{lines: breakLines(text, textWidth-momentWidth), x: momentWidth})
	}
}

func (l *layout) checklist(b Checklist) {
	const indent = 22 * point
	for _, c := range b.Checks {
		text := l.glyphs(c.Text, regular, sizeText, ink)
		if c.Note != "" {
			text = append(text, l.glyphs("\n"+c.Note, regular, sizeText, quiet)...)
		}
		box := [][]glyph{l.glyphs(c.State.mark(), bold, sizeText, ink)}
		l.beside(sizeText, false, nothing, side{lines: box}, side{lines: breakLines(text, textWidth-indent), x: indent})
	}
}

// signatures leaves room for a hand where nobody has signed yet.
func (l *layout) signatures(b Signatures) {
	const hand = 30 * point
	for _, s := range b.Signatures {
		left := l.glyphs(s.Role, bold, sizeText, ink)
		if s.Note != "" {
			left = append(left, l.glyphs("\n"+s.Note, regular, sizeText, quiet)...)
		}
		right := l.glyphs(s.Name, regular, sizeText, ink)
		when := l.words.toSign
		if !s.At.IsZero() {
			when = l.words.signed + l.words.colon + s.At.String()
		}
		right = append(right, l.glyphs("\n"+when, regular, sizeText, quiet)...)
		height := 2*leading(sizeText) + hand
		l.room(height)
		if s.At.IsZero() {
			l.y += hand
			l.draw(op{what: opLine, x: marginSide + textWidth/2, y: l.y, w: textWidth / 2, tint: quiet})
		}
		l.beside(sizeText, false, nothing, side{lines: breakLines(left, textWidth/2-2*pad)},
			side{lines: breakLines(right, textWidth/2), x: textWidth / 2})
	}
}
