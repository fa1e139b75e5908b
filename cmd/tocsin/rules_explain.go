package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tocsin/detect/sigma"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/output"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

type explainCmd struct {
	Rule  string `arg:"" help:"ID or title of an installed rule, or a rule file."`
	Event string `arg:"" help:"File with the event, '-' for standard input, or the event itself as JSON."`

	ruleFlags
	Mapping []string `help:"Folder of mapping files; repeatable." placeholder:"DIR" sep:"none"`
	Record  uint64   `help:"Only the record of that number, as findings name it: in a file of lines the line."`
	All     bool     `help:"Show every event of the file; without it the first ten."`
}

// shownEvents is how many events of a file are explained unless told otherwise.
const shownEvents = 10

func (e *explainCmd) Run(ctx context.Context, c *console) error {
	rule, err := e.rule(c)
	if err != nil {
		return err
	}
	mappings, err := loadMappings(e.Mapping)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	x := &explainer{out: out, rule: rule, names: intel.NewNames(mappings.Rewrite), limit: shownEvents, record: e.Record, colour: terminal(c.out).Colour}
	if e.All {
		x.limit = int(^uint(0) >> 1)
	}
	err = e.read(ctx, c, mappings, x)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	switch {
	case x.events > 0:
	case x.seen > 0:
		return fmt.Errorf("%s has no record %d, but %d to %d (in a file of lines the record is the line): %w",
			output.Plain(e.Event), e.Record, x.first, x.last, fault.NotFound)
	default:
		return fmt.Errorf("no event could be read from %s: %w", output.Plain(e.Event), fault.Invalid)
	}
	return nil
}

// rule finds the rule, and makes it ready as a watch would.
func (e *explainCmd) rule(c *console) (*sigma.Rule, error) {
	flags := e.ruleFlags
	word := e.Rule
	if info, err := os.Stat(word); err == nil && !info.IsDir() {
		flags.Rules = []string{word}
		word = ""
	}
	read, err := flags.read(c.library())
	if err != nil {
		return nil, err
	}
	var found *sigma.Rule
	switch {
	case word != "":
		r, err := read.find(word)
		if err != nil {
			return nil, err
		}
		if r.rule == nil {
			return nil, fmt.Errorf("%s is a correlation: explain the rules it builds on: %w", r.Title, fault.Invalid)
		}
		found = r.rule
	case len(read.rules) > 0:
		found = read.rules[0]
	case len(read.problems) > 0:
		return nil, read.problems[0]
	default:
		return nil, fmt.Errorf("%s holds no rule: %w", e.Rule, fault.NotFound)
	}
	one := &ruleSet{rules: []*sigma.Rule{found}}
	if err := flags.prepare(one, read.filters); err != nil {
		return nil, err
	}
	if len(one.rules) == 0 {
		return nil, fmt.Errorf("the rule waits for placeholders, give --placeholders: %s: %w", strings.Join(one.placeholders, ", "), fault.Invalid)
	}
	return one.rules[0], nil
}

// errEnough ends the reading of events.
var errEnough = errors.New("enough events")

