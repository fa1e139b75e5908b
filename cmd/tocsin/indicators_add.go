package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"tocsin/api"
	"tocsin/client"
	"tocsin/exchange"
	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/knowledge"
)

type indicatorsAddCmd struct {
	File []string `arg:"" help:"Lists, tables, STIX bundles, MISP documents; gzip around them is understood."`

	Name       string   `help:"Name of the set; without it the file's. A set of that name is replaced." placeholder:"NAME"`
	Source     string   `help:"Who says so, where the file does not." placeholder:"WHO"`
	Label      string   `help:"Family or campaign, where the file does not say." placeholder:"TEXT"`
	TLP        marking  `help:"Marking where the file says none: clear, green, amber, amber+strict, red." placeholder:"TLP"`
	Confidence uint8    `help:"How sure the source is, 1 to 100, where the file does not say." placeholder:"N"`
	HalfLife   lifetime `help:"In what time the confidence halves: 30d, 12h." placeholder:"TIME"`
	Until      expiry   `help:"Until when the indicators hold, where the file does not say: a time, or how long from now (90d)." placeholder:"TIME"`
	Action     string   `help:"What is to be done: detect, block or do-not-block." enum:"detect,block,do-not-block" default:"detect"`
	asking
	Column string `help:"Column of a table that holds the indicators: its name, or its number from 1." placeholder:"COLUMN"`
}

func (a *indicatorsAddCmd) Run(ctx context.Context, c *console) error {
	there, err := a.client()
	if err != nil {
		return err
	}
	switch {
	case a.Name != "" && len(a.File) > 1:
		return usageError{fmt.Errorf("--name names one set; %d files are given", len(a.File))}
	case a.Confidence > 100:
		return usageError{fmt.Errorf("--confidence %d: give a number from 1 to 100", a.Confidence)}
	}
	for _, path := range a.File {
		add := func() error { return a.add(c, path) }
		if there != nil {
			add = func() error { return a.send(ctx, c, there, path) }
		}
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

func (a *indicatorsAddCmd) add(c *console, path string) error {
	set := knowledge.IndicatorSet{Name: a.Name, Origin: path, Source: a.Source, TLP: a.TLP.String()}
	if set.Name == "" {
		set.Name = setName(path)
	}
	if set.Source == "" {
		set.Source = sourceName(path)
	}
	if err := knowledge.CheckName(set.Name); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	origin, err := a.origin(set.Source)
	if err != nil {
		return err
	}
	set, reading, err := exchange.Install(c.indicators(), set, f, exchange.IndicatorOptions{Origin: origin, Column: a.Column}, time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return a.say(c, path, set, reading.Format, reading.Passed)
}

// send installs a file at a running node.
func (a *indicatorsAddCmd) send(ctx context.Context, c *console, to *client.Client, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	name := a.Name
	if name == "" {
		name = setName(path)
	}
	query := url.Values{"origin": {path}, "source": {a.Source}, "label": {a.Label}, "tlp": {a.TLP.String()}, "action": {a.Action}, "column": {a.Column}}
	if a.Source == "" {
		query.Set("source", sourceName(path))
	}
	if a.Confidence > 0 {
		query.Set("confidence", strconv.Itoa(int(a.Confidence)))
	}
	if a.HalfLife > 0 {
		query.Set("half_life", time.Duration(a.HalfLife).String())
	}
	if !a.Until.IsZero() {
		query.Set("until", a.Until.Format(time.RFC3339))
	}
	var told api.Installed
	if err := to.Send(ctx, "/api/v1/indicators/"+url.PathEscape(name)+"?"+query.Encode(), "application/octet-stream", f, &told); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return a.say(c, path, told.Set, told.Format, told.Passed)
}

// say tells what became of a file.
func (a *indicatorsAddCmd) say(c *console, path string, set knowledge.IndicatorSet, format exchange.Format, passedOver []exchange.Passed) error {
	fmt.Fprintf(c.out, "%s: %s from %s (%s)\n", set.Name, output.Count(set.Count, "indicator", "indicators"), output.Plain(path), format)
	for _, passed := range passedOver {
		fmt.Fprintf(c.out, "  %s passed over: %s, first at %s\n", output.Count(passed.Count, "entry", "entries"), output.Plain(passed.Reason), output.Plain(passed.First))
	}
	return nil
}

// origin is what is said of indicators where the file says nothing.
func (a *indicatorsAddCmd) origin(source string) (intel.Origin, error) {
	o := intel.Origin{
		Source: source, Label: a.Label, Marking: a.TLP.Marking, Confidence: a.Confidence,
		HalfLife: time.Duration(a.HalfLife), Until: a.Until.Time,
	}
	if o.HalfLife > 0 {
		o.From = time.Now().UTC().Truncate(time.Second) // decay needs a beginning
	}
	return o, o.Action.UnmarshalText([]byte(a.Action))
}
