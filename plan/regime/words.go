package regime

import (
	"fmt"
	"slices"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/plan/criterion"
)

// Condition is a condition over facts as the pack writes it. The zero value has
// no text and always holds.
type Condition struct {
	text     string
	compiled *criterion.Criterion
}

// UnmarshalYAML reads its text.
func (c *Condition) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: a condition is a text", n.Line)
	}
	c.text = n.Value
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (c Condition) MarshalText() ([]byte, error) { return []byte(c.text), nil }

func (c Condition) String() string { return c.text }

// IsZero reports whether there is no condition.
func (c Condition) IsZero() bool { return c.text == "" }

// Criterion is the condition compiled; nil when there is none.
func (c Condition) Criterion() *criterion.Criterion { return c.compiled }

// Eval says whether the condition holds. None always does.
func (c Condition) Eval(v *criterion.Facts) criterion.Outcome {
	if c.compiled == nil {
		return criterion.Outcome{Truth: criterion.Yes}
	}
	return c.compiled.Eval(v)
}

// Mark says what an entry of a pack rests on: IDs of the pack's sources, or one
// of the words below.
type Mark []string

const (
	// Unconfirmed marks what was written from general knowledge and compared
	// with no text.
	Unconfirmed = "unconfirmed"
	// Own marks what is our reading or proposal, not law.
	Own = "own"
)

// UnmarshalYAML reads one word or a list.
func (m *Mark) UnmarshalYAML(n *yaml.Node) error {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, word := range nodes {
		if word.Kind != yaml.ScalarNode || word.Value == "" {
			return fmt.Errorf("line %d: a mark is the ID of a source, %s or %s", word.Line, Unconfirmed, Own)
		}
		*m = append(*m, word.Value)
	}
	return nil
}

// Confirmed reports whether a source confirms the whole of it.
func (m Mark) Confirmed() bool { return len(m) > 0 && !slices.Contains(m, Unconfirmed) }

// Date is a day, as 2025-11-01; empty when there is none.
type Date struct{ text string }

// UnmarshalYAML reads a day.
func (d *Date) UnmarshalYAML(n *yaml.Node) error {
	if _, err := time.Parse(time.DateOnly, n.Value); err != nil {
		return fmt.Errorf("line %d: day %q: write it as 2025-11-01", n.Line, n.Value)
	}
	d.text = n.Value
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.text), nil }

func (d Date) String() string { return d.text }

// IsZero reports whether there is no day.
func (d Date) IsZero() bool { return d.text == "" }

// Before reports whether a day is before another.
func (d Date) Before(other Date) bool { return d.text < other.text }

// Period is from a day on, until but without another.
type Period struct {
	From Date `yaml:"from" json:"from,omitzero"`
	To   Date `yaml:"to" json:"to,omitzero"`
}
