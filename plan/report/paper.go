package report

import (
	"strings"

	"tocsin/internal/document"
	"tocsin/plan/fact"
)

// paper is a version of a report as one recipient gets it, in one language.
func (p *Report) paper(v *view, l document.Language) *document.Paper {
	w := &writer{language: l}
	out := &document.Paper{
		Title: w.in(v.Form.Title), Reference: p.Number, Version: int(p.Version), Status: in(statusTitle(p.Status), l), Language: l,
		Marking: v.Marking, Issuer: document.Party{Name: v.Organisation}, Written: v.At,
	}
	if v.hides("case.number") {
		out.Reference = "" // it is the incident's number with another behind it
	}
	if v.hides("organisation.name") {
		out.Issuer = document.Party{}
	}
	if !v.inside() {
		out.Recipient = document.Party{Name: w.in(v.to.Title)}
	}
	about := []document.Field{
		{Label: w.say("Kind of report", "报告类型"), Value: in(kindTitle(v.Kind), l)},
		{Label: w.say("Under", "依据"), Value: in(v.Regime.Title, l), Note: w.onlyEnglish(v.Regime.Title)},
	}
	if !v.Clock.IsZero() {
		about = append(about, document.Field{Label: w.say("For", "报告义务"), Value: in(v.Clock.Title, l), Note: w.onlyEnglish(v.Clock.Title)})
	}
	if v.At.Zone != "" {
		about = append(about, document.Field{Label: w.say("Times in", "时区"), Value: v.At.Zone})
	}
	out.Sections = append(out.Sections, document.Section{Title: w.say("About this report", "报告说明"), Blocks: document.Blocks{document.Fields{Fields: about}}})
	content := document.Section{Title: w.say("Content", "报告内容"), Blocks: w.fields(v)}
	out.Sections = append(out.Sections, content)
	if open := w.missing(v); len(open.Rows) > 0 {
		out.Sections = append(out.Sections, document.Section{Title: w.say("To follow", "待补报事项"), Blocks: document.Blocks{open}})
	}
	out.Sections = append(out.Sections, document.Section{Title: w.say("Signatures", "签署"), Blocks: document.Blocks{w.signatures(p, v)}})
	if v.inside() {
		if notes := w.notes(p, v); len(notes) > 0 {
			out.Sections = append(out.Sections, document.Section{Title: w.say("For those who write it", "内部说明"), Blocks: notes})
		}
	}
	if w.fellBack {
		note := document.Paragraph{Quote: true, Runs: []document.Run{{Text: "部分标题没有中文译文，以英文显示。"}}}
		out.Sections[0].Blocks = append(out.Sections[0].Blocks, note)
	}
	return out
}

// writer writes papers in one language.
type writer struct {
	language document.Language
	fellBack bool // a title was wanted in Chinese and is not there
}

func (w *writer) say(en, zh string) string { return in(both(en, zh), w.language) }

// in chooses a title of the pack or of ours, and notes where the Chinese one is
// not there.
func (w *writer) in(t fact.Title) string {
	w.onlyEnglish(t)
	return in(t, w.language)
}

// onlyEnglish says so where a Chinese paper has to show an English title.
func (w *writer) onlyEnglish(t fact.Title) string {
	if w.language != document.Chinese || t.ZH != "" || t.EN == "" {
		return ""
	}
	w.fellBack = true
	return "仅有英文"
}

// shortLine is what still reads well beside its label: some five lines.
const shortLine = 400

// fields are the fields of the form in its order: short ones as labels with
// values, long ones under a heading of their own.
func (w *writer) fields(v *view) document.Blocks {
	var blocks document.Blocks
	var form document.Fields
	flush := func() {
		if len(form.Fields) > 0 {
			blocks = append(blocks, form)
			form = document.Fields{}
		}
	}
	for k := range v.fields {
		f := &v.fields[k]
		if value, short := w.short(f); short {
			one := document.Field{Label: in(f.Title, w.language), Value: value, Note: w.note(f, v)}
			one.Missing = value == ""
			if !f.Filled() {
				one.Note = join(in(needTitle(f.Need), w.language), one.Note, w.between())
			}
			form.Fields = append(form.Fields, one)
			continue
		}
		flush()
		blocks = append(blocks, document.Heading{Text: in(f.Title, w.language)})
		if note := w.note(f, v); note != "" {
			blocks = append(blocks, document.Paragraph{Quote: true, Runs: []document.Run{{Text: note}}})
		}
		blocks = append(blocks, w.long(f)...)
	}
	flush()
	return blocks
}

func (w *writer) between() string { return w.say("; ", "；") }

