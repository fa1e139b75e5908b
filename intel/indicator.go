package intel

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Indicator is an observable that someone says is bad, with what they say of
// it. It is a value: two are the same statement if they are equal.
type Indicator struct {
	Observable
	// Match says what else than the observable itself is meant.
	Match Match
	// Port, where set, is the one port of an address that is meant.
	Port uint16
	// ID is what the source calls the indicator; empty when it has no name.
	ID string
	Origin
}

// Origin is what is said of an indicator, by whom and until when. Indicators of
// one source mostly share few of them.
type Origin struct {
	Source     string        // who says so
	Label      string        // of what: a family, a campaign; empty when not said
	Action     Action        // what is to be done
	Marking    Marking       // to whom it may be shown
	Confidence uint8         // 1 to 100; 0 when not said
	HalfLife   time.Duration // in which Confidence halves; 0 when it does not
	From       time.Time     // since when it is so, UTC; zero when not said
	Until      time.Time     // an event from then on is no match, UTC; zero when not said
}

// Match says which seen observables an indicator means. The numbers are stored.
type Match uint8

// The ways to match.
const (
	// MatchOrdinary is what is ordinary for the kind: a domain and all below it, every
	// address of a range, otherwise the very value. A URL that does not state its
	// scheme means every usual one.
	MatchOrdinary Match = 0
	// Exactly is the value alone: a domain without those below it.
	MatchExactly Match = 1
	// Prefix is the URL and all that continue it: the value is followed by one of
	// / ? & # ; = or ends with one of them.
	MatchPrefix Match = 2
	// Substring is every value of the kind that holds this text.
	MatchSubstring Match = 3
)

var matches = [...]string{MatchOrdinary: "", MatchExactly: "exactly", MatchPrefix: "prefix", MatchSubstring: "substring"}

func (m Match) String() string {
	if int(m) < len(matches) {
		return matches[m]
	}
	return fmt.Sprintf("match(%d)", uint8(m))
}

// Action is what the source wants done about an observable. The numbers are
// stored.
type Action uint8

// The actions.
const (
	Detect     Action = 0 // tell when it is seen
	Block      Action = 1 // tell, and prevent it
	DoNotBlock Action = 2 // tell, but leave it alone: others depend on it, or it is being watched
)

var actions = [...]string{Detect: "detect", Block: "block", DoNotBlock: "do-not-block"}

func (a Action) String() string {
	if int(a) < len(actions) {
		return actions[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}

// MarshalText implements encoding.TextMarshaler.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Action) UnmarshalText(text []byte) error {
	at := slices.Index(actions[:], string(text))
	if at < 0 {
		return fmt.Errorf("unknown action %q: one of %q", text, actions)
	}
	*a = Action(at)
	return nil
}

// unstatedConfidence is what an indicator counts with whose source does not say
// how sure it is: the middle.
const unstatedConfidence = 50

// ConfidenceAt returns how sure one may be of the indicator at a moment, 0 to
// 100: Confidence · 2^(−age/HalfLife), where age is the time since From. Without
// HalfLife or From, or before From, it does not decay. A confidence that was not
// said counts as 50.
func (o *Origin) ConfidenceAt(at time.Time) int {
	confidence := float64(o.Confidence)
	if o.Confidence == 0 {
		confidence = unstatedConfidence
	}
	if age := at.Sub(o.From); o.HalfLife > 0 && !o.From.IsZero() && age > 0 {
		confidence *= math.Exp2(-float64(age) / float64(o.HalfLife))
	}
	return int(math.Round(confidence))
}

// LevelAt returns how grave it is to see the indicator at a moment: high from a
// confidence of 75 on, medium from 40, else low; one level more where the source
// wants it blocked, and informational where it wants it left alone.
func (o *Origin) LevelAt(at time.Time) Severity {
	const sure, likely = 75, 40
	if o.Action == DoNotBlock {
		return Informational
	}
	level := Low
	switch confidence := o.ConfidenceAt(at); {
	case confidence >= sure:
		level = High
	case confidence >= likely:
		level = Medium
	}
	if o.Action == Block {
		level++
	}
	return level
}

// ValidAt reports whether the indicator still holds for an event at a moment;
// for an event that does not say when (zero) it does. From does not count:
// indicators are mostly published after the deed.
func (o *Origin) ValidAt(at time.Time) bool {
	return o.Until.IsZero() || at.IsZero() || at.Before(o.Until)
}
