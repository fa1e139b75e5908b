package main

import (
	"fmt"
	"strings"

	"tocsin/intel"
)

type indicatorsCmd struct {
	Add    indicatorsAddCmd    `cmd:"" help:"Install files of indicators, each as a set."`
	Remove indicatorsRemoveCmd `cmd:"" help:"Take sets away."`
	List   indicatorsListCmd   `cmd:"" help:"List the installed sets, or the indicators in one."`
}

// marking is a TLP marking on the command line.
type marking struct{ intel.Marking }

func (m *marking) UnmarshalText(text []byte) error {
	parsed, err := intel.ParseMarking(string(text))
	m.Marking = parsed
	return err
}

// setName makes a set's name of a file's.
func setName(path string) string {
	name := strings.ToLower(sourceName(path))
	kept := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-", r) {
			return r
		}
		return '-'
	}, name)
	const longest = 64
	return kept[:min(len(kept), longest)]
}

// valueText shows an indicator's value with what it says about matching.
func valueText(in *intel.Indicator) string {
	text := in.Value
	if in.Port != 0 {
		text = fmt.Sprintf("%s port %d", text, in.Port)
	}
	if in.Match != intel.MatchOrdinary {
		text += " (" + in.Match.String() + ")"
	}
	return text
}
