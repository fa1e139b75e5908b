package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

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
	Column     string   `help:"Column of a table that holds the indicators: its name, or its number from 1." placeholder:"COLUMN"`
}

func (a *indicatorsAddCmd) Run(c *console) error {
	switch {
	case a.Name != "" && len(a.File) > 1:
		return usageError{fmt.Errorf("--name names one set; %d files are given", len(a.File))}
	case a.Confidence > 100:
		return usageError{fmt.Errorf("--confidence %d: give a number from 1 to 100", a.Confidence)}
	}
	for _, path := range a.File {
		if err := a.add(c, path); err != nil {
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
	sum := sha256.New()
	origin, err := a.origin(set.Source)
	if err != nil {
		return err
	}
	p, reading, err := exchange.ReadIndicators(io.TeeReader(f, sum), exchange.IndicatorOptions{Origin: origin, Column: a.Column})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	set.SHA256, set.Passed = hex.EncodeToString(sum.Sum(nil)), reading.PassedOver()
	if set, err = c.indicators().Add(set, p, time.Now()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %s from %s (%s)\n", set.Name, output.Count(set.Count, "indicator", "indicators"), output.Plain(path), reading.Format)
	for _, passed := range reading.Passed {
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
