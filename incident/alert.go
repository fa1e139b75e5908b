package incident

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tocsin/intel"
	"tocsin/internal/fault"
)

// AlertState is what became of an alert.
type AlertState string

// The states of an alert.
const (
	AlertNew       AlertState = "new"
	AlertClaimed   AlertState = "claimed"   // somebody looks at it
	AlertDismissed AlertState = "dismissed" // with a reason
	AlertPromoted  AlertState = "promoted"  // it is an incident's
)

// Finding is one detection as it arrives: from this node's watch, or from
// another's.
type Finding struct {
	// ID is a hash of the event and the rule: one that arrives twice counts once.
	ID       string          `json:"id"`
	Rule     string          `json:"rule"` // the rule's ID
	Title    string          `json:"title"`
	Severity intel.Severity  `json:"severity"`
	Host     string          `json:"host"`
	At       time.Time       `json:"at"`   // of the event
	Body     json.RawMessage `json:"body"` // the finding as the watch writes it
}

// Alert is findings of one rule on one host within a time, for a person.
type Alert struct {
	ID       string         `json:"id"`
	Rule     string         `json:"rule"`
	Title    string         `json:"title"`
	Severity intel.Severity `json:"severity"`
	Host     string         `json:"host"`
	First    time.Time      `json:"first"` // of the events
	Last     time.Time      `json:"last"`
	Findings int64          `json:"findings"`
	State    AlertState     `json:"state"`
	Owner    string         `json:"owner,omitempty"`
	Why      string         `json:"why,omitempty"`
	Incident string         `json:"incident,omitempty"`
	Raised   time.Time      `json:"raised"`
	Changed  time.Time      `json:"changed"`
	Version  int64          `json:"version"`
}

const (
	// alertWindow is how far a finding may be from an alert's others to belong to
	// it: a working day, so that what goes on all night is one alert in the
	// morning.
	alertWindow = 12 * time.Hour
	// findingsShown is how many findings an alert keeps whole; it counts the
	// others.
	findingsShown = 50
	// maxBody bounds what is kept of a finding.
	maxBody = 256 << 10
	// maxRaise is how many findings are taken at once.
	maxRaise = 10_000
)

func (f *Finding) check() error {
	switch {
	case f.ID == "" || len(f.ID) > maxShort:
		return fmt.Errorf("a finding needs an id of up to %d bytes: %w", maxShort, fault.Invalid)
	case f.Rule == "" || len(f.Rule) > maxShort:
		return fmt.Errorf("finding %.80q: it names no rule: %w", f.ID, fault.Invalid)
	case len(f.Body) > maxBody:
		return fmt.Errorf("finding %.80q: %d bytes; at most %d: %w", f.ID, len(f.Body), maxBody, fault.Invalid)
	case len(f.Body) > 0 && !json.Valid(f.Body):
		return fmt.Errorf("finding %.80q: its body is not JSON: %w", f.ID, fault.Invalid)
	}
	return checkTexts(text{"title", &f.Title, maxShort, false}, text{"host", &f.Host, maxShort, false})
}

// Fit makes a finding one that is taken, for who has no one to give it back to.
// What stands in telemetry may be written by whoever is watched: a name of a host
// that is too long must not hold up all that is found after it.
func (f *Finding) Fit() {
	for _, t := range []*string{&f.Rule, &f.Title, &f.Host} {
		*t = shorten(strings.ReplaceAll(strings.ToValidUTF8(*t, "\uFFFD"), "\x00", "\uFFFD"), maxShort)
	}
	if len(f.Body) > maxBody || !utf8.Valid(f.Body) {
		f.Body = object("left_out", fmt.Sprintf("the finding has %d bytes, or is not UTF-8", len(f.Body)))
	}
}

// group is what findings of one alert have in common.
func (f *Finding) group() string { return f.Rule + "\x1f" + f.Host }
