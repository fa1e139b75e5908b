package incident

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/fault"
)

// State is how far an incident is.
type State string

// The states, in the order in which a case goes through them.
const (
	Reported   State = "reported"   // somebody says that something happened
	Graded     State = "graded"     // its level is decided
	Responding State = "responding" // somebody does something about it
	Contained  State = "contained"  // it spreads no further
	Recovered  State = "recovered"  // what it hit works again
	Closed     State = "closed"     // nothing is left to do
	Reviewed   State = "reviewed"   // what is to be learned from it is written down
)

// States returns the states in their order.
func States() []State {
	return []State{Reported, Graded, Responding, Contained, Recovered, Closed, Reviewed}
}

// ParseState reads a state; the error is fault.Invalid and names those there
// are.
func ParseState(text string) (State, error) {
	if s := State(text); slices.Contains(States(), s) {
		return s, nil
	}
	return "", fmt.Errorf("state %q: use one of %s: %w", text, joined(States()), fault.Invalid)
}

// Open reports whether somebody still has to work on an incident in the state.
func (s State) Open() bool { return s != Closed && s != Reviewed }

// Resolution is how an incident ended.
type Resolution string

// The resolutions.
const (
	Resolved   Resolution = "resolved"    // it happened and is over
	FalseAlarm Resolution = "false_alarm" // it did not happen
	Duplicate  Resolution = "duplicate"   // another incident is about the same
	Merged     Resolution = "merged"      // another incident took it over
	NearMiss   Resolution = "near_miss"   // it would have happened, and did not
)

// Resolutions returns those with which a person may close an incident; merging
// gives the other.
func Resolutions() []Resolution { return []Resolution{Resolved, FalseAlarm, Duplicate, NearMiss} }

// ParseResolution reads one of Resolutions; the error is fault.Invalid.
func ParseResolution(text string) (Resolution, error) {
	if r := Resolution(text); slices.Contains(Resolutions(), r) {
		return r, nil
	}
	return "", fmt.Errorf("resolution %q: use one of %s: %w", text, joined(Resolutions()), fault.Invalid)
}

// Advance is a step that somebody wants to take.
type Advance struct {
	To         State
	Resolution Resolution // of a step to Closed
}

// position is what decides about a step.
type position struct {
	*Incident
	facts   map[string]Stated
	advance *Advance
	why     string
	lacking []string // what the plan says is missing
}

// step is a change of state that is allowed, and what a case must have for it.
type step struct {
	from, to State
	needs    []requirement
}

// requirement is something a case must have for a step, in the words that tell
// somebody who lacks it what to do.
type requirement struct {
	text string
	has  func(*position) bool
}

var (
	needsLevel = requirement{
		"a level: grade the incident, or say why none applies",
		func(p *position) bool { return p.Level != "" },
	}
	needsOwner = requirement{
		"an owner: assign somebody who leads the response",
		func(p *position) bool { return p.Owner != "" },
	}
	needsContained = requirement{
		"the fact " + factContained + ": when it stopped spreading",
		func(p *position) bool { return known(p.facts, factContained) },
	}
	needsRecovered = requirement{
		"the fact " + factRecovered + ": when what was hit worked again",
		func(p *position) bool { return known(p.facts, factRecovered) },
	}
	needsCause = requirement{
		"a cause: what made it possible, or that it was not found",
		func(p *position) bool { return p.Cause != "" },
	}
	needsReason = requirement{
		"a reason",
		func(p *position) bool { return strings.TrimSpace(p.why) != "" },
	}
	needsResolution = requirement{
		"a resolution: " + joined(Resolutions()),
		func(p *position) bool { return slices.Contains(Resolutions(), p.advance.Resolution) },
	}
	needsNoIncident = requirement{
		"a resolution that says nothing is to be recovered: " + joined([]Resolution{FalseAlarm, Duplicate, NearMiss}),
		func(p *position) bool { return p.advance.Resolution != Resolved },
	}
	needsTasksDone = requirement{
		"its duties done, or dropped with a reason",
		func(p *position) bool { return p.tasksOpen == 0 },
	}
	needsLessons = requirement{
		"the lessons: what went well, what did not, what changes",
		func(p *position) bool { return p.Lessons != "" },
	}
)

// steps is the table of what may follow what. What is not in it is refused.
var steps = []step{
	{Reported, Graded, []requirement{needsLevel}},
	{Graded, Responding, []requirement{needsOwner}},
	{Responding, Contained, []requirement{needsContained}},
	{Contained, Recovered, []requirement{needsRecovered}},
	{Recovered, Closed, []requirement{needsCause, needsResolution, needsTasksDone}},
	{Closed, Reviewed, []requirement{needsLessons}},

	// It spreads again, or broke again.
	{Contained, Responding, []requirement{needsReason}},
	{Recovered, Responding, []requirement{needsReason}},

	// It was none, or another is about the same.
	{Reported, Closed, []requirement{needsReason, needsResolution, needsNoIncident}},
	{Graded, Closed, []requirement{needsReason, needsResolution, needsNoIncident}},
	{Responding, Closed, []requirement{needsReason, needsResolution, needsNoIncident}},

	// It is opened again.
	{Closed, Responding, []requirement{needsReason, needsOwner}},
	{Reviewed, Responding, []requirement{needsReason, needsOwner}},
	{Closed, Reported, []requirement{needsReason}},
}

// Next returns the states that may follow one.
func (s State) Next() []State {
	var next []State
	for _, p := range steps {
		if p.from == s {
			next = append(next, p.to)
		}
	}
	return next
}

// IllegalStepError says why an incident cannot be advanced. It is fault.Conflict.
type IllegalStepError struct {
	From, To State
	// Missing is what the case lacks for the step; empty where the state itself
	// cannot follow, and Next says which can.
	Missing []string
	Next    []State
}

func (e *IllegalStepError) Error() string {
	if len(e.Missing) == 0 {
		return fmt.Sprintf("an incident that is %s cannot become %s; next is %s", e.From, e.To, joined(e.Next))
	}
	return fmt.Sprintf("to be %s the incident lacks: %s", e.To, strings.Join(e.Missing, "; "))
}

// Unwrap makes it fault.Conflict.
func (e *IllegalStepError) Unwrap() error { return fault.Conflict }

// check says whether the step may be taken.
func (p *position) check() error {
	at := slices.IndexFunc(steps, func(s step) bool { return s.from == p.State && s.to == p.advance.To })
	if at < 0 {
		return &IllegalStepError{From: p.State, To: p.advance.To, Next: p.State.Next()}
	}
	missing := p.lacking
	for _, need := range steps[at].needs {
		if !need.has(p) {
			missing = append(missing, need.text)
		}
	}
	if len(missing) > 0 {
		return &IllegalStepError{From: p.State, To: p.advance.To, Missing: missing, Next: p.State.Next()}
	}
	return nil
}

func joined[T ~string](all []T) string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return strings.Join(texts, ", ")
}
