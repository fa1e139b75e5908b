package store

import (
	"strconv"
	"strings"
)

// Where gathers the conditions of a list that a person filters. The zero value
// has none. Conditions that are not asked for are left out of the text, since
// "$1 = ” OR …" keeps both engines from using an index.
type Where struct {
	conditions []string
	args       []any
}

// If adds a condition when it is asked for; the one ? in it stands for the
// value.
func (w *Where) If(asked bool, condition string, value any) {
	if asked {
		w.conditions = append(w.conditions, strings.Replace(condition, "?", w.Mark(), 1))
		w.args = append(w.args, value)
	}
}

// Mark returns the placeholder of the next value, as for a LIMIT that follows
// the conditions.
func (w *Where) Mark() string { return "$" + strconv.Itoa(len(w.args)+1) }

// Text returns " WHERE …", or "" without conditions, and the values of its
// placeholders.
func (w *Where) Text() (string, []any) {
	if len(w.conditions) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(w.conditions, " AND "), w.args
}
