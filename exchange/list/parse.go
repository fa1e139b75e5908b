package list

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"tocsin/intel"
)

// MaxLine bounds a line. The longest URLs have 8,192 bytes, and a row tells
// more than the URL.
const MaxLine = 64 << 10

// Problem is a line that was passed over.
type Problem struct {
	Line   int // within what was parsed, from 1
	Reason string
}

// Parse reads whole lines of a list in that dialect. It calls visit for each
// indicator, with its line, and problem for each line that is passed over. It returns how many
// lines there were. Several goroutines may parse pieces of one list.
func (d *Dialect) Parse(text []byte, o *Options, visit func(line int, in *intel.Indicator), problem func(Problem)) (lines int) {
	var cells []string
	for len(text) > 0 {
		line := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		lines++
		line = bytes.TrimSpace(line)
		if lines == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 || line[0] == '#' || line[0] == ';' || (d.Separator == 0 && line[0] == '!') {
			continue
		}
		if len(line) > MaxLine {
			problem(Problem{lines, "a line of more than 65,536 bytes"})
			continue
		}
		row := string(line)
		if row == d.header {
			continue
		}
		in, reason := d.row(row, &cells, o)
		if reason != "" {
			problem(Problem{lines, reason})
			continue
		}
		visit(lines, &in)
	}
	return lines
}

// row reads one line.
func (d *Dialect) row(line string, cells *[]string, o *Options) (in intel.Indicator, reason string) {
	if d.Separator == 0 {
		in, err := Term(intel.NoObservable, bareTerm(line))
		if err != nil {
			return in, err.Error()
		}
		in.Origin = o.Origin
		return in, ""
	}
	*cells = d.cells((*cells)[:0], line)
	cell := func(at int) string {
		if at < 0 || at >= len(*cells) {
			return ""
		}
		return (*cells)[at]
	}
	kind := d.Fixed
	if d.Kind != absent {
		var known bool
		if kind, known = kindOf(cell(d.Kind)); !known {
			return in, "a kind that we do not know"
		}
	}
	in, err := Term(kind, bareTerm(cell(d.Value)))
	if err != nil {
		return in, err.Error()
	}
	in.Origin, in.ID = o.Origin, clip(cell(d.ID))
	return in, d.said(&in, cell)
}

// said takes from a row what is said of its indicator.
func (d *Dialect) said(in *intel.Indicator, cell func(int) string) (reason string) {
	if label := cell(d.Label); label != "" {
		in.Label = clip(label)
	}
	if text := cell(d.Confidence); text != "" {
		n, err := strconv.ParseUint(strings.TrimSuffix(text, "%"), 10, 8)
		if err != nil || n > 100 {
			return "a confidence that is no number from 0 to 100"
		}
		in.Confidence = uint8(n)
	}
	if moment, ok := parseTime(cell(d.From)); ok {
		in.From = moment
	}
	if text := cell(d.Until); text != "" {
		moment, ok := parseTime(text)
		if !ok {
			return "an end of validity that is no time"
		}
		in.Until = moment
	}
	return ""
}

// maxLabel bounds what a label may be: longer ones are descriptions.
const maxLabel = 200

// clip bounds a label, at the boundary of a character.
func clip(label string) string {
	if len(label) <= maxLabel {
		return label
	}
	return strings.ToValidUTF8(label[:maxLabel], "")
}

// timeForms are the forms of times in lists; those without zone are UTC.
var timeForms = [...]string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly}

func parseTime(text string) (time.Time, bool) {
	if text == "" {
		return time.Time{}, false
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// bareTerm removes what a line says beside its term: a comment after it, the
// address that a hosts file gives a name, the signs of an ad blocker.
func bareTerm(line string) string {
	for at := 1; at < len(line); at++ {
		if line[at] == '#' && (line[at-1] == ' ' || line[at-1] == '\t') {
			line = strings.TrimSpace(line[:at])
			break
		}
	}
	for _, nowhere := range [...]string{"0.0.0.0", "127.0.0.1", "::1", "::"} {
		if rest, ok := strings.CutPrefix(line, nowhere); ok && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			return strings.TrimSpace(rest)
		}
	}
	if rest, ok := strings.CutPrefix(line, "||"); ok {
		if name, ok := strings.CutSuffix(rest, "^"); ok {
			return name
		}
	}
	return line
}
