package detect

import (
	"tocsin/detect/sigma/engine"
	"tocsin/intel"
)

// Asked is what a detector's rules ask of stored events of one class, so that a
// store can leave out what none of them can match.
type Asked struct {
	None   bool          // no rule is asked of the class
	Fields []intel.Name  // what rules look at
	All    bool          // rules look at every field
	Clues  []engine.Clue // one stands in every event that a rule matches; empty when that cannot be said
}

// Asked says what is asked of events of the class. It costs about as much as
// compiling the rules for the class.
func (d *Detector) Asked(class *intel.Class) Asked {
	if len(d.engine.Program(class).Rules()) == 0 {
		return Asked{None: true}
	}
	var a Asked
	a.Fields, a.All = d.engine.Fields(class)
	a.Clues, _ = d.engine.Clues(class)
	return a
}

// Matches reports whether any rule matches a record that may lack the fields
// that no rule looks at. Where one does, fetch the whole event and Inspect it.
func (i *Inspector) Matches(class *intel.Class, rec *intel.Record) bool {
	return len(i.matching.Inspect(class, rec)) > 0
}
