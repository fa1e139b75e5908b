package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tocsin/detect"
	"tocsin/intel"
	"tocsin/internal/output"
	"tocsin/node"
	"tocsin/telemetry"
)

type watchCmd struct {
	Paths []string `arg:"" name:"path" help:"Files, folders, archives (.gz, .zst, .tar, .zip) of telemetry in any format; '-' is standard input."`

	ruleFlags
	indicatorFlags
	posting
	Mapping  []string `help:"Folder of mapping files for formats that tocsin does not know; repeatable." placeholder:"DIR" sep:"none"`
	MinLevel level    `help:"Only rules from this level on: informational, low, medium, high, critical." placeholder:"LEVEL"`
	Tag      []string `help:"Only rules with this tag or one below it, as attack.t1059; repeatable." placeholder:"TAG"`
	Since    moment   `help:"Only events from then on: RFC 3339, a date, or how long ago (24h, 7d)." placeholder:"TIME"`
	Until    moment   `help:"Only events before then." placeholder:"TIME"`
	Follow   bool     `short:"f" help:"Keep reading what is appended, until interrupted."`

	Format     string `help:"table, jsonl or csv." enum:"table,jsonl,csv" default:"table"`
	Report     string `help:"Also write one self-contained HTML page." placeholder:"FILE.html"`
	FailOn     level  `help:"End with status 3 when something is found at this level or above." placeholder:"LEVEL"`
	NoProgress bool   `help:"No progress bar."`
	Stats      bool   `help:"Print speed and where time went, as JSON on standard error."`
	Workers    int    `help:"How many workers decode and match; 0 is one a core." default:"0"`
	Naive      bool   `help:"Ask every rule by itself: slow, with the same result. For tests."`
}

func (w *watchCmd) Run(ctx context.Context, c *console) error {
	if err := w.check(); err != nil {
		return usageError{err}
	}
	for _, path := range w.Paths {
		if path == telemetry.Stdin {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("nothing to read: %w", err)
		}
	}
	rules, err := w.ruleFlags.load(c.library())
	if err != nil {
		return err
	}
	wanted := selection{w.MinLevel.Severity, w.Tag}
	rules.choose(wanted)
	indicators, err := w.indicatorFlags.load(c)
	if err != nil {
		return err
	}
	if len(rules.rules) == 0 && indicators.live == nil {
		return errors.New(strings.Join(append([]string{"no rule to run."}, rules.left()...), " "))
	}
	rules.notes = indicators.notes
	watch, err := w.watch(c, rules)
	if err != nil {
		return err
	}
	watch.Indicators, watch.FreeText = indicators.live, w.FreeText
	report, err := openReport(w.Report)
	if err != nil {
		return err
	}
	defer report.discard()
	return w.run(ctx, c, watch, rules, report)
}

func (w *watchCmd) check() error {
	switch {
	case w.Workers < 0:
		return fmt.Errorf("--workers %d: give a number above 0, or 0 for one a core", w.Workers)
	case !w.Since.IsZero() && !w.Until.IsZero() && !w.Since.Before(w.Until.Time):
		return errors.New("--since is not before --until: no event can be between them")
	}
	stdin := 0
	for _, path := range w.Paths {
		if path == telemetry.Stdin {
			stdin++
		}
	}
	if stdin > 1 {
		return errors.New("standard input ('-') can be read once only")
	}
	return nil
}

func (w *watchCmd) watch(c *console, rules *ruleSet) (*node.Watch, error) {
	mappings, err := loadMappings(w.Mapping)
	if err != nil {
		return nil, err
	}
	return &node.Watch{
		Paths: w.Paths, Stdin: c.in, Follow: w.Follow,
		Rules: rules.rules, Correlations: rules.correlations, Mappings: mappings,
		Workers: w.Workers, Naive: w.Naive, Since: w.Since.Time, Until: w.Until.Time,
		Brief: w.Report == "", // only the report shows whole events
	}, nil
}

