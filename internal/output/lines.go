package output

import (
	"fmt"
	"io"
	"strings"

	"tocsin/detect"
)

// Lines writes one finding a line as it comes, for a person who watches a
// stream: time, level, host, rule, what matched.
type Lines struct {
	w     io.Writer
	width int
	style style
}

// NewLines returns a writer of findings to w.
func NewLines(w io.Writer, t Terminal) *Lines {
	if t.Width == 0 {
		t.Width = 80
	}
	return &Lines{w: w, width: max(t.Width, minWidth), style: style{t.Colour}}
}

// Finding writes one finding. Where the line is too narrow for what matched, it
// follows on a second one.
func (l *Lines) Finding(f *detect.Finding) error {
	m := f.Meta()
	const levelWidth = len("informational")
	head := moment(f.Time)
	if f.Time.IsZero() {
		head = padRight("time not given", timeWidth)
	}
	host := Plain(f.Host)
	if host == "" {
		host = "–"
	}
	rest := joinSet("  ", host, Plain(m.Title))
	used := timeWidth + levelWidth + 2*gap
	line := fmt.Sprintf("%s  %s%s  %s", head, l.style.level(m.Level, strings.ToUpper(m.Level.String())),
		strings.Repeat(" ", max(levelWidth-len(m.Level.String())-l.style.padding(m.Level), 0)), cut(rest, l.width-used))
	if text := exampleText(f); text != "" {
		line += "\n" + strings.Repeat(" ", timeWidth+gap) + l.style.dim(cut(text, l.width-timeWidth-gap))
	}
	_, err := io.WriteString(l.w, line+"\n")
	return err
}
