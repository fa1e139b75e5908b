package output

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/detect"
)

// csvHeader names the columns; their order is stable, new ones come last.
var csvHeader = []string{
	"time", "level", "rule_id", "rule_title", "rule_author", "rule_license", "tags", "count",
	"host", "source", "record", "channel", "provider", "event_id", "group_by", "fields",
}

// CSV writes one finding a row (RFC 4180), safe to open in a spreadsheet: a
// cell that a spreadsheet would take for a formula begins with an apostrophe,
// and every cell is quoted, since a spreadsheet may split at semicolons too.
type CSV struct {
	w      io.Writer
	buf    []byte
	header bool
}

// NewCSV returns a writer of findings to w, which should be buffered.
func NewCSV(w io.Writer) *CSV { return &CSV{w: w} }

// Finding writes one finding.
func (c *CSV) Finding(f *detect.Finding) error {
	if err := c.begin(); err != nil {
		return err
	}
	when := ""
	if !f.Time.IsZero() {
		when = f.Time.UTC().Format(time.RFC3339Nano)
	}
	m := f.Meta()
	row := []string{
		when, m.Level.String(), m.ID, m.Title, m.Author, m.License, strings.Join(m.Tags, " "), strconv.Itoa(max(f.Count, 1)),
		f.Host, f.Source, strconv.FormatUint(f.Record, 10), f.Channel, f.Provider, f.EventID, joined(f.GroupBy), joined(f.Fields),
	}
	for i, cell := range row {
		row[i] = harmless(cell)
	}
	return c.row(row)
}

// Close writes the header where nothing was found.
func (c *CSV) Close() error { return c.begin() }

func (c *CSV) begin() error {
	if c.header {
		return nil
	}
	c.header = true
	return c.row(csvHeader)
}

func (c *CSV) row(cells []string) error {
	b := c.buf[:0]
	for i, cell := range cells {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, strings.ReplaceAll(cell, `"`, `""`)...)
		b = append(b, '"')
	}
	b = append(b, '\n')
	c.buf = b
	_, err := c.w.Write(b)
	return err
}

// joined writes values as "Name=value; Name=value".
func joined(values []detect.Value) string {
	var b strings.Builder
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			continue // several tests of a rule looked at the same value
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(fieldName(v))
		b.WriteByte('=')
		b.WriteString(v.Value)
	}
	return b.String()
}

// harmless makes a cell that no spreadsheet takes for a formula (OWASP, "CSV
// Injection"), full-width signs included, and no terminal for an order.
func harmless(cell string) string {
	cell = Plain(cell)
	if strings.ContainsAny(firstRune(strings.TrimLeft(cell, " \u00a0\u3000")), "=+-@|%\uff1d\uff0b\uff0d\uff20") {
		return "'" + cell
	}
	return cell
}

func firstRune(text string) string {
	for _, r := range text {
		return string(r)
	}
	return ""
}
