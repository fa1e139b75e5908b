package incident

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/strict"
)

// Playbook says when alerts open an incident by themselves, and what is to be
// done about it. It is data: a file an organisation writes.
type Playbook struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	// When says which alerts open an incident; all that is given must hold.
	When Trigger `yaml:"when"`
	// Incident is what is opened.
	Incident struct {
		Title    string `yaml:"title"` // empty: the alert's
		Category string `yaml:"category"`
		Owner    string `yaml:"owner"`
	} `yaml:"incident"`
	Tasks []PlaybookTask `yaml:"tasks"`
	// Each opens an incident for each alert. Without it an alert goes to the
	// incident that the playbook opened last, while that is open and its last alert
	// came within a day.
	Each bool `yaml:"each"`
}

// Trigger is what an alert must be like.
type Trigger struct {
	Rules    []string       `yaml:"rules"`    // IDs
	Severity intel.Severity `yaml:"severity"` // at least
	Hosts    []string       `yaml:"hosts"`    // patterns with * and ?
	Findings int64          `yaml:"findings"` // at least
}

// PlaybookTask is something to be done.
type PlaybookTask struct {
	Title    string        `yaml:"title"`
	Detail   string        `yaml:"detail"`
	Assignee string        `yaml:"assignee"`
	Within   time.Duration `yaml:"within"` // of the opening; 0 for no end
}

// ReadPlaybook reads a playbook from a file. The error names file, line and
// reason, and is a *strict.Problem.
func ReadPlaybook(file string, content []byte) (Playbook, error) {
	var p Playbook
	document, err := strict.Load(file, content, &p)
	if err != nil {
		return p, err
	}
	if at, reason := p.wrong(); reason != "" {
		return p, document.Problem(at, "%s", reason)
	}
	return p, nil
}

// check says what is wrong with a playbook. The error is fault.Invalid.
func (p *Playbook) check() error {
	if _, reason := p.wrong(); reason != "" {
		return fmt.Errorf("playbook %q: %s: %w", p.ID, reason, fault.Invalid)
	}
	return nil
}

// wrong says what is wrong with a playbook, and where in its file.
func (p *Playbook) wrong() (at, reason string) {
	if p.ID == "" || strings.ContainsFunc(p.ID, unfitForKey) {
		return "id", "an id is small letters, digits, -, . and _"
	}
	if len(p.When.Rules) == 0 && p.When.Severity == intel.Unrated && len(p.When.Hosts) == 0 {
		return "when", "it would open an incident for every alert: say when, by rules, severity or hosts"
	}
	for i, pattern := range p.When.Hosts {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Sprintf("when.hosts[%d]", i), fmt.Sprintf("%q is no pattern", pattern)
		}
	}
	for i, t := range p.Tasks {
		if strings.TrimSpace(t.Title) == "" || len(t.Title) > maxTitle || t.Within < 0 {
			return fmt.Sprintf("tasks[%d]", i), fmt.Sprintf("a task needs a title of at most %d bytes, and no time before the opening", maxTitle)
		}
	}
	return "", ""
}

// matches reports whether an alert opens an incident.
func (t *Trigger) matches(a *Alert) bool {
	host := func(pattern string) bool {
		ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(a.Host))
		return err == nil && ok
	}
	return (len(t.Rules) == 0 || slices.Contains(t.Rules, a.Rule)) &&
		a.Severity >= t.Severity &&
		(len(t.Hosts) == 0 || slices.ContainsFunc(t.Hosts, host)) &&
		a.Findings >= t.Findings
}

func unfitForKey(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
}
