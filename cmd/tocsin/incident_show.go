package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/incident"
	"tocsin/internal/output"
	"tocsin/plan"
	"tocsin/plan/duty"
)

type incidentShowCmd struct {
	ofIncident
	Timeline int    `help:"How many entries of the timeline to show, from the first." default:"50"`
	Language string `help:"en or zh, for what regimes name." enum:"en,zh" default:"en"`
	Format   string `help:"table or json." enum:"table,json" default:"table"`
}

// shownIncident is an incident with all that the verb shows.
type shownIncident struct {
	duty.Case
	Facts    map[string]incident.Stated `json:"facts"`
	Tasks    []incident.Task            `json:"tasks"`
	Timeline []incident.Entry           `json:"timeline"`

	more bool
}

func (s *incidentShowCmd) Run(ctx context.Context, c *console) error {
	var i shownIncident
	if err := s.read(ctx, s.path("/plan"), nil, &i.Case); err != nil {
		return err
	}
	if err := s.read(ctx, s.path("/facts"), nil, &i.Facts); err != nil {
		return err
	}
	if err := s.read(ctx, s.path("/tasks"), nil, &i.Tasks); err != nil {
		return err
	}
	var err error
	if i.Timeline, i.more, err = readPages[incident.Entry](ctx, &s.atNode, s.path("/timeline"), url.Values{}, max(s.Timeline, 1)); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(&i)
	}
	p := &incidentPage{page: page{out: c.out}, shownIncident: &i, language: s.Language, now: time.Now()}
	p.print()
	return p.err
}

// incidentPage is an incident as a person reads it: what is due first.
type incidentPage struct {
	page
	*shownIncident
	language string
	now      time.Time
}

func (p *incidentPage) print() {
	i := &p.Incident
	p.line("%s  %s", i.Number, i.Title)
	p.line("%s, %s; owner %s; opened %s by %s; version %d", string(i.State), levelOf(i), orDash(i.Owner), i.Opened.Format(time.RFC3339), i.OpenedBy, i.Version)
	for line := range strings.Lines(i.Summary) {
		p.line("  %s", strings.TrimRight(line, "\n"))
	}
	for k := range p.Regimes {
		p.regime(&p.Regimes[k])
	}
	if len(p.Regimes) == 0 {
		p.line("\nno regime binds: describe the organisation with 'tocsin organisation set'")
	}
	if len(p.Facts) > 0 {
		p.line("\nFacts")
		printFacts(&p.page, p.Facts)
	}
	p.tasks()
	p.line("\nTimeline")
	for k := range p.Timeline {
		p.entry(&p.Timeline[k])
	}
	if p.more {
		p.line("  … and more: raise --timeline")
	}
}

func (p *incidentPage) regime(s *duty.Standing) {
	p.line("\n%s  %s", s.Regime, s.Title.In(p.language))
	if !s.Sure {
		p.line("  it is not known whether it binds")
	}
	switch g := s.Proposal; {
	case s.Level == "" && g != nil:
		p.line("  not graded; the facts prove %s", g.Level)
	case g != nil && g.Level != s.Level:
		p.line("  graded %s; the facts prove %s", s.Level, g.Level)
	default:
		p.line("  graded %s", s.Level)
	}
	if s.Proposal != nil {
		for _, fired := range s.Proposal.Fired {
			p.line("    because %s", fired.Title.In(p.language))
		}
		for _, ahead := range s.Proposal.Ahead {
			p.line("    it becomes %s at %s", ahead.Level, ahead.At.Format(time.RFC3339))
		}
	}
	for k := range s.Clocks {
		p.clock(&s.Clocks[k])
	}
}

func (p *incidentPage) clock(k *duty.Clock) {
	p.line("  %-11s  %-26s  %s", string(k.State), p.left(&k.Clock), k.Title.In(p.language))
	for m := range k.Misses {
		why := "no reason given yet: tocsin incident explain"
		if k.Misses[m].Reason != "" {
			why = k.Misses[m].Reason
		}
		p.line("               missed at %s: %s", k.Misses[m].Due.Format(time.RFC3339), why)
	}
}

