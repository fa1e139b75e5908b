package memory

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// RuleKind is the kind of a question that is a Sigma rule.
const RuleKind = "rule"

// Question asks whether something was seen: an observable (of kind Domain: the
// domain or any below it; of kind IPRange: any address in it), or an event that
// a Sigma rule describes.
type Question struct {
	Text       string           // as it was asked
	Observable intel.Observable // in normal form; its kind is NoObservable for a rule
	Rule       string           // the rule, as YAML
	// Match, Port and Until narrow down what of the observable is meant, as an
	// indicator's do. Only archived events say all of that: see ByArchive.
	Match intel.Match
	Port  uint16
	Until time.Time
}

// ByArchive reports whether the question can be put to archived events only: the
// ledger knows values, not what they stood beside, and looks up whole ones.
func (q *Question) ByArchive() bool {
	return q.Rule != "" || q.Port != 0 || q.Match == intel.MatchPrefix || q.Match == intel.MatchSubstring || q.anyDrive()
}

// anyDrive reports whether a path is meant on whatever drive.
func (q *Question) anyDrive() bool {
	v := q.Observable.Value
	return q.Observable.Kind == intel.FilePath && q.Match == intel.MatchOrdinary && v != "" && string(observable.WithoutDrive([]byte(v))) == v
}

// Indicator returns what is asked about as an indicator with a label.
func (q *Question) Indicator(label string) intel.Indicator {
	return intel.Indicator{Observable: q.Observable, Match: q.Match, Port: q.Port, Origin: intel.Origin{Label: label, Until: q.Until}}
}

// Kind returns the name of what is asked about.
func (q Question) Kind() string {
	if q.Rule != "" {
		return RuleKind
	}
	return q.Observable.Kind.String()
}

// wireQuestion is a question as JSON.
type wireQuestion struct {
	Question string `json:"question"`
	Kind     string `json:"kind"`
	Value    string `json:"value,omitempty"`
	Rule     string `json:"rule,omitempty"`

	Match uint8     `json:"match,omitempty"` // intel.Match
	Port  uint16    `json:"port,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// MarshalJSON implements json.Marshaler.
func (q Question) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireQuestion{Question: q.Text, Kind: q.Kind(), Value: q.Observable.Value, Rule: q.Rule, Match: uint8(q.Match), Port: q.Port, Until: q.Until})
}

// UnmarshalJSON implements json.Unmarshaler. The value is brought into normal
// form here, whoever sent it; what is no question is fault.Invalid.
func (q *Question) UnmarshalJSON(text []byte) error {
	var wire wireQuestion
	if err := json.Unmarshal(text, &wire); err != nil {
		return fmt.Errorf("question: %w: %w", err, fault.Invalid)
	}
	*q = Question{Text: wire.Question, Rule: wire.Rule, Match: intel.Match(wire.Match), Port: wire.Port, Until: wire.Until}
	if wire.Kind == RuleKind {
		if strings.TrimSpace(wire.Rule) == "" {
			return fmt.Errorf("question %q: a rule without text: %w", wire.Question, fault.Invalid)
		}
		return nil
	}
	q.Rule = ""
	var kind intel.ObservableKind
	if err := kind.UnmarshalText([]byte(wire.Kind)); err != nil {
		return fmt.Errorf("question %q: %w: %w", wire.Question, err, fault.Invalid)
	}
	value := wire.Value
	if value == "" {
		value = wire.Question
	}
	if q.Match == intel.MatchSubstring {
		q.Observable = intel.Observable{Kind: kind, Value: value}
		return nil
	}
	o, err := observable.Parse(kind, value)
	if err != nil {
		return fmt.Errorf("question: %w: %w", err, fault.Invalid)
	}
	q.Observable = o
	if q.Text == "" {
		q.Text = o.Value
	}
	return nil
}
