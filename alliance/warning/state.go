package warning

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/people"
)

// State is where a warning is in its life at its author.
type State string

// The states.
const (
	Drafted   State = "draft"     // nobody outside knows of it
	Approved  State = "approved"  // enough people approved the draft
	Issued    State = "issued"    // in force, and nothing else is planned
	Changing  State = "changing"  // in force, and its next revision is a draft
	Agreed    State = "agreed"    // in force, and its next revision is approved
	Lifted    State = "lifted"    // over
	Recalled  State = "recalled"  // it was sent by mistake
	Expired   State = "expired"   // its time ran out
	Discarded State = "discarded" // a draft that was never issued
)

// States returns the states, in the order of a life.
func States() []State {
	return []State{Drafted, Approved, Issued, Changing, Agreed, Lifted, Recalled, Expired, Discarded}
}

// InForce reports whether members act on the warning.
func (s State) InForce() bool { return s == Issued || s == Changing || s == Agreed }

// Act is what is done to a warning.
type Act string

// The acts.
const (
	Edit       Act = "edit"
	Approve    Act = "approve"
	Issue      Act = "issue"
	BreakGlass Act = "break_glass" // one person issues what needs two
	Discard    Act = "discard"
	Amend      Act = "amend" // raising and lowering are this, with another colour
	Ratify     Act = "ratify"
	Lift       Act = "lift"
	Recall     Act = "recall"
	Expire     Act = "expire" // by the node itself
)

// Acts returns the acts.
func Acts() []Act {
	return []Act{Edit, Approve, Issue, BreakGlass, Discard, Amend, Ratify, Lift, Recall, Expire}
}

// by is who may do an act: whoever has the right, and for some only a person who
// signed in, since a token is nobody's name.
type by struct {
	right  people.Right
	person bool
}

var (
	drafter   = by{people.DraftWarnings, false}
	commander = by{people.ApproveWarnings, true}
	itself    = by{} // the node, by a timer
)

// life is every act there is: in which state it may be done, by whom, and which
// state follows. What is not here is refused.
//
// An approval leads on only when enough people have approved: till then the state
// stays. Who breaks the glass goes past approval, and only for orange and red.
// A warning in force ends from wherever its next revision is, which then is gone.
var life = []struct {
	from State
	act  Act
	to   State
	by   by
}{
	{Drafted, Edit, Drafted, drafter},
	{Drafted, Approve, Approved, commander},
	{Drafted, BreakGlass, Issued, commander},
	{Drafted, Discard, Discarded, drafter},
	{Approved, Edit, Drafted, drafter}, // voids the approvals
	{Approved, Issue, Issued, commander},
	{Approved, Discard, Discarded, drafter},

	{Issued, Amend, Changing, drafter},
	{Issued, Ratify, Issued, commander},
	{Issued, Lift, Lifted, commander},
	{Issued, Recall, Recalled, commander},
	{Issued, Expire, Expired, itself},

	{Changing, Edit, Changing, drafter},
	{Changing, Approve, Agreed, commander},
	{Changing, BreakGlass, Issued, commander},
	{Changing, Discard, Issued, drafter},
	{Changing, Ratify, Changing, commander},
	{Changing, Lift, Lifted, commander},
	{Changing, Recall, Recalled, commander},
	{Changing, Expire, Expired, itself},

	{Agreed, Edit, Changing, drafter}, // voids the approvals
	{Agreed, Issue, Issued, commander},
	{Agreed, Discard, Issued, drafter},
	{Agreed, Ratify, Agreed, commander},
	{Agreed, Lift, Lifted, commander},
	{Agreed, Recall, Recalled, commander},
	{Agreed, Expire, Expired, itself},

	// What was lifted, or has expired, may turn out to have been a mistake.
	{Lifted, Recall, Recalled, commander},
	{Expired, Recall, Recalled, commander},
}

// Who is who acts.
type Who struct {
	audit.Actor
	Role people.Role
	// Person says that somebody signed in, and no token acts.
	Person bool
}

// node is who acts where nobody does.
var node = Who{Actor: audit.Actor{ID: "node", Name: "node"}}

// ActError refuses an act that a state does not allow. It is fault.Conflict.
type ActError struct {
	Name  string // of the warning, as people call it
	State State
	Act   Act
	// May are the acts that the state allows.
	May []Act
}

func (e *ActError) Error() string {
	words := make([]string, len(e.May))
	for i, a := range e.May {
		words[i] = strings.ReplaceAll(string(a), "_", " ")
	}
	may := "nothing more can be done to it"
	if len(words) > 0 {
		may = "what can be done: " + strings.Join(words, ", ")
	}
	return fmt.Sprintf("warning %s is %s: %s is not possible; %s", e.Name, e.State, strings.ReplaceAll(string(e.Act), "_", " "), may)
}

// Unwrap makes it fault.Conflict.
func (e *ActError) Unwrap() error { return fault.Conflict }

// step returns the state that an act leads to. The error is an *ActError, or
// fault.Forbidden for somebody who may not.
func step(name string, from State, act Act, who Who) (State, error) {
	var may []Act
	for _, s := range life {
		if s.from != from {
			continue
		}
		if s.act != act {
			if s.by != itself {
				may = append(may, s.act)
			}
			continue
		}
		if err := s.by.allows(who, act); err != nil {
			return from, fmt.Errorf("warning %s: %w", name, err)
		}
		return s.to, nil
	}
	return from, &ActError{Name: name, State: from, Act: act, May: may}
}

func (b by) allows(who Who, act Act) error {
	what := strings.ReplaceAll(string(act), "_", " ")
	switch {
	case b == itself:
		if who != node {
			return fmt.Errorf("%s is the node's own act: %w", what, fault.Forbidden)
		}
		return nil
	case !who.Role.May(b.right):
		return fmt.Errorf("%s has the role %s, which may not %s, and so not %s: %w", who.Name, who.Role, b.right, what, fault.Forbidden)
	case b.person && !who.Person:
		return fmt.Errorf("%s needs a person who signs in: a token is nobody's name: %w", what, fault.Forbidden)
	}
	return nil
}

// May returns what somebody may do to a warning in a state.
func (s State) May(who Who) []Act {
	may := []Act{}
	for _, row := range life {
		if row.from == s && row.by != itself && row.by.allows(who, row.act) == nil && !slices.Contains(may, row.act) {
			may = append(may, row.act)
		}
	}
	return may
}
