package memory

import (
	"tocsin/intel"
	"tocsin/memory/archive"
)

// Editor returns what an erasure changes rows with.
func (m *Memory) Editor(e *Erasure, names *intel.Names) func(*archive.Row) bool {
	return m.newRedactor(e, names).row
}
