package warning_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func TestDraftSaysWhatKeepsItFromBeingIssued(t *testing.T) {
	t.Parallel()
	o := newOffice(t, storetest.Open(t, storetest.SQLite(t), rooms()...))
	for name, c := range map[string]struct {
		change  func(*warning.Draft)
		where   string
		confirm string
	}{
		"nothing":           {func(*warning.Draft) {}, "", ""},
		"no marking":        {func(d *warning.Draft) { d.Marking = intel.Unmarked }, "/tlp", ""},
		"for nobody":        {func(d *warning.Draft) { d.Marking = intel.TLPAmberStrict }, "/tlp", ""},
		"red for nobody":    {func(d *warning.Draft) { d.Marking = intel.TLPRed }, "/scope/members", ""},
		"no text":           {func(d *warning.Draft) { d.Texts = nil }, "/texts", ""},
		"no action":         {func(d *warning.Draft) { d.Asked[0].Action = nil }, "/indicators/0/action", ""},
		"no reason":         {func(d *warning.Draft) { d.Asked[0].Why = "" }, "/indicators/0/why", ""},
		"a domain above it": {func(d *warning.Draft) { d.Asked[0].Value = "www.kill.example.com"; add(d, "example.com", intel.Block) }, "/indicators/2", ""},
		"benign":            {func(d *warning.Draft) { add(d, "update.example", intel.Detect) }, "/indicators/2", "confirm_listed"},
		"benign, confirmed": {func(d *warning.Draft) {
			add(d, "update.example", intel.Detect)
			d.Asked[2].ConfirmListed = "a subdomain was taken over"
		}, "", ""},
		"a broken rule": {func(d *warning.Draft) { d.Rules = []alliance.Rule{{ID: "r", Text: "broken"}} }, "/rules/0/text", ""},
		"over before":   {func(d *warning.Draft) { d.ExpiresIn, d.Expires = 0, morning.Add(-time.Hour) }, "/expires", ""},
		"no deadline":   {func(d *warning.Draft) { d.Measures[0].Within = 0 }, "/measures/0/due", ""},
		"a passed one":  {func(d *warning.Draft) { d.Measures[0].Within, d.Measures[0].Due = 0, morning.Add(-time.Hour) }, "/measures/0/due", ""},
		"two the same": {func(d *warning.Draft) {
			d.Measures = append(d.Measures, d.Measures[0])
			d.Measures[0].ID, d.Measures[1].ID = "m", "m"
		}, "/measures/1/id", ""},
		"a wide reference": {func(d *warning.Draft) { d.Links = []string{"javascript:alert(1)"} }, "/references/0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			draft := wannaCry(alliance.Blue)
			c.change(&draft)
			r := must[warning.Record](t)(o.Draft(t.Context(), dan, draft))
			v := must[warning.View](t)(o.Show(t.Context(), ann, r.ID))
			found := c.where == "" && len(v.Problems) == 0
			for _, p := range v.Problems {
				found = found || p.Where == c.where && p.Confirm == c.confirm
			}
			if !found {
				t.Errorf("problems %+v", v.Problems)
			}
			_, err := o.Approve(t.Context(), by(ann, &r), r.SHA256, "")
			var problems *warning.ProblemsError
			if errors.As(err, &problems) != (c.where != "") {
				t.Errorf("approved: %v", err)
			}
		})
	}
}

func add(d *warning.Draft, domain string, a intel.Action) {
	d.Asked = append(d.Asked, warning.Indicator{Kind: intel.Domain, Value: domain, Action: new(a), Why: "because"})
}

func TestToBlockWhatMustNotBeBlockedIsConfirmed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r := o.issued(alliance.Blue)
		draft := wannaCry(alliance.Blue)
		draft.Asked[0].Action = new(intel.Block)
		r = must[warning.Record](t)(o.Amend(t.Context(), by(dan, &r, "a new variant"), draft))
		v := must[warning.View](t)(o.Show(t.Context(), ann, r.ID))
		if len(v.Problems) != 1 || v.Problems[0].Confirm != "confirm_block" || !strings.Contains(v.Problems[0].Text, "the worm stops") {
			t.Fatalf("problems %+v", v.Problems)
		}
		if len(v.Changes) == 0 || v.Changes[0].Field == "" {
			t.Errorf("changes %+v", v.Changes)
		}
		draft.Asked[0].ConfirmBlock = "the variant uses it to be told what to do"
		r = must[warning.Record](t)(o.Edit(t.Context(), by(dan, &r), draft))
		r = o.approved(r, ann)
		must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r)))
		if b, _ := o.last(); b.Content.Indicators[0].Action != intel.Block || b.Change != alliance.AmendedChange || b.Reason != "a new variant" {
			t.Errorf("sent %+v", b)
		}
	})
}

func TestLoweringRedNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := newOffice(t, db)
		r := o.issued(alliance.Red)
		if _, err := o.Raise(t.Context(), by(dan, &r, "no"), alliance.Yellow); err == nil {
			t.Error("raised to a lower colour")
		}
		r = must[warning.Record](t)(o.Lower(t.Context(), by(dan, &r, "it abates"), alliance.Blue))
		if r = o.approved(r, ann); r.State != warning.Changing {
			t.Errorf("one approved, and it is %s", r.State)
		}
		r = o.approved(r, bob)
		must[warning.Record](t)(o.Issue(t.Context(), by(bob, &r)))
		if b, _ := o.last(); b.Change != alliance.LoweredChange || b.Content.Colour != alliance.Blue || b.Content.Number != "2017-001" {
			t.Errorf("sent %+v", b)
		}
	}, rooms()...)
}
