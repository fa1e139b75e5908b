package output

import (
	"io"

	"tocsin/node"
)

// WriteRemembered writes in plain words what was read into memory, what of it
// was known already, and what could not be read.
func WriteRemembered(w io.Writer, s *node.Summary, known uint64, t Terminal) error {
	tab := newTable(w, NewOverview(), t)
	tab.paragraph("", readSentence(s))
	if known > 0 {
		tab.paragraph("", Count(known, "piece of the input was", "pieces of the input were")+" remembered before, and not counted twice.")
	}
	if gaps := append(atMost(unread(s)), atMost(damaged(s))...); len(gaps) > 0 {
		tab.title("Not covered")
		for _, gap := range gaps {
			tab.paragraph("- ", gap)
		}
	}
	return tab.w.Flush()
}

// title writes the head of a list.
func (t *table) title(text string) {
	_, _ = t.w.WriteString("\n" + t.style.bold(text) + "\n") // Flush tells
}
