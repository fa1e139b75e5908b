package drill

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Day says which day to make. The zero value is an ordinary one.
type Day struct {
	// Seed chooses one of many similar days; the same seed gives the same day.
	Seed uint64
	// Outbreak lets a worm into the company in the morning.
	Outbreak bool
}

// File is one file that some shipper or program wrote on that day.
type File struct {
	Name string // slash-separated, relative
	Text []byte
}

// Files makes the day. They are in order of their names.
func (d Day) Files() []File {
	b := newBook(d.Seed)
	b.ordinary()
	if d.Outbreak {
		b.outbreak()
	}
	return b.files()
}

// midnight is when the day begins. It is the day of the real outbreak, a Friday.
var midnight = time.Date(2017, time.May, 12, 0, 0, 0, 0, time.UTC)

// book is the day while it is being written: whatever happens is put down by
// the log that would have noticed, in any order, and sorted at the end.
type book struct {
	company *company
	windows windowsLog
	text    map[string]*textLog
	dice    *rand.Rand // what is left to chance; the outbreak has its own
	next    int        // numbers processes, connections and sessions
}

func newBook(seed uint64) *book {
	return &book{
		company: newCompany(),
		text:    newTextLogs(),
		dice:    rand.New(rand.NewPCG(seed, 1)),
	}
}

func (b *book) ordinary() {
	for _, m := range b.company.workstations {
		b.workday(m)
	}
	b.controllers()
	b.fileServer()
	b.backups()
	b.administrators()
	b.webServer()
	b.proxyServer()
	b.perimeter()
}

func (b *book) files() []File {
	files := []File{{Name: windowsFile, Text: b.windows.render()}}
	for name, log := range b.text {
		files = append(files, File{Name: name, Text: log.render()})
	}
	slices.SortFunc(files, func(a, b File) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return files
}

// number returns a new number; nothing else in the day has it.
func (b *book) number() int {
	b.next++
	return b.next
}

// clock returns a time of the day.
func clock(hour, minute int) time.Time {
	return midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// within returns a moment in the span after at.
func (b *book) within(at time.Time, span time.Duration) time.Time {
	return at.Add(time.Duration(b.dice.Int64N(int64(span)))).Truncate(time.Millisecond)
}

// pick returns one of the choices.
func pick[T any](b *book, choices []T) T { return choices[b.dice.IntN(len(choices))] }
