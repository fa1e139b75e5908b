package csvlog

import (
	"bytes"
	"errors"
	"strconv"
)

// Why a line is refused. Each is one constant text, so that refusals can be
// counted by reason.
var (
	ErrNoHeader    = errors.New("csvlog: a record before the header")
	ErrColumns     = errors.New("csvlog: a record has more values than the header names")
	ErrManyColumns = errors.New("csvlog: the header names more than 4096 columns")
)

// columnsLimit bounds the columns of a table; spreadsheets end at 16,384, logs
// at a few hundred.
const columnsLimit = 4096

// Dialect is how a table is written.
type Dialect struct {
	Separator byte // between values
}

// Header names a table's columns. It does not change once made and may be
// shared by goroutines.
type Header struct {
	Names []string

	dialect Dialect
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// Header reads a table's first record.
func (d Dialect) Header(record []byte) (*Header, error) {
	h := &Header{dialect: d}
	c := cells{text: trimEnd(bytes.TrimPrefix(record, byteOrderMark)), separator: d.Separator}
	for c.next() {
		if len(h.Names) == columnsLimit {
			return nil, ErrManyColumns
		}
		name := string(bytes.TrimSpace(c.unquoted(nil)))
		if name == "" {
			name = "column" + strconv.Itoa(len(h.Names)+1)
		}
		h.Names = append(h.Names, name)
	}
	return h, nil
}

func trimEnd(record []byte) []byte {
	record = bytes.TrimSuffix(record, []byte("\n"))
	return bytes.TrimSuffix(record, []byte("\r"))
}

// longestRecord is how long a record of several lines may be.
const longestRecord = 1 << 20

// End returns how long the record at the beginning of data is, with its line
// end, and 0 when data does not hold all of it. With last set, data is the
// source's end, and what is there is a record.
//
// A quote that nothing closes within a mebibyte, or before the source's end,
// does not swallow the lines after it: the record then ends with its line. One
// whose quotes close but which goes on for a mebibyte is cut there. So the
// time to cut a source is linear in its size, whatever it holds.
func (d Dialect) End(data []byte, last bool) int {
	line := bytes.IndexByte(data, '\n')
	if line >= 0 && bytes.IndexByte(data[:line], '"') < 0 {
		return line + 1 // nearly always
	}
	window := data[:min(len(data), longestRecord)]
	final := last || len(data) >= longestRecord // no more is to be had
	c := cells{text: window, separator: d.Separator, lines: true}
	for c.next() {
		if c.open {
			break
		}
	}
	switch {
	case !c.open && c.ended:
		return c.at
	case !final:
		return 0
	case c.open && line >= 0:
		return line + 1
	case c.open && !last:
		return 0 // the line itself goes on
	case c.open:
		return len(data)
	}
	return len(window)
}
