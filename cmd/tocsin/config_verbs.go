package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"tocsin/internal/output"
	"tocsin/internal/settings"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Check a configuration file as 'up' would, without starting anything."`
	Show  configShowCmd  `cmd:"" help:"Show every setting that would be in force, and where it comes from."`
}

type configCheckCmd struct {
	File string `arg:"" help:"Configuration file."`
}

// Run reads a file strictly and has each room look at its part.
func (cmd *configCheckCmd) Run(c *console) error {
	config, err := (&configFlags{Config: cmd.File}).read(c.data)
	if err != nil {
		return err
	}
	if err := config.check(c.data); err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	_, err = fmt.Fprintf(c.out, "%s: %s, nothing wrong\n", output.Plain(cmd.File), output.Count(len(config.origins), "setting", "settings"))
	return err
}

// check says what in the configuration could not be run on this machine.
func (c *fileConfig) check(data string) error {
	if _, err := c.tables(data); err != nil {
		return err
	}
	in, _, err := c.intake(data)
	if err != nil {
		return err
	}
	if _, err := in.TLS(); err != nil {
		return err
	}
	if _, err := c.Print.check(); err != nil {
		return err
	}
	told, err := c.told()
	if err != nil {
		return err
	}
	return told.Check()
}

type configShowCmd struct {
	configFlags
	Format string `help:"table or json." enum:"table,json" default:"table"`
}

// Run shows the settings. Passwords and keys are not shown.
func (cmd *configShowCmd) Run(c *console) error {
	config, err := c.configure(&cmd.configFlags)
	if err != nil {
		return err
	}
	values := append([]settings.Value{{Key: "data", Value: c.data, From: dataOrigin(c.data)}}, settings.List(&config.fileConfig, config.origins)...)
	if cmd.Format == "json" {
		lines := json.NewEncoder(c.out)
		lines.SetIndent("", "  ")
		return lines.Encode(struct {
			File     string           `json:"file,omitempty"`
			Settings []settings.Value `json:"settings"`
		}{config.file, values})
	}
	var text strings.Builder
	for _, v := range values {
		fmt.Fprintf(&text, "%-44s  %-32s  %s\n", v.Key, output.Plain(shownValue(v.Value)), output.Plain(v.From))
	}
	_, err = fmt.Fprint(c.out, text.String())
	return err
}

// shownValue is a setting's value for a person.
func shownValue(of any) string {
	list, ok := of.([]any)
	if !ok {
		if of == "" {
			return "-"
		}
		return fmt.Sprint(of)
	}
	var texts []string
	for _, one := range list {
		texts = append(texts, fmt.Sprint(one))
	}
	if len(texts) == 0 {
		return "-"
	}
	return strings.Join(texts, ", ")
}

// dataOrigin says where the data directory's name comes from.
func dataOrigin(data string) string {
	switch data {
	case os.Getenv("TOCSIN_DATA"):
		return "TOCSIN_DATA"
	case dataDirectory():
		return "default"
	}
	return "--data"
}
