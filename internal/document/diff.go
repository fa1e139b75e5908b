package document

import (
	"fmt"
	"strings"
)

// Op is what happened to a part.
type Op string

// The ops.
const (
	Same    Op = "same"
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Difference is what changed from one version of a paper to the next.
type Difference struct {
	Language Language // of the later version; the words it is told in
	Changes  []Change // in the order of the later version
}

// Change is one paragraph, field, row or the like that is new, gone or changed.
type Change struct {
	Op    Op
	Where string // the section, and the label where there is one
	Parts []Part // the text, cut where it changed
}

// Part is a piece of text that is the same in both versions, added or removed:
// of whole words in Latin text, of single characters in Chinese.
type Part struct {
	Op   Op
	Text string
}

// Diff says how to get from a to b. Both must pass Check. It compares heads
// too; a section that only moved is removed and added.
func Diff(a, b *Paper) Difference {
	w := b.Language.words()
	before, after := places(a, w), places(b, w)
	d := Difference{Language: b.Language}
	steps := align(len(before), len(after), func(i, j int) bool { return before[i] == after[j] })
	for at := 0; at < len(steps); {
		if steps[at].op == Same {
			at++
			continue
		}
		var gone, come []place
		for ; at < len(steps) && steps[at].op != Same; at++ {
			if steps[at].op == Removed {
				gone = append(gone, before[steps[at].index])
			} else {
				come = append(come, after[steps[at].index])
			}
		}
		d.Changes = append(d.Changes, pair(gone, come)...)
	}
	return d
}

// place is a unit with where it stands.
type place struct {
	unit
	section string
}

func (p place) where() string {
	switch {
	case p.label == "":
		return p.section
	case p.section == "":
		return p.label
	default:
		return p.section + " › " + p.label
	}
}

func places(p *Paper, w words) []place {
	seen := shown(*p)
	head := append([]Field{{Label: w.marking, Value: string(seen.Marking)}}, seen.head()...)
	out := []place{{unit: unit{kind: "title", text: seen.Title}}}
	for _, u := range units(Fields{Fields: head}, w) {
		out = append(out, place{unit: u})
	}
	for _, s := range seen.Sections {
		out = append(out, place{unit: unit{kind: "section", text: s.Title}})
		for _, b := range s.Blocks {
			for _, u := range units(b, w) {
				out = append(out, place{unit: u, section: s.Title})
			}
		}
	}
	return out
}

// pair matches what is gone with what has come in the same stretch: first what
// has the same label, then what is of the same kind, in order.
func pair(gone, come []place) []Change {
	used := make([]bool, len(gone))
	var out []Change
	next := 0 // what is gone before this has been told
	for _, c := range come {
		i := partner(gone, used, c)
		if i < 0 {
			out = append(out, Change{Op: Added, Where: c.where(), Parts: []Part{{Op: Added, Text: c.text}}})
			continue
		}
		used[i] = true
		for ; next < i; next++ {
			if !used[next] {
				used[next] = true
				out = append(out, removed(gone[next]))
			}
		}
		out = append(out, Change{Op: Changed, Where: c.where(), Parts: textDiff(gone[i].text, c.text)})
	}
	for i, g := range gone {
		if !used[i] {
			out = append(out, removed(g))
		}
	}
	return out
}

func removed(p place) Change {
	return Change{Op: Removed, Where: p.where(), Parts: []Part{{Op: Removed, Text: p.text}}}
}

// maxSearch bounds how far a partner is looked for, so that a wholly new paper
// is compared in linear time.
const maxSearch = 64

func partner(gone []place, used []bool, c place) int {
	seen := 0
	for i, g := range gone {
		if used[i] {
			continue
		}
		if g.kind == c.kind && g.label == c.label && g.section == c.section && (c.label != "" || alike(g.text, c.text)) {
			return i
		}
		if seen++; seen > maxSearch {
			break
		}
	}
	return -1
}

// alike says that two texts share enough to be versions of each other: a third
// of their words.
func alike(a, b string) bool {
	words := map[string]int{}
	x, y := tokens(a), tokens(b)
	for _, t := range x {
		words[t]++
	}
	shared := 0
	for _, t := range y {
		if words[t] > 0 && strings.TrimSpace(t) != "" {
			words[t]--
			shared++
		}
	}
	return 6*shared >= len(x)+len(y)
}

// Text tells the difference in plain text: [-removed-] and {+added+}.
func (d Difference) Text() string {
	w := d.Language.words()
	if len(d.Changes) == 0 {
		return w.same + "\n"
	}
	var b strings.Builder
	for _, c := range d.Changes {
		fmt.Fprintf(&b, "%s", c.Op.word(w))
		if c.Where != "" {
			fmt.Fprintf(&b, "%s%s", w.colon, c.Where)
		}
		b.WriteString("\n  ")
		for _, p := range c.Parts {
			text := strings.ReplaceAll(p.Text, "\n", "\n  ")
			switch p.Op {
			case Added:
				b.WriteString("{+" + text + "+}")
			case Removed:
				b.WriteString("[-" + text + "-]")
			default:
				b.WriteString(text)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// HTML returns the difference as a section of a page, with <ins> and <del>; the
// page that holds it gives the style.
func (d Difference) HTML() ([]byte, error) {
	w := d.Language.words()
	type change struct {
		Change
		Word string
	}
	view := struct {
		Language Language
		Changes  []change
	}{Language: d.Language}
	for _, c := range d.Changes {
		view.Changes = append(view.Changes, change{Change: c, Word: c.Op.word(w)})
	}
	return render("difference", d.Language, view)
}

func (o Op) word(w words) string {
	switch o {
	case Added:
		return w.added
	case Removed:
		return w.removed
	default:
		return w.changed
	}
}
