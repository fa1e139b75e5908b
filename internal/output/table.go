package output

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tocsin/detect"
	"tocsin/intel"
	"tocsin/node"
)

// Terminal says how a terminal is written to.
type Terminal struct {
	Width  int  // in columns; 0 means 80
	Colour bool // ANSI colours
}

const (
	// minWidth is the narrowest table: below it every line would be cut.
	minWidth = 40
	// maxWidth is the widest: lines longer than this are hard to follow.
	maxWidth = 220
	// columnsWidth is from where on each rule has one line with columns.
	columnsWidth = 120
)

// table writes an overview to a terminal.
type table struct {
	w     *bufio.Writer
	width int
	style style
	o     *Overview
}

func newTable(w io.Writer, o *Overview, t Terminal) *table {
	if t.Width == 0 {
		t.Width = 80
	}
	return &table{
		w: bufio.NewWriter(w), width: min(max(t.Width, minWidth), maxWidth), style: style{t.Colour}, o: o,
	}
}

// WriteTable writes what was found, grouped by rule, the gravest first.
// Nothing is written when nothing was found: the summary says so.
func WriteTable(w io.Writer, o *Overview, t Terminal) error {
	tab := newTable(w, o, t)
	wide := tab.width >= columnsWidth
	if wide && o.Findings > 0 {
		tab.head()
	}
	level := intel.Critical + 1
	for _, g := range o.Groups() {
		if g.Meta.Level != level {
			if level <= intel.Critical {
				fmt.Fprintln(tab.w)
			}
			level = g.Meta.Level
			tab.levelHead(level)
		}
		if wide {
			tab.columns(g)
		} else {
			tab.stacked(g)
		}
	}
	return tab.w.Flush()
}

// WriteSummary writes in plain words what was covered, what was found, and what
// was not covered: what the summary says, and the further sentences in also.
func WriteSummary(w io.Writer, o *Overview, s *node.Summary, also []string, t Terminal) error {
	tab := newTable(w, o, t)
	for _, line := range Covered(o, s) {
		tab.paragraph("", line)
	}
	if gaps := append(Gaps(s), also...); len(gaps) > 0 {
		fmt.Fprintf(tab.w, "\n%s\n", tab.style.bold("Not covered"))
		for _, gap := range gaps {
			tab.paragraph("- ", gap)
		}
	}
	return tab.w.Flush()
}

// paragraph writes text in as many lines as it needs, under a mark.
func (t *table) paragraph(mark, text string) {
	const noLimit = 1000
	for i, line := range wrap(text, t.width-width(mark), noLimit) {
		if i > 0 {
			mark = strings.Repeat(" ", width(mark))
		}
		fmt.Fprintln(t.w, mark+line)
	}
}

func (t *table) levelHead(l intel.Severity) {
	rules := 0
	for _, g := range t.o.groups {
		if g.Meta.Level == l {
			rules++
		}
	}
	fmt.Fprintf(t.w, "%s %s\n", t.style.level(l, meter(l)+" "+strings.ToUpper(l.String())),
		t.style.dim(Count(rules, "rule", "rules")+", "+Count(t.o.ByLevel[l], "finding", "findings")))
}

// The widths of the columns beside the rule's title.
const (
	countWidth = 9
	timeWidth  = 19
	gap        = 2
)

// share divides what fixed columns leave among title, technique and hosts.
func (t *table) share() (title, technique, hosts int) {
	rest := t.width - countWidth - 2*timeWidth - 5*gap
	technique = min(rest*30/100, 36)
	hosts = min(rest*26/100, 34)
	return rest - technique - hosts, technique, hosts
}

func (t *table) head() {
	title, technique, hosts := t.share()
	line := strings.Join([]string{
		padLeft("FINDINGS", countWidth), padRight("RULE", title), padRight("ATT&CK", technique), padRight("HOSTS", hosts),
		padRight("FIRST, UTC", timeWidth), "LAST, UTC",
	}, strings.Repeat(" ", gap))
	fmt.Fprintln(t.w, t.style.dim(line))
}

