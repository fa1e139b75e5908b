package incident_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/plan/fact"
)

var (
	ann = audit.Actor{ID: "1", Name: "ann", From: "192.0.2.1"}
	bob = audit.Actor{ID: "2", Name: "bob", From: "192.0.2.2"}
)

// desk is a register on an empty database with a clock that moves a second with
// each look.
type desk struct {
	*incident.Register
	t     *testing.T
	trail *audit.Trail
	db    *store.DB
}

func each(t *testing.T, config incident.Config, test func(*desk)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		t.Helper()
		c := config
		at := time.Date(2026, 11, 25, 3, 0, 0, 0, time.UTC)
		c.Now = func() time.Time { at = at.Add(time.Second); return at }
		c.DB, c.Trail = db, audit.New(db, c.Now)
		var err error
		if c.Facts, err = fact.Builtin(); err != nil {
			t.Fatal(err)
		}
		if c.Blobs, err = store.OpenBlobs(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		r, err := incident.New(c)
		if err != nil {
			t.Fatal(err)
		}
		test(&desk{Register: r, t: t, trail: c.Trail, db: db})
	}, audit.Room(), incident.Room())
}

func (d *desk) ctx() context.Context { return d.t.Context() }

// ok returns the first of what a call returns; its error ends the test.
func ok[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func (d *desk) open(draft incident.Draft) incident.Incident {
	d.t.Helper()
	if draft.Title == "" {
		draft.Title = "Files renamed to .wncry"
	}
	i, opened, err := d.Open(d.ctx(), ann, draft)
	if err != nil || !opened {
		d.t.Fatalf("open: %v, opened %v", err, opened)
	}
	return i
}

func (d *desk) timeline(id string) []string {
	d.t.Helper()
	entries, more, err := d.Timeline(d.ctx(), id, "", 0)
	if err != nil || more {
		d.t.Fatal(err, more)
	}
	var texts []string
	for _, e := range entries {
		texts = append(texts, string(e.Kind)+": "+e.Text)
	}
	return texts
}

func TestAnIncidentGoesFromReportToReview(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		i := d.open(incident.Draft{Summary: "Ward 3 cannot read its files."})
		if i.Number != "2026-0001" || i.State != incident.Reported || i.Version != 1 {
			d.t.Fatalf("got %+v", i)
		}
		step := func(to incident.State, resolution incident.Resolution) error {
			var err error
			i, err = d.Advance(d.ctx(), incident.Change{Who: ann, Incident: i.Number, Version: i.Version}, incident.Advance{To: to, Resolution: resolution})
			return err
		}
		lacks := func(to incident.State, resolution incident.Resolution, what string) {
			d.t.Helper()
			before := i
			err := step(to, resolution)
			illegal, is := errors.AsType[*incident.IllegalStepError](err)
			if !is || !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), what) {
				d.t.Fatalf("to %s: got %v, want one that names %q", to, err, what)
			}
			if len(illegal.Next) == 0 {
				d.t.Errorf("to %s: nothing says what can follow", to)
			}
			i = before
			if now := d.get(i.ID); now.State != before.State || now.Version != before.Version {
				d.t.Errorf("a refused step changed the incident: %+v", now)
			}
		}
		go1 := func(to incident.State, resolution incident.Resolution) {
			d.t.Helper()
			if err := step(to, resolution); err != nil {
				d.t.Fatal(err)
			}
		}
		change := func() incident.Change { return incident.Change{Who: ann, Incident: i.ID} }

		lacks(incident.Graded, "", "a level")
		lacks(incident.Contained, "", "cannot become")
		i = ok(d.Grade(d.ctx(), change(), incident.Level{Name: "III", Rank: 2, Why: "a main function is down for 2 h"}))
		go1(incident.Graded, "")
		lacks(incident.Responding, "", "an owner")
		owner := "bob"
		i = ok(d.Describe(d.ctx(), change(), incident.Details{Owner: &owner}))
		go1(incident.Responding, "")
		lacks(incident.Contained, "", "times.contained")
		i = ok(d.State(d.ctx(), change(), map[string]json.RawMessage{"times.contained": json.RawMessage(`"2026-11-25T03:10:00Z"`)}))
		go1(incident.Contained, "")
		i = ok(d.State(d.ctx(), change(), map[string]json.RawMessage{"times.recovered": json.RawMessage(`"2026-11-25T09:10:00Z"`)}))
		go1(incident.Recovered, "")
		i = ok(d.AddTask(d.ctx(), change(), incident.Task{Title: "Rebuild the ward's computers"}))
		lacks(incident.Closed, incident.Resolved, "its duties done")
		tasks := ok(d.Tasks(d.ctx(), i.ID))
		i = ok(d.EndTask(d.ctx(), change(), tasks[0].ID, incident.TaskDone))
		lacks(incident.Closed, incident.Resolved, "a cause")
		cause := "SMBv1 open to the internet"
		i = ok(d.Describe(d.ctx(), change(), incident.Details{Cause: &cause}))
		lacks(incident.Closed, "", "a resolution")
		go1(incident.Closed, incident.Resolved)
		if i.Closed.IsZero() || i.Resolution != incident.Resolved {
			d.t.Errorf("closed: %+v", i)
		}
		lacks(incident.Reviewed, "", "the lessons")
		lessons := "Patch within a month."
		i = ok(d.Describe(d.ctx(), change(), incident.Details{Lessons: &lessons}))
		go1(incident.Reviewed, "")
		if next := i.State.Next(); len(next) != 1 || next[0] != incident.Responding {
			d.t.Errorf("after the review: %v", next)
		}
		if n := len(d.timeline(i.ID)); n != int(i.Version) {
			d.t.Errorf("%d entries for %d versions", n, i.Version)
		}
		if all := ok(d.trail.List(d.ctx(), audit.Filter{Kind: "incident", Subject: i.ID}, "", 100)); len(all) != int(i.Version) {
			d.t.Errorf("%d entries of the audit trail for %d versions", len(all), i.Version)
		}
	})
}

