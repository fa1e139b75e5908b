package warning

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tocsin/alliance"
	"tocsin/intel"
	"tocsin/internal/fault"
)

// Draft is what a warning is to say, as people write it. What only the issue
// decides (number, revision, moment) is not in it. Times may be given as how long
// after the issue, so that a draft that waited overnight asks for nothing in the
// past.
type Draft struct {
	Category  string             `json:"category"`
	Colour    alliance.Colour    `json:"colour"`
	Scope     alliance.Scope     `json:"scope,omitzero"`
	Effective time.Time          `json:"effective,omitzero"` // absent is the issue
	Expires   time.Time          `json:"expires,omitzero"`
	ExpiresIn Within             `json:"expires_in,omitempty"` // after the issue
	Marking   intel.Marking      `json:"tlp"`
	PAP       string             `json:"pap,omitempty"`
	Texts     []alliance.Text    `json:"texts"`
	Exercise  bool               `json:"exercise,omitempty"`
	Links     []string           `json:"references,omitempty"`
	Asked     []Indicator        `json:"indicators,omitempty"`
	Rules     []alliance.Rule    `json:"rules,omitempty"`
	Products  []alliance.Product `json:"products,omitempty"`
	Measures  []Measure          `json:"measures,omitempty"`
	Ask       Ask                `json:"ask,omitzero"`
}

// Indicator is an indicator in a draft. Action has no default where something is
// named that could be blocked: whoever drafts says for each domain and address
// whether it is to be detected, blocked, or must not be blocked.
type Indicator struct {
	Kind       intel.ObservableKind `json:"kind"`
	Value      string               `json:"value"`
	Match      intel.Match          `json:"match,omitempty"`
	Port       uint16               `json:"port,omitempty"`
	Action     *intel.Action        `json:"action,omitempty"`
	Label      string               `json:"label,omitempty"`
	Why        string               `json:"why,omitempty"`
	Confidence uint8                `json:"confidence,omitempty"`
	From       *time.Time           `json:"from,omitempty"`
	Until      *time.Time           `json:"until,omitempty"`
	// ConfirmListed is the reason to ask for it although a list of benign things
	// has it; ConfirmBlock the reason to block now what must not be blocked so far.
	ConfirmListed string `json:"confirm_listed,omitempty"`
	ConfirmBlock  string `json:"confirm_block,omitempty"`
}

// Measure is a measure in a draft, due at a moment or so long after the issue.
type Measure struct {
	ID       string    `json:"id"`
	Text     string    `json:"text"`
	Due      time.Time `json:"due,omitzero"`
	Within   Within    `json:"within,omitempty"`
	Evidence bool      `json:"evidence,omitempty"`
}

// Ask is what answers must rest on, with how long after the issue silence is
// chased.
type Ask struct {
	Since       time.Time `json:"since,omitzero"`
	TimePercent int       `json:"time_percent,omitempty"`
	HostPercent int       `json:"host_percent,omitempty"`
	By          time.Time `json:"by,omitzero"`
	Within      Within    `json:"within,omitempty"`
}

// Within is a length of time that is written as 90m, 24h or 7d.
type Within time.Duration

const day = 24 * time.Hour

// maxWithin is more than any warning lasts.
const maxWithin = 3660 * day

// MarshalText implements encoding.TextMarshaler.
func (w Within) MarshalText() ([]byte, error) {
	d := time.Duration(w)
	switch {
	case d == 0:
		return nil, nil
	case d%day == 0:
		return fmt.Appendf(nil, "%dd", d/day), nil
	case d%time.Hour == 0:
		return fmt.Appendf(nil, "%dh", d/time.Hour), nil
	default:
		return []byte(d.String()), nil
	}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *Within) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*w = 0
		return nil
	}
	var days int
	if n, err := fmt.Sscanf(string(text), "%dd", &days); err == nil && n == 1 && fmt.Sprintf("%dd", days) == string(text) {
		if days <= 0 || days > int(maxWithin/day) {
			return fmt.Errorf("%.20q: 1d to %dd", text, maxWithin/day)
		}
		*w = Within(time.Duration(days) * day)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 || d > maxWithin {
		return fmt.Errorf("%.20q is no length of time: write 90m, 24h or 7d", text)
	}
	*w = Within(d)
	return nil
}