// columns writes a rule on one line, or two when its title is long, and an
// example under it where the level asks for a look.
func (t *table) columns(g *Group) {
	title, technique, hosts := t.share()
	between := strings.Repeat(" ", gap)
	lines := wrap(Plain(g.Meta.Title), title, 2)
	fmt.Fprintln(t.w, strings.Join([]string{
		padLeft(number(g.Findings), countWidth),
		t.style.bold(padRight(lines[0], title)),
		padRight(techniqueCell(g.Techniques, technique), technique),
		padRight(t.hostCell(g, hosts), hosts),
		padRight(moment(g.First), timeWidth),
		strings.TrimRight(moment(g.Last), " "),
	}, between))
	indent := strings.Repeat(" ", countWidth+gap)
	for _, line := range lines[1:] {
		fmt.Fprintln(t.w, indent+t.style.bold(line))
	}
	t.example(g, indent)
}

// stacked writes a rule as two lines, for narrow terminals.
func (t *table) stacked(g *Group) {
	const indentWidth = 8
	room := t.width - indentWidth
	for i, line := range wrap(Plain(g.Meta.Title), room, 2) {
		n := ""
		if i == 0 {
			n = number(g.Findings)
		}
		fmt.Fprintf(t.w, "%s  %s\n", padLeft(n, indentWidth-2), t.style.bold(line))
	}
	when := span(g.First, g.Last)
	const between, leastHost = 3, 12
	rest := room - width(when) - between
	technique := techniqueCell(bare(g.Techniques), rest-leastHost-between)
	where := t.hostCell(g, rest-width(technique)-between)
	fmt.Fprintf(t.w, "%s%s\n", strings.Repeat(" ", indentWidth), cut(joinSet(" · ", where, technique, when), room))
	t.example(g, strings.Repeat(" ", indentWidth))
}

// example writes the values that matched in the first finding of a rule from
// high on, and of indicators, whose title does not name them: they tell at a
// glance whether it is what it looks like.
func (t *table) example(g *Group, indent string) {
	if (g.Meta.Level < intel.High && !g.Indicator) || len(g.Examples) == 0 {
		return
	}
	text := exampleText(g.Examples[0])
	if text == "" {
		return
	}
	fmt.Fprintln(t.w, indent+t.style.dim(cut(text, t.width-width(indent))))
}

// exampleText shows what matched, the longest value first: that is the command
// line, the path or the script, while the shortest is an event ID.
func exampleText(f *detect.Finding) string {
	values := f.Fields
	if f.Correlation != nil {
		values = f.GroupBy
	}
	longest := 0
	for i, v := range values {
		if len(v.Value) > len(values[longest].Value) {
			longest = i
		}
	}
	var parts []string
	for i := range values {
		v := values[(i+longest)%len(values)]
		part := Plain(fieldName(v)) + "=" + Plain(v.Value)
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "  ")
}

// techniqueCell names as many techniques as fit and counts the rest.
func techniqueCell(techniques []Technique, room int) string {
	names := make([]string, 0, len(techniques))
	for _, technique := range techniques {
		names = append(names, Plain(technique.String()))
	}
	return fitted(names, len(names), room)
}

// bare leaves of techniques their IDs.
func bare(techniques []Technique) []Technique {
	ids := make([]Technique, len(techniques))
	for i, technique := range techniques {
		ids[i].ID = technique.ID
	}
	return ids
}

func (t *table) hostCell(g *Group, room int) string {
	const asked = 8 // more never fit
	names, all := t.o.GroupHosts(g, asked)
	for i, name := range names {
		names[i] = Plain(name)
	}
	return fitted(names, all, room)
}

// fitted joins the names that fit into the room and says how many more there
// are. At least one is named, cut if need be.
func fitted(names []string, all, room int) string {
	if all == 0 {
		return ""
	}
	text := ""
	for n := 1; n <= len(names); n++ {
		longer := strings.Join(names[:n], ", ") + more(all-n)
		if width(longer) > room && n > 1 {
			break
		}
		text = longer
		if width(text) > room {
			suffix := more(all - 1)
			return cut(names[0], room-width(suffix)) + suffix
		}
	}
	return text
}

func more(n int) string {
	if n == 0 {
		return ""
	}
	return " +" + number(n)
}

func joinSet(separator string, parts ...string) string {
	set := parts[:0]
	for _, part := range parts {
		if part != "" {
			set = append(set, part)
		}
	}
	return strings.Join(set, separator)
}

// moment writes a time to the second, UTC.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateTime)
}

// span writes from when to when, no longer than needed.
func span(first, last time.Time) string {
	if first.IsZero() {
		return "time not given"
	}
	from, to := moment(first), moment(last)
	switch {
	case from == to:
		return from
	case from[:10] == to[:10]:
		return from + " – " + to[11:]
	default:
		return from[:16] + " – " + to[:16]
	}
}
