package main

import (
	"path/filepath"

	"tocsin/intake"
)

// sourceCmd is the verbs of what telemetry comes from.
type sourceCmd struct {
	List   sourceListCmd   `cmd:"" help:"Say of each source whether it does well: when it was heard, how much it sends, what was lost or could not be read."`
	Aside  sourceAsideCmd  `cmd:"" help:"Show records that could not be read, with the reason."`
	Replay sourceReplayCmd `cmd:"" help:"Hand in again what could not be read and now can be."`
}

// intakeOf is the intake of the data directory, for what it wrote there.
func (c *console) intakeOf() (intake.Config, error) {
	config, err := (&configFlags{}).read(c.data)
	if err != nil {
		return intake.Config{}, err
	}
	return intake.Config{Dir: filepath.Join(c.data, intakeFolder), Limits: config.limits()}, nil
}
