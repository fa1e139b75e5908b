package alliance

import (
	"slices"
	"time"
)

// Verdict is what a member says to a warning, or to one question of it.
type Verdict string

// The verdicts, the gravest first: the verdict on a whole warning is the gravest of
// those on its questions.
const (
	Hit        Verdict = "hit"         // it was seen
	Exposed    Verdict = "exposed"     // an affected product is here
	CannotTell Verdict = "cannot_tell" // nothing was seen, and that says too little
	Clear      Verdict = "clear"       // not seen, by sources that would have
)

// Verdicts returns the verdicts, the gravest first.
func Verdicts() []Verdict { return []Verdict{Hit, Exposed, CannotTell, Clear} }

// Gravest returns the graver of two verdicts; an empty one is none.
func Gravest(a, b Verdict) Verdict {
	all := Verdicts()
	switch {
	case a == "":
		return b
	case b == "" || slices.Index(all, a) <= slices.Index(all, b):
		return a
	default:
		return b
	}
}

// Answer is the body of an envelope of kind AnswerKind: a member's verdict on a
// warning as it stands. A later one, of a greater Sequence, replaces it.
type Answer struct {
	Warning  string `json:"warning"`  // its ID
	Revision int    `json:"revision"` // of the warning that is answered
	Member   NodeID `json:"member"`
	Sequence int    `json:"sequence"` // from 1
	// Partial: the archive has not been hunted to its end yet; another follows.
	Partial bool      `json:"partial,omitempty"`
	At      time.Time `json:"at"`
	Verdict Verdict   `json:"verdict"`
	Reason  string    `json:"reason,omitempty"` // why it is no better than cannot_tell

	Sightings
	// Hits are the questions that found something, and Rest all others, in groups
	// that share verdict, reason and coverage. Both are empty where the member
	// releases no more than the verdict.
	Hits []QuestionHit `json:"hits,omitempty"`
	Rest []Group       `json:"rest,omitempty"`
	// Told is set where a person told it and no node measured it.
	Told *Told `json:"told,omitempty"`
}

// Sightings is how often something was seen, and when. It names nothing that was
// seen, and no host.
type Sightings struct {
	Events    uint64     `json:"events"`
	Hosts     uint64     `json:"hosts"`
	First     *time.Time `json:"first,omitempty"`
	Last      *time.Time `json:"last,omitempty"`
	Estimated bool       `json:"estimated,omitempty"` // good to the day only
}

// Join adds what else was seen. An event that answers two questions counts for
// each; hosts are not joined, since nobody knows here which they are.
func (s *Sightings) Join(o Sightings) {
	s.Events += o.Events
	s.Estimated = s.Estimated || o.Estimated
	if o.First != nil && (s.First == nil || o.First.Before(*s.First)) {
		s.First = o.First
	}
	if o.Last != nil && (s.Last == nil || o.Last.After(*s.Last)) {
		s.Last = o.Last
	}
}

// QuestionHit is a question that found something.
type QuestionHit struct {
	Question int     `json:"question"` // its number in the warning
	Verdict  Verdict `json:"verdict"`  // Hit or Exposed
	Sightings
}

// Group is questions with the same answer. A group states the least coverage of any
// of its questions.
type Group struct {
	Verdict   Verdict   `json:"verdict"`
	Reason    string    `json:"reason,omitempty"`
	Questions string    `json:"questions"` // numbers and ranges: 0-17,19
	Coverage  *Coverage `json:"coverage,omitempty"`
}

// Coverage is what a verdict rests on, without the names of hosts or sources, which
// stay at home.
type Coverage struct {
	Since        time.Time    `json:"since"`
	Until        time.Time    `json:"until"`
	HostsKnown   int          `json:"hosts_known"`
	HostsCovered int          `json:"hosts_covered"`
	Share        float64      `json:"share"` // of the time, 0 to 1
	Carriers     []LogSources `json:"carriers,omitempty"`
}

// LogSources is how many sources of one log source watched, and how many hosts.
type LogSources struct {
	LogSource string `json:"log_source"`
	Sources   int    `json:"sources"`
	Hosts     int    `json:"hosts"`
}

// Told is who told an answer to whom.
type Told struct {
	By   string    `json:"by"`   // who told it
	How  string    `json:"how"`  // telephone, form, mail
	To   string    `json:"to"`   // the officer who wrote it down; empty for a form
	When time.Time `json:"when"` // it was told
}

// Totals is the body of an envelope of kind TotalsKind: how an association's members
// answered who do not want to be named.
type Totals struct {
	Warning  string               `json:"warning"`
	Revision int                  `json:"revision"`
	Sequence int                  `json:"sequence"`
	At       time.Time            `json:"at"`
	Members  int                  `json:"members"` // that contribute
	Sectors  map[string]SectorSum `json:"sectors"`
}

// SectorSum is how many members of a sector gave each verdict.
type SectorSum struct {
	Members  int             `json:"members"`
	Verdicts map[Verdict]int `json:"verdicts"`
}

// MeasureState is how far a member is with a measure.
type MeasureState string

// The states of a measure.
const (
	MeasureOpen         MeasureState = "open"
	MeasureAcknowledged MeasureState = "acknowledged"
	MeasureInProgress   MeasureState = "in_progress"
	MeasureDone         MeasureState = "done"
	MeasureCannot       MeasureState = "cannot" // with the reason
)

// MeasureReport is the body of an envelope of kind MeasureKind.
type MeasureReport struct {
	Warning  string       `json:"warning"`
	Revision int          `json:"revision"`
	Measure  string       `json:"measure"`
	State    MeasureState `json:"state"`
	Reason   string       `json:"reason,omitempty"`
	Evidence string       `json:"evidence,omitempty"`
	By       string       `json:"by"`
	At       time.Time    `json:"at"`
}

// Receipt is the body of an envelope of kind ReceiptKind: its sender has a message.
type Receipt struct {
	Message string    `json:"message"` // the ID of the envelope
	SHA256  string    `json:"sha256"`  // of its header
	At      time.Time `json:"at"`
	// Number is the recipient's own, by which it calls a report.
	Number string `json:"number,omitempty"`
}
