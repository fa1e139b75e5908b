package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/internal/fault"
)

// Kind says what an incident is in the eyes of the law.
type Kind string

// The kinds. Only the first happened; the others may be told to an authority of
// one's own accord.
const (
	Happened      Kind = "incident"
	NearMissKind  Kind = "near_miss"
	Threat        Kind = "threat"
	Vulnerability Kind = "vulnerability"
)

var kinds = []Kind{Happened, NearMissKind, Threat, Vulnerability}

// Kinds returns the kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// Origin says how an incident came to be.
type Origin string

// The origins.
const (
	ByHand     Origin = "hand"
	ByAlert    Origin = "alert"
	ByReport   Origin = "report"
	ByPlaybook Origin = "playbook"
	BySplit    Origin = "split"
)

// Incident is a case.
type Incident struct {
	ID          string     `json:"id"`
	Number      string     `json:"number"` // as people call it, such as 2026-0042
	Title       string     `json:"title"`
	Summary     string     `json:"summary"`
	Kind        Kind       `json:"kind"`
	Category    string     `json:"category,omitempty"` // as a regime names it
	Level       string     `json:"level,omitempty"`    // the highest that a regime gave
	Rank        int        `json:"rank"`               // its place: 0 ungraded, 4 the worst
	State       State      `json:"state"`
	Resolution  Resolution `json:"resolution,omitempty"`
	Owner       string     `json:"owner,omitempty"`
	Cause       string     `json:"cause,omitempty"`
	Lessons     string     `json:"lessons,omitempty"`
	CrossBorder Answer     `json:"cross_border"`
	Origin      Origin     `json:"origin"`
	OpenedBy    string     `json:"opened_by"`
	Opened      time.Time  `json:"opened"`
	Changed     time.Time  `json:"changed"`
	Closed      time.Time  `json:"closed,omitzero"`
	// Version is raised by every change.
	Version int64 `json:"version"`

	tasksOpen int64
	told      []Entry // of the change under way
	// opening is set inside the transaction that opens it; stated are then its
	// facts.
	opening bool
	stated  map[string]Stated
}

// Answer is yes, no, or that nobody knows yet.
type Answer string

// The answers.
const (
	Yes       Answer = "yes"
	No        Answer = "no"
	NobodyYet Answer = "unknown"
)

var answers = []Answer{Yes, No, NobodyYet}

// Answers returns the answers.
func Answers() []Answer { return slices.Clone(answers) }

const (
	// maxTitle is a line that fits a list.
	maxTitle = 200
	// maxShort is a word or name: of a person, a file, a cause.
	maxShort = 500
	// maxText is some fifty pages.
	maxText = 200_000
)

// text is something that a person wrote, and how long it may be.
type text struct {
	name  string
	value *string
	most  int
	must  bool
}

// checkTexts trims texts and says which will not do. The error is fault.Invalid.
func checkTexts(all ...text) error {
	for _, t := range all {
		*t.value = strings.TrimSpace(*t.value)
		switch {
		case t.must && *t.value == "":
			return fmt.Errorf("%s is empty: %w", t.name, fault.Invalid)
		case len(*t.value) > t.most:
			return fmt.Errorf("%s has %d bytes; at most %d: %w", t.name, len(*t.value), t.most, fault.Invalid)
		case !utf8.ValidString(*t.value) || strings.ContainsRune(*t.value, 0):
			return fmt.Errorf("%s is not UTF-8 text: %w", t.name, fault.Invalid)
		}
	}
	return nil
}