func (d *desk) get(id string) incident.Incident {
	d.t.Helper()
	i, err := d.Get(d.ctx(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return i
}

func TestASecondWriterGetsThePresentIncident(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		seen := d.open(incident.Draft{})
		if _, err := d.Comment(d.ctx(), incident.Change{Who: bob, Incident: seen.ID, Version: seen.Version}, "on it"); err != nil {
			d.t.Fatal(err)
		}
		title := "Mine"
		_, err := d.Describe(d.ctx(), incident.Change{Who: ann, Incident: seen.ID, Version: seen.Version}, incident.Details{Title: &title})
		stale, is := errors.AsType[*incident.StaleError](err)
		if !is || !errors.Is(err, fault.Conflict) || stale.Present.Version != seen.Version+1 {
			d.t.Fatalf("got %v", err)
		}
		if got := d.get(seen.ID); got.Title == title {
			d.t.Error("the second writer overwrote")
		}
	})
}

func TestOpeningTwiceUnderOneNameOpensOnce(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		first := d.open(incident.Draft{Once: "report-7"})
		again, opened, err := d.Open(d.ctx(), ann, incident.Draft{Title: "Sent again", Once: "report-7"})
		if err != nil || opened || again.ID != first.ID {
			d.t.Errorf("again: %v %v %v", again.ID, opened, err)
		}
		other, opened, err := d.Open(d.ctx(), bob, incident.Draft{Title: "Another's", Once: "report-7"})
		if err != nil || !opened || other.ID == first.ID || other.Number == first.Number {
			d.t.Errorf("another's: %v %v %v", other, opened, err)
		}
	})
}

func TestAnOpeningThatThePlanRefusesLeavesNothing(t *testing.T) {
	full := errors.New("no clock can be written")
	each(t, incident.Config{Opened: func(context.Context, *store.Tx, *incident.Incident) error { return full }}, func(d *desk) {
		if _, _, err := d.Open(d.ctx(), ann, incident.Draft{Title: "x"}); !errors.Is(err, full) {
			d.t.Fatalf("got %v", err)
		}
		list, _, err := d.List(d.ctx(), incident.Filter{}, incident.Page{})
		if err != nil || len(list) != 0 {
			d.t.Errorf("left: %v %v", list, err)
		}
	})
}

func TestFactsKeepTheirHistory(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		i := d.open(incident.Draft{Facts: map[string]json.RawMessage{"data.pi_persons": json.RawMessage(`{"min": 800, "max": 1200}`)}})
		c := incident.Change{Who: bob, Incident: i.ID}
		state := func(text string) incident.Incident {
			return ok(d.State(d.ctx(), c, map[string]json.RawMessage{"data.pi_persons": json.RawMessage(text)}))
		}
		after := state("1000")
		if again := state("1000.0"); again.Version != after.Version {
			d.t.Error("what was said already changed the incident")
		}
		state("null")
		history := ok(d.FactHistory(d.ctx(), i.ID, "data.pi_persons"))
		var states []string
		for _, s := range history {
			states = append(states, s.State+" by "+s.By)
		}
		if got, want := strings.Join(states, ", "), "estimated by ann, known by bob, unknown by bob"; got != want {
			d.t.Errorf("got %s, want %s", got, want)
		}
		_, err := d.State(d.ctx(), c, map[string]json.RawMessage{"data.pi_persons": json.RawMessage(`"many"`), "asset.is_cii": json.RawMessage("true")})
		if !errors.Is(err, fault.Invalid) {
			d.t.Errorf("got %v", err)
		}
		if facts := ok(d.Facts(d.ctx(), i.ID)); facts["asset.is_cii"].State != "" {
			d.t.Error("half of a change was made")
		}
	})
}