func join(a, b, between string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

// note is what a reader must know of a field.
func (w *writer) note(f *Field, v *view) string {
	note := w.onlyEnglish(f.Title)
	if f.Unsure {
		note = join(note, w.say("whether it is asked for is not known yet", "是否需要填报尚不确定"), w.between())
	}
	if v.inside() && !f.Confirmed {
		note = join(note, w.say("no source confirms that it is asked for", "该要求未经来源证实"), w.between())
	}
	return note
}

// short is a field's value where it fits beside its label.
func (w *writer) short(f *Field) (string, bool) {
	if f.Written != nil {
		blocks := document.Markdown(f.Written.Text)
		if len(blocks) != 1 || len(f.Written.Text) > shortLine {
			return "", false
		}
		p, ok := blocks[0].(document.Paragraph)
		if !ok || p.Quote || len(p.Runs) != 1 || p.Runs[0].Style != "" {
			return "", false
		}
		return p.Runs[0].Text, true
	}
	var lines []string
	total := 0
	for k := range f.Drawn {
		p := &f.Drawn[k]
		if p.Table != nil || p.Timeline != nil {
			return "", false
		}
		if len(f.From) == 1 && f.From[0] == "fact:"+strings.Join(p.Keys, "") {
			lines = append(lines, w.words(p.Line)) // the field's title says which fact
		} else {
			lines = append(lines, w.line(p))
		}
		total += len(lines[k])
	}
	return strings.Join(lines, "\n"), total <= shortLine
}

// words are what somebody said, or a title in the paper's language.
func (w *writer) words(of Words) string {
	if of.Said != "" {
		return of.Said
	}
	return w.in(of.Text)
}

// line is a piece of one line with its label.
func (w *writer) line(p *Piece) string {
	label, value := w.in(p.Label), w.words(p.Line)
	if label == "" || value == "" {
		return label + value
	}
	return label + w.say(": ", "：") + value
}

// long is a field as blocks.
func (w *writer) long(f *Field) document.Blocks {
	if f.Written != nil {
		return document.Markdown(f.Written.Text)
	}
	var blocks document.Blocks
	var lines []string
	flush := func() {
		if len(lines) > 0 {
			blocks = append(blocks, document.Text(strings.Join(lines, "\n")))
			lines = nil
		}
	}
	for k := range f.Drawn {
		p := &f.Drawn[k]
		switch {
		case p.Table != nil:
			flush()
			blocks = append(blocks, w.table(p.Table))
		case p.Timeline != nil:
			flush()
			blocks = append(blocks, w.timeline(p.Timeline))
		default:
			lines = append(lines, w.line(p))
		}
	}
	flush()
	return blocks
}

func (w *writer) table(t *Table) document.Table {
	var out document.Table
	for i, c := range t.Columns {
		numeric := len(t.Rows) > 0 && t.Rows[0][i].Number != ""
		out.Columns = append(out.Columns, document.Column{Title: in(c, w.language), Numeric: numeric})
	}
	for _, row := range t.Rows {
		cells := make([]document.Cell, len(row))
		for i, c := range row {
			cells[i] = document.Cell{Text: w.words(c.Words), Number: c.Number, Moment: c.At}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

func (w *writer) timeline(all []Entry) document.Timeline {
	var out document.Timeline
	for _, e := range all {
		out.Entries = append(out.Entries, document.Entry{At: e.At, Who: e.Who, Text: e.Text, Corrects: e.Corrects.String()})
	}
	return out
}

// missing is what is not there, and by when it is asked for.
func (w *writer) missing(v *view) document.Table {
	t := document.Table{Columns: []document.Column{{Title: w.say("Field", "项目")}, {Title: w.say("Asked for", "填报要求")}}}
	for k := range v.fields {
		if f := &v.fields[k]; !f.Filled() {
			t.Rows = append(t.Rows, []document.Cell{{Text: in(f.Title, w.language)}, {Text: in(needTitle(f.Need), w.language)}})
		}
	}
	return t
}

// signatures are who signed, and a line for each who must still. Remarks are for
// those who write it.
func (w *writer) signatures(p *Report, v *view) document.Signatures {
	var out document.Signatures
	for _, s := range p.Signatures {
		role := join(w.say("Signed", "签署"), s.Role, w.say(": ", "："))
		switch {
		case s.Act == Sign:
		case s.Act == Approve && v.inside():
			role = w.say("Reviewed", "审核")
		case v.inside():
			role = w.say("Returned", "退回")
		default:
			continue
		}
		one := document.Signature{Role: role, Name: s.Name, At: s.At}
		if v.inside() {
			one.Note = s.Note
		}
		out.Signatures = append(out.Signatures, one)
	}
	for range p.Signers - len(p.signers()) {
		out.Signatures = append(out.Signatures, document.Signature{Role: w.say("To be signed", "待签署")})
	}
	return out
}

// notes are what only those who write a report are told.
func (w *writer) notes(p *Report, v *view) document.Blocks {
	var list document.List
	add := func(text string) {
		list.Items = append(list.Items, document.Item{Mark: "•", Runs: []document.Run{{Text: text}}})
	}
	for k := range v.fields {
		f := &v.fields[k]
		if f.Written != nil {
			add(in(f.Title, w.language) + w.say(": written by ", "：撰写人 ") + f.Written.By + w.say(", ", "，") + f.Written.At.String())
		}
	}
	for _, id := range p.MovedOn {
		if f := v.field(id); f != nil {
			add(in(f.Title, w.language) + w.say(": the case moved on since it was written", "：撰写后案件情况已有变化"))
		}
	}
	if v.Signers > 1 {
		add(w.say("Two different people sign: the level is one of the two highest.", "级别属于最高两级，须由两名不同人员签署。"))
	}
	if len(list.Items) == 0 {
		return nil
	}
	return document.Blocks{list}
}
