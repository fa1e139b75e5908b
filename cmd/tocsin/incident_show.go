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
	"tocsin/plan/fact"
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
	touched

	linked []string // the links in words
	more   bool
}

// touched is what an incident has to do with.
type touched struct {
	Links       []incident.Link       `json:"links"`
	Assets      []incident.Asset      `json:"assets"`
	Observables []incident.Observable `json:"observables"`
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
	for part, out := range map[string]any{"/links": &i.Links, "/assets": &i.Assets, "/observables": &i.Observables} {
		if err := s.read(ctx, s.path(part), nil, out); err != nil {
			return err
		}
	}
	for k := range i.Links {
		text, err := s.linkedTo(ctx, &i.Incident, &i.Links[k])
		if err != nil {
			return err
		}
		i.linked = append(i.linked, text)
	}
	var err error
	if i.Timeline, i.more, err = readPages[incident.Entry](ctx, &s.atNode, s.path("/timeline"), url.Values{}, max(s.Timeline, 1)); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(&i)
	}
	zone, err := s.zone(ctx)
	if err != nil {
		return err
	}
	p := &incidentPage{page: page{out: c.out}, shownIncident: &i, language: s.Language, now: time.Now(), zone: zone}
	p.print()
	return p.err
}

// incidentPage is an incident as a person reads it: what is due first.
type incidentPage struct {
	page
	*shownIncident
	language string
	now      time.Time
	zone     *time.Location
}

func (p *incidentPage) print() {
	i := &p.Incident
	p.line("%s  %s", i.Number, i.Title)
	p.line("%s, %s; owner %s; opened %s by %s; version %d", string(i.State), levelOf(i), orDash(i.Owner), minuteIn(i.Opened, p.zone), i.OpenedBy, i.Version)
	for line := range strings.Lines(i.Summary) {
		p.line("  %s", strings.TrimRight(line, "\n"))
	}
	for _, text := range p.linked {
		p.line("  %s", text)
	}
	for k := range p.Regimes {
		p.regime(&p.Regimes[k])
	}
	if len(p.Regimes) == 0 {
		p.line("\nno regime binds: describe the organisation with 'tocsin organisation set'")
	}
	for k := range p.Suspensions {
		p.suspension(&p.Suspensions[k])
	}
	if len(p.Facts) > 0 {
		p.line("\nFacts")
		printFacts(&p.page, p.Facts, p.zone)
	}
	p.things()
	p.tasks()
	p.line("\nTimeline, in the time of %s", p.zone.String())
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
	g := s.Proposal
	switch {
	case s.Level == "" && g == nil:
		p.line("  not graded")
	case s.Level == "" && len(g.Fired) == 0:
		p.line("  not graded; the facts prove nothing above %s", g.Level)
	case s.Level == "":
		p.line("  not graded; the facts prove %s: 'tocsin incident grade %s %s %s --accept' takes that", g.Level, p.Incident.Number, s.Regime, g.Level)
	case g != nil && g.Level != s.Level:
		p.line("  graded %s; the facts prove %s", s.Level, g.Level)
	default:
		p.line("  graded %s", s.Level)
	}
	if g != nil {
		p.grading(s.Level, g)
	}
	for k := range s.Clocks {
		p.clock(&s.Clocks[k])
	}
}

// grading says what the facts prove, will prove and may prove yet.
func (p *incidentPage) grading(level string, g *plan.Grading) {
	for _, fired := range g.Fired {
		p.line("    because %s", fired.Title.In(p.language))
	}
	for _, ahead := range g.Ahead {
		word := "becomes"
		if !ahead.Sure {
			word = "may become"
		}
		p.line("    %s %s at %s, by %s", word, ahead.Level, minuteIn(ahead.At, p.zone), strings.Join(ahead.By, ", "))
	}
	for k := range g.CouldBe {
		if g.CouldBe[k].Level == level {
			return // what is below it raises nothing
		}
		p.line("    could be %s, by %s", g.CouldBe[k].Level, opens(&g.CouldBe[k]))
	}
}

// opensShown is how many facts that decide are named: more is in 'tocsin regime
// grade'.
const opensShown = 8