func TestACorrectionLeavesWhatItCorrects(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		i := d.open(incident.Draft{})
		c := incident.Change{Who: ann, Incident: i.ID}
		ok(d.Note(d.ctx(), c, time.Date(2026, 11, 25, 2, 0, 0, 0, time.UTC), "Called the provider"))
		entries, _, _ := d.Timeline(d.ctx(), i.ID, "", 0)
		wrong := entries[len(entries)-1]
		ok(d.Correct(d.ctx(), c, wrong.ID, "Called the provider's hotline at 02:30"))
		if _, err := d.Correct(d.ctx(), c, wrong.ID, "again"); !errors.Is(err, fault.Conflict) {
			d.t.Errorf("corrected twice: %v", err)
		}
		entries, _, _ = d.Timeline(d.ctx(), i.ID, entries[0].ID, 0)
		if len(entries) != 2 || entries[0].Text != wrong.Text || entries[0].CorrectedBy != entries[1].ID || entries[1].Corrects != wrong.ID {
			d.t.Errorf("got %+v", entries)
		}
		if _, err := d.Note(d.ctx(), c, time.Now().AddDate(9, 0, 0), "tomorrow"); !errors.Is(err, fault.Invalid) {
			d.t.Errorf("the future: %v", err)
		}
	})
}

