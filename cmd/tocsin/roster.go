package main

import (
	"context"
	"fmt"
	"time"

	"tocsin/internal/output"
	"tocsin/people"
)

// rosterCmd is the verbs of the duty roster.
type rosterCmd struct {
	Now      rosterNowCmd      `cmd:"" help:"Say who is on duty, now or at a time."`
	Show     rosterShowCmd     `cmd:"" help:"Show who is on duty when, and when nobody is."`
	Shift    rosterShiftCmd    `cmd:"" help:"Plan a shift; rotations at the same post give way to it."`
	Rotation rosterRotationCmd `cmd:"" help:"Plan a duty that people take in turns, week by week."`
	End      rosterEndCmd      `cmd:"" help:"End a shift or rotation, by its ID."`
	Note     rosterNoteCmd     `cmd:"" help:"Write a note for who takes the watch over."`
	Notes    rosterNotesCmd    `cmd:"" help:"Read the newest notes."`
}

type rosterNowCmd struct {
	At     moment `help:"Another time than now." placeholder:"TIME"`
	Format string `help:"table or json (one duty a line)." enum:"table,json" default:"table"`
}

func (r *rosterNowCmd) Run(ctx context.Context, c *console) error {
	at := r.At.Time
	if at.IsZero() {
		at = time.Now()
	}
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		duties, err := p.roster.OnDuty(ctx, at)
		if err != nil {
			return err
		}
		if r.Format == "json" {
			return eachLine(c.out, duties)
		}
		for _, d := range duties {
			if _, err := fmt.Fprintf(c.out, "%s  %s  %s\n", output.Plain(d.Post), d.Name, output.Plain(d.Mail)); err != nil {
				return err
			}
		}
		if len(duties) == 0 {
			_, err = fmt.Fprintln(c.out, "nobody is on duty")
		}
		return err
	})
}

type rosterShowCmd struct {
	Days   int    `help:"How many days from now on." default:"28"`
	Format string `help:"table or json (one duty or gap a line)." enum:"table,json" default:"table"`
}

func (r *rosterShowCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		now := time.Now().UTC().Truncate(time.Minute)
		plan, err := p.roster.Plan(ctx, people.Period{From: now, Until: now.AddDate(0, 0, r.Days)})
		if err != nil {
			return err
		}
		if r.Format == "json" {
			return eachLine(c.out, []people.Plan{plan})
		}
		return printPlan(c, &plan)
	})
}

// printPlan shows duties by the clock that each was planned by.
func printPlan(c *console, plan *people.Plan) error {
	line := func(post string, in people.Period, zone, what string) error {
		from, until := in.From, in.Until
		if at, err := time.LoadLocation(zone); err == nil {
			from, until = from.In(at), until.In(at)
		}
		const layout = "Mon 2006-01-02 15:04"
		_, err := fmt.Fprintf(c.out, "%s  to  %s  %s  %-10s  %s\n", from.Format(layout), until.Format(layout), from.Format("MST"), output.Plain(post), what)
		return err
	}
	for _, d := range plan.Duties {
		if err := line(d.Post, d.Period, d.Zone, d.Name); err != nil {
			return err
		}
	}
	for _, g := range plan.Gaps {
		if err := line(g.Post, g.Period, "UTC", "NOBODY"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(c.out, "%s, %s\n", output.Count(len(plan.Duties), "duty", "duties"), output.Count(len(plan.Gaps), "gap", "gaps"))
	return err
}

type rosterShiftCmd struct {
	Name  string `arg:"" help:"The account."`
	From  string `arg:"" help:"When it begins, by the clock of the zone, as 2026-12-24T18:00."`
	Until string `arg:"" help:"When it ends, likewise."`
	Zone  string `help:"Time zone, as Europe/Vienna." default:"UTC"`
	Post  string `help:"What the person is on duty as; 'duty' by default."`
}

func (r *rosterShiftCmd) Run(ctx context.Context, c *console) error {
	from, err := people.WallTime(r.From, r.Zone)
	if err != nil {
		return usageError{err}
	}
	until, err := people.WallTime(r.Until, r.Zone)
	if err != nil {
		return usageError{err}
	}
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		shift, err := p.roster.AddShift(ctx, people.Shift{Account: r.Name, Post: r.Post, Zone: r.Zone, Period: people.Period{From: from, Until: until}})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "shift %s: %s\n", shift.ID, r.Name)
		return err
	})
}

type rosterRotationCmd struct {
	Members []string `arg:"" help:"The accounts, in the order of their turns."`
	Start   string   `help:"First day, as 2026-11-30; turns change on its day of the week." required:"" placeholder:"DAY"`
	Zone    string   `help:"Time zone, as Europe/Vienna." default:"UTC"`
	Weeks   int      `help:"How many weeks a turn lasts." default:"1"`
	From    string   `help:"Time of day at which the duty begins." default:"08:00"`
	Until   string   `help:"Time of day at which it ends; the next day's when not later." default:"08:00"`
	Days    []string `help:"Days on which it begins, as mon,tue; all by default."`
	Post    string   `help:"What they are on duty as; 'duty' by default."`
}

func (r *rosterRotationCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		rotation, err := p.roster.AddRotation(ctx, people.Rotation{
			Post: r.Post, Zone: r.Zone, Start: r.Start, Weeks: r.Weeks, From: r.From, Until: r.Until, Days: r.Days, Members: r.Members,
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "rotation %s: %s\n", rotation.ID, output.Count(len(rotation.Members), "member", "members"))
		return err
	})
}

type rosterEndCmd struct {
	ID  string `arg:"" help:"Of a shift or rotation."`
	Day string `help:"For a rotation: the first day without it; tomorrow by default." placeholder:"DAY"`
}

func (r *rosterEndCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		if err := p.roster.End(ctx, r.ID, r.Day); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.out, "%s ended\n", r.ID)
		return err
	})
}

type rosterNoteCmd struct {
	Text string `arg:"" help:"The note."`
	Post string `help:"Whose watch it is; 'duty' by default."`
}

func (r *rosterNoteCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		_, err := p.roster.HandOver(ctx, r.Post, r.Text)
		return err
	})
}

type rosterNotesCmd struct {
	Format string `help:"table or json (one note a line)." enum:"table,json" default:"table"`
}

func (r *rosterNotesCmd) Run(ctx context.Context, c *console) error {
	return c.withPeople(ctx, func(ctx context.Context, p *peopleRooms) error {
		notes, err := p.roster.Notes(ctx, time.Time{}, 0)
		if err != nil {
			return err
		}
		if r.Format == "json" {
			return eachLine(c.out, notes)
		}
		for _, n := range notes {
			if _, err := fmt.Fprintf(c.out, "%s  %s  %s: %s\n", minute(n.At), output.Plain(n.Post), n.Author, output.Plain(n.Text)); err != nil {
				return err
			}
		}
		return nil
	})
}
