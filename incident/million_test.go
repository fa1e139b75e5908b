package incident_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/store"
	"tocsin/plan/fact"
)

// million fills a register's tables as the register would, but for the audit
// trail: a year of incidents, ten entries of the timeline each.
type million struct {
	*rand.Rand
	number int
	facts  *fact.Dictionary
	fact   string // that every incident states
	ids    store.IDs
	from   time.Time
}

// millionVariable says how many incidents, where a million are too many.
const millionVariable = "TOCSIN_INCIDENTS"

const entriesEach = 10

func newMillion(tb testing.TB) *million {
	tb.Helper()
	m := &million{Rand: rand.New(rand.NewPCG(1, 2)), number: 1_000_000, from: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	if text := os.Getenv(millionVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			tb.Fatalf("%s=%s: say how many", millionVariable, text)
		}
		m.number = n
	}
	var err error
	if m.facts, err = fact.Builtin(); err != nil {
		tb.Fatal(err)
	}
	f, err := m.facts.Read("outage.total_minutes", json.RawMessage("45"))
	if err != nil {
		tb.Fatal(err)
	}
	written, err := m.facts.Definition("outage.total_minutes").Write(f)
	if err != nil {
		tb.Fatal(err)
	}
	m.fact = string(written)
	return m
}

// spacing puts the incidents into a year.
func (m *million) spacing() time.Duration { return 360 * 24 * time.Hour / time.Duration(m.number) }

// Words of titles: "phishing" is in a third of them, "wncry" in one of a thousand.
var (
	causes   = []string{"Phishing mail", "Phishing page", "Phishing call", "Worm", "Ransomware", "Stolen password", "Outage", "Data leak", "勒索软件感染", "钓鱼邮件"}
	places   = []string{"ward", "office", "plant", "harbour", "school", "bank", "substation", "医院", "电网", "clinic"}
	phrases  = strings.Fields("screens show a ransom note and traffic goes to many addresses while the help desk counts calls from every floor of the building since early this morning")
	owners   = 200
	category = []string{"MI", "CI", "II", "EI", "AI", "OI", "UI"}
	levels   = []string{"", "", "", "IV", "IV", "III", "III", "II", "II", "I"}
	ranks    = []string{"", "IV", "III", "II", "I"}
)

func (m *million) title(k int) string {
	title := fmt.Sprintf("%s at %s %d", causes[m.IntN(len(causes))], places[m.IntN(len(places))], k%5000)
	if k%1000 == 7 {
		title += ", files renamed to wncry"
	}
	return title
}

func (m *million) summary() string {
	words := make([]string, 25)
	for i := range words {
		words[i] = phrases[m.IntN(len(phrases))]
	}
	return strings.Join(words, " ")
}

// state is that of the k-th of all incidents: the last fiftieth is being worked
// on, most of the rest was closed, and one of ten thousand was forgotten.
func (m *million) state(k int) incident.State {
	states := incident.States()
	switch {
	case k%10_000 == 3:
		return states[0]
	case k >= m.number-m.number/50:
		return states[m.IntN(5)]
	case k%3 == 0:
		return states[6]
	}
	return states[5]
}

// filled is one incident with what belongs to it, as rows.
type filled struct {
	id, number, title, summary                 string
	incident, entries, facts, tasks, observers []any
}

func (m *million) one(k int) filled {
	opened := m.from.Add(time.Duration(k) * m.spacing()).Truncate(time.Microsecond)
	state := m.state(k)
	f := filled{id: m.ids.Next(opened), number: fmt.Sprintf("%d-%04d", m.from.Year(), k+1), title: m.title(k), summary: m.summary()}
	owner := fmt.Sprintf("person%d", k%owners)
	changed := opened.Add(entriesEach * time.Second)
	var closed any
	if !state.Open() {
		closed = store.At(changed)
	}
	tasks := int64(0)
	if k%5 == 0 {
		done, ended := "done", store.At(changed)
		if state.Open() {
			done, ended, tasks = "open", nil, 1
		}
		f.tasks = []any{m.ids.Next(opened), f.id, "Call the site", "", "", owner, nil, done, "", store.At(opened), ended}
	}
	level := levels[m.IntN(len(levels))]
	border := incident.No
	if k%50 == 0 {
		border = incident.Yes
	}
	f.incident = []any{
		f.id, f.number, f.title, f.summary, incident.Happened, category[k%len(category)], level, int64(slices.Index(ranks, level)), state, "", owner, "", "", border,
		incident.ByHand, "feed", store.At(opened), store.At(changed), closed, tasks, int64(entriesEach), state.Open(), "",
	}
	f.entries, f.facts = m.entries(&f, opened, state), []any{f.id, "outage.total_minutes", int64(2), true, "known", m.fact, owner, store.At(opened)}
	if k%4 == 0 {
		value := fmt.Sprintf("203.%d.%d.%d", k>>16&255, k>>8&255, k&255)
		if k%40 == 0 {
			value = "198.51.100.7"
		}
		f.observers = []any{f.id, "ip", value, "", owner, store.At(opened)}
	}
	return f
}