func TestEvidenceHasAChainOfCustody(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		i := d.open(incident.Draft{})
		c := incident.Change{Who: ann, Incident: i.ID, Why: "sample for the laboratory"}
		e := ok(d.AddEvidence(d.ctx(), c, `..\..\etc/pass`+"\u202e"+`wd`, "", strings.NewReader("MZ")))
		if strings.ContainsAny(e.Name, "\\/\u202e") || e.Bytes != 2 {
			d.t.Errorf("got %+v", e)
		}
		_, file, err := d.OpenEvidence(d.ctx(), incident.Change{Who: bob, Incident: i.ID}, e.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		content := ok(io.ReadAll(file))
		if err := file.Close(); err != nil || string(content) != "MZ" {
			d.t.Errorf("got %q, %v", content, err)
		}
		ok(d.Handle(d.ctx(), c, e.ID, incident.Custody{Action: incident.HandedOver, Person: "police"}))
		ok(d.Verify(d.ctx(), c, e.ID))
		var links []string
		for _, l := range ok(d.Chain(d.ctx(), i.ID, e.ID)) {
			links = append(links, string(l.Action)+" "+l.By)
		}
		if got, want := strings.Join(links, ", "), "received ann, read bob, handed_over ann, verified ann"; got != want {
			d.t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestMergingAndSplittingLoseNothing(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		a := d.open(incident.Draft{Title: "A", Facts: map[string]json.RawMessage{"asset.is_cii": json.RawMessage("true")}})
		b := d.open(incident.Draft{Title: "B", Facts: map[string]json.RawMessage{"asset.is_cii": json.RawMessage("false"), "data.pi_persons": json.RawMessage("5")}})
		seen := intel.Observable{Kind: intel.Domain, Value: "bad.example"}
		onB := incident.Change{Who: bob, Incident: b.ID}
		ok(d.AddObservables(d.ctx(), onB, "", []intel.Observable{seen}))
		ok(d.AddTask(d.ctx(), onB, incident.Task{Title: "Block it"}))
		file := ok(d.AddEvidence(d.ctx(), onB, "a.log", "", strings.NewReader("x")))

		a = ok(d.Merge(d.ctx(), incident.Change{Who: ann, Incident: a.ID, Why: "one worm"}, b.ID))
		b = d.get(b.ID)
		facts := ok(d.Facts(d.ctx(), a.ID))
		if b.State != incident.Closed || b.Resolution != incident.Merged || string(facts["data.pi_persons"].Statement) == "" || facts["asset.is_cii"].By != "ann" {
			d.t.Errorf("merged: %+v, facts %v", b, facts)
		}
		if n := len(ok(d.Observables(d.ctx(), a.ID))); n != 1 {
			d.t.Errorf("%d observables", n)
		}
		tasks := ok(d.Tasks(d.ctx(), a.ID))

		part := ok(d.Split(d.ctx(), incident.Change{Who: ann, Incident: a.ID, Why: "another hand"}, incident.Draft{Title: "C"},
			incident.Parts{Tasks: []string{tasks[0].ID}, Evidence: []string{file.ID}, Observables: []intel.Observable{seen}}))
		if n := len(ok(d.AllEvidence(d.ctx(), part.ID))); n != 1 {
			d.t.Errorf("%d files moved", n)
		}
		if n := len(ok(d.Tasks(d.ctx(), a.ID))); n != 0 {
			d.t.Errorf("%d tasks stayed", n)
		}
		if links := ok(d.Links(d.ctx(), a.ID)); len(links) != 2 {
			d.t.Errorf("got %+v", links)
		}
		if text := strings.Join(d.timeline(a.ID), "\n"); !strings.Contains(text, "took over 2026-0002") || !strings.Contains(text, "2026-0003 is split from this") {
			d.t.Errorf("the timeline says\n%s", text)
		}
		if _, err := d.Split(d.ctx(), incident.Change{Who: ann, Incident: a.ID}, incident.Draft{Title: "D"}, incident.Parts{Tasks: []string{"none"}}); !errors.Is(err, fault.NotFound) {
			d.t.Errorf("a part that is not there: %v", err)
		}
	})
}

func TestListsAreFilteredSearchedAndPaged(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		for _, title := range []string{"Worm in ward 3", "勒索软件感染了医院的服务器", "Phishing mail", "Worm in ward 4"} {
			d.open(incident.Draft{Title: title, Category: strings.Fields(title)[0]})
		}
		titles := func(f incident.Filter, p incident.Page) string {
			d.t.Helper()
			list, next, err := d.List(d.ctx(), f, p)
			if err != nil {
				d.t.Fatal(err)
			}
			var all []string
			for _, i := range list {
				all = append(all, i.Number[5:])
			}
			if next != "" {
				all = append(all, "…")
			}
			return strings.Join(all, " ")
		}
		first, _, _ := d.List(d.ctx(), incident.Filter{}, incident.Page{Most: 2})
		for _, c := range []struct {
			name string
			f    incident.Filter
			p    incident.Page
			want string
		}{
			{"all", incident.Filter{}, incident.Page{}, "0004 0003 0002 0001"},
			{"a page", incident.Filter{}, incident.Page{Most: 2}, "0004 0003 …"},
			{"the next", incident.Filter{}, incident.Page{Most: 2, After: first[1].ID}, "0002 0001"},
			{"a category", incident.Filter{Category: "Worm"}, incident.Page{}, "0004 0001"},
			{"a text", incident.Filter{Text: "ward worm"}, incident.Page{}, "0004 0001"},
			{"a text, paged", incident.Filter{Text: "worm"}, incident.Page{Most: 1}, "0004 …"},
			{"a text, the next page", incident.Filter{Text: "worm"}, incident.Page{Most: 1, After: first[0].ID}, "0001"},
			{"Chinese", incident.Filter{Text: "医院"}, incident.Page{}, "0002"},
			{"a text and a category", incident.Filter{Text: "mail", Category: "Worm"}, incident.Page{}, ""},
			{"states", incident.Filter{States: []incident.State{incident.Closed, incident.Reviewed}}, incident.Page{}, ""},
			{"open", incident.Filter{Open: true, Text: "phish*"}, incident.Page{}, "0003"},
		} {
			if got := titles(c.f, c.p); got != c.want {
				d.t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestTextsThatWillNotDoAreRefused(t *testing.T) {
	each(t, incident.Config{}, func(d *desk) {
		for name, draft := range map[string]incident.Draft{
			"no title":    {Title: "  "},
			"long title":  {Title: strings.Repeat("x", 201)},
			"not UTF-8":   {Title: "\xff"},
			"a zero byte": {Title: "a\x00b"},
			"a kind":      {Title: "x", Kind: "party"},
			"a fact":      {Title: "x", Facts: map[string]json.RawMessage{"no.such": json.RawMessage("1")}},
		} {
			if _, _, err := d.Open(d.ctx(), ann, draft); !errors.Is(err, fault.Invalid) {
				d.t.Errorf("%s: got %v", name, err)
			}
		}
		if _, err := d.Get(d.ctx(), "2026-9999"); !errors.Is(err, fault.NotFound) {
			d.t.Errorf("got %v", err)
		}
	})
}
