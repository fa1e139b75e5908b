package duty_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
	"tocsin/plan"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
)

var ann = audit.Actor{ID: "1", Name: "ann", From: "192.0.2.1"}

// rooms are all that an office needs, and where tests note what was told.
func rooms() []store.Room {
	return []store.Room{audit.Room(), timer.Room(), incident.Room(), duty.Room(), {Name: "told", Files: os.DirFS("testdata/told")}}
}

// regimes are two of the program's and the one made up for tests of clocks, so
// that a regime that is added changes no test here.
var regimes = sync.OnceValues(func() (*regime.Library, error) {
	l, err := regime.Builtin()
	if err != nil {
		return nil, err
	}
	if l, err = l.Only("cn-plan-2017", reporting); err != nil {
		return nil, err
	}
	return l.With(os.DirFS("../testdata/pack"))
})

const (
	// operator is bound by the two regimes of China.
	operator = `{"name": "Water works", "kind": "enterprise", "regions": ["CN-GD"], "jurisdictions": ["CN"], "designations": ["cn.network_operator"], "zone": "Asia/Shanghai"}`
	// firm is bound by the Act of Clocks.
	firm = `{"name": "Firm", "kind": "enterprise", "jurisdictions": ["DE"], "zone": "Europe/Berlin"}`
)

// hand is a clock that is set by hand.
type hand struct {
	mu sync.Mutex
	at time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) set(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = t
}

// bureau is an office with all that it needs, on one database.
type bureau struct {
	*duty.Office
	t        testing.TB
	db       *store.DB
	register *incident.Register
	timers   *timer.Timers
	hand     *hand
	wake     func() // works on the timers that are due
}

// settle makes a bureau on a database, as a start of the program does.
func settle(tb testing.TB, db *store.DB, h *hand, node string) *bureau {
	tb.Helper()
	o, r, timers, err := wire(db, h.now, node)
	if err != nil {
		tb.Fatal(err)
	}
	b := &bureau{Office: o, t: tb, db: db, register: r, timers: timers, hand: h}
	b.wake = func() {
		tb.Helper()
		if err := timers.Settle(tb.Context()); err != nil {
			tb.Fatal(err)
		}
		if dead := timers.Counts().Dead + timers.Counts().Failed; dead > 0 {
			tb.Fatalf("%d timers failed: %s", dead, b.failures())
		}
	}
	return b
}

// wire is what the program does to make an office.
func wire(db *store.DB, now func() time.Time, node string) (*duty.Office, *incident.Register, *timer.Timers, error) {
	library, err := regimes()
	if err != nil {
		return nil, nil, nil, err
	}
	trail := audit.New(db, now)
	o, err := duty.New(duty.Config{DB: db, Trail: trail, Library: library, Now: now, Notify: tell})
	if err != nil {
		return nil, nil, nil, err
	}
	timers := timer.New(db, o.Kinds(), timer.Config{Now: now, Node: node})
	r, err := incident.New(incident.Config{
		DB: db, Trail: trail, Facts: library.Dictionary(), Now: now, Opened: o.Opened, Changed: o.Changed, Lacking: o.Lacking,
	})
	if err != nil {
		return nil, nil, nil, err
	}
	o.Join(r, timers)
	return o, r, timers, nil
}

// tell notes what is told, as often as it is.
func tell(ctx context.Context, tx *store.Tx, n duty.Notice) error {
	_, err := tx.Exec(ctx, `INSERT INTO told (key, times, line, body, fresh) VALUES ($1, 1, $2, $3, TRUE)
		ON CONFLICT (key) DO UPDATE SET times = told.times + 1`,
		n.Key, fmt.Sprintf("%s %s/%s %s %s → %s", n.Kind, n.Regime, n.Clock, n.State, n.Due.UTC().Format("01-02 15:04"), strings.Join(n.To, ", ")), n.Subject+"\n"+n.Text)
	return err
}

func (b *bureau) failures() string {
	var texts []string
	err := b.db.Read(b.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		texts, err = store.All(ctx, tx, store.Value[string], `SELECT error FROM timer WHERE error <> ''`)
		return err
	})
	return fmt.Sprint(texts, err)
}

