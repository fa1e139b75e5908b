package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/output"
)

type warnListCmd struct {
	atNode
	Arrived bool     `help:"Those that arrived from others."`
	State   []string `help:"Only those in this state; repeatable." sep:"none" placeholder:"STATE"`
	Colour  string   `help:"Only those of this colour." placeholder:"COLOUR"`
	Limit   int      `help:"How many at most." default:"100"`
	Format  string   `help:"table or json (one warning a line)." enum:"table,json" default:"table"`
}

func (l *warnListCmd) Run(ctx context.Context, c *console) error {
	query := url.Values{"state": l.State}
	p := &page{out: c.out}
	if l.Arrived {
		list, more, err := readPages[warning.Arrived](ctx, &l.atNode, "/api/v1/arrivals", query, l.Limit)
		if err != nil {
			return err
		}
		if l.Format == "json" {
			return eachLine(c.out, list)
		}
		for k := range list {
			p.line("%s", oneArrived(&list[k]))
		}
		p.line("%s%s", output.Count(len(list), "warning", "warnings"), andMore(more))
		return p.err
	}
	set(query, "colour", l.Colour)
	list, more, err := readPages[warning.Record](ctx, &l.atNode, "/api/v1/warnings", query, l.Limit)
	if err != nil {
		return err
	}
	if l.Format == "json" {
		return eachLine(c.out, list)
	}
	for k := range list {
		p.line("%s", oneWarning(&list[k]))
	}
	p.line("%s%s", output.Count(len(list), "warning", "warnings"), andMore(more))
	return p.err
}

func oneArrived(a *warning.Arrived) string {
	r := warning.Record{ID: a.ID, Number: a.Number, State: warning.State(a.State), Colour: a.Colour, Title: a.Title, Exercise: a.Exercise, Revision: a.Revision, Unratified: a.Unratified}
	return oneWarning(&r)
}

type warnShowCmd struct {
	atNode
	ofWarning
	Arrived bool   `help:"The one that arrived, where we have one of this number too."`
	All     bool   `help:"All indicators; else the first 20 of those that are not to be blocked, and of the others."`
	Format  string `help:"table or json." enum:"table,json" default:"table"`
}

func (s *warnShowCmd) Run(ctx context.Context, c *console) error {
	if !s.Arrived {
		var v warning.View
		err := s.read(ctx, warningPath(s.Warning, ""), nil, &v)
		switch {
		case err == nil && s.Format == "json":
			return json.NewEncoder(c.out).Encode(&v)
		case err == nil:
			return s.own(c, &v)
		case !errors.Is(err, fault.NotFound):
			return err
		}
	}
	var v warning.ArrivedView
	if err := s.read(ctx, arrivalPath(s.Warning, ""), nil, &v); err != nil {
		return err
	}
	if s.Format == "json" {
		return json.NewEncoder(c.out).Encode(&v)
	}
	return s.arrived(c, &v)
}

// own shows a warning of ours.
func (s *warnShowCmd) own(c *console, v *warning.View) error {
	p := &page{out: c.out}
	p.line("%s", oneWarning(&v.Record))
	p.line("  drafted by %s, %s", v.MadeBy, minute(v.Made))
	if v.InForce != nil {
		s.content(p, v.InForce)
	}
	for k := range v.Revisions {
		r := &v.Revisions[k]
		p.line("  revision %d  %s  %s by %s  %s", r.Revision, minute(r.At), string(r.Change), r.By, r.Why)
	}
	if !v.RatifyBy.IsZero() {
		p.line("  one person issued it alone: another must ratify it until %s", minute(v.RatifyBy))
	}
	if v.Draft != nil {
		s.draft(p, v)
	}
	for _, r := range v.Rulings {
		unconfirmed := ""
		if r.Unconfirmed {
			unconfirmed = " (unconfirmed)"
		}
		p.line("  under %s we may issue it: %s; issued by: %s%s", r.Regime, r.May, r.IssuedBy, unconfirmed)
	}
	printProblems(p, v)
	printNext(p, v)
	return p.err
}

// draft shows the draft that waits.
func (s *warnShowCmd) draft(p *page, v *warning.View) {
	p.line("  draft %s, %d of %d approved it", short(v.SHA256), len(v.Approvals), v.Needed)
	for _, a := range v.Approvals {
		p.line("    approved by %s, %s  %s", a.Name, minute(a.At), a.Note)
	}
	if v.InForce == nil {
		s.content(p, v.Drafted())
		return
	}
	for _, d := range v.Changes {
		p.line("    %s", difference(&d))
	}
}

// difference is a change on a line.
func difference(d *alliance.Difference) string {
	what := strings.TrimSpace(strings.ReplaceAll(d.Field, "_", " ") + " " + d.Key)
	switch {
	case d.Before == "":
		return "+ " + what + ": " + d.After
	case d.After == "":
		return "- " + what + ": " + d.Before
	}
	return "~ " + what + ": " + d.Before + " -> " + d.After
}

// shownIndicators is how many indicators of each sort are shown unasked.
const shownIndicators = 20

