//go:build unix

package incident_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// BenchmarkMillionIncidents asks a register of a million incidents with ten
// million entries (see million) for what people look at, and says how long the
// slowest twentieth took. Run it by -benchtime 100x; TOCSIN_INCIDENTS makes it
// smaller.
func BenchmarkMillionIncidents(b *testing.B) {
	for _, engine := range []struct {
		name   string
		config func(testing.TB) store.Config
	}{{"sqlite", storetest.SQLite}, {"postgresql", storetest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) {
			m := newMillion(b)
			db := storetest.Open(b, engine.config(b), audit.Room(), incident.Room())
			began := time.Now()
			m.fill(b, db)
			b.Logf("%s: %d incidents and %d entries written in %s", engine.name, m.number, entriesEach*m.number, time.Since(began).Round(time.Second))
			r, err := incident.New(incident.Config{DB: db, Trail: audit.New(db, time.Now), Facts: m.facts})
			if err != nil {
				b.Fatal(err)
			}
			m.holds(b, r)
			for _, q := range m.pages() {
				b.Run(q.name, func(b *testing.B) {
					measure(b, func() func() { return m.page(b, r, q) })
				})
			}
			b.Run("one incident", func(b *testing.B) {
				measure(b, func() func() { return m.open(b, r) })
			})
		})
	}
}

// holds makes sure that the register takes what was filled in for its own.
func (m *million) holds(b *testing.B, r *incident.Register) {
	b.Helper()
	list, _, err := r.List(b.Context(), incident.Filter{States: []incident.State{incident.Reported}}, incident.Page{Most: 1})
	if err != nil || len(list) != 1 {
		b.Fatalf("%d reported: %v", len(list), err)
	}
	i, err := r.Comment(b.Context(), incident.Change{Who: ann, Incident: list[0].Number, Version: entriesEach}, "seen")
	if err != nil || i.Version != entriesEach+1 {
		b.Fatalf("version %d: %v", i.Version, err)
	}
	i, _, err = r.Open(b.Context(), ann, incident.Draft{Title: "The one after all"})
	if err != nil {
		b.Fatal(err)
	}
	if list, _, err = r.List(b.Context(), incident.Filter{}, incident.Page{Most: 1}); err != nil || list[0].ID != i.ID {
		b.Fatalf("the newest: %+v, %v", list, err)
	}
}

// asked is a page that somebody asks for, and how many incidents are on it.
type asked struct {
	name   string
	filter incident.Filter
	deep   bool // half-way down
	least  int
}

func (m *million) pages() []asked {
	const most = 50
	closed := []incident.State{incident.Closed, incident.Reviewed}
	worked := []incident.State{incident.Graded, incident.Responding, incident.Contained}
	ip := func(value string) *intel.Observable { return &intel.Observable{Kind: intel.IPAddress, Value: value} }
	return []asked{
		{"all", incident.Filter{}, false, most},
		{"all, deep", incident.Filter{}, true, most},
		{"open", incident.Filter{Open: true}, false, most},
		{"open, deep", incident.Filter{Open: true}, true, most},
		{"one state", incident.Filter{States: closed[:1]}, false, most},
		{"a rare state", incident.Filter{States: []incident.State{incident.Reported}}, true, 1},
		{"states, frequent", incident.Filter{States: closed}, true, most},
		{"states, rare", incident.Filter{States: worked}, false, most},
		{"states, rare, deep", incident.Filter{States: worked}, true, 0},
		{"owner", incident.Filter{Owner: "person7"}, true, most},
		{"category", incident.Filter{Category: "MI"}, true, most},
		{"level", incident.Filter{Level: "I"}, true, most},
		{"across borders", incident.Filter{CrossBorder: incident.Yes}, true, most},
		{"period", incident.Filter{Since: m.from.AddDate(0, 3, 0), Until: m.from.AddDate(0, 3, 7)}, false, most},
		{"owner and level", incident.Filter{Owner: "person7", Level: "II"}, false, most},
		{"level and category", incident.Filter{Level: "I", Category: "OI"}, true, most},
		{"open and of an owner, deep", incident.Filter{Open: true, Owner: "person7"}, true, 0},
		{"many and never together", incident.Filter{States: closed, Open: true}, true, 0},
		{"observable, rare", incident.Filter{Observable: ip("203.0.0.4")}, false, 1},
		{"observable, frequent", incident.Filter{Observable: ip("198.51.100.7")}, true, most},
		{"observable and level", incident.Filter{Observable: ip("198.51.100.7"), Level: "I"}, true, most},
		{"word, rare", incident.Filter{Text: "wncry"}, false, most},
		{"word, rare, deep", incident.Filter{Text: "wncry"}, true, most},
		{"word, frequent", incident.Filter{Text: "phishing"}, false, most},
		{"word, frequent, deep", incident.Filter{Text: "phishing"}, true, most},
		{"words, frequent", incident.Filter{Text: "phishing mail harbour"}, true, most},
		{"word, in all", incident.Filter{Text: "note"}, true, most},
		{"words, never together", incident.Filter{Text: "worm phishing"}, false, 0},
		{"words, in an order", incident.Filter{Text: `"ransom note"`}, true, most},
		{"words, in no order there is", incident.Filter{Text: `"mail phishing"`}, true, 0},
		{"beginning of a word", incident.Filter{Text: "phish*"}, true, most},
		{"Chinese", incident.Filter{Text: "勒索软件"}, true, most},
		{"one Chinese character", incident.Filter{Text: "医"}, true, most},
		{"number", incident.Filter{Text: "2025-0815"}, false, 1},
		{"no such word", incident.Filter{Text: "zzz"}, false, 0},
		{"word and level", incident.Filter{Text: "phishing", Level: "I"}, true, most},
		{"word and a rare state", incident.Filter{Text: "phishing", States: []incident.State{incident.Reported}}, false, 0},
		{"word and open", incident.Filter{Text: "phishing", Open: true}, true, 0},
		{"word and observable", incident.Filter{Text: "phishing", Observable: ip("203.0.0.4")}, false, 0},
	}
}