// after is a moment, or so long after another; the zero time for neither.
func (w Within) after(at, issue time.Time) time.Time {
	if w > 0 {
		return issue.Add(time.Duration(w))
	}
	return at
}

// MaxDraft bounds a draft: 100,000 indicators with their reasons are half of it.
const MaxDraft = 32 << 20

// text returns the draft as it is kept and approved, and its SHA-256.
func (d *Draft) text() (text, sum string, err error) {
	b, err := json.Marshal(d)
	if err != nil {
		return "", "", err
	}
	if len(b) > MaxDraft {
		return "", "", fmt.Errorf("the draft has %d bytes; at most %d: %w", len(b), MaxDraft, fault.Invalid)
	}
	hash := sha256.Sum256(b)
	return string(b), hex.EncodeToString(hash[:]), nil
}

// Title is the title of the first text.
func (d *Draft) Title() string {
	if len(d.Texts) == 0 {
		return ""
	}
	return d.Texts[0].Title
}

// warning is what the draft says when it is issued at a moment.
func (d *Draft) warning(issue time.Time) *alliance.Warning {
	w := &alliance.Warning{
		Category: d.Category, Colour: d.Colour, Scope: d.Scope, Issued: issue, Effective: d.Effective, Marking: d.Marking, PAP: d.PAP,
		Texts: d.Texts, Rules: d.Rules, Products: d.Products, Exercise: d.Exercise, References: d.Links,
	}
	if w.Effective.IsZero() {
		w.Effective = issue
	}
	if end := d.ExpiresIn.after(d.Expires, issue); !end.IsZero() {
		w.Expires = &end
	}
	for k := range d.Asked {
		w.Indicators = append(w.Indicators, d.Asked[k].indicator())
	}
	for _, m := range d.Measures {
		w.Measures = append(w.Measures, alliance.Measure{ID: m.ID, Text: m.Text, Due: m.Within.after(m.Due, issue), Evidence: m.Evidence})
	}
	w.Ask = alliance.Ask{Since: d.Ask.Since, TimePercent: d.Ask.TimePercent, HostPercent: d.Ask.HostPercent, By: d.Ask.Within.after(d.Ask.By, issue)}
	return w
}

func (i *Indicator) indicator() alliance.Indicator {
	a := alliance.Indicator{
		Kind: i.Kind, Value: i.Value, Match: i.Match, Port: i.Port, Label: i.Label, Why: i.Why, Confidence: i.Confidence,
		From: i.From, Until: i.Until,
	}
	if i.Action != nil {
		a.Action = *i.Action
	}
	return a
}

// DraftOf is a draft that says what a warning says, to be changed from there. What
// was confirmed for it stays confirmed by its having been issued.
func DraftOf(w *alliance.Warning) Draft {
	d := Draft{
		Category: w.Category, Colour: w.Colour, Scope: w.Scope, Effective: w.Effective, Marking: w.Marking, PAP: w.PAP, Texts: w.Texts,
		Exercise: w.Exercise, Links: w.References, Rules: w.Rules, Products: w.Products,
		Ask: Ask{Since: w.Ask.Since, TimePercent: w.Ask.TimePercent, HostPercent: w.Ask.HostPercent, By: w.Ask.By},
	}
	if w.Expires != nil {
		d.Expires = *w.Expires
	}
	for k := range w.Indicators {
		a := &w.Indicators[k]
		action := a.Action
		d.Asked = append(d.Asked, Indicator{
			Kind: a.Kind, Value: a.Value, Match: a.Match, Port: a.Port, Action: &action, Label: a.Label, Why: a.Why,
			Confidence: a.Confidence, From: a.From, Until: a.Until,
		})
	}
	for _, m := range w.Measures {
		d.Measures = append(d.Measures, Measure{ID: m.ID, Text: m.Text, Due: m.Due, Evidence: m.Evidence})
	}
	return d
}
