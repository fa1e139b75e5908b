package document

// For the tests of the package's own machinery.

// Visible is visible.
func Visible(text string) string { return visible(text) }

// Lines breaks text in which every character is as wide as its length in a
// terminal into lines of a width.
func Lines(text string, width int) []string {
	var glyphs []glyph
	for _, r := range text {
		w := length(1)
		if wide(r) || sharedMark(r) {
			w = 2
		}
		glyphs = append(glyphs, glyph{r: r, width: w})
	}
	var out []string
	for _, line := range breakLines(glyphs, length(width)) {
		var runes []rune
		for _, g := range line {
			runes = append(runes, g.r)
		}
		out = append(out, string(runes))
	}
	return out
}

// NotFirst and NotLast are what may not begin and end a line.
const (
	NotFirst = notFirst
	NotLast  = notLast
)

// WordsOf returns a language's catalogue for comparison by reflection.
func WordsOf(l Language) any { return l.words() }