// page returns what asks for one page of 50.
func (m *million) page(b *testing.B, r *incident.Register, q asked) func() {
	b.Helper()
	p := incident.Page{Most: 50}
	if q.deep {
		i, err := r.Get(b.Context(), m.word(m.number/2+m.IntN(100)))
		if err != nil {
			b.Fatal(err)
		}
		p.After = i.ID
	}
	return func() {
		list, _, err := r.List(b.Context(), q.filter, p)
		if err != nil || len(list) < min(q.least, m.number/20_000) {
			b.Fatalf("%d incidents: %v", len(list), err)
		}
	}
}

// open returns what reads all that a case's page shows.
func (m *million) open(b *testing.B, r *incident.Register) func() {
	b.Helper()
	word := m.word(m.IntN(m.number))
	return func() {
		i, err := r.Get(b.Context(), word)
		if err != nil {
			b.Fatal(err)
		}
		facts, err := r.Facts(b.Context(), i.ID)
		if err != nil || len(facts) != 1 {
			b.Fatalf("facts: %d, %v", len(facts), err)
		}
		entries, _, err := r.Timeline(b.Context(), i.ID, "", 100)
		if err != nil || len(entries) < entriesEach {
			b.Fatalf("entries: %d, %v", len(entries), err)
		}
		if _, err := r.Tasks(b.Context(), i.ID); err != nil {
			b.Fatal(err)
		}
	}
}

// word is how people call the k-th incident.
func (m *million) word(k int) string { return fmt.Sprintf("%d-%04d", m.from.Year(), k+1) }

// measure runs something b.N times and reports the median and the slowest
// twentieth by the clock, and that twentieth by the time that this process had a
// processor, which other work on the machine does not lengthen.
func measure(b *testing.B, prepare func() func()) {
	b.Helper()
	var clock, processor []float64
	for b.Loop() {
		b.StopTimer()
		do := prepare()
		b.StartTimer()
		began, used := time.Now(), processorTime(b)
		do()
		clock = append(clock, float64(time.Since(began).Microseconds())/1000)
		processor = append(processor, float64((processorTime(b)-used).Microseconds())/1000)
	}
	slices.Sort(clock)
	slices.Sort(processor)
	b.ReportMetric(0, "ns/op") // hidden: the mean says little
	b.ReportMetric(clock[len(clock)/2], "ms-p50")
	b.ReportMetric(clock[len(clock)*95/100], "ms-p95")
	b.ReportMetric(processor[len(processor)*95/100], "cpu-ms-p95")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
