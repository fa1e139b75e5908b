package warning_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// bulletin verifies an envelope and reads its body.
func bulletin(t testing.TB, ring envelope.Ring, e *envelope.Envelope, at time.Time) (b alliance.Bulletin, h envelope.Header) {
	t.Helper()
	h, err := e.Verify(ring, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(e.Body, &b); err != nil {
		t.Fatal(err)
	}
	return b, h
}

func TestWarningGoesFromDraftToIssue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r, err := o.Draft(t.Context(), dan, wannaCry(alliance.Red))
		if err != nil || r.State != warning.Drafted || r.Number != "" {
			t.Fatal(r, err)
		}
		if _, err := o.Issue(t.Context(), by(ann, &r)); !errors.Is(err, fault.Conflict) {
			t.Errorf("a draft was issued unapproved: %v", err)
		}
		if r, err = o.Approve(t.Context(), by(ann, &r), r.SHA256, "read"); err != nil || r.State != warning.Drafted {
			t.Fatal("one approval is not enough for red:", r.State, err)
		}
		if _, err := o.Approve(t.Context(), by(ann, &r), r.SHA256, ""); !errors.Is(err, fault.Conflict) {
			t.Errorf("one person approved twice: %v", err)
		}
		if r, err = o.Approve(t.Context(), by(bob, &r), r.SHA256, ""); err != nil || r.State != warning.Approved {
			t.Fatal(r.State, err)
		}
		if r, err = o.Issue(t.Context(), by(bob, &r)); err != nil {
			t.Fatal(err)
		}
		if r.State != warning.Issued || r.Number != "2017-001" || r.Revision != 1 {
			t.Errorf("issued as %+v", r)
		}
		b, h := o.last()
		if b.Change != alliance.IssuedChange || b.Number != r.Number || b.Content == nil || b.Content.Questions() != 2 || !b.Content.Directive() {
			t.Errorf("sent %+v", b)
		}
		w := b.Content
		if h.Kind != alliance.WarningKind || h.Marking != intel.TLPGreen || w.Author != o.self.ID() || w.Expires.Sub(w.Issued) != 30*24*time.Hour || w.Measures[0].Due.Sub(w.Issued) != 24*time.Hour {
			t.Errorf("header %+v, content %+v", h, w)
		}
		if w.Indicators[0].Action != intel.DoNotBlock || w.Indicators[1].Action != intel.Detect {
			t.Errorf("actions %v", w.Indicators)
		}
		if got := o.to[h.ID]; len(got) != 3 || o.appended != 1 {
			t.Errorf("sent to %v, appended %d", got, o.appended)
		}
		sealed := must[*envelope.Envelope](t)(o.Sealed(t.Context(), r.Number, 0))
		if diff := cmp.Diff(o.sent[0], sealed); diff != "" {
			t.Errorf("what is kept is not what was sent: %s", diff)
		}
		if got := must[warning.Reach](t)(o.Preview(t.Context(), r.Number)); len(got.To) != 3 || len(got.Left) != 2 || got.Left[0].Reason == "" {
			t.Errorf("reach %+v", got)
		}
	})
}

func TestIssueThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, o *office) {
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Blue)))
		r = o.approved(r, ann)
		o.refuse = true
		if _, err := o.Issue(t.Context(), by(ann, &r)); err == nil {
			t.Fatal("it was issued though it could not be sent")
		}
		o.refuse = false
		if now := must[warning.Record](t)(o.Get(t.Context(), r.ID)); now.State != warning.Approved || now.Number != "" {
			t.Errorf("left as %+v", now)
		}
		if r = must[warning.Record](t)(o.Issue(t.Context(), by(ann, &r))); r.Number != "2017-001" {
			t.Errorf("the number that was not used is lost: %s", r.Number)
		}
	})
}

func TestRegimeForbidsAColour(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		no := warning.Ruling{Regime: "cn-plan-2017", IssuedBy: "Emergency office only", May: "no"}
		o := newOffice(t, db, no)
		r := must[warning.Record](t)(o.Draft(t.Context(), dan, wannaCry(alliance.Red)))
		r = o.approved(r, ann, bob)
		if _, err := o.Issue(t.Context(), by(ann, &r)); !errors.Is(err, fault.Forbidden) {
			t.Errorf("issued against the regime: %v", err)
		}
	}, rooms()...)
}
