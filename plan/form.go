package plan

import (
	"slices"
	"time"

	"tocsin/plan/criterion"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
)

// Asked is a field of a form that a report must have, or may have to.
type Asked struct {
	regime.Field
	// Unsure says that whether it is asked for depends on what is not known.
	Unsure bool `json:"unsure"`
}

// Fields returns the fields of a form that are asked for in an incident, in the
// form's order, for one recipient: those that it must not see are left out. An
// empty recipient sees all, as the one who writes the report does.
func Fields(p *regime.Pack, form *regime.Form, o *organisation.Organisation, s *fact.Sheet, recipient string, at time.Time) []Asked {
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: sheetFor(p, o, s), At: at}
	var all []Asked
	for _, f := range form.Fields {
		truth := f.When.Eval(facts).Truth
		if truth == criterion.No || recipient != "" && slices.Contains(f.HiddenFrom, recipient) {
			continue
		}
		all = append(all, Asked{f, truth == criterion.Unknown})
	}
	return all
}

// Task is a duty of a response.
type Task struct {
	regime.Duty
	Response string `json:"response"`
	Unsure   bool   `json:"unsure"`
}

// Tasks returns what the responses to a level oblige to in an incident, in the
// order of the pack.
func Tasks(p *regime.Pack, level string, o *organisation.Organisation, s *fact.Sheet, at time.Time) []Task {
	facts := &criterion.Facts{Dictionary: p.Dictionary(), Sheet: sheetFor(p, o, s), At: at}
	var all []Task
	for _, r := range p.ResponseTo(level) {
		for _, d := range r.Duties {
			if truth := d.When.Eval(facts).Truth; truth != criterion.No {
				all = append(all, Task{d, r.Code, truth == criterion.Unknown})
			}
		}
	}
	return all
}