// opens names the facts that are not known well enough to exclude a level.
func opens(level *plan.Possible) string {
	var all []string
	for k := range level.Criteria {
		for _, f := range level.Criteria[k].Facts {
			word := f.Key + " (" + f.Shown + ")"
			if f.State == fact.Unknown {
				word = f.Key + "?"
			} else if f.State != fact.Estimated {
				continue
			}
			if !slices.Contains(all, word) {
				all = append(all, word)
			}
		}
	}
	if len(all) == 0 {
		return "a person's judgement"
	}
	text := strings.Join(all[:min(len(all), opensShown)], ", ")
	if more := len(all) - opensShown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (p *incidentPage) clock(k *duty.Clock) {
	p.line("  %-11s  %-16s  %-22s  %-14s  %s%s", string(k.State), p.left(&k.Clock), p.when(&k.Clock), k.ID, k.Title.In(p.language), p.waits(&k.Clock))
	for m := range k.Misses {
		why := fmt.Sprintf("say why: tocsin incident explain %s %s %s 'REASON'", p.Incident.Number, k.Regime, k.ID)
		if k.Misses[m].Reason != "" {
			why = k.Misses[m].Reason
		}
		p.line("               missed at %s: %s", minuteIn(k.Misses[m].Due, p.zone), why)
	}
}

// left says how much time a clock leaves.
func (p *incidentPage) left(k *plan.Clock) string {
	switch {
	case !k.Sent.IsZero():
		return "sent"
	case k.State == plan.Waiting || k.State == plan.Cancelled:
		return ""
	case !k.Due.IsZero():
		return untilOrSince(k.Due, p.now)
	case !k.Target.IsZero():
		return untilOrSince(k.Target, p.now)
	}
	return "at once"
}

// when is the moment that a clock's time left is about.
func (p *incidentPage) when(k *plan.Clock) string {
	switch {
	case !k.Sent.IsZero():
		return minuteIn(k.Sent, p.zone)
	case k.State == plan.Waiting || k.State == plan.Cancelled:
		return ""
	case !k.Due.IsZero():
		return minuteIn(k.Due, p.zone)
	case !k.Target.IsZero():
		return minuteIn(k.Target, p.zone) + " (own target)"
	}
	return ""
}

// waits says what a clock that has not started waits for.
func (p *incidentPage) waits(k *plan.Clock) string {
	if k.State != plan.Waiting || len(k.Why) == 0 {
		return ""
	}
	return "  (" + k.Why[len(k.Why)-1] + ")"
}

func (p *incidentPage) suspension(s *duty.Suspension) {
	if s.Withdrawn || s.CorrectedBy != "" {
		return
	}
	what := s.Regime
	if s.Clock != "" {
		what += "/" + s.Clock
	}
	until := "until it is ended"
	if !s.Until.IsZero() {
		until = "until " + minuteIn(s.Until, p.zone)
	}
	p.line("\n%s suspended by %s from %s %s", what, s.Authority, minuteIn(s.From, p.zone), until)
}

// touchedShown is how many things are named: the API lists all.
const touchedShown = 20

func (p *incidentPage) things() {
	if len(p.Assets) > 0 {
		p.line("\nTouched")
		for k := range p.Assets[:min(len(p.Assets), touchedShown)] {
			p.line("  %-8s  %s  %s", p.Assets[k].Kind, p.Assets[k].Name, p.Assets[k].Note)
		}
		p.others(len(p.Assets))
	}
	if len(p.Observables) > 0 {
		p.line("\nSeen")
		for k := range p.Observables[:min(len(p.Observables), touchedShown)] {
			p.line("  %s  %s", p.Observables[k].String(), p.Observables[k].Note)
		}
		p.others(len(p.Observables))
	}
}

func (p *incidentPage) others(all int) {
	if all > touchedShown {
		p.line("  … and %d more: --format json has them", all-touchedShown)
	}
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
	return fmt.Sprintf("%d days %d h", int(d.Hours())/24, int(d.Hours())%24)
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
	p.line("  %s  %-10s  %-12s  %s%s", e.At.In(p.zone).Format(time.DateTime), string(e.Kind), e.By, firstLine(e.Text), note)
}

// firstLine is a text's first line, with a mark where there are more.
func firstLine(text string) string {
	line, rest, _ := strings.Cut(text, "\n")
	if rest != "" {
		line += " …"
	}
	return line
}

func printFacts(p *page, stated map[string]incident.Stated, zone *time.Location) {
	for _, key := range slices.Sorted(maps.Keys(stated)) {
		s := stated[key]
		p.line("  %-34s  %-14s  %s  (%s, %s)", key, s.State, statementOf(s.Statement), s.By, minuteIn(s.At, zone))
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
	zone, err := l.zone(ctx)
	if err != nil {
		return err
	}
	p := &page{out: c.out}
	for k := range list {
		o := &list[k]
		left, due := "at once", ""
		if at := cmp.Or(o.Due, o.Target); !at.IsZero() {
			left, due = untilOrSince(o.Act, now), minuteIn(at, zone)
		}
		if !o.Open {
			left = ""
		}
		p.line("%-16s  %-23s  %-11s  %-10s  %s/%s: %s  (%s)", left, due, string(o.State), o.Number, o.Regime, o.Clock, o.Name.In(l.Language), o.Title)
	}
	p.line("%s%s", output.Count(len(list), "clock", "clocks"), andMore(more))
	return p.err
}

// statementOf is a statement as people say it. What it does not know is shown as
// it was typed.
func statementOf(text json.RawMessage) string {
	var parts map[string]any
	if json.Unmarshal(text, &parts) != nil {
		return plainly(text)
	}
	take := func(key string) string {
		value, ok := parts[key]
		if !ok {
			return ""
		}
		delete(parts, key)
		encoded, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return plainly(encoded)
	}
	delete(parts, "state")
	var all []string
	if value := take("value"); value != "" {
		all = append(all, value)
	}
	switch least, most := take("min"), take("max"); {
	case least != "" && most != "":
		all = append(all, least+" to "+most)
	case least != "":
		all = append(all, least+" or more")
	case most != "":
		all = append(all, most+" or less")
	}
	for _, word := range []struct{ key, before string }{
		{"currency", ""},
		{"since", "since "},
		{"since_latest", "or as late as "},
		{"until", "until "},
		{"at_least", "at least "},
		{"at_most", "at most "},
		{"one_of", "one of "},
		{"by", "by "},
		{"reason", "because "},
		{"source", "source: "},
	} {
		if value := take(word.key); value != "" {
			all = append(all, word.before+value)
		}
	}
	if len(parts) > 0 {
		return string(text)
	}
	return strings.Join(all, " ")
}

// plainly is a value without the signs of JSON, where people do without them.
func plainly(text json.RawMessage) string {
	var word string
	if json.Unmarshal(text, &word) == nil {
		return word
	}
	var words []string
	if json.Unmarshal(text, &words) == nil {
		return strings.Join(words, ", ")
	}
	return string(text)
}
