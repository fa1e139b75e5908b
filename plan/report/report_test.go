package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/plan"
	"tocsin/plan/regime"
	"tocsin/plan/report"
)

func TestAReportIsDrawnFromTheCase(t *testing.T) {
	each(t, func(d *desk) {
		i := d.open(port())
		p := d.draft(i)
		if p.Number != i.Number+"-R1" || p.Version != 1 || p.Status != report.Draft || p.Kind != regime.Obligatory {
			d.t.Fatalf("got %+v", p.Summary)
		}
		if diff := cmp.Diff([]string{"remarks:if_known"}, missing(p)); diff != "" {
			d.t.Errorf("missing, want and got:\n%s", diff)
		}
		page := html.UnescapeString(string(d.export(p, "", "en", report.HTML)))
		for _, want := range []string{
			"Hafen Elbe GmbH 易北港", "Transport", "DE-HH", "Occurred: 2026-11-24 23:10:00 +01:00", "Malware, Ransomware", "Serious (II) (proposed by the facts; not graded yet)",
			"Out of service for more than 2 h: The whole was out of service: 135 min (2 h 15 min)", "estimated EUR 900 000 to 1 500 000", "USD 2 500 000",
			"Berths out of service: 4 berths", "cut off at the core switch", "Restore the databases", "second factor", "pay.example.org", "tos-db-02.hafen.example",
			"memory-tos-db-02.raw", "nothing moves",
		} {
			if !strings.Contains(page, want) {
				d.t.Errorf("the report does not say %q", want)
			}
		}
		page = string(d.export(p, "", "zh", report.HTML))
		for _, want := range []string{"事件早期预警报告", "恶意程序、勒索软件", "重大（II级）（按已知事实初判，尚未定级）", "整体中断运行时间：135 分钟（2小时15分钟）", "估计EUR 900 000至1 500 000", "仅有英文", "部分标题没有中文译文"} {
			if !strings.Contains(page, want) {
				d.t.Errorf("the Chinese report does not say %q", want)
			}
		}
	})
}

func TestWhatCannotBeFilledIsListedWithItsNeed(t *testing.T) {
	each(t, func(d *desk) {
		i, _, err := d.register.Open(d.ctx(), ann, incident.Draft{Title: "Something is odd"})
		if err != nil {
			d.t.Fatal(err)
		}
		p := d.draft(i)
		want := []string{
			"when:now", "level:later", "impact:now", "loss:if_known", "ransom:now", "measures:now", "planned:later", "cause:later", "observables:if_known",
			"assets:if_known", "evidence:if_known", "remarks:if_known",
		}
		if diff := cmp.Diff(want, missing(p)); diff != "" {
			d.t.Errorf("want and got:\n%s", diff)
		}
		_, err = d.Sign(d.ctx(), d.as(ann, p), "")
		lacking, is := errors.AsType[*report.MissingError](err)
		if !is || !errors.Is(err, fault.Conflict) {
			d.t.Fatalf("sign: %v, want what is missing", err)
		}
		var now []string
		for _, m := range lacking.Fields {
			now = append(now, m.Field)
		}
		// Whether a ransom is to be told of is not known: it does not block.
		if diff := cmp.Diff([]string{"when", "impact", "measures"}, now); diff != "" {
			d.t.Errorf("what blocks, want and got:\n%s", diff)
		}
		for _, id := range now {
			p = d.write(p, id, "not known yet; being looked into")
		}
		if _, err := d.Sign(d.ctx(), d.as(ann, p), ""); err != nil {
			d.t.Error(err)
		}
	})
}

