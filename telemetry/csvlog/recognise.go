package csvlog

import (
	"bytes"
	"strings"
)

// separators are those that are recognised, the less ambiguous first.
var separators = [...]byte{'\t', '|', ';', ','}

// What a table's beginning must show: so many records are judged by; a table
// of two columns needs more of them, for two parts may be chance.
const (
	looked       = 12
	leastColumns = 2
	leastRows    = 1
	leastOfPairs = 3
)

// Looks reports whether a source that begins with head is a table with a
// header. It is asked last of the formats of lines: a log of any of them can
// have as many commas in each line by chance.
func Looks(head []byte) bool {
	_, ok := Recognise(head)
	return ok
}

// Recognise tells the dialect of a table by its beginning: the separator that
// divides the first record into names, and every record after it into as many
// values. Of several, the one that gives most columns.
func Recognise(head []byte) (Dialect, bool) {
	head = bytes.TrimPrefix(head, byteOrderMark)
	best, most := Dialect{}, 0
	for _, separator := range separators {
		d := Dialect{Separator: separator}
		if columns := d.columns(head); columns > most {
			best, most = d, columns
		}
	}
	return best, most > 0
}

// columns returns how many columns the table at the beginning of head has, 0
// when it is none in this dialect.
func (d Dialect) columns(head []byte) int {
	end := d.End(head, false)
	if end == 0 || bytes.IndexByte(head[:end], d.Separator) < 0 {
		return 0
	}
	header, err := d.Header(head[:end])
	if err != nil || len(header.Names) < leastColumns || !areNames(header.Names) {
		return 0
	}
	rows := 0
	for head = head[end:]; len(head) > 0 && rows < looked; {
		end := d.End(head, rows == 0)
		if end == 0 {
			break // cut off at the end of head
		}
		if row := trimEnd(head[:end]); len(row) > 0 {
			if d.count(row) != len(header.Names) {
				return 0
			}
			rows++
		}
		head = head[end:]
	}
	if rows < leastRows || (len(header.Names) == leastColumns && rows < leastOfPairs) {
		return 0
	}
	return len(header.Names)
}

func (d Dialect) count(record []byte) int {
	c := cells{text: record, separator: d.Separator}
	n := 0
	for c.next() {
		n++
	}
	return n
}

// longestName bounds what is taken for the name of a column.
const longestName = 80

// areNames reports whether the values of a first record can be names: each
// begins with a letter or what names begin with, and none holds what values
// and markup do. A few may be empty, none stands more than twice.
func areNames(names []string) bool {
	empty := 0
	times := map[string]int{}
	for i, name := range names {
		if strings.HasPrefix(name, "column") && strings.TrimLeft(name[len("column"):], "0123456789") == "" {
			empty++
			continue
		}
		times[name]++
		if len(name) > longestName || times[name] > 2 || strings.ContainsAny(name, "={}<>\"\n") {
			return false
		}
		if c := name[0]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < 0x80 && !strings.ContainsRune("_@#$(", rune(c)) {
			return false
		}
		if i == 0 && strings.HasPrefix(name, "#") {
			return false // a comment
		}
	}
	return empty*4 <= len(names)
}
