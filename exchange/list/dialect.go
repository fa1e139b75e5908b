package list

import (
	"bytes"
	"strconv"
	"strings"

	"tocsin/intel"
	"tocsin/intel/observable"
)

// Dialect says how a list is written.
type Dialect struct {
	// Separator parts the cells of a table; 0 for plain text.
	Separator byte
	// The places of what a table's rows hold, absent where they do not.
	Value, Kind, Label, Confidence, From, Until, ID int
	// Fixed is the kind of every value, where the name of its column says so.
	Fixed intel.ObservableKind
	// header is the line of names, which is no row.
	header string
}

// absent is the place of what rows do not hold.
const absent = -1

// Options say what a reader knows about a list that the list does not say.
type Options struct {
	// Column is the column that holds the indicators, by name or by number from
	// 1; empty to find it.
	Column string
	// Origin is what is said of each indicator where the list says nothing.
	Origin intel.Origin
}

// HeadSize is how much of a list's beginning Recognise looks at.
const HeadSize = 64 << 10

// sampled is how many lines tell a dialect.
const sampled = 100

// Recognise tells how a list is written from its beginning, of which it looks at
// HeadSize bytes. It fails only when the column that the options name is not
// there.
func Recognise(head []byte, o Options) (Dialect, error) {
	lines, comments := sample(head)
	best := plain()
	for _, separator := range []byte("\t,;|") {
		if d, ok := table(lines, comments, separator, o.Column); ok {
			best = d
			break
		}
	}
	if o.Column != "" && best.Separator == 0 {
		return best, &ColumnError{o.Column}
	}
	return best, nil
}

// ColumnError says that a list has no column of that name or number.
type ColumnError struct{ Column string }

func (e *ColumnError) Error() string {
	return "the list has no column " + strconv.Quote(e.Column) + ": give the name in its first line or a number from 1"
}

func plain() Dialect {
	return Dialect{Value: 0, Kind: absent, Label: absent, Confidence: absent, From: absent, Until: absent, ID: absent}
}

// sample returns the first whole lines, and the comments among them.
func sample(head []byte) (lines, comments []string) {
	head = head[:min(len(head), HeadSize)]
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		head = head[:end]
	}
	for line := range bytes.Lines(head) {
		text := strings.TrimSpace(string(line))
		switch {
		case text == "":
		case text[0] == '#' || text[0] == ';':
			comments = append(comments, strings.TrimSpace(strings.TrimLeft(text, "#; ")))
		default:
			lines = append(lines, text)
		}
		if len(lines) == sampled {
			break
		}
	}
	return lines, comments
}

// table tries whether the lines are a table with that separator.
func table(lines, comments []string, separator byte, column string) (Dialect, bool) {
	d := plain()
	d.Separator = separator
	if len(lines) == 0 {
		return d, false
	}
	rows := make([][]string, 0, len(lines))
	wide := 0
	for _, line := range lines {
		row := d.cells(nil, line)
		rows = append(rows, row)
		if len(row) > 1 {
			wide++
		}
	}
	if 2*wide <= len(rows) && column == "" {
		return d, false
	}
	if kindsFirst(rows) && column == "" {
		d.Kind, d.Value, d.Label = 0, 1, 2
		return d, true
	}
	if d.named(rows[0], column) {
		d.header = lines[0]
		return d, true
	}
	if len(comments) > 0 && d.named(d.cells(nil, comments[len(comments)-1]), column) {
		return d, true
	}
	return d, d.guess(rows, column)
}

// kindsFirst reports whether rows are kind, value and perhaps a label.
func kindsFirst(rows [][]string) bool {
	n := 0
	for _, row := range rows {
		if _, known := kindOf(row[0]); known && len(row) > 1 {
			n++
		}
	}
	return 10*n >= 9*len(rows)
}

// columnNames are the names of columns, each list in order of preference.
var columnNames = struct{ value, kind, label, confidence, from, until, id []string }{
	value: []string{
		"indicator", "ioc", "ioc_value", "indicator_value", "observable", "value", "domain", "fqdn", "hostname", "host", "url", "ip", "ip_address", "dst_ip", "address", "cidr",
		"sha256", "sha256_hash", "sha1", "sha1_hash", "md5", "md5_hash", "hash", "email", "ja3_md5",
	},
	kind:       []string{"type", "kind", "ioc_type", "indicator_type"},
	label:      []string{"family", "malware", "malware_printable", "label", "threat", "signature", "listingreason", "campaign", "tags", "description", "comment"},
	confidence: []string{"confidence", "confidence_level"},
	from:       []string{"valid_from", "first_seen", "first_seen_utc", "firstseen", "dateadded", "date_added", "date", "listingdate"},
	until:      []string{"valid_until", "expires", "expiration", "expire"},
	id:         []string{"id", "ioc_id", "uuid"},
}

// named places columns by the names in a line; false when it names no column
// of indicators.
func (d *Dialect) named(names []string, column string) bool {
	if len(names) < 2 && column == "" {
		return false
	}
	place := func(wanted []string) int {
		for _, name := range wanted {
			for at, cell := range names {
				if strings.ToLower(strings.TrimSpace(cell)) == name {
					return at
				}
			}
		}
		return absent
	}
	value := place(columnNames.value)
	if column != "" {
		value = place([]string{strings.ToLower(column)})
		if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= len(names) && place(columnNames.value) != absent {
			value = n - 1
		}
	}
	if value == absent {
		return false
	}
	d.Value = value
	d.Kind, d.Label, d.Confidence = place(columnNames.kind), place(columnNames.label), place(columnNames.confidence)
	d.From, d.Until, d.ID = place(columnNames.from), place(columnNames.until), place(columnNames.id)
	if d.Kind == absent {
		d.Fixed, _ = kindOf(names[value])
	}
	return true
}

// guess takes the column most of whose cells are observables.
func (d *Dialect) guess(rows [][]string, column string) bool {
	if n, err := strconv.Atoi(column); err == nil && n >= 1 && n <= len(rows[0]) {
		d.Value = n - 1
		return true
	}
	if column != "" {
		return false
	}
	counts := map[int]int{}
	for _, row := range rows {
		for at, cell := range row {
			if _, ok := observable.Guess(cell); ok {
				counts[at]++
			}
		}
	}
	best, most := absent, 0
	for at := range len(rows[0]) {
		if counts[at] > most {
			best, most = at, counts[at]
		}
	}
	if best == absent || 2*most < len(rows) {
		return false
	}
	d.Value = best
	return true
}

// cells parts a line into cells; quotes are as in RFC 4180, but a cell does not
// go on over the end of its line.
func (d *Dialect) cells(to []string, line string) []string {
	for {
		line = strings.TrimLeft(line, " ")
		if !strings.HasPrefix(line, `"`) {
			cell, rest, more := strings.Cut(line, string(d.Separator))
			to = append(to, strings.TrimSpace(cell))
			if !more {
				return to
			}
			line = rest
			continue
		}
		cell, rest := quoted(line)
		to = append(to, cell)
		_, rest, more := strings.Cut(rest, string(d.Separator))
		if !more {
			return to
		}
		line = rest
	}
}

// quoted reads a quoted cell; a missing last quote is the end of the line.
func quoted(line string) (cell, rest string) {
	line = line[1:]
	for {
		text, after, found := strings.Cut(line, `"`)
		cell += text
		if !found || !strings.HasPrefix(after, `"`) {
			return cell, after
		}
		cell += `"`
		line = after[1:]
	}
}
