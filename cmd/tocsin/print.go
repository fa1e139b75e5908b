package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tocsin/internal/document"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/internal/printout"
	"tocsin/people"
)

// printCmd makes the paper that is at hand when the network is not.
type printCmd struct {
	Out      string `help:"Write it here rather than into the folder 'print' of the data directory." placeholder:"FILE"`
	Language string `help:"en or zh-CN; without it what the configuration says." enum:",en,zh-CN" default:"" placeholder:"en|zh-CN"`
}

// printConfig is how the daily paper is made.
type printConfig struct {
	Language string `yaml:"language"` // en or zh-CN
	Zone     string `yaml:"zone"`     // of its times, as Europe/Vienna
	Issuer   string `yaml:"issuer"`   // whose it is
}

const (
	printFolder = "print"
	printName   = "tocsin.pdf"
	// printDays is how far ahead duties are printed: two weeks, after which the
	// network is either there or nobody's first worry.
	printDays = 14
	// printEvery is how often a node makes the paper, printAgain when that failed.
	printEvery = 24 * time.Hour
	printAgain = time.Hour
)

// current says which clocks run and which cases are open, in a language.
type current func(ctx context.Context, language document.Language) ([]printout.Clock, []printout.Case, error)

func (p *printCmd) Run(ctx context.Context, c *console) error {
	config, err := c.configure(&configFlags{})
	if err != nil {
		return usageError{err}
	}
	if p.Language != "" {
		config.Print.Language = p.Language
	}
	return c.withPeople(ctx, func(ctx context.Context, rooms *peopleRooms) error {
		path := p.Out
		if path == "" {
			path = c.printPath()
		}
		cases, err := c.incidentsToRead(rooms)
		if err != nil {
			return err
		}
		if err := c.print(ctx, rooms, config.Print, cases.current, path, time.Now()); err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.out, output.Plain(path))
		return err
	})
}

func (c *console) printPath() string { return filepath.Join(c.data, printFolder, printName) }

// check returns the zone, or what is wrong with the setting.
func (p printConfig) check() (*time.Location, error) {
	if p.Language != "" && p.Language != string(document.English) && p.Language != string(document.Chinese) {
		return nil, fmt.Errorf("print.language %q: write %s or %s: %w", p.Language, document.English, document.Chinese, fault.Invalid)
	}
	zone, err := time.LoadLocation(p.Zone) // "" is UTC
	if err != nil || p.Zone == "Local" {
		return nil, fmt.Errorf("print.zone %q: write a time zone, as Europe/Vienna: %w", p.Zone, fault.Invalid)
	}
	return zone, nil
}

// print makes the paper and puts it in the place of the one before.
func (c *console) print(ctx context.Context, rooms *peopleRooms, config printConfig, now current, path string, at time.Time) error {
	content, err := rooms.printed(ctx, config, at)
	if err != nil {
		return err
	}
	if content.Clocks, content.Cases, err = now(ctx, content.Language); err != nil {
		return err
	}
	fonts, err := document.FindFonts()
	if err != nil {
		return err
	}
	pdf, err := printout.Paper(content).PDF(fonts)
	if err != nil {
		return err
	}
	if err := replaceFile(path, pdf); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// printed is what the rooms of people know.
func (p *peopleRooms) printed(ctx context.Context, config printConfig, at time.Time) (printout.Content, error) {
	content := printout.Content{Language: document.Language(config.Language), Issuer: config.Issuer, Written: at}
	if content.Language == "" {
		content.Language = document.English
	}
	if content.Issuer == "" {
		content.Issuer = "Tocsin, " + hostName()
	}
	var err error
	if content.Zone, err = config.check(); err != nil {
		return content, err
	}
	accounts, err := p.accounts.List(ctx)
	if err != nil {
		return content, err
	}
	phones := map[string]string{}
	for i := range accounts {
		a := &accounts[i]
		if !a.Disabled.IsZero() {
			continue
		}
		phones[a.ID] = a.Phone
		content.People = append(content.People, printout.Person{Name: called(a.Name, a.Display), Role: string(a.Role), Phone: a.Phone, Mail: a.Mail})
	}
	from := at.UTC().Truncate(time.Minute)
	plan, err := p.roster.Plan(ctx, people.Period{From: from, Until: from.AddDate(0, 0, printDays)})
	if err != nil {
		return content, err
	}
	for i := range plan.Duties {
		d := &plan.Duties[i]
		content.Duties = append(content.Duties, printout.Duty{Post: d.Post, Name: called(d.Name, d.Display), Phone: phones[d.Account], From: d.From, Until: d.Until})
	}
	for _, g := range plan.Gaps {
		content.Gaps = append(content.Gaps, printout.Gap{Post: g.Post, From: g.From, Until: g.Until})
	}
	return content, nil
}

// called is what a person is called.
func called(name, display string) string {
	if display != "" {
		return display
	}
	return name
}

// replaceFile writes a file, whole or not at all, which its owner alone may read.
func replaceFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeWhole(path, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
}

// printDaily makes the paper at the start and then every day, until ctx ends. It
// is no timer of the database: each node has a paper of its own.
func (r *running) printDaily(ctx context.Context, now current) error {
	for {
		wait := printEvery
		if err := r.print(ctx, r.people, r.config.Print, now, r.printPath(), time.Now()); err != nil && ctx.Err() == nil {
			wait = printAgain
			r.log.WarnContext(ctx, "the paper for when the network is down could not be made", slog.Any("error", err))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}