func TestWhatPeopleWroteStaysWhenTheCaseMovesOn(t *testing.T) {
	each(t, func(d *desk) {
		i := d.open(port())
		p := d.draft(i)
		p = d.write(p, "cause", "Not to be told yet.")
		if p.Version != 2 || len(p.MovedOn) != 0 {
			d.t.Fatalf("got version %d, moved on %v", p.Version, p.MovedOn)
		}
		again := ok(d.Redraft(d.ctx(), d.as(bob, p)))
		if again.Version != 2 {
			d.t.Errorf("a redraft that says the same made version %d", again.Version)
		}
		cause := "An open port for remote desktops."
		c := incident.Change{Who: bob, Incident: i.ID}
		ok(d.register.Describe(d.ctx(), c, incident.Details{Cause: &cause}))
		ok(d.register.State(d.ctx(), c, map[string]json.RawMessage{"outage.total_minutes": json.RawMessage(`500`)}))
		moved := ok(d.Moved(d.ctx(), p.ID))
		var fields []string
		for _, m := range moved {
			fields = append(fields, m.Field)
			if m.Field == "cause" && (!m.Written || m.Was != port().cause || m.Is != cause) {
				d.t.Errorf("got %+v", m)
			}
		}
		if diff := cmp.Diff([]string{"level", "impact", "cause"}, fields); diff != "" {
			d.t.Errorf("where the case moved on, want and got:\n%s", diff)
		}
		p = ok(d.Draft(d.ctx(), incident.Change{Who: bob, Incident: i.ID}, report.Ask{Regime: act, Clock: "early"}))
		if p.Version != 3 || !slices.Equal(p.MovedOn, []string{"cause"}) {
			d.t.Errorf("got version %d, moved on %v", p.Version, p.MovedOn)
		}
		if f := field(p, "cause"); f.Written == nil || f.Written.Text != "Not to be told yet." || f.Drawn[0].Line.Said != cause {
			d.t.Errorf("got %+v", f)
		}
		if f := field(p, "impact"); f.Drawn[0].Line.Text.EN != "500 min (8 h 20 min)" {
			d.t.Errorf("the impact is %+v", f.Drawn[0].Line)
		}
		p = ok(d.Write(d.ctx(), d.as(ann, p), report.Edit{Fields: map[string]*string{"cause": nil}}))
		if page := string(d.export(p, "", "en", report.HTML)); !strings.Contains(page, cause) {
			d.t.Error("a text that was taken out again is not drawn from the case")
		}
	})
}

func TestVersionsNeverChangeAndTheirDifferenceIsReadable(t *testing.T) {
	each(t, func(d *desk) {
		i := d.open(port())
		first := d.draft(i)
		before := d.export(first, "", "en", report.JSON)
		p := d.write(first, "cause", "A contractor's account without any protection.")
		cause := "Something else."
		ok(d.register.Describe(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, incident.Details{Cause: &cause}))
		if diff := cmp.Diff(string(before), string(d.export(first, "", "en", report.JSON))); diff != "" {
			d.t.Errorf("version 1 changed:\n%s", diff)
		}
		difference := ok(d.Diff(d.ctx(), p.ID, 1, 2, "en")).Text()
		if want := "changed: Content › Cause\n  A contractor's account without [-a second-]{+any+} [-factor-]{+protection+}.\n"; !strings.Contains(difference, want) || strings.Count(difference, "changed") != 1 {
			d.t.Errorf("got %q, want %q", difference, want)
		}
		versions := ok(d.Versions(d.ctx(), p.Number))
		if len(versions) != 2 || versions[0].SHA256 != first.SHA256 || versions[1].By != ann.Name {
			d.t.Errorf("got %+v", versions)
		}
		_, err := d.At(d.ctx(), p.ID, 3)
		if !errors.Is(err, fault.NotFound) {
			d.t.Errorf("a version that there is not: %v", err)
		}
		c := d.as(bob, p)
		c.Version = 1
		text := "later"
		_, err = d.Write(d.ctx(), c, report.Edit{Fields: map[string]*string{"cause": &text}})
		if stale, is := errors.AsType[*report.StaleError](err); !is || stale.Present != 2 || !errors.Is(err, fault.Conflict) {
			d.t.Errorf("the second writer got %v", err)
		}
	})
}

func TestTwoPeopleSignWhereTheLevelIsOneOfTheTwoHighest(t *testing.T) {
	for name, test := range map[string]struct {
		level string
		want  int
	}{"the highest": {"I", 2}, "the second": {"II", 2}, "the third": {"III", 1}, "the lowest": {"IV", 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := one(t)
			i := d.open(port())
			d.grades[act] = []plan.Graded{{Level: test.level, At: d.aware, By: "ann"}}
			p := d.draft(i)
			if p.Signers != test.want {
				t.Fatalf("%d sign, want %d", p.Signers, test.want)
			}
			p = ok(d.Sign(d.ctx(), d.as(ann, p), "duty officer"))
			if signed := p.Status == report.Signed; signed != (test.want == 1) {
				t.Fatalf("after one signature it is %s", p.Status)
			}
			if _, err := d.Sign(d.ctx(), d.as(ann, p), "commander"); !errors.Is(err, fault.Conflict) {
				t.Errorf("one person signed twice: %v", err)
			}
			if test.want == 2 {
				if p = ok(d.Sign(d.ctx(), d.as(bob, p), "commander")); p.Status != report.Signed {
					t.Errorf("after two signatures it is %s", p.Status)
				}
			}
			if p = d.write(p, "cause", "Changed after it was signed."); p.Status != report.Draft || len(p.Signatures) != 0 {
				t.Errorf("a version after the signed one is %s with %d signatures", p.Status, len(p.Signatures))
			}
		})
	}
}

