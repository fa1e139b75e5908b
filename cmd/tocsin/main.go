// Command tocsin watches telemetry for attacks.
//
// Each verb has a file of its own; cli.go lists them. Exit statuses: 0 done, 1
// an error of ours or of input that nothing could be read from, 2 wrong usage, 3
// something was found at the level that --fail-on names.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // rosters name time zones, and not every machine has them

	"github.com/alecthomas/kong"

	"tocsin/internal/output"
)

// The exit statuses.
const (
	exitDone   = 0
	exitError  = 1
	exitUsage  = 2
	exitFailOn = 3
)

func main() { os.Exit(run()) }

// run is main with an exit status.
func run() int {
	var commands cli
	parser, err := newParser(&commands)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tocsin:", err)
		return exitError
	}
	parsed, err := parser.Parse(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "tocsin: %s\nTry: tocsin --help\n", output.Plain(err.Error()))
		return exitUsage
	}
	c := &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, data: commands.Data, chosen: commands.Database}
	if err := c.knows(parsed.Command()); err != nil {
		return status(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go endBySignal(stop)
	parsed.BindTo(ctx, (*context.Context)(nil))
	return status(parsed.Run(c))
}

// endBySignal tells the program to end at the first signal, and ends it at the
// second. Both are waited for from the start, so that none is missed that comes
// right after the other.
func endBySignal(stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	stop()
	<-signals
	fmt.Fprintln(os.Stderr, "tocsin: ended at once by a second signal")
	os.Exit(exitError)
}

// knows refuses a data directory that a newer program wrote, whatever the verb
// would do with it, but for those that are there to help.
func (c *console) knows(command string) error {
	verb, _, _ := strings.Cut(command, " ")
	switch verb {
	case "version", "doctor", "restore", "config":
		return nil
	}
	_, err := c.layout(nil).Check(c.data)
	return err
}

func newParser(commands *cli) (*kong.Kong, error) {
	return kong.New(commands,
		kong.Name("tocsin"),
		kong.Description("Software for joint cyber defence: reads what machines logged and says what in it is an attack."),
		kong.Vars{"data_directory": dataDirectory(), "person_roles": personRoles()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: maxHelpWidth}),
	)
}

// maxHelpWidth keeps lines of help short enough to read on a wide terminal.
const maxHelpWidth = 110

// errFailOn says that something was found at the level that --fail-on names; it
// is no error, so nothing is printed.
var errFailOn = errors.New("found at or above the level of --fail-on")

// usageError is a wrong use that only showed after parsing.
type usageError struct{ error }

// status prints an error and turns it into an exit status.
func status(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, errFailOn) {
		return exitFailOn
	}
	for i, line := range strings.Split(err.Error(), "\n") {
		prefix := "tocsin:"
		if i > 0 {
			prefix = "       "
		}
		fmt.Fprintln(os.Stderr, prefix, output.Plain(line))
	}
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitError
}
