package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"tocsin/internal/output"
	"tocsin/plan/fact"
	"tocsin/plan/regime"
)

type regimeShowCmd struct {
	packFlags
	Regime   string `arg:"" help:"Name of the regime."`
	Language string `help:"en or zh." enum:"en,zh" default:"en"`
	Format   string `help:"text or json." enum:"text,json" default:"text"`
}

func (r *regimeShowCmd) Run(c *console) error {
	l, err := r.library(c)
	if err != nil {
		return err
	}
	p, err := l.Pack(r.Regime)
	if err != nil {
		return err
	}
	if r.Format == "json" {
		return json.NewEncoder(c.out).Encode(p)
	}
	s := &regimePage{page: page{out: c.out}, pack: p, language: r.Language}
	s.head()
	s.levels()
	s.clocks()
	s.recipients()
	s.forms()
	s.responses()
	s.standing()
	return s.err
}

// regimePage is a regime as a person reads it.
type regimePage struct {
	page
	pack     *regime.Pack
	language string
}

func (s *regimePage) in(t fact.Title) string { return t.In(s.language) }

func (s *regimePage) head() {
	p := s.pack
	unconfirmed, entries := p.Unconfirmed()
	s.line("%s, version %d: %s", p.Regime, p.Version, s.in(p.Title))
	s.line("%s, %s%s; verified %s; %d of %d entries unconfirmed", p.Jurisdiction, string(p.Status), effective(p.Effective), p.VerifiedOn.String(), unconfirmed, entries)
	s.line("binds: %s%s", s.in(p.Binds.Text), notes(p.Binds.Mark))
	s.line("  if %s", p.Binds.Who.String())
	if p.Replaces != "" {
		s.line("replaces %s", p.Replaces)
	}
	for line := range strings.Lines(p.Note) {
		s.line("note: %s", strings.TrimSpace(line))
	}
	for _, b := range p.Beware {
		s.line("beware: %s", b)
	}
	for _, source := range p.Sources {
		seen := ""
		if !source.Confirms {
			seen = ", not seen"
		}
		s.line("source %s: %s (%s%s)", source.ID, source.Title, source.Grade, seen)
	}
}

func effective(e regime.Period) string {
	text := ""
	if !e.From.IsZero() {
		text += " from " + e.From.String()
	}
	if !e.To.IsZero() {
		text += " until " + e.To.String()
	}
	return text
}

// notes is the mark of an entry after it.
func notes(m regime.Mark) string { return "  [" + strings.Join(m, ", ") + "]" }

func (s *regimePage) levels() {
	s.line("")
	s.line("LEVELS, highest first")
	for i := range s.pack.Levels {
		l := &s.pack.Levels[i]
		text := s.in(l.Title)
		if l.Colour != "" {
			text += ", " + l.Colour
		}
		s.line("%s: %s%s", l.Code, text, notes(l.Mark))
		if l.Note != "" {
			s.line("    note: %s", l.Note)
		}
		for _, k := range l.Criteria {
			s.line("  - %s%s", s.in(k.Title), notes(k.Mark))
			s.line("    if %s", k.When.String())
		}
	}
}

func (s *regimePage) clocks() {
	s.line("")
	s.line("CLOCKS")
	for i := range s.pack.Clocks {
		k := &s.pack.Clocks[i]
		s.line("%s: %s (%s)%s", k.ID, s.in(k.Title), string(k.Kind), notes(k.Mark))
		s.line("    %s, from %s", limitOf(k), startOf(k))
		if k.Words.EN != "" {
			s.line("    in words: %s", s.in(k.Words))
		}
		var to []string
		for _, id := range k.To {
			to = append(to, s.in(s.pack.Recipient(id).Title))
		}
		s.line("    %s to %s", s.in(k.From), strings.Join(to, " and "))
		for _, condition := range []struct{ word, text string }{{"from level", k.AtLeast}, {"of", k.Who.String()}, {"if", k.When.String()}, {"note:", k.Note}} {
			if condition.text != "" {
				s.line("    %s %s", condition.word, condition.text)
			}
		}
	}
}

