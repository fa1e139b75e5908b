package sigma

import "errors"

// budget bounds what one file may grow into, whatever it does to grow: aliases,
// modifiers that multiply values, conditions that name searches over and over,
// actions that repeat documents, regular expressions that are slow to compile.
type budget struct {
	bytes int // of values and conditions
	steps int // of regular expressions
}

// The largest public rules need 200 KB and 5,000 steps.
const (
	bytesLimit = 16 << 20
	stepsLimit = 400_000
)

// What is spent beside the length of texts.
const (
	nodeCost  = 32 // a YAML value
	tokenCost = 48 // a piece of a pattern, with its part of the test around it
	nameCost  = 64 // a search named by a condition
)

func newBudget() *budget { return &budget{bytesLimit, stepsLimit} }

var (
	errBytes = errors.New("the file grows too large once aliases, modifiers and conditions are followed: split it")
	errSteps = errors.New("the file's regular expressions are too large together: split it")
)

// exhausted reports that nothing more of the file can be read.
func (b *budget) exhausted() bool { return b.bytes < 0 || b.steps < 0 }

func (b *budget) spend(bytes int) error {
	if b.bytes -= bytes; b.bytes < 0 {
		return errBytes
	}
	return nil
}

func (b *budget) spendSteps(steps int) error {
	if b.steps -= steps; b.steps < 0 {
		return errSteps
	}
	return nil
}