func TestALevelThatRoseSinceTheDraftAsksForTwo(t *testing.T) {
	each(t, func(d *desk) {
		s := port()
		s.facts["outage.total_minutes"] = "40"
		i := d.open(s)
		d.grades[act] = []plan.Graded{{Level: "III", At: d.aware}}
		p := d.draft(i)
		d.grades[act] = append(d.grades[act], plan.Graded{Level: "I", At: d.aware.Add(time.Minute)})
		if p = ok(d.Sign(d.ctx(), d.as(ann, p), "")); p.Status == report.Signed {
			d.t.Error("one signature was enough for level I")
		}
		_, err := d.Submitted(d.ctx(), d.as(ann, p), report.Sending{To: []string{"csirt"}, At: d.aware, Proof: "no. 7"})
		if !errors.Is(err, fault.Conflict) {
			d.t.Errorf("it was submitted with one signature: %v", err)
		}
	})
}

// While nobody graded, the facts say how many must sign.
func TestFactsThatProveMoreSinceTheDraftAskForTwo(t *testing.T) {
	each(t, func(d *desk) {
		s := port()
		s.facts["outage.total_minutes"] = "40"
		p := d.draft(d.open(s))
		if p.Signers != 1 {
			d.t.Fatalf("%d must sign", p.Signers)
		}
		d.proved = "I"
		if p = ok(d.Sign(d.ctx(), d.as(ann, p), "")); p.Status == report.Signed {
			d.t.Error("one signature was enough for what the facts prove to be of level I")
		}
	})
}

// A report is for one of several clocks of a kind, and never for none.
func TestADraftIsForTheClockThatIsMeant(t *testing.T) {
	t.Parallel()
	d := one(t)
	i := d.open(port())
	d.refs = []string{"1"}
	ask := func(ref string) (report.Report, error) {
		return d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: act, Clock: "early", Ref: ref})
	}
	if p := ok(ask("")); p.Ref != "1" {
		t.Errorf("of one clock the report is for %q", p.Ref)
	}
	d.refs = []string{"1", "2"}
	for _, ref := range []string{"", "3"} {
		if _, err := ask(ref); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "1, 2") {
			t.Errorf("ref %q of two: %v", ref, err)
		}
	}
	if p := ok(ask("2")); p.Ref != "2" {
		t.Errorf("the report is for %q", p.Ref)
	}
}

func TestAReturnedVersionIsNotSigned(t *testing.T) {
	each(t, func(d *desk) {
		p := d.draft(d.open(port()))
		if _, err := d.Review(d.ctx(), d.as(bob, p), false, " "); !errors.Is(err, fault.Invalid) {
			d.t.Errorf("returned without a reason: %v", err)
		}
		if p = ok(d.Review(d.ctx(), d.as(bob, p), false, "the cause is not proved")); p.Status != report.Returned {
			d.t.Errorf("it is %s", p.Status)
		}
		if _, err := d.Sign(d.ctx(), d.as(ann, p), ""); !errors.Is(err, fault.Conflict) {
			d.t.Errorf("it was signed: %v", err)
		}
		p = d.write(p, "cause", "probably an account")
		if p = ok(d.Review(d.ctx(), d.as(bob, p), true, "")); p.Status != report.Reviewed {
			d.t.Errorf("it is %s", p.Status)
		}
		ok(d.Sign(d.ctx(), d.as(ann, p), ""))
	})
}

