package exchange

import (
	"encoding/json"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/intel/observable"
	"tocsin/internal/fault"
)

// Message is a bulletin of a warning as it goes to, or comes from, the world
// outside the alliance: as CAP (WriteCAP, ReadCAP) or as a STIX bundle (WriteSTIX,
// ReadSTIX). What we wrote is read back as an equal bulletin, its moment in whole
// seconds or milliseconds as the format has them where it is changed by others.
//
// Of another program's message only what the format itself says is known: ID and
// Author of the warning are then empty, and what receives it decides what it
// becomes.
type Message struct {
	alliance.Bulletin
	// Sender names the sender for the world: a domain or an address of e-mail. When
	// empty, the author's node.
	Sender string
	// SenderName is the sender's name for people.
	SenderName string
	// Previous are the earlier messages that this one changes or ends: the names
	// that CAP gives them.
	Previous []string
	// Name is what CAP calls a message that was read, for a later one's Previous;
	// see Named.
	Name string
	// Passed is what of a message that was read could not be used.
	Passed []Passed
}

// pass counts what cannot be used.
func (m *Message) pass(reason, where string) {
	for i := range m.Passed {
		if m.Passed[i].Reason == reason {
			m.Passed[i].Count++
			return
		}
	}
	m.Passed = append(m.Passed, Passed{Reason: reason, Count: 1, First: where})
}

// sender is how the sender is named.
func (m *Message) sender() string {
	switch {
	case m.Sender != "":
		return m.Sender
	case m.Content != nil && m.Content.Author != "":
		return string(m.Content.Author)
	default:
		return "unknown"
	}
}

// senderName is the sender's name for people.
func (m *Message) senderName() string {
	if m.SenderName != "" {
		return m.SenderName
	}
	return m.sender()
}

// over returns the message as it is sent: what ends a warning carries none.
func (m *Message) over() (*Message, error) {
	sent := *m
	if m.Change.Ends() {
		sent.Content = nil
	} else if m.Content == nil {
		return nil, fmt.Errorf("write the bulletin of %s: it ends nothing and has no warning: %w", m.Number, fault.Invalid)
	}
	return &sent, nil
}

// envelope is a bulletin without what a format has a place of its own for; it
// travels beside it, so that nothing is lost, and nothing stands there twice.
func (m *Message) envelope() (string, error) {
	b := m.Bulletin
	b.Reason = ""
	if b.Content != nil {
		w := *b.Content
		w.Texts, w.Indicators, w.Rules, w.Products, w.Measures = nil, nil, nil, nil, nil
		b.Content = &w
	}
	text, err := json.Marshal(b)
	if err != nil {
		return "", fmt.Errorf("write the bulletin of %s: %w", m.Number, err)
	}
	return string(text), nil
}

// compact writes a part of a warning on one line.
func compact(part any) (string, error) {
	text, err := json.Marshal(part)
	if err != nil {
		return "", fmt.Errorf("write a part of the warning: %w", err)
	}
	return string(text), nil
}

// take keeps an indicator that was read, if it is one in normal form.
func (m *Message) take(in alliance.Indicator, where string) {
	o, err := observable.Parse(in.Kind, in.Value)
	if in.Kind == intel.URL && in.Match != intel.MatchOrdinary && in.Value != "" {
		// A prefix or a part of a URL has no normal form of its own.
		o, err = intel.Observable{Kind: in.Kind, Value: in.Value}, nil
	}
	if err != nil {
		m.pass("an indicator that is not what its kind says", where)
		return
	}
	in.Value = o.Value
	m.Content.Indicators = append(m.Content.Indicators, in)
}

// asked is an indicator as the alliance asks for it, of one that a format says.
func asked(in intel.Indicator) alliance.Indicator {
	a := alliance.Indicator{
		Kind: in.Kind, Value: in.Value, Match: in.Match, Port: in.Port, Action: in.Action, Label: in.Label, Confidence: in.Confidence,
	}
	a.From, a.Until = pointer(in.From), pointer(in.Until)
	return a
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
