package output

import (
	"strings"

	"tocsin/intel"
)

// style colours text for a terminal, or not. Colour only repeats what words and
// marks say already: magenta for what was hit hardest, weight for the rest.
type style struct{ on bool }

func (s style) paint(code, text string) string {
	if !s.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s style) bold(text string) string { return s.paint("1", text) }
func (s style) dim(text string) string  { return s.paint("2", text) }

// level paints text in the manner of a level.
func (s style) level(l intel.Severity, text string) string {
	if !s.on {
		return text
	}
	switch l {
	case intel.Critical:
		return s.paint("1;37;45", " "+text+" ")
	case intel.High:
		return s.paint("1;35", text)
	case intel.Medium:
		return s.bold(text)
	case intel.Low:
		return text
	default:
		return s.dim(text)
	}
}

// meter shows a level as four marks, which read without colour too.
func meter(l intel.Severity) string {
	filled := max(int(l)-int(intel.Informational), 0)
	return strings.Repeat("■", filled) + strings.Repeat("□", 4-filled)
}

// padding is how many columns level adds around a text of that level.
func (s style) padding(l intel.Severity) int {
	if s.on && l == intel.Critical {
		return 2
	}
	return 0
}
