package calendar

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"tocsin/internal/strict"
)

//go:embed table/*.yaml
var builtin embed.FS

// Table is the days off of one place.
type Table struct {
	Name string
	// From and Until are the years it knows.
	From, Until int
	Source      string
	// Unconfirmed says that nobody compared it with the official text.
	Unconfirmed bool

	rules   []holiday
	shut    map[date]bool // days off that no rule gives
	working map[date]bool // days of a weekend that are worked
}

// holiday is one rule for a day off in every year.
type holiday struct {
	Title string `yaml:"title"`
	// Month and Day, or Month with the Nth Weekday (-1 is the last), or the days
	// after Easter Sunday.
	Month   int    `yaml:"month"`
	Day     int    `yaml:"day"`
	Weekday string `yaml:"weekday"`
	Nth     int    `yaml:"nth"`
	Easter  *int   `yaml:"easter"`
	// Observed says what happens on a weekend: "nearest" takes the Friday before
	// a Saturday and the Monday after a Sunday; nothing is "".
	Observed string `yaml:"observed"`
	// Since is the first year it is held.
	Since int `yaml:"since"`
}

// Tables reads the tables that come with the program, by name.
func Tables() (map[string]*Table, error) {
	root, err := fs.Sub(builtin, "table")
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(root, "*.yaml")
	if err != nil {
		return nil, err
	}
	tables := map[string]*Table{}
	for _, file := range files {
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return nil, err
		}
		t, err := ParseTable(file, text)
		if err != nil {
			return nil, err
		}
		tables[t.Name] = t
	}
	return tables, nil
}

// ParseTable reads a table, which is named as its file is.
func ParseTable(file string, text []byte) (*Table, error) {
	var f struct {
		Table    string    `yaml:"table"`
		Years    []int     `yaml:"years"`
		Source   string    `yaml:"source"`
		Mark     string    `yaml:"mark"`
		Holidays []holiday `yaml:"holidays"`
		Shut     []string  `yaml:"shut"`
		Working  []string  `yaml:"working"`
	}
	d, err := strict.Load(file, text, &f)
	if err != nil {
		return nil, err
	}
	switch {
	case f.Table == "" || f.Table != strings.TrimSuffix(path.Base(file), ".yaml"):
		return nil, d.Problem("table", "table %q: name it as its file", f.Table)
	case len(f.Years) != 2 || f.Years[0] > f.Years[1]:
		return nil, d.Problem("years", "years are the first and the last that are known, as [2024, 2026]")
	case f.Source == "":
		return nil, d.Problem("source", "source is missing: where the days are from")
	case f.Mark != "confirmed" && f.Mark != "unconfirmed":
		return nil, d.Problem("mark", "mark %q: confirmed or unconfirmed", f.Mark)
	}
	t := &Table{Name: f.Table, From: f.Years[0], Until: f.Years[1], Source: f.Source, Unconfirmed: f.Mark == "unconfirmed", rules: f.Holidays}
	for i, h := range f.Holidays {
		if err := h.check(); err != nil {
			return nil, d.Problem(fmt.Sprintf("holidays[%d]", i), "%s", err)
		}
	}
	if t.shut, err = days(d, "shut", f.Shut); err != nil {
		return nil, err
	}
	t.working, err = days(d, "working", f.Working)
	return t, err
}

func days(d *strict.Document, key string, texts []string) (map[date]bool, error) {
	all := map[date]bool{}
	for i, text := range texts {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return nil, d.Problem(fmt.Sprintf("%s[%d]", key, i), "day %q: write it as 2026-02-17", text)
		}
		all[dateOf(day)] = true
	}
	return all, nil
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (h *holiday) check() error {
	fixed, floating := h.Day != 0, h.Weekday != ""
	switch {
	case h.Title == "":
		return errors.New("a holiday without title")
	case h.Easter != nil && (fixed || floating || h.Month != 0) || h.Easter == nil && fixed == floating:
		return fmt.Errorf("%s: give month and day, or month, weekday and nth, or easter", h.Title)
	case h.Easter != nil && (*h.Easter < -60 || *h.Easter > 90):
		return fmt.Errorf("%s: easter is days after Easter Sunday", h.Title)
	case h.Easter == nil && (h.Month < 1 || h.Month > 12):
		return fmt.Errorf("%s: month is 1 to 12", h.Title)
	case fixed && (h.Day < 1 || h.Day > 31):
		return fmt.Errorf("%s: day is 1 to 31", h.Title)
	case floating && (!slices.Contains(weekdays, h.Weekday) || h.Nth < -1 || h.Nth == 0 || h.Nth > 4):
		return fmt.Errorf("%s: weekday as monday, nth 1 to 4 or -1 for the last", h.Title)
	case h.Observed != "" && h.Observed != "nearest":
		return fmt.Errorf("%s: observed is nearest or left out", h.Title)
	}
	return nil
}

// in is the holiday in a year, as it is observed.
func (h *holiday) in(year int) date {
	var d date
	switch {
	case h.Easter != nil:
		return easter(year).add(*h.Easter)
	case h.Weekday != "":
		return h.floating(year)
	}
	d = date{year, time.Month(h.Month), h.Day}
	if h.Observed == "nearest" {
		switch d.weekday() {
		case time.Saturday:
			return d.add(-1)
		case time.Sunday:
			return d.add(1)
		}
	}
	return d
}

func (h *holiday) floating(year int) date {
	want := time.Weekday(slices.Index(weekdays, h.Weekday))
	if h.Nth < 0 {
		d := date{year, time.Month(h.Month), 1}.addMonths(1).add(-1)
		return d.add(-((int(d.weekday()) - int(want) + 7) % 7))
	}
	d := date{year, time.Month(h.Month), 1}
	return d.add((int(want)-int(d.weekday())+7)%7 + 7*(h.Nth-1))
}

// easter is Easter Sunday (the anonymous Gregorian algorithm).
func easter(year int) date {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	month := (h + l - 7*m + 114) / 31
	return date{year, time.Month(month), (h+l-7*m+114)%31 + 1}
}

// open reports whether a day is a business day, and whether the table knows the
// year.
func (t *Table) open(d date) (open, known bool) {
	known = d.year >= t.From && d.year <= t.Until
	switch {
	case t.working[d]:
		return true, known
	case weekend(d):
		return false, known
	case !known:
		return true, false
	case t.shut[d]:
		return false, true
	}
	for year := d.year; year <= d.year+1; year++ { // New Year may be observed in December
		for i := range t.rules {
			if h := &t.rules[i]; year >= h.Since && h.in(year) == d {
				return false, true
			}
		}
	}
	return true, true
}
