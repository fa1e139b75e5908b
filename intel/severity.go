package intel

import "fmt"

// Severity is how grave a finding is, by the levels of the Sigma specification
// (Sigma rules 2.1, "level").
type Severity uint8

// The severities, from none to the gravest.
const (
	Unrated Severity = iota // the rule gives no level
	Informational
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"unrated", "informational", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it knows the names that
// String returns.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severityNames {
		if string(text) == name {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("unknown level %q: one of informational, low, medium, high, critical", text)
}