// fresh is what was told since it was asked last, by the alphabet, each with how
// often if not once.
func (b *bureau) fresh() string {
	b.t.Helper()
	var lines []string
	err := b.db.Tx(b.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		lines, err = store.All(ctx, tx, func(row store.Row) (string, error) {
			var line string
			var times int64
			err := row.Scan(&line, &times)
			if times != 1 {
				line += fmt.Sprintf(" × %d", times)
			}
			return line, err
		}, `SELECT line, times FROM told WHERE fresh ORDER BY line`)
		if err == nil {
			_, err = tx.Exec(ctx, `UPDATE told SET fresh = FALSE WHERE fresh`)
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// body is the text of the last notice that holds a word.
func (b *bureau) body(word string) string {
	b.t.Helper()
	var text string
	err := b.db.Read(b.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRow(ctx, `SELECT body FROM told WHERE line || body LIKE $1 ORDER BY key DESC LIMIT 1`, "%"+word+"%").Scan(&text)
	})
	if err != nil {
		b.t.Fatalf("%s: %v", word, err)
	}
	return text
}

func (b *bureau) is(organisation string) {
	b.t.Helper()
	version := int64(0)
	if d, err := b.Organisation(b.t.Context()); err == nil {
		version = d.Version
	}
	if _, err := b.SetOrganisation(b.t.Context(), ann, version, duty.Description{Text: json.RawMessage(organisation)}, "because"); err != nil {
		b.t.Fatal(err)
	}
	b.wake()
}

func (b *bureau) open(facts string) incident.Incident {
	b.t.Helper()
	d := incident.Draft{Title: "Pumps stand still"}
	if facts != "" {
		if err := json.Unmarshal([]byte(facts), &d.Facts); err != nil {
			b.t.Fatal(err)
		}
	}
	i, _, err := b.register.Open(b.t.Context(), ann, d)
	if err != nil {
		b.t.Fatal(err)
	}
	return i
}

func (b *bureau) change(i *incident.Incident, why string) incident.Change {
	return incident.Change{Who: ann, Incident: i.ID, Why: why}
}

// must takes what a change returns, or ends the test.
func (b *bureau) must(i *incident.Incident) func(incident.Incident, error) {
	b.t.Helper()
	return func(now incident.Incident, err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
		*i = now
	}
}

// state states facts.
func (b *bureau) state(i *incident.Incident, facts string) {
	b.t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(facts), &all); err != nil {
		b.t.Fatal(err)
	}
	b.must(i)(b.register.State(b.t.Context(), b.change(i, ""), all))
}

// clocks are the clocks of an incident in the list, that is as they are kept.
func (b *bureau) clocks(i *incident.Incident) string {
	b.t.Helper()
	list, _, err := b.Clocks(b.t.Context(), duty.Filter{Incident: i.ID}, duty.Page{})
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, l := range list {
		due := "at once"
		if !l.Due.IsZero() {
			due = l.Due.Format("01-02 15:04")
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", l.ClockID, l.State, due))
	}
	return strings.Join(lines, "\n")
}

func (b *bureau) standing(i *incident.Incident, name string) duty.Standing {
	b.t.Helper()
	c, err := b.Standing(b.t.Context(), i.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	at := slices.IndexFunc(c.Regimes, func(s duty.Standing) bool { return s.Regime == name })
	if at < 0 {
		b.t.Fatalf("the case does not stand under %s: %+v", name, c.Regimes)
	}
	return c.Regimes[at]
}

func (b *bureau) clock(i *incident.Incident, name, id string) duty.Clock {
	b.t.Helper()
	for _, c := range b.standing(i, name).Clocks {
		if c.ID == id {
			return c
		}
	}
	b.t.Fatalf("no clock %s/%s", name, id)
	return duty.Clock{}
}

// ten is when the incidents of the tests are opened.
var ten = time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)

// each runs a test on both databases with a bureau whose clock stands at ten.
func each(t *testing.T, organisation string, test func(*bureau)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		b := settle(t, db, &hand{at: ten}, "node")
		if organisation != "" {
			b.is(organisation)
		}
		test(b)
	}, rooms()...)
}

func same(tb testing.TB, what, got, want string) {
	tb.Helper()
	if got != want {
		tb.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

func TestAnIncidentRunsItsClocksFromTheStart(t *testing.T) {
	each(t, operator, func(b *bureau) {
		i := b.open("")
		same(b.t, "clocks", b.clocks(&i), strings.Join([]string{
			"cn-plan-2017/first running at once",
			"cn-reporting-2025/crime provisional at once",
			"cn-reporting-2025/cii provisional 11-25 11:00",
			"cn-reporting-2025/other provisional 11-25 14:00",
		}, "\n"))
		b.must(&i)(b.register.State(b.t.Context(), b.change(&i, ""), map[string]json.RawMessage{
			"asset.is_cii": json.RawMessage(`true`), "incident.crime_suspected": json.RawMessage(`false`),
		}))
		same(b.t, "clocks of a CII", b.clocks(&i), strings.Join([]string{
			"cn-plan-2017/first running at once",
			"cn-reporting-2025/crime cancelled at once",
			"cn-reporting-2025/cii provisional 11-25 11:00",
			"cn-reporting-2025/other cancelled 11-25 14:00",
		}, "\n"))
		b.must(&i)(b.Grade(b.t.Context(), b.change(&i, ""), duty.Decision{Regime: "cn-reporting-2025", Level: "major", Why: "the mayor called"}))
		if c := b.clock(&i, "cn-reporting-2025", "cii"); c.State != plan.Running || !c.Due.Equal(ten.Add(time.Hour)) {
			b.t.Errorf("got %s %s", c.State, c.Due)
		}
		if i.Level != "major" || i.Rank != 3 {
			b.t.Errorf("the incident is %s, rank %d", i.Level, i.Rank)
		}
	})
}
