package document

import "strings"

// unit is the smallest part of a paper that versions are compared by: a
// paragraph, a field, a row. Its label is what stays the same when the rest
// changes.
type unit struct {
	kind, label, text string
}

// units cuts a block into its parts.
func units(b Block, w words) []unit {
	var out []unit
	add := func(label, text string) { out = append(out, unit{kind: b.kind(), label: label, text: text}) }
	switch b := b.(type) {
	case Paragraph:
		add("", plain(b.Runs))
	case Heading:
		add("", b.Text)
	case Preformatted:
		add("", b.Text)
	case List:
		for _, it := range b.Items {
			add("", strings.Repeat("  ", it.Depth)+it.Mark+" "+plain(it.Runs))
		}
	case Fields:
		for _, f := range b.Fields {
			add(f.Label, f.text(w))
		}
	case Table:
		if b.Caption != "" {
			add("", b.Caption)
		}
		titles := make([]string, len(b.Columns))
		for i, c := range b.Columns {
			titles[i] = c.Title
		}
		add("", strings.Join(titles, " | "))
		for _, row := range b.Rows {
			cells := make([]string, len(row))
			for i, c := range row {
				cells[i] = c.show(w)
			}
			add("", strings.Join(cells, " | "))
		}
	case Timeline:
		for _, e := range b.Entries {
			add(e.At.String(), e.text(w))
		}
	case Checklist:
		for _, c := range b.Checks {
			add(c.Text, joined(c.State.word(w), c.Note))
		}
	case Signatures:
		for _, s := range b.Signatures {
			add(s.Role, s.text(w))
		}
	}
	return out
}

// lines returns a block as lines of text.
func lines(b Block, w words) []string {
	var out []string
	for _, u := range units(b, w) {
		if u.label != "" {
			u.text = u.label + w.colon + u.text
		}
		out = append(out, u.text)
	}
	return out
}

func (f Field) text(w words) string {
	value := f.Value
	if f.Missing {
		value = w.missing
	}
	return joined(value, f.Note)
}

func (e Entry) text(w words) string {
	text := e.Text
	if e.Corrects != "" {
		text = w.corrects + w.colon + e.Corrects + "; " + text
	}
	return joined(text, e.Who)
}

func (s Signature) text(w words) string {
	when := w.toSign
	if !s.At.IsZero() {
		when = s.At.String()
	}
	return joined(joined(s.Name, when), s.Note)
}

// joined puts a remark behind a text.
func joined(text, remark string) string {
	switch {
	case remark == "":
		return text
	case text == "":
		return remark
	default:
		return text + " (" + remark + ")"
	}
}
