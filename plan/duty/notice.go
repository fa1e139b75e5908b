package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/plan"
	"tocsin/plan/fact"
)

// NoticeKind is why somebody is told.
type NoticeKind string

// The kinds of notice.
const (
	Reminder  NoticeKind = "reminder"  // time runs out
	Missed    NoticeKind = "missed"    // it ran out
	Escalated NoticeKind = "escalated" // nobody did anything about it
	Proposed  NoticeKind = "proposed"  // the facts prove a higher level than is in force
)

// Notice is something that people must be told at once.
type Notice struct {
	// Key is the same for the same notice and no other's.
	Key      string     `json:"key"`
	Kind     NoticeKind `json:"kind"`
	Incident string     `json:"incident"`
	Number   string     `json:"number"`
	Title    string     `json:"title"` // of the incident
	Level    string     `json:"level,omitempty"`
	Rank     int        `json:"rank"`
	// Regime and the rest say of which duty; of a proposal there is no clock.
	Regime      string     `json:"regime"`
	RegimeTitle fact.Title `json:"regime_title"`
	Clock       string     `json:"clock,omitempty"`
	Ref         string     `json:"ref,omitempty"`
	ClockTitle  fact.Title `json:"clock_title,omitzero"`
	State       plan.State `json:"state,omitempty"`
	Due         time.Time  `json:"due,omitzero"`
	// Share is how much of the time has passed, 0 to 1; 0 where there is no number.
	Share float64 `json:"share,omitempty"`
	// To are roles: whoever has them when it is sent is told.
	To []string `json:"to"`
	// Subject and Text are the message as a person reads it, in plain text.
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// notices are what is told of a clock whose steps have come: one notice, as bad
// as the last of them, to all whom any of them is for. Steps that passed while
// the machine was off are one message and not several.
func (s *situation) notices(f *firing) []Notice {
	c, last := &f.clock, f.steps[len(f.steps)-1]
	id := ClockID{c.Regime, c.ID, c.Ref}
	n := s.notice(f.bound, last.kind)
	n.Clock, n.Ref, n.ClockTitle, n.State = c.ID, c.Ref, c.Title, c.State
	n.Due, n.Share = c.Due, last.share
	if n.Due.IsZero() {
		n.Due = c.Target
	}
	n.Key = fmt.Sprintf("%s/%s/%d/%s/%v", n.Incident, id, last.at.UnixMicro(), last.kind, last.share)
	for _, step := range f.steps {
		if !slices.Contains(n.To, step.to) {
			n.To = append(n.To, step.to)
		}
	}
	n.Subject = fmt.Sprintf("[%s] %s: %s", n.Number, s.headline(&n), c.Title.EN)
	n.Text = s.text(&n, c)
	return []Notice{n}
}

func (s *situation) notice(b bound, kind NoticeKind) Notice {
	i := s.incident
	return Notice{
		Kind: kind, Incident: i.ID, Number: i.Number, Title: i.Title, Level: i.Level, Rank: i.Rank,
		Regime: b.pack.Regime, RegimeTitle: b.pack.Title,
	}
}

func (s *situation) headline(n *Notice) string {
	switch {
	case n.Kind == Missed && n.State == plan.Missed:
		return "deadline missed"
	case n.Kind == Missed:
		return "time has run out"
	case n.Kind == Escalated:
		return "nothing sent yet"
	case n.Due.IsZero():
		return "owed at once"
	}
	return "due in " + left(n.Due.Sub(s.at))
}

// text says what, by when, and what to do.
func (s *situation) text(n *Notice, c *plan.Clock) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-12s %s\n", name+":", value)
		}
	}
	line("Incident", n.Number+" "+n.Title)
	line("Level", n.Level)
	line("Cross-border", string(s.incident.CrossBorder))
	line("Report", both(c.Title))
	line("Under", both(n.RegimeTitle))
	line("The law says", both(c.Words))
	switch {
	case !c.Due.IsZero():
		line("Due", s.show(c.Due))
	case !c.Target.IsZero():
		line("Own target", s.show(c.Target))
	default:
		line("Due", "at once, since "+s.show(c.Started))
	}
	if c.State == plan.Provisional {
		line("State", "PROVISIONAL: whether it is owed depends on what is not decided or known yet")
	} else {
		line("State", plain(string(c.State)))
	}
	var to []string
	for _, d := range c.To {
		if d.Sent.IsZero() {
			to = append(to, both(d.Title))
		}
	}
	line("Goes to", strings.Join(to, "; "))
	line("Because", why(c))
	if !c.Confirmed {
		line("Note", "no source confirms the whole of this duty")
	}
	b.WriteString("\n" + s.todo(n) + "\n")
	return b.String()
}

// todo says what the one who reads it is to do.
func (s *situation) todo(n *Notice) string {
	at := "incident " + n.Number
	switch {
	case n.State == plan.Provisional:
		return "What to do: grade " + at + " under " + n.Regime + " and state the facts that decide whether the report is owed. If it is, its time counts from the start."
	case n.State == plan.Missed:
		return "What to do: send the report now, record that it was sent, and state in " + at + " why the deadline was missed. The miss stays recorded."
	case n.Kind == Escalated:
		return "What to do: see to it that the report is sent, or that somebody records in " + at + " that it was."
	}
	return "What to do: write the report in " + at + ", have it signed off, send it, and record that it was sent."
}

// show writes a moment in the organisation's zone and in UTC.
func (s *situation) show(t time.Time) string {
	const layout = "2006-01-02 15:04"
	utc := t.UTC().Format(layout) + " UTC"
	zone := s.described.Organisation.Location()
	if zone.String() == "UTC" {
		return utc
	}
	return t.In(zone).Format(layout+" MST (-07:00)") + ", " + zone.String() + " = " + utc
}

// both writes a title in both languages.
func both(t fact.Title) string {
	if t.ZH == "" {
		return t.EN
	}
	return t.EN + " (" + t.ZH + ")"
}

// left writes a time that is left in its two largest units.
func left(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case d < time.Minute:
		return "less than a minute"
	case days > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case hours > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	}
	return fmt.Sprintf("%d min", minutes)
}

// proposal is the notice that the facts prove a higher level.
func (s *situation) proposal(b bound, g *plan.Grading) Notice {
	n := s.notice(b, Proposed)
	n.Key = fmt.Sprintf("%s/%s/proposed/%s/%d", n.Incident, n.Regime, g.Level, s.at.UnixMicro())
	n.To = []string{DutyOfficer}
	was := "not graded"
	if grade := s.grade(n.Regime); grade != nil {
		was = "graded " + grade.Level
	}
	n.Subject = fmt.Sprintf("[%s] the facts propose %s: %s", n.Number, g.Level, n.RegimeTitle.EN)
	var t strings.Builder
	fmt.Fprintf(&t, "Incident:    %s %s\nUnder:       %s\nNow:         %s\nProposed:    %s, since %s\n", n.Number, n.Title, both(n.RegimeTitle), was, g.Level, s.show(s.at))
	fmt.Fprintf(&t, "Cross-border: %s\n", string(s.incident.CrossBorder))
	for _, r := range g.Fired {
		fmt.Fprintf(&t, "Because:     %s\n", both(r.Title))
		for _, f := range r.Facts {
			fmt.Fprintf(&t, "             %s: %s\n", both(f.Title), f.Shown)
		}
	}
	fmt.Fprintf(&t, "\nWhat to do: grade incident %s under %s. Until then clocks that depend on the level are provisional.\n", n.Number, n.Regime)
	n.Text = t.String()
	return n
}