func TestASubmissionIsOneTransaction(t *testing.T) {
	each(t, func(d *desk) {
		i := d.open(port())
		p := d.draft(i)
		sending := report.Sending{To: []string{"police", "csirt"}, At: d.aware.Add(5 * time.Minute), Proof: "Receipt 4711"}
		if _, err := d.Submitted(d.ctx(), d.as(ann, p), sending); !errors.Is(err, fault.Conflict) {
			d.t.Fatalf("what nobody signed was submitted: %v", err)
		}
		ok(d.Sign(d.ctx(), d.as(ann, p), ""))
		p = ok(d.Sign(d.ctx(), d.as(bob, p), ""))
		before := d.export(p, "csirt", "en", report.JSON)

		d.refuse = errors.New("the clock cannot be met")
		if _, err := d.Submitted(d.ctx(), d.as(ann, p), sending); !errors.Is(err, d.refuse) {
			d.t.Fatalf("got %v", err)
		}
		now := ok(d.register.Get(d.ctx(), i.ID))
		if at := ok(d.Get(d.ctx(), p.ID)); at.Status != report.Signed || len(at.Deliveries) != 0 || now.Version != i.Version {
			d.t.Fatalf("a delivery whose clock could not be met left something: %s, %v", at.Status, at.Deliveries)
		}

		d.refuse = nil
		p = ok(d.Submitted(d.ctx(), d.as(ann, p), sending))
		if p.Status != report.Submitted || len(p.Deliveries) != 1 {
			d.t.Fatalf("got %s, %v", p.Status, p.Deliveries)
		}
		want := report.Delivery{
			ID: p.Deliveries[0].ID, Incident: i.ID, Regime: act, Clock: "early", Recipients: []string{"csirt", "police"}, At: sending.At, Recorded: p.Deliveries[0].Recorded,
			By: ann, Report: p.ID, Number: p.Number, Version: 1, Proof: "Receipt 4711",
		}
		if diff := cmp.Diff([]report.Delivery{want}, d.delivered); diff != "" {
			d.t.Errorf("who keeps the clock was told, want and got:\n%s", diff)
		}
		entries, _, err := d.register.Timeline(d.ctx(), i.ID, "", 0)
		if err != nil {
			d.t.Fatal(err)
		}
		last := entries[len(entries)-1]
		if last.Kind != incident.EntryReport || !last.At.Equal(sending.At) || !strings.Contains(last.Text, p.Number+", version 1") || !strings.Contains(last.Text, "National CSIRT, Police; proof: Receipt 4711") {
			d.t.Errorf("the timeline says %+v", last)
		}
		trail, err := d.trail.List(d.ctx(), audit.Filter{Action: "report.submit"}, "", 10)
		if err != nil || len(trail) != 1 || trail[0].By != ann || trail[0].Subject.ID != p.ID {
			d.t.Errorf("the audit trail says %+v, %v", trail, err)
		}
		if diff := cmp.Diff(string(before), string(d.export(p, "csirt", "en", report.JSON))); diff != "" {
			d.t.Errorf("the export changed by being sent:\n%s", diff)
		}
		if _, err := d.Submitted(d.ctx(), d.as(bob, p), report.Sending{To: []string{"press"}, At: sending.At, Proof: "by mail"}); err != nil {
			d.t.Errorf("to another recipient: %v", err)
		}

		next := d.draft(i)
		if next.Number != i.Number+"-R2" || next.Version != 1 {
			d.t.Errorf("after it was sent the next draft is %s, version %d", next.Number, next.Version)
		}
	})
}