func (e *explainCmd) read(ctx context.Context, c *console, mappings *logsource.Mappings, x *explainer) error {
	reader := &telemetry.Reader{Paths: []string{e.Event}, Stdin: c.in}
	if strings.HasPrefix(strings.TrimSpace(e.Event), "{") {
		reader = &telemetry.Reader{Paths: []string{telemetry.Stdin}, Stdin: bytes.NewReader([]byte(e.Event + "\n"))}
	} else if e.Event != telemetry.Stdin {
		if _, err := os.Stat(e.Event); err != nil {
			return fmt.Errorf("no event: %w", err)
		}
	}
	decoder := telemetry.NewDecoder(mappings, x.names)
	err := reader.Run(ctx, func(b *telemetry.Block) error {
		defer b.Release()
		problems, err := decoder.Decode(b, x.event)
		for _, p := range problems {
			fmt.Fprintf(x.out, "not read: %s %s at byte %d\n", output.Plain(p.Reason), output.Plain(p.Detail), p.Offset)
		}
		return err
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// explainer writes for each event which parts of the rule held.
type explainer struct {
	out    *bufio.Writer
	rule   *sigma.Rule
	names  *intel.Names
	limit  int
	record uint64
	events int
	colour bool

	seen        int // events, of this record or not
	first, last uint64
}

func (x *explainer) event(e *telemetry.Event) error {
	x.seen++
	x.last = e.Number
	if x.seen == 1 {
		x.first = e.Number
	}
	if x.record != 0 && e.Number != x.record {
		return nil
	}
	if x.events == x.limit {
		fmt.Fprintf(x.out, "and more; --all shows them\n")
		return errEnough
	}
	x.events++
	parts, err := sigma.Explain(x.rule, &e.Record, x.names, e.Class)
	if err != nil {
		return err
	}
	source := intel.LogSource{Product: e.Class.Product, Service: e.Class.Service, Category: strings.Join(e.Class.Categories, ",")}
	fits := e.Class.Takes(x.rule.LogSource)
	held := false
	for _, p := range parts {
		held = held || p.Held
	}
	fmt.Fprintf(x.out, "%s %s: record %d is %s\n", x.mark(held && fits), output.Plain(x.rule.Title), e.Number, output.Plain(orUnknown(source)))
	fmt.Fprintf(x.out, "  %s logsource %s\n", x.mark(fits), output.Plain(orAny(x.rule.LogSource)))
	for i, p := range parts {
		if i < len(x.rule.ConditionTexts) {
			fmt.Fprintf(x.out, "  %s condition: %s\n", x.mark(p.Held), output.Plain(x.rule.ConditionTexts[i]))
		}
		x.part(p, 2)
	}
	return nil
}

// part writes a part and those below it, each with whether it held.
func (x *explainer) part(p sigma.Part, depth int) {
	indent := strings.Repeat("  ", depth)
	// A search that is one list only repeats it.
	if p.Kind == sigma.SearchPart && len(p.Parts) == 1 && (p.Parts[0].Kind == sigma.AndPart || p.Parts[0].Kind == sigma.OrPart) {
		inner := p.Parts[0]
		word := map[sigma.PartKind]string{sigma.AndPart: "all of", sigma.OrPart: "any of"}[inner.Kind]
		fmt.Fprintf(x.out, "%s%s %s, %s%s\n", indent, x.mark(p.Held), output.Plain(p.Text), word, lineOf(p))
		for _, below := range inner.Parts {
			x.part(below, depth+1)
		}
		return
	}
	fmt.Fprintf(x.out, "%s%s %s%s%s\n", indent, x.mark(p.Held), output.Plain(p.Text), lineOf(p), looked(p))
	for _, below := range p.Parts {
		x.part(below, depth+1)
	}
}

func lineOf(p sigma.Part) string {
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", p.Line)
}

// maxLooked bounds the value shown beside a test.
const maxLooked = 200

// looked says what a test looked at.
func looked(p sigma.Part) string {
	if p.Kind != sigma.TestPart {
		return ""
	}
	switch {
	case !p.Present && p.Field == "":
		return ": in no value"
	case !p.Present:
		return ": the event has no " + output.Plain(p.Field)
	case p.Null:
		return ": " + output.Plain(p.Name) + " is null"
	}
	value := p.Value
	if len(value) > maxLooked {
		value = strings.ToValidUTF8(value[:maxLooked], "") + "…"
	}
	return fmt.Sprintf(": %s is '%s'", output.Plain(p.Name), output.Plain(value))
}

func (x *explainer) mark(held bool) string {
	switch {
	case held && x.colour:
		return "\x1b[1m✓\x1b[0m"
	case held:
		return "✓"
	case x.colour:
		return "\x1b[2m✗\x1b[0m"
	}
	return "✗"
}

func orUnknown(l intel.LogSource) string {
	if l.String() == "" {
		return "of no known log source"
	}
	return l.String()
}

func orAny(l intel.LogSource) string {
	if l.String() == "" {
		return "any"
	}
	return l.String()
}
