package document

// table sets a table: a row goes to the next page whole where it fits on one,
// and is cut between its lines where it does not. The titles are on each page.
func (l *layout) table(t Table) {
	titles, rows := l.tableGlyphs(t)
	columns := shares(append([][][]glyph{titles}, rows...), len(t.Columns))
	head := l.sides(t, titles, columns)
	header := func() { l.header(head) }
	l.room(leading(sizeText) + tall(head) + leading(sizeSmall)*2)
	if t.Caption != "" {
		l.lines(l.glyphs(t.Caption, bold, sizeText, ink), 0, textWidth, sizeText)
	}
	header()
	if tall(head) > textHeight/2 {
		header = nothing // titles that leave no room for rows stand once
	}
	for _, row := range rows {
		l.beside(sizeSmall, true, header, l.sides(t, row, columns)...)
	}
	if len(rows) == 0 {
		none := l.glyphs(l.words.none, regular, sizeSmall, quiet)
		l.beside(sizeSmall, true, header, side{lines: [][]glyph{none}, x: pad})
	}
}

// header draws a table's titles on a ground of their own.
func (l *layout) header(titles []side) {
	if h := tall(titles); h <= textHeight/2 {
		l.room(h)
		l.draw(op{what: opRect, x: marginSide, y: l.y, w: textWidth, h: h, tint: shade})
	}
	l.beside(sizeSmall, true, nothing, titles...)
}

// tall is how high a row of a table is.
func tall(columns []side) length {
	n := 0
	for _, c := range columns {
		n = max(n, len(c.lines))
	}
	return length(n)*leading(sizeSmall) + 2*pad
}

func (l *layout) tableGlyphs(t Table) (titles [][]glyph, rows [][][]glyph) {
	for _, c := range t.Columns {
		titles = append(titles, l.glyphs(c.Title, bold, sizeSmall, ink))
	}
	for _, cells := range t.Rows {
		row := make([][]glyph, len(cells))
		for i, c := range cells {
			if c.Missing {
				row[i] = l.glyphs(l.words.missing, bold, sizeSmall, care)
				continue
			}
			row[i] = l.glyphs(c.show(l.words), regular, sizeSmall, ink)
		}
		rows = append(rows, row)
	}
	return titles, rows
}

// sides breaks the cells of a row into their columns' lines.
func (l *layout) sides(t Table, row [][]glyph, columns []length) []side {
	var out []side
	var x length
	for i, cell := range row {
		s := side{lines: breakLines(cell, columns[i]-2*pad), x: x + pad}
		if t.Columns[i].Numeric {
			s.right = columns[i] - 2*pad
		}
		out = append(out, s)
		x += columns[i]
	}
	return out
}

// shares divides the width of the page between columns: each gets what its
// longest line asks for; where that is too much, no column that asks for its
// equal share or less is cut, and the others share the rest by what they ask.
func shares(rows [][][]glyph, n int) []length {
	want := make([]length, n)
	for _, row := range rows {
		for i, cell := range row {
			want[i] = max(want[i], widest(cell)+2*pad)
		}
	}
	var all length
	for _, w := range want {
		all += w
	}
	out := make([]length, n)
	if all <= textWidth {
		for i, w := range want {
			out[i] = w + (textWidth-all)/length(n)
		}
		return out
	}
	equal := textWidth / length(n)
	rest, more := textWidth, length(0)
	for i, w := range want {
		out[i] = min(w, equal)
		rest -= out[i]
		more += w - out[i]
	}
	for i, w := range want {
		out[i] += rest * (w - out[i]) / max(more, 1)
	}
	return out
}

// widest is the width of the longest line of a cell, up to that of the page.
func widest(cell []glyph) length {
	var used, most length
	for i := range cell {
		if cell[i].r == '\n' {
			used = 0
			continue
		}
		used += cell[i].width
		if most = max(most, used); most >= textWidth {
			return textWidth
		}
	}
	return most
}