func TestASubmissionSaysToWhomWhenAndHow(t *testing.T) {
	t.Parallel()
	d := one(t)
	p := d.draft(d.open(port()))
	ok(d.Sign(d.ctx(), d.as(ann, p), ""))
	p = ok(d.Sign(d.ctx(), d.as(bob, p), ""))
	for name, s := range map[string]report.Sending{
		"to nobody":     {At: d.aware, Proof: "x"},
		"to a stranger": {To: []string{"nobody"}, At: d.aware, Proof: "x"},
		"never":         {To: []string{"csirt"}, Proof: "x"},
		"tomorrow":      {To: []string{"csirt"}, At: d.aware.Add(24 * time.Hour), Proof: "x"},
		"without proof": {To: []string{"csirt"}, At: d.aware, Proof: " "},
		"bad text":      {To: []string{"csirt"}, At: d.aware, Proof: "a\x00b"},
	} {
		if _, err := d.Submitted(d.ctx(), d.as(ann, p), s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryKindOfReportIsDrafted(t *testing.T) {
	t.Parallel()
	d := one(t)
	kinds := map[incident.Kind]regime.Kind{
		incident.Happened: regime.Voluntary, incident.NearMissKind: regime.NearMiss, incident.Threat: regime.Threat, incident.Vulnerability: regime.Threat,
	}
	for kind, want := range kinds {
		i, _, err := d.register.Open(d.ctx(), ann, incident.Draft{Title: "Something", Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"early", report.General} {
			p := ok(d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: act, Form: form}))
			if p.Kind != want || p.Form != form {
				t.Errorf("%s by %s: got %s by %s, want %s", kind, form, p.Kind, p.Form, want)
			}
		}
		call := ok(d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: act, Clock: "call"}))
		if call.Form != report.General || call.Kind != regime.Voluntary {
			t.Errorf("a clock without a form gives %s, %s", call.Form, call.Kind)
		}
	}
	i := d.open(port())
	for name, ask := range map[string]report.Ask{
		"no form":    {Regime: act},
		"no clock":   {Regime: act, Clock: "late"},
		"other form": {Regime: act, Form: "late"},
		"kind":       {Regime: act, Form: "early", Kind: "rumour"},
	} {
		if _, err := d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, ask); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID, Version: 1}, report.Ask{Regime: act, Form: "early"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a case that moved on: %v", err)
	}
}

// Every form of every regime that comes with the program is drafted, exported
// and can be read in both languages.
func TestEveryFormThatThereIsCanBeDrafted(t *testing.T) {
	t.Parallel()
	d := one(t)
	i := d.open(port())
	for _, pack := range d.library.Packs() {
		for _, form := range pack.Forms {
			p, err := d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, report.Ask{Regime: pack.Regime, Form: form.ID})
			if err != nil {
				t.Errorf("%s/%s: %v", pack.Regime, form.ID, err)
				continue
			}
			for _, language := range []string{"en", "zh"} {
				d.export(p, "", language, report.HTML)
				d.export(p, "", language, report.JSON)
			}
		}
	}
}

// Each part of a case is drawn from a case that has everything, or left to a
// person because no case has it.
func TestEveryPartOfACaseIsDrawnOrAPersons(t *testing.T) {
	t.Parallel()
	var pack strings.Builder
	text := string(ok(os.ReadFile(filepath.Join("testdata", "pack.yaml"))))
	pack.WriteString(strings.Replace(text, "regime: xx-report", "regime: xx-parts", 1))
	pack.WriteString("  - id: parts\n    title: {en: Parts}\n    mark: act\n    fields:\n")
	for k, part := range regime.CaseParts() {
		fmt.Fprintf(&pack, "      - {id: f%d, title: {en: %q}, from: [%s], need: later}\n", k, part, part)
	}
	d := one(t)
	library, err := ok(packs()).WithTexts(map[string][]byte{"parts.yaml": []byte(pack.String())})
	if err != nil {
		t.Fatal(err)
	}
	d.useLibrary(library)
	s := port()
	s.facts["outage.total_minutes"] = `{"since": "2026-11-25T00:40:00Z"}`
	s.facts["malicious.suspected"], s.facts["times.recovered"] = `true`, `"2026-11-25T02:50:00Z"`
	i, other := d.open(s), d.open(port())
	c := incident.Change{Who: ann, Incident: i.ID}
	ok(d.register.Link(d.ctx(), c, incident.Campaign, other.ID))
	owner, lessons := "ann", "Second factors for contractors."
	ok(d.register.Describe(d.ctx(), c, incident.Details{Owner: &owner, Lessons: &lessons}))
	ask := report.Ask{Regime: "xx-parts", Form: "parts"}
	p := ok(d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, ask))
	for _, f := range p.Content.Fields {
		if len(f.Drawn) == 0 {
			p = d.write(p, f.ID, "by a person")
		}
	}
	ok(d.Sign(d.ctx(), d.as(ann, p), ""))
	ok(d.Sign(d.ctx(), d.as(bob, p), ""))
	ok(d.Submitted(d.ctx(), d.as(ann, p), report.Sending{To: []string{"csirt"}, At: d.aware, Proof: "no. 1"}))
	p = ok(d.Draft(d.ctx(), incident.Change{Who: ann, Incident: i.ID}, ask))
	var left []string
	for _, m := range p.Missing {
		left = append(left, m.From...)
	}
	if diff := cmp.Diff(report.PersonParts(), left); diff != "" {
		t.Errorf("left to a person, want and got:\n%s", diff)
	}
}