// left says how much time a clock leaves.
func (p *incidentPage) left(k *plan.Clock) string {
	switch {
	case !k.Sent.IsZero():
		return "sent " + k.Sent.Format("2006-01-02 15:04")
	case k.State == plan.Waiting || k.State == plan.Cancelled:
		return ""
	case !k.Due.IsZero():
		return untilOrSince(k.Due, p.now)
	case !k.Target.IsZero():
		return "target " + untilOrSince(k.Target, p.now)
	}
	return "at once"
}

// untilOrSince says how far a deadline is away.
func untilOrSince(due, now time.Time) string {
	d := due.Sub(now)
	if d < 0 {
		return roughly(-d) + " over"
	}
	return roughly(d) + " left"
}

// roughly is a duration as people say it in a hurry.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

func (p *incidentPage) tasks() {
	if len(p.Tasks) == 0 {
		return
	}
	p.line("\nTasks")
	for k := range p.Tasks {
		t := &p.Tasks[k]
		due := ""
		if !t.Due.IsZero() && t.State == incident.TaskOpen {
			due = "  " + untilOrSince(t.Due, p.now)
		}
		p.line("  %-7s  %s  %-12s  %s%s", string(t.State), t.ID, orDash(t.Assignee), t.Title, due)
	}
}

func (p *incidentPage) entry(e *incident.Entry) {
	note := ""
	if e.CorrectedBy != "" {
		note = "  [corrected below]"
	}
	p.line("  %s  %-10s  %-12s  %s%s", e.At.Format("2006-01-02 15:04:05"), string(e.Kind), e.By, firstLine(e.Text), note)
}

// firstLine is a text's first line, with a mark where there are more.
func firstLine(text string) string {
	line, rest, _ := strings.Cut(text, "\n")
	if rest != "" {
		line += " …"
	}
	return line
}

func printFacts(p *page, stated map[string]incident.Stated) {
	for _, key := range slices.Sorted(maps.Keys(stated)) {
		s := stated[key]
		p.line("  %-34s  %-14s  %s  (%s, %s)", key, s.State, statementOf(s.Statement), s.By, s.At.Format("2006-01-02 15:04"))
	}
	if len(stated) == 0 {
		p.line("no facts are stated")
	}
}

// clockCmd is the verbs of clocks of all incidents.
type clockCmd struct {
	List clockListCmd `cmd:"" help:"List the clocks of all incidents by time left."`
}

type clockListCmd struct {
	atNode
	All       bool   `help:"Also those by which nothing is owed any more."`
	Regime    string `help:"Only clocks of this regime."`
	DueWithin string `help:"Only clocks that run out within this time, as 4h." placeholder:"DURATION"`
	Incident  string `help:"Only clocks of this incident."`
	Limit     int    `help:"How many at most." default:"100"`
	Language  string `help:"en or zh, for what regimes name." enum:"en,zh" default:"en"`
	Format    string `help:"table or json (one clock a line)." enum:"table,json" default:"table"`
}

func (l *clockListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{}
	setBool(query, "open", !l.All)
	set(query, "regime", l.Regime)
	set(query, "incident", l.Incident)
	now := time.Now()
	if l.DueWithin != "" {
		d, err := span(l.DueWithin)
		if err != nil {
			return usageError{fmt.Errorf("--due-within %q: write 4h or 2d", l.DueWithin)}
		}
		setTime(query, "due_before", now.Add(d))
	}
	list, more, err := readPages[duty.Listed](ctx, &l.atNode, "/api/v1/clocks", query, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	p := &page{out: c.out}
	for k := range list {
		o := &list[k]
		left := "at once"
		if !cmp.Or(o.Due, o.Target).IsZero() {
			left = untilOrSince(o.Act, now)
		}
		if !o.Open {
			left = ""
		}
		p.line("%-16s  %-11s  %-10s  %s: %s  (%s)", left, string(o.State), o.Number, o.Regime, o.Name.In(l.Language), o.Title)
	}
	p.line("%s%s", output.Count(len(list), "clock", "clocks"), andMore(more))
	return p.err
}

// statementOf is a statement as it was typed: a value alone stands for itself.
func statementOf(text json.RawMessage) string {
	var parts map[string]json.RawMessage
	if json.Unmarshal(text, &parts) == nil && len(parts) == 1 && parts["value"] != nil {
		text = parts["value"]
	}
	var word string
	if json.Unmarshal(text, &word) == nil {
		return word
	}
	return string(text)
}
