package document

import (
	"fmt"
	"strconv"
	"strings"
)

// words are what this package itself says in a paper. A catalogue that lacks
// one fails a test.
type words struct {
	issuer, recipient, written, reference, version, status, marking string
	missing, note, corrects                                         string
	time, event, label, value                                       string
	open, done, notApplicable                                       string
	role, name, signed, toSign                                      string
	none                                                            string
	appendix, page, colon                                           string // formats
	overview, differences, same, added, removed, changed, cut       string
}

func (l Language) words() words {
	if l == Chinese {
		return words{
			issuer: "发文单位", recipient: "收文单位", written: "成文时间", reference: "编号", version: "版本", status: "状态", marking: "共享标识",
			missing: "未填写", note: "说明", corrects: "更正",
			time: "时间", event: "事项", label: "项目", value: "内容",
			open: "未完成", done: "已完成", notApplicable: "不适用",
			role: "职务", name: "姓名", signed: "签署时间", toSign: "待签署",
			none:     "无",
			appendix: "附录%s", page: "第%d页 共%d页", colon: "：",
			overview: "概览", differences: "版本差异", same: "两个版本没有差异。", added: "新增", removed: "删除", changed: "修改", cut: "已截断，原文字符数",
		}
	}
	return words{
		issuer: "From", recipient: "To", written: "Written", reference: "Reference", version: "Version", status: "Status", marking: "Marking",
		missing: "missing", note: "Note", corrects: "Correction",
		time: "Time", event: "What happened", label: "Field", value: "Value",
		open: "open", done: "done", notApplicable: "not applicable",
		role: "Role", name: "Name", signed: "Signed", toSign: "to be signed",
		none:     "None",
		appendix: "Appendix %s", page: "Page %d of %d", colon: ": ",
		overview: "Overview", differences: "Differences between versions", same: "The versions do not differ.",
		added: "added", removed: "removed", changed: "changed", cut: "cut; characters in the original",
	}
}

// mark is how a state is written before its line.
func (s State) mark() string {
	switch s {
	case Done:
		return "[x]"
	case NotApplicable:
		return "[-]"
	default:
		return "[ ]"
	}
}

func (s State) word(w words) string {
	switch s {
	case Done:
		return w.done
	case NotApplicable:
		return w.notApplicable
	default:
		return w.open
	}
}

// headings returns the titles of all sections with their numbers.
func (p *Paper) headings() []string {
	w := p.Language.words()
	var number, letter int
	titles := make([]string, len(p.Sections))
	for i, s := range p.Sections {
		prefix := ""
		if s.Appendix {
			prefix = fmt.Sprintf(w.appendix, letters(letter))
			letter++
		} else {
			number++
			prefix = strconv.Itoa(number) + "."
		}
		titles[i] = prefix + " " + s.Title
	}
	return titles
}

// letters counts A to Z, AA, AB and so on.
func letters(n int) string {
	text := ""
	for n++; n > 0; n = (n - 1) / 26 {
		text = string(rune('A'+(n-1)%26)) + text
	}
	return text
}

// head returns what the head of a paper says, without what is empty.
func (p *Paper) head() []Field {
	w := p.Language.words()
	version := ""
	if p.Version > 0 {
		version = strconv.Itoa(p.Version)
	}
	var fields []Field
	for _, f := range []Field{
		{Label: w.reference, Value: p.Reference},
		{Label: w.version, Value: version},
		{Label: w.status, Value: p.Status},
		{Label: w.issuer, Value: p.Issuer.text()},
		{Label: w.recipient, Value: p.Recipient.text()},
		{Label: w.written, Value: p.Written.String()},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	return fields
}

// text is the party's name and lines, one below the other.
func (p Party) text() string {
	return strings.Join(append([]string{p.Name}, p.Lines...), "\n")
}
