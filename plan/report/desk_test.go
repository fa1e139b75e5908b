package report_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/document"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/testdata"
	"tocsin/plan"
	"tocsin/plan/fact"
	"tocsin/plan/organisation"
	"tocsin/plan/regime"
	"tocsin/plan/report"
)

var (
	ann = audit.Actor{ID: "1", Name: "Ann Brandt", From: "192.0.2.1"}
	bob = audit.Actor{ID: "2", Name: "Bob Koch", From: "192.0.2.2"}
)

const act = "xx-report"

// packs are the built-in regimes and the act of testdata.
var packs = sync.OnceValues(func() (*regime.Library, error) {
	l, err := regime.Builtin()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join("testdata", "pack.yaml"))
	if err != nil {
		return nil, err
	}
	return l.WithTexts(map[string][]byte{"pack.yaml": text})
})

var machineFonts = sync.OnceValues(func() (*document.Fonts, error) { return document.FindFonts() })

// office keeps levels and clocks in memory, and reckons the clocks as the plan
// does.
type office struct {
	library      *regime.Library
	organisation *organisation.Organisation
	grades       map[string][]plan.Graded // by regime
	sent         []plan.Sent
	aware, now   time.Time
	reasons      map[string]string // of clocks that were missed
	outcomes     []report.Outcome
	delivered    []report.Delivery
	refuse       error // of a delivery
	proved       string
	refs         []string // of the clocks that run for the early warning; without any it is one
}

func (o *office) Organisation(context.Context) (*organisation.Organisation, []fact.Rate, error) {
	return o.organisation, nil, nil
}

func (o *office) Standings(context.Context, *store.Tx, string) (all []report.Standing, err error) {
	for _, p := range o.library.Packs() {
		if _, graded := o.grades[p.Regime]; !graded && p.Regime != act {
			continue
		}
		course := &plan.Course{Events: []plan.Moment{{Event: regime.Aware, At: o.aware}}, Grades: o.grades[p.Regime], Sent: o.sent}
		s := report.Standing{Regime: p.Regime, Levels: o.grades[p.Regime], Proved: o.proved}
		for _, c := range plan.Clocks(p, o.organisation, course, o.now) {
			for _, ref := range o.refs {
				if c.Ref = ref; c.ID == "early" {
					s.Clocks = append(s.Clocks, report.Clock{Clock: c})
				}
			}
			if c.Ref != "" && c.ID == "early" {
				continue
			}
			c.Ref = ""
			s.Clocks = append(s.Clocks, report.Clock{Clock: c, Reason: o.reasons[c.ID]})
		}
		all = append(all, s)
	}
	return all, nil
}

func (o *office) Outcomes(_ context.Context, _ *store.Tx, _, _ time.Time, do func(report.Outcome) error) error {
	for _, one := range o.outcomes {
		if err := do(one); err != nil {
			return err
		}
	}
	return nil
}

// desk is reports and a register on an empty database with a clock that moves a
// second with each look.
type desk struct {
	*report.Reports
	*office
	t        testing.TB
	register *incident.Register
	trail    *audit.Trail
	db       *store.DB
}

func newDesk(t testing.TB, db *store.DB) *desk {
	t.Helper()
	at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Second)
		return at
	}
	library := ok(packs())
	o := &office{library: library, grades: map[string][]plan.Graded{}, aware: at, now: at.Add(time.Hour), reasons: map[string]string{}}
	o.organisation = ok(library.ReadOrganisation([]byte(`{"name": "Hafen Elbe GmbH 易北港", "kind": "enterprise", "sectors": ["transport.water"],
		"regions": ["DE-HH"], "zone": "Europe/Berlin"}`)))
	trail := audit.New(db, now)
	register := ok(incident.New(incident.Config{DB: db, Trail: trail, Facts: library.Dictionary(), Blobs: ok(store.OpenBlobs(t.TempDir())), Now: now}))
	d := &desk{office: o, t: t, register: register, trail: trail, db: db}
	d.Reports = report.New(report.Config{
		DB: db, Trail: trail, Incidents: register, Library: func() *regime.Library { return o.library }, Duties: o,
		Sent: o.deliver, Fonts: machineFonts, Now: now,
	})
	return d
}

// useLibrary has other regimes count from now on.
func (d *desk) useLibrary(l *regime.Library) { d.library = l }

func (o *office) deliver(_ context.Context, _ *store.Tx, _ *incident.Incident, d report.Delivery) error {
	if o.refuse != nil {
		return o.refuse
	}
	o.delivered = append(o.delivered, d)
	o.sent = append(o.sent, plan.Sent{Clock: d.Clock, Ref: d.Ref, At: d.At, To: d.Recipients})
	return nil
}

func each(t *testing.T, test func(*desk)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		test(newDesk(t, db))
	}, audit.Room(), incident.Room(), report.Room())
}