// run watches and says what was found: while it goes on where findings are
// written one by one, at the end where they are grouped.
func (w *watchCmd) run(ctx context.Context, c *console, watch *node.Watch, rules *ruleSet, report *reportFile) error {
	overview := output.NewOverview()
	buffered := bufio.NewWriterSize(c.out, writeBuffer)
	each, finish := w.printer(buffered, terminal(c.out))
	wanted := selection{w.MinLevel.Severity, w.Tag}

	post, err := w.begin(ctx, c, w.Follow)
	if err != nil {
		return err
	}
	bar := startProgress(ctx, c.err, w.showsProgress(c))
	watch.Progress = bar.tell
	summary, err := watch.Run(ctx, func(f *detect.Finding) error {
		if m := f.Meta(); !wanted.wants(m.Level, m.Tags) {
			return nil // only there for a correlation
		}
		overview.Add(f)
		if post != nil {
			if err := post.add(f); err != nil {
				return err
			}
		}
		if err := each(f); err != nil {
			return err
		}
		if w.Follow {
			return buffered.Flush() // a person waits for it
		}
		return nil
	})
	bar.stop()
	if failed := post.finish(c); failed != nil && ctx.Err() == nil {
		return errors.Join(failed, buffered.Flush())
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return errors.Join(err, buffered.Flush())
	}
	interrupted := err != nil
	also := rules.left()
	if interrupted {
		also = append(also, "The watch was interrupted: what follows in the input was not read.")
	}
	if err := errors.Join(finish(overview), buffered.Flush(), report.write(overview, &summary, also)); err != nil {
		return err
	}
	if err := w.conclude(c, overview, &summary, also); err != nil {
		return err
	}
	return w.verdict(overview, &summary, interrupted)
}

// writeBuffer joins findings to writes of a size that costs nothing each.
const writeBuffer = 64 << 10

// printer returns what writes each finding and what writes all at the end.
func (w *watchCmd) printer(to *bufio.Writer, t output.Terminal) (each func(*detect.Finding) error, finish func(*output.Overview) error) {
	nothing := func(*output.Overview) error { return nil }
	switch {
	case w.Format == "jsonl":
		return output.NewJSONL(to).Finding, nothing
	case w.Format == "csv":
		csv := output.NewCSV(to)
		return csv.Finding, func(*output.Overview) error { return csv.Close() }
	case w.Follow:
		return output.NewLines(to, t).Finding, nothing
	}
	return func(*detect.Finding) error { return nil }, func(o *output.Overview) error { return output.WriteTable(to, o, t) }
}

// conclude says what was covered: below the table, or on standard error where
// standard output is for a program.
func (w *watchCmd) conclude(c *console, o *output.Overview, s *node.Summary, also []string) error {
	to := c.out
	if w.Format != "table" {
		to = c.err
	}
	if w.Format == "table" && o.Findings > 0 {
		if _, err := fmt.Fprintln(to); err != nil {
			return err
		}
	}
	if err := output.WriteSummary(to, o, s, also, terminal(to)); err != nil {
		return err
	}
	if w.Report != "" {
		if _, err := fmt.Fprintf(to, "\nReport: %s\n", output.Plain(w.Report)); err != nil {
			return err
		}
	}
	if w.Stats {
		return writeStats(c.err, s)
	}
	return nil
}

// verdict turns what was found into the exit status.
func (w *watchCmd) verdict(o *output.Overview, s *node.Summary, interrupted bool) error {
	switch {
	case w.FailOn.Severity > intel.Unrated && o.Highest() >= w.FailOn.Severity:
		return errFailOn
	case interrupted && !w.Follow:
		return errors.New("interrupted")
	case s.Events == 0 && !w.Follow:
		return errors.New("nothing could be read from the input: no event in it")
	}
	return nil
}

func (w *watchCmd) showsProgress(c *console) bool {
	// Lines of findings and a bar on one terminal would overwrite each other.
	mixed := w.Format != "table" && isTerminal(c.out)
	return !w.NoProgress && !w.Follow && !mixed && isTerminal(c.err)
}
