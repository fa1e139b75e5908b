package answer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func TestWarningIsAnsweredByTheLedgerFirstThenByTheArchive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		hub, member := n.party(), n.join(db)
		w := wannaCry(hub)
		hub.asks(w, "", member.expected("Hospital", "health"))
		if got := sum(hub.board(w.ID).Sum); got != "1 silent" {
			t.Errorf("before: %s", got)
		}
		member.memory = func(_ context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error) {
			return said(w, whole, alliance.Clear, alliance.Hit), nil
		}
		member.tell(hub, alliance.IssuedChange, w)
		n.settle()
		sent := n.answersOf(member)
		if len(sent) != 2 || !sent[0].Partial || sent[0].Verdict != alliance.CannotTell || sent[1].Partial || sent[1].Verdict != alliance.Hit {
			t.Fatalf("sent %+v", sent)
		}
		if sent[1].Sequence != 2 || sent[1].Revision != 1 || sent[1].Member != member.ID() || sent[1].Events != 2 {
			t.Errorf("last %+v", sent[1])
		}
		if got := sum(hub.board("2017-001").Sum); got != "1 hit" {
			t.Errorf("after: %s", got)
		}
		if len(member.watched) != 1 || member.watched[0].ID != w.ID {
			t.Errorf("watched: %v", member.watched)
		}
		s := member.shown("2017-001")
		if len(s.History) != 2 || s.History[0].Why != answer.Completed || s.History[1].Why != answer.Arrived || len(s.Releases) != 2 || s.Releases[0].State != answer.Sent {
			t.Errorf("history %+v, releases %+v", s.History, s.Releases)
		}
	}, rooms()...)
}

func TestAnswerStandsUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member := n.party(), n.party()
	w := wannaCry(hub)
	hub.asks(w, "", member.expected("Hospital", "health"))
	member.memory = says(alliance.Clear)
	member.tell(hub, alliance.IssuedChange, w)
	n.settle()
	count := func() int { return len(n.answersOf(member)) }
	stir := func() {
		t.Helper()
		if _, err := member.Stir(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.settle()
	}
	for range 30 { // looks of its own accord say nothing new
		n.pass(time.Hour)
		n.settle()
	}
	if got := count(); got != 2 {
		t.Fatalf("%d answers though nothing changed", got)
	}

	// An event that the rule describes: the answer changes before the archive is counted.
	at := n.time()
	member.Hit(answer.Seen{Warning: w.ID, Question: 2, Host: "pc-1", Time: at})
	member.Hit(answer.Seen{Warning: w.ID, Question: 2, Host: "pc-2", Time: at.Add(time.Second)})
	stir()
	last := n.answersOf(member)[count()-1]
	if last.Verdict != alliance.Hit || last.Events != 2 || last.Hosts != 2 || !last.First.Equal(at) || !last.Partial {
		t.Errorf("after the hit: %+v", last)
	}
	member.memory = func(_ context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error) {
		return said(w, whole, alliance.Clear, alliance.Hit), nil
	}
	n.pass(time.Minute)
	n.settle()
	last = n.answersOf(member)[count()-1]
	if last.Partial || last.Events != 2 || last.Verdict != alliance.Hit {
		t.Errorf("after the archive was counted: %+v", last)
	}

	// A flood of hits makes few answers.
	before := count()
	for range 60 {
		n.pass(time.Second)
		member.Hit(answer.Seen{Warning: w.ID, Question: 2, Host: "pc-1", Time: n.time()})
		stir()
	}
	if got := count() - before; got < 2 || got > 20 {
		t.Errorf("a minute's flood made %d answers", got)
	}

	// Late telemetry, a correction, and the end.
	n.pass(time.Hour)
	n.settle()
	member.memory = says(alliance.Hit)
	member.Late()
	stir()
	if last := member.shown(w.ID); last.Answer.Events != 6 || last.History[0].Why != answer.Late {
		t.Errorf("after late telemetry: %+v, %+v", last.Answer, last.History[0])
	}
	w.Revision = 2
	w.Indicators = w.Indicators[:1]
	member.memory = says(alliance.Clear)
	member.tell(hub, alliance.AmendedChange, w)
	n.settle()
	if last := member.shown(w.ID); last.Answer.Verdict != alliance.Clear || last.Answer.Revision != 2 {
		t.Errorf("after the correction: %+v", last.Answer)
	}
	if got := sum(hub.board(w.ID).Sum); got != "1 clear" {
		t.Errorf("board: %s", got)
	}
	w.Revision = 3
	member.tell(hub, alliance.RecalledChange, w)
	member.Hit(answer.Seen{Warning: w.ID, Question: 0, Time: n.time()})
	before = count()
	stir()
	if len(member.watched) != 0 || count() != before {
		t.Errorf("after the recall %d are watched, %d answers more", len(member.watched), count()-before)
	}
	old := w
	old.Revision = 2
	member.tell(hub, alliance.AmendedChange, old)
	n.settle()
	if member.shown(w.ID).Open {
		t.Error("an overtaken bulletin opened the warning again")
	}
}

