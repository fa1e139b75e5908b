package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// report is a section of the printed result: a table of what was measured, and
// below it what must be reached.
type report struct {
	title string
	unit  string // what a cost is divided by: "event", "record"
	lines []line
	goals []goal
}

type line struct {
	name  string
	cost  cost
	units float64
	note  string
}

// goal is a number to reach and whether it was.
type goal struct {
	text        string
	got, limit  float64
	atLeast     bool // else at most
	measurement string
}

func (g goal) reached() bool {
	if g.atLeast {
		return g.got >= g.limit
	}
	return g.got <= g.limit
}

// each is the CPU time of one unit of work in microseconds.
func (l line) each() float64 { return float64(l.cost.cpu) / float64(time.Microsecond) / l.units }

// print writes the report as Markdown: it is what docs/performance.md shows.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n| | µs of CPU / %s | against the first | elapsed s | peak memory MB | |\n| --- | ---: | ---: | ---: | ---: | --- |\n", r.title, r.unit)
	for _, l := range r.lines {
		memory := ""
		if l.cost.memory > 0 {
			memory = fmt.Sprintf("%.0f", float64(l.cost.memory)/1e6)
		}
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %s | %s |\n", l.name, l.each(), l.each()/r.lines[0].each(), l.cost.wall.Seconds(), memory, l.note)
	}
	if len(r.goals) > 0 {
		fmt.Fprintln(w)
	}
	for _, g := range r.goals {
		fmt.Fprintln(w, "- "+g.String())
	}
}

func (g goal) String() string {
	side, mark := "at most", "reached"
	if g.atLeast {
		side = "at least"
	}
	if !g.reached() {
		mark = "NOT reached"
	}
	return strings.TrimSpace(fmt.Sprintf("%s: %.2f (%s %.4g) %s %s", g.text, g.got, side, g.limit, mark, g.measurement))
}