// effects are what a delay by an authority does to a limit.
var effects = map[string]string{"pause": "which does not count", "extend": "then due at its end", "restart": "then counts anew"}

func limitOf(k *regime.Clock) string {
	text := k.Limit.String()
	if k.By.Set {
		text += fmt.Sprintf(" until %02d:%02d", k.By.Hour, k.By.Minute)
	}
	if k.Moment {
		text += " to the time of day"
	}
	if o := k.Outer; o != nil {
		text += ", at most " + o.Limit.String() + " from " + string(o.Start)
	}
	if k.Roll != nil {
		text += ", moved off days off"
	}
	if k.Suspend != nil {
		text += ", may be suspended (" + effects[k.Suspend.Effect] + ")"
	}
	if k.Until != "" {
		text += ", not owed once " + string(k.Until)
	}
	if a := k.Anew; a != nil {
		text += ", " + a.Limit.String() + " from " + string(a.Start) + " where that comes later"
	}
	return text
}

func startOf(k *regime.Clock) string {
	switch {
	case k.After != "":
		return "when the report " + strings.Join(k.Previous(), " or ") + " was sent"
	case k.Each:
		return "each " + string(k.Start)
	case k.Which == "last":
		return "the last " + string(k.Start)
	}
	return string(k.Start)
}

// recipients are to whom reports go, by the names that verbs take.
func (s *regimePage) recipients() {
	if len(s.pack.Recipients) == 0 {
		return
	}
	s.line("")
	s.line("RECIPIENTS")
	for k := range s.pack.Recipients {
		text := s.in(s.pack.Recipients[k].Title)
		if channel := s.in(s.pack.Recipients[k].Channel); channel != "" {
			text += ", by " + channel
		}
		s.line("%s: %s", s.pack.Recipients[k].ID, text)
	}
}

// needs are what a person reads.
var needs = map[string]string{"now": "at once", "later": "may follow", "if_known": "if known"}

func (s *regimePage) forms() {
	for _, f := range s.pack.Forms {
		s.line("")
		s.line("FORM %s: %s%s", f.ID, s.in(f.Title), notes(f.Mark))
		for _, field := range f.Fields {
			text := needs[field.Need]
			if !field.When.IsZero() {
				text += ", if " + field.When.String()
			}
			if len(field.HiddenFrom) > 0 {
				text += ", hidden from " + strings.Join(field.HiddenFrom, ", ")
			}
			s.line("  - %s: %s (%s; from %s)", field.ID, s.in(field.Title), text, strings.Join(field.From, ", "))
		}
	}
}

func (s *regimePage) responses() {
	for _, r := range s.pack.Responses {
		s.line("")
		s.line("RESPONSE %s: %s, to %s%s", r.Code, s.in(r.Title), strings.Join(r.Levels, ", "), notes(r.Mark))
		s.line("  decided by: %s", s.in(r.DecidedBy))
		s.duties(r.Duties)
		if r.End.EN != "" {
			s.line("  end: %s", s.in(r.End))
		}
	}
	for _, w := range s.pack.Warnings {
		s.line("")
		s.line("WARNING %s: %s, of what is or may become %s%s", w.Colour, s.in(w.Title), w.Level, notes(w.Mark))
		s.line("  issued by: %s; lifted by: %s", s.in(w.IssuedBy), s.in(w.LiftedBy))
		s.duties(w.Duties)
	}
}

func (s *regimePage) duties(all []regime.Duty) {
	for _, d := range all {
		s.line("  - %s: %s%s", s.in(d.Who), s.in(d.Text), unconfirmed(d.Mark))
	}
}

func (s *regimePage) standing() {
	if len(s.pack.Standing) == 0 {
		return
	}
	s.line("")
	s.line("STANDING DUTIES")
	for _, d := range s.pack.Standing {
		when := ""
		switch {
		case d.SpecialPeriod:
			when = " (in special periods)"
		case d.EveryMonths > 0:
			when = " (every " + output.Count(d.EveryMonths, "month", "months") + ")"
		}
		s.line("  - %s: %s%s%s", s.in(d.Who), s.in(d.Text), when, notes(d.Mark))
	}
}