func TestWarningThatExpiresIsNoLongerWatchedFor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member := n.author(), n.party()
	w := wannaCry(hub)
	until := n.time().Add(time.Hour)
	w.Expires = &until
	member.memory = says(alliance.Clear)
	member.tell(hub, alliance.IssuedChange, w)
	n.pass(time.Hour - time.Second)
	n.settle()
	if len(member.watched) != 1 {
		t.Errorf("before its time %d are watched", len(member.watched))
	}
	n.pass(time.Second)
	n.settle()
	if len(member.watched) != 0 || member.shown(w.ID).Open {
		t.Error("it is still watched for")
	}
	later := until.Add(time.Hour)
	w.Revision, w.Expires = 2, &later
	member.tell(hub, alliance.RaisedChange, w)
	n.settle()
	if len(member.watched) != 1 || member.shown(w.ID).Answer.Revision != 2 {
		t.Error("it was given more time, and is not answered again")
	}
}

func TestHeldQuestionsAreNotWatchedFor(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member := n.author(), n.party()
	w := wannaCry(hub)
	member.memory = says(alliance.Clear)
	member.tell(hub, alliance.IssuedChange, w)
	hold := func(held ...int) string {
		t.Helper()
		err := member.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return member.Hold(ctx, tx, w.ID, held) })
		if err != nil {
			t.Fatal(err)
		}
		n.settle()
		rest := member.watched[0].Rest()
		return fmt.Sprint(len(rest.Indicators), " ", len(rest.Rules), " ", member.watched[0].Held)
	}
	for _, step := range []struct {
		held []int
		want string
	}{{[]int{0}, "1 1 [0]"}, {[]int{0, 1, 2}, "0 0 [0 1 2]"}, {nil, "2 1 []"}} {
		if got := hold(step.held...); got != step.want {
			t.Errorf("%v held: %s, want %s", step.held, got, step.want)
		}
	}
	if got := len(n.answersOf(member)); got != 2 {
		t.Errorf("%d answers: what is held is hunted all the same", got)
	}
}

func TestPolicyDecidesWhatLeaves(t *testing.T) {
	t.Parallel()
	full := func(a alliance.Answer) bool { return a.Events > 0 && len(a.Hits) > 0 }
	for _, test := range []struct {
		name     string
		policies []answer.Policy
		decide   answer.How    // by a person
		wait     time.Duration // then
		sent     int
		whole    bool
		state    answer.ReleaseState
	}{
		{"none: all, at once", nil, "", 0, 2, true, answer.Sent},
		{"verdict only", []answer.Policy{{How: answer.VerdictOnly}}, "", 0, 2, false, answer.Sent},
		{"ask: nothing leaves before", []answer.Policy{{How: answer.AskFirst, Wait: time.Hour}}, "", 59 * time.Minute, 0, false, answer.Waiting},
		{"ask: the verdict at the deadline", []answer.Policy{{How: answer.AskFirst, Wait: time.Hour}}, "", time.Hour, 1, false, answer.Sent},
		{"ask: all at the deadline", []answer.Policy{{How: answer.AskFirst, Wait: time.Hour, AtDeadline: answer.Automatic}}, "", time.Hour, 1, true, answer.Sent},
		{"ask: nothing at the deadline", []answer.Policy{{How: answer.AskFirst, Wait: time.Hour, AtDeadline: answer.Nothing}}, "", time.Hour, 0, false, answer.Withheld},
		{"ask: a person says all", []answer.Policy{{How: answer.AskFirst}}, answer.Automatic, time.Hour, 1, true, answer.Sent},
		{"ask: a person says the verdict", []answer.Policy{{How: answer.AskFirst}}, answer.VerdictOnly, time.Hour, 1, false, answer.Sent},
		{"ask: a person says nothing", []answer.Policy{{How: answer.AskFirst}}, answer.Nothing, time.Hour, 0, false, answer.Withheld},
		{"the colour's before any", []answer.Policy{{How: answer.AskFirst}, {Colour: alliance.Red, How: answer.VerdictOnly}}, "", 0, 2, false, answer.Sent},
		{"anonymous to the author itself is nothing", []answer.Policy{{How: answer.Anonymous}}, "", 0, 0, false, answer.Withheld},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			hub, member := n.author(), n.party()
			w := wannaCry(hub)
			for _, p := range test.policies {
				if _, err := member.SetPolicy(t.Context(), ann, p); err != nil {
					t.Fatal(err)
				}
			}
			member.memory = says(alliance.Hit)
			member.tell(hub, alliance.IssuedChange, w)
			n.settle()
			before := member.shown(w.ID).Releases[0]
			if test.decide != "" {
				if _, err := member.Release(t.Context(), ann, w.ID, test.decide); err != nil {
					t.Fatal(err)
				}
			}
			n.pass(test.wait)
			n.settle()
			sent, shown := n.answersOf(member), member.shown(w.ID)
			if len(sent) != test.sent || shown.Releases[0].State != test.state {
				t.Fatalf("%d sent, %s; want %d, %s", len(sent), shown.Releases[0].State, test.sent, test.state)
			}
			if shown.Answer.Verdict != alliance.Hit || !full(*shown.Answer) {
				t.Errorf("here it is %+v", shown.Answer)
			}
			for _, a := range sent {
				if a.Verdict != alliance.Hit || full(a) != test.whole {
					t.Errorf("sent %+v", a)
				}
			}
			if test.decide == answer.Automatic && string(before.Body) != string(shown.Releases[0].Body) {
				t.Error("what was sent is not what was shown before")
			}
		})
	}
}

func TestReleaseIsDecidedOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member := n.author(), n.party()
	w := wannaCry(hub)
	if _, err := member.SetPolicy(t.Context(), ann, answer.Policy{How: answer.AskFirst, Wait: time.Hour}); err != nil {
		t.Fatal(err)
	}
	member.memory = says(alliance.Clear)
	member.tell(hub, alliance.IssuedChange, w)
	n.settle()
	if len(member.notices) != 1 || member.notices[0].Kind != answer.ReleaseWaits || !member.notices[0].Due.Equal(n.time().Add(time.Hour)) {
		t.Errorf("notices %+v", member.notices)
	}
	if _, err := member.Release(t.Context(), ann, "2017-001", answer.Automatic); err != nil {
		t.Fatal(err)
	}
	if _, err := member.Release(t.Context(), ann, "2017-001", answer.Nothing); !errors.Is(err, fault.NotFound) {
		t.Errorf("a second decision: %v", err)
	}
	n.pass(2 * time.Hour)
	n.settle()
	if got := len(n.answersOf(member)); got != 1 {
		t.Errorf("%d answers left", got)
	}
}

func TestPoliciesThatWillNotDo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	member := n.party()
	for _, p := range []answer.Policy{
		{},
		{How: "shout"},
		{How: answer.Nothing},
		{How: answer.Automatic, Wait: time.Hour},
		{How: answer.AskFirst, Wait: time.Second},
		{How: answer.AskFirst, Wait: 8 * 24 * time.Hour},
		{How: answer.AskFirst, AtDeadline: answer.Anonymous},
		{How: answer.Automatic, Colour: "pink"},
		{How: answer.Automatic, Uplink: "someone"},
	} {
		if _, err := member.SetPolicy(t.Context(), ann, p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if err := member.RemovePolicy(t.Context(), ann, "", ""); !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestMeasuresAreReportedAndRunOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		hub, member := n.join(db), n.party()
		w := wannaCry(hub)
		w.Measures = []alliance.Measure{
			{ID: "patch", Text: "Install MS17-010", Due: n.time().Add(time.Hour), Evidence: true},
			{ID: "close", Text: "Close TCP 445", Due: n.time().Add(2 * time.Hour)},
		}
		member.memory = says(alliance.Clear)
		hub.asks(w, "", member.expected("Hospital", "health"))
		member.tell(hub, alliance.IssuedChange, w)
		n.settle()
		report := func(measure string, state alliance.MeasureState, said string) error {
			_, err := member.Report(t.Context(), ann, w.ID, measure, state, said)
			n.settle()
			return err
		}
		for _, refused := range []struct {
			measure string
			state   alliance.MeasureState
			kind    error
		}{
			{"patch", alliance.MeasureDone, fault.Invalid},
			{"patch", alliance.MeasureCannot, fault.Invalid},
			{"patch", "half", fault.Invalid},
			{"patch", alliance.MeasureOpen, fault.Invalid},
			{"dance", alliance.MeasureDone, fault.NotFound},
		} {
			if err := report(refused.measure, refused.state, ""); !errors.Is(err, refused.kind) {
				t.Errorf("%+v: %v", refused, err)
			}
		}
		if err := report("patch", alliance.MeasureAcknowledged, ""); err != nil {
			t.Fatal(err)
		}
		n.pass(time.Hour)
		n.settle()
		overdue := func() string {
			m, h := member.shown(w.ID).Measures, hub.board(w.ID).Measures
			return fmt.Sprint(m[0].Overdue, m[1].Overdue, h)
		}
		if got, want := overdue(), "true false [{close map[open:1] 0} {patch map[acknowledged:1] 1}]"; got != want {
			t.Errorf("after an hour: %s, want %s", got, want)
		}
		if err := report("patch", alliance.MeasureDone, "ticket 42"); err != nil {
			t.Fatal(err)
		}
		if err := report("close", alliance.MeasureCannot, "the plant needs it"); err != nil {
			t.Fatal(err)
		}
		n.pass(2 * time.Hour)
		n.settle()
		if got, want := overdue(), "false false [{close map[cannot:1] 0} {patch map[done:1] 0}]"; got != want {
			t.Errorf("at the end: %s, want %s", got, want)
		}
		heard, err := hub.Member(t.Context(), w.ID, member.ID())
		if err != nil || heard.Measures[0].Evidence != "ticket 42" || heard.Measures[0].By != "ann" {
			t.Errorf("%+v, %v", heard.Measures, err)
		}
	}, rooms()...)
}
