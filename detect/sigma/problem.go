package sigma

import (
	"fmt"
	"strings"

	"tocsin/internal/fault"
)

// Problem is something wrong with a rule file, with its place. It is an error
// of the kind fault.Invalid.
type Problem struct { //nolint:errname // it is shown in lists as what it is far more often than returned
	Path   string
	Line   int // counted from 1; 0 when the problem is the whole file's
	Column int
	ID     string // of the rule it stands in, where known
	Title  string
	Reason string // what is wrong and what to do
}

func (p *Problem) Error() string {
	if p.Line == 0 {
		return p.Path + ": " + p.Reason
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.Path, p.Line, p.Column, p.Reason)
}

// Is makes every Problem a fault.Invalid.
func (p *Problem) Is(target error) bool { return target == fault.Invalid }

// Problems are all that is wrong with one file, as one error.
type Problems []*Problem //nolint:errname // the plural of Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As each Problem.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = problem
	}
	return errs
}
