package memory

import (
	"encoding/json"
	"fmt"
	"strings"

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
}

// MarshalJSON implements json.Marshaler.
func (q Question) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireQuestion{Question: q.Text, Kind: q.Kind(), Value: q.Observable.Value, Rule: q.Rule})
}

// UnmarshalJSON implements json.Unmarshaler. The value is brought into normal
// form here, whoever sent it; what is no question is fault.Invalid.
func (q *Question) UnmarshalJSON(text []byte) error {
	var wire wireQuestion
	if err := json.Unmarshal(text, &wire); err != nil {
		return fmt.Errorf("question: %w: %w", err, fault.Invalid)
	}
	*q = Question{Text: wire.Question, Rule: wire.Rule}
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