// content shows what a warning says. What must not be blocked comes first, since
// that is what goes wrong.
func (s *warnShowCmd) content(p *page, w *alliance.Warning) {
	p.line("  category %s, TLP:%s, effective %s%s", w.Category, strings.ToUpper(w.Marking.String()), minute(w.Effective), expiresAt(w.Expires))
	for _, t := range w.Texts {
		p.line("  [%s] %s", t.Language, t.Title)
		p.line("      %s", t.Body)
		if t.Impact != "" {
			p.line("      Impact: %s", t.Impact)
		}
	}
	if len(w.Indicators) > 0 {
		p.line("  NO    ACTION        INDICATOR")
	}
	for _, guarded := range []bool{true, false} {
		left := 0
		shown := 0
		for k := range w.Indicators {
			i := &w.Indicators[k]
			if (i.Action == intel.DoNotBlock) != guarded {
				continue
			}
			if shown++; shown > shownIndicators && !s.All {
				left++
				continue
			}
			p.line("  %-4d  %-12s  %s  %s", k, actionWord(i.Action), warning.QuestionText(w, k), strings.TrimSpace(i.Label+" "+i.Why))
		}
		if left > 0 {
			p.line("        and %d more: --all shows them", left)
		}
	}
	for k := len(w.Indicators); k < w.Questions(); k++ {
		p.line("  %-4d  %-12s  %s", k, "find", warning.QuestionText(w, k))
	}
	for _, m := range w.Measures {
		p.line("  measure %s, by %s: %s", m.ID, minute(m.Due), m.Text)
	}
}

// actionWord is an action so that nobody reads over it.
func actionWord(a intel.Action) string {
	if a == intel.DoNotBlock {
		return "DO NOT BLOCK"
	}
	return a.String()
}

func expiresAt(t *time.Time) string {
	if t == nil {
		return ""
	}
	return ", expires " + minute(*t)
}

// printProblems says what keeps a draft from being issued.
func printProblems(p *page, v *warning.View) {
	for _, problem := range v.Problems {
		confirm := ""
		if problem.Confirm != "" {
			confirm = " (" + problem.Confirm + ")"
		}
		p.line("  NOT YET: %s: %s%s", problem.Where, problem.Text, confirm)
	}
}

// printNext says what may be done.
func printNext(p *page, v *warning.View) {
	if v.Draft != nil && len(v.Problems) == 0 && len(v.Approvals) < v.Needed {
		p.line("  %s must approve it: tocsin warn approve %s --draft %s --as ACCOUNT", output.Count(v.Needed-len(v.Approvals), "person more", "people more"), v.Name(), short(v.SHA256))
	}
	if v.State == warning.Approved || v.State == warning.Agreed {
		p.line("  it can be issued: tocsin warn issue %s --as ACCOUNT", v.Name())
	}
}

// arrived shows a warning that came.
func (s *warnShowCmd) arrived(c *console, v *warning.ArrivedView) error {
	p := &page{out: c.out}
	p.line("%s", oneArrived(&v.Arrived))
	p.line("  by %s, arrived %s from %s", string(v.Author), minute(v.First), string(v.From))
	if !v.RatifyBy.IsZero() {
		p.line("  one person issued it alone; its ratification is due %s", minute(v.RatifyBy))
	}
	if v.Content != nil {
		s.content(p, v.Content)
	}
	for k := range v.Received {
		r := &v.Received[k]
		late := ""
		if r.Late {
			late = "late  "
		}
		p.line("  revision %d  %s  %s  %s%s", r.Revision, minute(r.At), string(r.Change), late, r.Why)
		for _, d := range r.Changes {
			p.line("    %s", difference(&d))
		}
	}
	for _, h := range v.Suspended {
		state := "HELD"
		if !h.Released.IsZero() {
			state = "let through by " + h.ReleasedBy
		}
		p.line("  question %s  %s: %d hits in the worst hour of a day; %s", strconv.Itoa(h.Question), h.What, h.Hits, state)
	}
	for k := range v.Duties {
		d := &v.Duties[k]
		state := "open"
		if !d.Ended.IsZero() {
			state = "ended by " + d.By
		}
		p.line("  duty %s  %s  %s: %s  %s", d.ID, state, d.Name, d.Task, strings.Join(d.Mark, ", "))
	}
	return p.err
}

type warnReachCmd struct {
	atNode
	ofWarning
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

func (r *warnReachCmd) Run(ctx context.Context, c *console) error {
	var reach warning.Reach
	if err := r.read(ctx, warningPath(r.Warning, "/reach"), nil, &reach); err != nil {
		return err
	}
	if r.Format == "json" {
		return json.NewEncoder(c.out).Encode(&reach)
	}
	p := &page{out: c.out}
	each := func(word string, all []warning.Recipient) {
		for _, to := range all {
			via := ""
			if to.Via != "" {
				via = "through " + string(to.Via)
			}
			p.line("%-9s  %s  %s  %s", word, string(to.Node), to.Name, via)
		}
	}
	each("reached", reach.To)
	each("by mail", reach.ByMail)
	each("dismissed", reach.Gone)
	for _, left := range reach.Left {
		p.line("%-9s  %s  %s: %s", "left out", string(left.Node), left.Name, left.Reason)
	}
	p.line("%s, %d left out", output.Count(len(reach.To)+len(reach.ByMail), "recipient", "recipients"), len(reach.Left))
	return p.err
}

type warnReceiptsCmd struct {
	atNode
	ofWarning
	Format string `help:"table or json (one member a line)." enum:"table,json" default:"table"`
}

func (r *warnReceiptsCmd) Run(ctx context.Context, c *console) error {
	var all []warning.Reached
	if err := r.read(ctx, warningPath(r.Warning, "/receipts"), nil, &all); err != nil {
		return err
	}
	if r.Format == "json" {
		return eachLine(c.out, all)
	}
	p := &page{out: c.out}
	for k := range all {
		to := &all[k]
		state := "sent"
		if !to.Gone.IsZero() {
			state = "gone there " + minute(to.Gone)
		}
		p.line("%s  %s  revision %d  %s", string(to.Node), to.Name, to.Revision, state)
	}
	p.line("%s", output.Count(len(all), "member", "members"))
	return p.err
}