// entries are the opening, the fact, the steps to a state, and comments.
func (m *million) entries(f *filled, opened time.Time, state incident.State) (rows []any) {
	states := incident.States()
	step := 0
	for n := range entriesEach {
		at := opened.Add(time.Duration(n) * time.Second)
		kind, text, data := incident.EntryComment, m.summary()[:80], ""
		switch {
		case n == 0:
			kind, text, data = incident.EntryOpened, f.title, `{"origin":"hand"}`
		case n == 1:
			kind, text, data = incident.EntryFact, "outage.total_minutes: "+m.fact, `{"key":"outage.total_minutes","before":null,"after":`+m.fact+`}`
		case states[step] != state:
			step++
			kind, text, data = incident.EntryState, string(states[step]), `{"to":"`+string(states[step])+`"}`
		}
		rows = append(rows, m.ids.Next(at), f.id, kind, store.At(at), store.At(at), "feed", text, data, "")
	}
	return rows
}

// rows gathers rows of one table, to be inserted together.
type rows struct {
	into    string // table and columns
	columns int
	values  []any
}

// rowsAtOnce spares a server round trips; the driver of SQLite looks through all
// values for each of them.
var rowsAtOnce = map[store.Engine]int{store.SQLite: 5, store.PostgreSQL: 500}

func (r *rows) flush(ctx context.Context, tx *store.Tx) error {
	for values := r.values; len(values) > 0; {
		n := min(rowsAtOnce[tx.Engine()], len(values)/r.columns)
		marks := make([]string, n)
		for k := range n {
			marks[k] = "(" + store.Marks(1+k*r.columns, r.columns) + ")"
		}
		if _, err := tx.Exec(ctx, `INSERT INTO `+r.into+` VALUES `+strings.Join(marks, ", "), values[:n*r.columns]...); err != nil {
			return err
		}
		values = values[n*r.columns:]
	}
	return nil
}

// fill writes all incidents, some thousands in a transaction.
func (m *million) fill(tb testing.TB, db *store.DB) {
	tb.Helper()
	tables := [...]*rows{
		{into: `incident (id, number, title, summary, kind, category, level, rank, state, resolution, owner, cause, lessons, cross_border,
			origin, opened_by, opened_at, changed_at, closed_at, tasks_open, version, open, once)`, columns: 23},
		{into: `incident_entry (id, incident, kind, happened_at, recorded_at, author, text, data, corrects)`, columns: 9},
		{into: `incident_fact (incident, key, version, latest, state, statement, author, at)`, columns: 8},
		{into: `incident_task (id, incident, title, detail, duty, assignee, due_at, state, why, made_at, ended_at)`, columns: 11},
		{into: `incident_observable (incident, kind, value, note, author, at)`, columns: 6},
	}
	const each = 5000
	for first := 0; first < m.number; first += each {
		made := make([]filled, 0, each)
		for k := first; k < min(first+each, m.number); k++ {
			made = append(made, m.one(k))
		}
		err := db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, t := range tables {
				t.values = t.values[:0]
			}
			for k := range made {
				f := &made[k]
				for n, values := range [...][]any{f.incident, f.entries, f.facts, f.tasks, f.observers} {
					tables[n].values = append(tables[n].values, values...)
				}
				if err := tx.Index(ctx, "incident", f.id, f.number, f.title, f.summary); err != nil {
					return err
				}
			}
			for _, t := range tables {
				if err := t.flush(ctx, tx); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, `INSERT INTO incident_number (year, last) VALUES ($1, $2) ON CONFLICT (year) DO UPDATE SET last = $2`,
				int64(m.from.Year()), int64(first+len(made)))
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	if db.Engine() == store.PostgreSQL { // as its autovacuum does by itself, in its time
		err := db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `ANALYZE`)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
}
