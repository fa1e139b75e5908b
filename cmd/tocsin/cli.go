package main

import (
	"io"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"tocsin/internal/output"
	"tocsin/knowledge"
)

// cli is every verb, with what is common to all.
type cli struct {
	Data string `help:"Data directory: memory, rules installed and which are switched off, indicators, tokens." placeholder:"DIR" env:"TOCSIN_DATA" default:"${data_directory}"`
	// Database is a flag of every verb, as the data directory is: a verb that works
	// on another database than the node does would seem to do nothing.
	Database string `help:"Database in the place of the one that the configuration names: postgres://user@host/name, or sqlite for a file in the data directory. Leave the password to PGPASSFILE or database_password_file: command lines are seen by all." placeholder:"URL" env:"TOCSIN_DATABASE"`

	Watch        watchCmd        `cmd:"" help:"Read telemetry, run rules over it, say what was found."`
	Up           upCmd           `cmd:"" help:"Run a node: take telemetry in, watch it, remember it, answer questions."`
	Ingest       ingestCmd       `cmd:"" help:"Read telemetry into memory."`
	Hunt         huntCmd         `cmd:"" help:"Ask the memory: what was seen, when, where, and what the answer rests on."`
	Source       sourceCmd       `cmd:"" help:"What telemetry comes from: how each source does, what of it could not be read, and to read that again."`
	Memory       memoryCmd       `cmd:"" help:"What is remembered: stats, compact, export, import, hold, erase."`
	Rules        rulesCmd        `cmd:"" help:"Check, test, install, list and explain rules."`
	Indicators   indicatorsCmd   `cmd:"" help:"Install, remove and list sets of indicators."`
	Alert        alertCmd        `cmd:"" help:"The queue of alerts: list, claim, dismiss, promote."`
	Incident     incidentCmd     `cmd:"" help:"Incidents, from the first report to the review."`
	Warn         warnCmd         `cmd:"" help:"Warnings to an alliance, and how its members answered."`
	Answer       answerCmd       `cmd:"" help:"Warnings that arrived: how this node answers them, and what of it is released."`
	Share        shareCmd        `cmd:"" help:"Tell an alliance what was seen: indicators, sightings, notes; and take it back."`
	Aid          aidCmd          `cmd:"" help:"Ask an alliance for experts, offer some, accept and decline."`
	Clock        clockCmd        `cmd:"" help:"What is due when, over all incidents."`
	Report       filingCmd       `cmd:"" help:"Reports between nodes: send, receipts, what came in, inquiries, guidance."`
	Organisation organisationCmd `cmd:"" help:"Who we are: what decides which laws and plans bind."`
	Statistics   statisticsCmd   `cmd:"" help:"A year's incidents in numbers, for an authority."`
	Card         cardCmd         `cmd:"" help:"What this node tells others of the organisation, signed."`
	Invite       inviteCmd       `cmd:"" help:"Invite an organisation's node to become a member of this one."`
	Join         joinCmd         `cmd:"" help:"Become a member of the hub that an invitation is from."`
	Member       memberCmd       `cmd:"" help:"Who belongs to the alliance: members, hubs, groups, mandates."`
	Regime       regimeCmd       `cmd:"" help:"Laws and plans as data: which bind, what is graded how, what is due when."`
	Link         linkCmd         `cmd:"" help:"Links to neighbours in the alliance: what is on its way, and what to do when it is not."`
	Stix         stixCmd         `cmd:"" help:"Check and list documents of STIX 2.1."`
	Csaf         csafCmd         `cmd:"" help:"Check security advisories of CSAF 2.0 and 2.1."`
	Config       configCmd       `cmd:"" help:"Check a configuration file; show what is in force and why."`
	Backup       backupCmd       `cmd:"" help:"Write everything a node keeps into one file, also while it runs."`
	Restore      restoreCmd      `cmd:"" help:"Put a backup in the data directory's place, or verify one."`
	Doctor       doctorCmd       `cmd:"" help:"Check this machine and the data directory, and say what to do."`
	User         userCmd         `cmd:"" help:"Make, list and change the accounts that people sign in with."`
	Token        tokenCmd        `cmd:"" help:"Make, list and revoke the tokens that machines and verbs show."`
	Roster       rosterCmd       `cmd:"" help:"Plan who is on duty when, and say who is."`
	Notify       notifyCmd       `cmd:"" help:"Mail and webhooks: try them out, list what could not be sent, try it again."`
	Log          logCmd          `cmd:"" help:"The log that nobody can rewrite, of what was warned: verify, show, export, mend."`
	Identity     identityCmd     `cmd:"" help:"The keys by which other nodes know this one: fingerprint, renew, revoke."`
	Verify       verifyCmd       `cmd:"" help:"Verify a signed message, a receipt, a bundle or a passport, from a file and by itself."`
	Print        printCmd        `cmd:"" help:"Make the paper for when the network is down: telephone numbers, duties, clocks, cases."`
	Version      versionCmd      `cmd:"" help:"Say which version this is."`
}

// dataDirectory is where data lives unless told otherwise (XDG Base Directory
// Specification 0.8).
func dataDirectory() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "tocsin")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ".tocsin" // a service without a home: below where it runs
	}
	return filepath.Join(home, ".local", "share", "tocsin")
}

// console is what a verb may speak to.
type console struct {
	in   io.Reader
	out  *os.File
	err  *os.File
	data string
	// chosen is the database that --database or TOCSIN_DATABASE names.
	chosen string
	// inForce is the configuration once it was read.
	inForce *fileConfig
}

func (c *console) library() *knowledge.Library {
	return knowledge.Open(filepath.Join(c.data, rulesFolder))
}

func (c *console) indicators() *knowledge.Indicators {
	return knowledge.OpenIndicators(filepath.Join(c.data, indicatorsFolder))
}

// terminal says how to write to a stream: coloured and as wide as it is when it
// is a terminal, else plain.
func terminal(f *os.File) output.Terminal {
	t := output.Terminal{Width: columnsOf(f)}
	t.Colour = isTerminal(f) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" // no-color.org
	return t
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// columnsOf is the width of a terminal; a pipe gets the width that a person
// asks for in COLUMNS, or the width that every pager has.
func columnsOf(f *os.File) int {
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		return width
	}
	if width, ok := positive(os.Getenv("COLUMNS")); ok {
		return width
	}
	const pipeWidth = 100
	return pipeWidth
}