// one is a desk on SQLite, for what does not depend on the database.
func one(t testing.TB) *desk {
	t.Helper()
	return newDesk(t, storetest.Open(t, storetest.SQLite(t), audit.Room(), incident.Room(), report.Room()))
}

func (d *desk) ctx() context.Context { return d.t.Context() }

// ok returns the first of what a call returns; its error ends the test.
func ok[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// story is what a case says; each of its texts can be found again.
type story struct {
	title, summary, cause, host, note, task, planned, evidence, domain, event string
	facts                                                                     map[string]string
}

func port() story {
	return story{
		title:   "Ransomware at the terminal operating system",
		summary: "Files on 41 servers were encrypted during the night shift. Loading of ships stopped at four of seven berths.",
		cause:   "A contractor's account without a second factor.",
		host:    "tos-db-02.hafen.example", note: "database server",
		task: "Network of the terminal cut off at the core switch", planned: "Restore the databases from the backup of Sunday",
		evidence: "memory-tos-db-02.raw", domain: "pay.example.org", event: "The operator of the crane called: nothing moves.",
		facts: map[string]string{
			"times.occurred": `"2026-11-24T22:10:00Z"`, "times.detected": `"2026-11-25T02:40:00Z"`,
			"outage.total_minutes": `135`, "loss.direct": `{"min": 900000, "max": 1500000, "currency": "EUR"}`,
			"incident.ransomware": `true`, "ransom.amount": `{"value": 2500000, "currency": "USD"}`,
			"incident.types": `["infected-system"]`, "xx.berths": `4`, "geo.cross_border": `false`,
		},
	}
}

// open makes a case that says so.
func (d *desk) open(s story) incident.Incident {
	d.t.Helper()
	i, _, err := d.register.Open(d.ctx(), ann, incident.Draft{Title: s.title, Summary: s.summary, Category: "MI.ransom"})
	if err != nil {
		d.t.Fatal(err)
	}
	c := incident.Change{Who: ann, Incident: i.ID}
	facts := map[string]json.RawMessage{}
	for key, text := range s.facts {
		facts[key] = json.RawMessage(text)
	}
	ok(d.register.State(d.ctx(), c, facts))
	ok(d.register.Describe(d.ctx(), c, incident.Details{Cause: &s.cause}))
	ok(d.register.AddAssets(d.ctx(), c, []incident.Asset{{Kind: "host", Name: s.host, Note: s.note}}))
	ok(d.register.AddObservables(d.ctx(), c, "in the note of the operator", []intel.Observable{{Kind: intel.Domain, Value: s.domain}}))
	ok(d.register.AddTask(d.ctx(), c, incident.Task{Title: s.task, Assignee: "bob"}))
	ok(d.register.AddTask(d.ctx(), c, incident.Task{Title: s.planned, Assignee: "ann", Due: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}))
	tasks := ok(d.register.Tasks(d.ctx(), i.ID))
	ok(d.register.EndTask(d.ctx(), c, tasks[0].ID, incident.TaskDone))
	ok(d.register.AddEvidence(d.ctx(), c, s.evidence, "image of the memory", strings.NewReader("evidence")))
	return ok(d.register.Note(d.ctx(), c, time.Date(2026, 11, 25, 2, 55, 0, 0, time.UTC), s.event))
}

func (d *desk) draft(i incident.Incident) report.Report {
	d.t.Helper()
	p, err := d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: act, Clock: "early"})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func (d *desk) as(who audit.Actor, p report.Report) report.Change {
	return report.Change{Who: who, Report: p.ID}
}

func (d *desk) write(p report.Report, field, text string) report.Report {
	d.t.Helper()
	p, err := d.Write(d.ctx(), d.as(ann, p), report.Edit{Fields: map[string]*string{field: &text}})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

func field(p report.Report, id string) *report.Field {
	for k := range p.Content.Fields {
		if p.Content.Fields[k].ID == id {
			return &p.Content.Fields[k]
		}
	}
	return nil
}

func missing(p report.Report) (all []string) {
	for _, m := range p.Missing {
		all = append(all, m.Field+":"+m.Need)
	}
	return all
}

func (d *desk) export(p report.Report, recipient, language string, format report.Format) []byte {
	d.t.Helper()
	if format == report.PDF {
		d.needFonts()
	}
	out, err := d.Export(d.ctx(), p.Number, p.Version, recipient, language, format)
	if err != nil {
		d.t.Fatalf("%s for %q in %s: %v", format, recipient, language, err)
	}
	return out
}

func (d *desk) needFonts() {
	d.t.Helper()
	if _, err := machineFonts(); err != nil {
		if os.Getenv(testdata.RequireVariable) == "1" {
			d.t.Fatal(err)
		}
		d.t.Skip(err)
	}
}
