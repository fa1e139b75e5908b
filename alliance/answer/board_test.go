package answer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func TestSilenceIsChasedAndThenCountsAsBlind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		hub, late := n.join(db), n.party()
		w := wannaCry(hub)
		members := []answer.Expected{late.expected("Late", "health")}
		for i := range 250 { // more than are chased at once
			members = append(members, answer.Expected{Member: nobody(i), Name: fmt.Sprint("nobody ", i), Sector: "energy", Region: "CN-11", Linked: true})
		}
		hub.asks(w, "", members...)
		told := func() string {
			kinds := map[answer.NoticeKind]int{}
			for _, notice := range hub.notices {
				kinds[notice.Kind]++
			}
			return fmt.Sprint(kinds)
		}
		red := answer.DefaultPatience(alliance.Red)
		for _, step := range []struct {
			after time.Duration
			told  string
			sum   string
		}{
			{red.Remind - time.Second, "map[]", "251 silent"},
			{time.Second, "map[silence.remind:251]", "251 silent"},
			{red.Escalate - red.Remind - time.Second, "map[silence.remind:251]", "251 silent"},
			{time.Second, "map[silence.escalate:251 silence.remind:251]", "251 silent"},
			{red.Blind - red.Escalate, "map[silence.blind:251 silence.escalate:251 silence.remind:251]", "251 blind"},
			{100 * time.Hour, "map[silence.blind:251 silence.escalate:251 silence.remind:251]", "251 blind"},
		} {
			n.pass(step.after)
			n.settle()
			if got := told(); got != step.told {
				t.Errorf("told %s, want %s", got, step.told)
			}
			if got := sum(hub.board(w.ID).Sum); got != step.sum {
				t.Errorf("board: %s, want %s", got, step.sum)
			}
		}
		late.memory = says(alliance.Clear) // its link was down for days
		late.tell(hub, alliance.IssuedChange, w)
		n.settle()
		b := hub.board(w.ID)
		if got := sum(b.Sum); got != "1 clear, 250 blind" {
			t.Errorf("board: %s", got)
		}
		if len(b.Sectors) != 2 || sum(b.Sectors[1].Sum) != "1 clear" || sum(b.Sectors[0].Sum) != "250 blind" || b.Half == 0 {
			t.Errorf("board: %+v", b)
		}
		heard, err := hub.Member(t.Context(), w.ID, late.ID())
		if err != nil || heard.Rate.Asked != 1 || heard.Rate.Answered != 1 || heard.Rate.Blind != 1 || heard.Seconds < red.Blind.Seconds() {
			t.Errorf("%+v, %v", heard, err)
		}
	}, rooms()...)
}

// nobody is a node that says nothing.
func nobody(i int) alliance.NodeID {
	const letters = "abcdefghijklmnopqrstuvwxy"
	id := []byte("nzzzzzzzzzzzzzzzzzzzzzzzzzz")
	for at := 1; i > 0; at++ {
		id[at] = letters[i%len(letters)]
		i /= len(letters)
	}
	return alliance.NodeID(id)
}

func TestAskedTimeOfSilenceIsKept(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub := n.party()
	w := wannaCry(hub)
	w.Ask.By = n.time().Add(3 * time.Hour)
	hub.asks(w, "", answer.Expected{Member: nobody(1), Linked: true})
	n.pass(3*time.Hour - time.Second)
	n.settle()
	if len(hub.notices) != 0 {
		t.Errorf("chased too early: %+v", hub.notices)
	}
	n.pass(time.Second)
	n.settle()
	if len(hub.notices) != 1 || hub.notices[0].Kind != answer.MemberReminded {
		t.Errorf("%+v", hub.notices)
	}
	err := hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error { return hub.Closed(ctx, tx, w.ID) })
	if err != nil {
		t.Fatal(err)
	}
	n.pass(100 * time.Hour)
	n.settle()
	if len(hub.notices) != 1 {
		t.Errorf("chased though it is over: %+v", hub.notices)
	}
}

func TestWhatIsToldIsNeverTakenForMeasured(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		n := newNetwork(t)
		hub, member := n.join(db), n.party()
		w := wannaCry(hub)
		hub.asks(w, "", member.expected("Hospital", "health"), answer.Expected{Member: nobody(1), Name: "Clinic", Sector: "health"})
		tell := func(to alliance.NodeID, verdict alliance.Verdict) error {
			return hub.Tell(t.Context(), ann, w.ID, to, answer.Telling{Verdict: verdict, By: "Dr. Li"})
		}
		if err := errors.Join(tell(member.ID(), alliance.Hit), tell(member.ID(), alliance.Clear)); err != nil {
			t.Fatal(err)
		}
		heard := func() answer.Heard {
			t.Helper()
			h, err := hub.Member(t.Context(), w.ID, member.ID())
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		if h := heard(); !h.Told || h.State != "clear" || len(h.Answers) != 2 || h.Answers[0].Answer.Told.To != "ann" || h.Answers[0].Answer.Told.By != "Dr. Li" {
			t.Errorf("told: %+v", h)
		}
		member.memory = says(alliance.Hit)
		member.tell(hub, alliance.IssuedChange, w)
		n.settle()
		if h := heard(); h.Told || h.State != "hit" {
			t.Errorf("measured: %+v", h)
		}
		if err := tell(member.ID(), alliance.Clear); !errors.Is(err, fault.Conflict) {
			t.Errorf("told over measured: %v", err)
		}
		for _, wrong := range []answer.Telling{
			{Verdict: "maybe", By: "x"},
			{Verdict: alliance.Hit},
			{Verdict: alliance.CannotTell, By: "x"},
			{Verdict: alliance.Hit, By: "x", How: "rumour"},
			{Verdict: alliance.Hit, By: "x", When: n.time().Add(time.Hour)},
		} {
			if err := hub.Tell(t.Context(), ann, w.ID, nobody(1), wrong); !errors.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
		if got := sum(hub.board(w.ID).Sum); got != "1 hit, 1 silent" {
			t.Errorf("board: %s", got)
		}
	}, rooms()...)
}

func TestFormWorksOnce(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub := n.party()
	w := wannaCry(hub)
	hub.asks(w, "", answer.Expected{Member: nobody(1), Name: "Clinic"}, answer.Expected{Member: nobody(2), Name: "Clinic 2"})
	if len(hub.notices) != 2 || hub.notices[0].Kind != answer.FormLink || hub.notices[0].Link == hub.notices[1].Link {
		t.Fatalf("%+v", hub.notices)
	}
	link := hub.notices[0].Link
	form, err := hub.ReadForm(t.Context(), link)
	if err != nil || form.Number != "2017-001" || form.Name != hub.notices[0].Name {
		t.Errorf("%+v, %v", form, err)
	}
	if err := hub.FillForm(t.Context(), link, "192.0.2.7", answer.Telling{Verdict: alliance.Hit, By: "Dr. Li", How: "telephone"}); err != nil {
		t.Fatal(err)
	}
	if err := hub.FillForm(t.Context(), link, "", answer.Telling{Verdict: alliance.Clear, By: "x"}); !errors.Is(err, fault.NotFound) {
		t.Errorf("a second time: %v", err)
	}
	heard, err := hub.Member(t.Context(), w.ID, hub.notices[0].Member)
	if err != nil || heard.State != "hit" || heard.Answers[0].Answer.Told.How != "form" {
		t.Errorf("%+v, %v", heard, err)
	}
	n.pass(15 * 24 * time.Hour)
	if _, err := hub.ReadForm(t.Context(), hub.notices[1].Link); !errors.Is(err, fault.NotFound) {
		t.Errorf("after two weeks: %v", err)
	}
}

// What others send in somebody's name, or for what was not asked, changes nothing.
func TestAnswersOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member, stranger := n.party(), n.party(), n.party()
	w := wannaCry(hub)
	hub.asks(w, "", member.expected("Hospital", "health"))
	forge := func(a alliance.Answer) {
		t.Helper()
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		e, err := stranger.id.Seal(envelope.Header{
			ID: fmt.Sprint("forged-", len(n.sent)), Kind: alliance.AnswerKind, Schema: 1, Audience: alliance.To(hub.ID()), Marking: intel.TLPAmber,
			Issued: n.time(), Expires: n.time().Add(time.Hour),
		}, body)
		if err != nil {
			t.Fatal(err)
		}
		text, err := e.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		n.carry(stranger.ID(), text, []alliance.NodeID{hub.ID()})
		n.deliver()
	}
	good := alliance.Answer{Warning: w.ID, Revision: 1, Member: member.ID(), Sequence: 9, At: n.time(), Verdict: alliance.Hit}
	forge(good) // in another's name
	own := good
	own.Member = stranger.ID()
	forge(own) // of one who was not asked
	other := own
	other.Warning = "01BG0000000000000000000009"
	forge(other)
	forge(alliance.Answer{Warning: w.ID})
	if len(hub.refused) != 4 {
		t.Errorf("%d refused: %v", len(hub.refused), hub.refused)
	}
	if got := sum(hub.board(w.ID).Sum); got != "1 silent" {
		t.Errorf("board: %s", got)
	}
}

func TestOvertakenAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub, member := n.party(), n.party()
	w := wannaCry(hub)
	hub.asks(w, "", member.expected("Hospital", "health"))
	member.memory = func(_ context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error) {
		return said(w, whole, alliance.Clear, alliance.Hit), nil
	}
	member.tell(hub, alliance.IssuedChange, w)
	if err := member.timers.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.queue[0], n.queue[1] = n.queue[1], n.queue[0] // the carrier may do that
	n.deliver()
	h, err := hub.Member(t.Context(), w.ID, member.ID())
	if err != nil || h.State != "hit" || h.Sequence != 2 || len(h.Answers) != 2 || h.Rate.Answered != 1 {
		t.Errorf("%+v, %v", h, err)
	}
}

// alliance of three levels: what members release by name reaches the author, what
// they release anonymously reaches it in sums of five and more.
func TestAssociationPassesOnAndAddsUp(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	authority, association := n.party(), n.party()
	w := wannaCry(authority)
	authority.asks(w, "", association.expected("Association", "energy"))
	named := n.party()
	var quiet []*party
	members := []answer.Expected{named.expected("Named", "energy")}
	for i := range 6 {
		p := n.party()
		if _, err := p.SetPolicy(t.Context(), ann, answer.Policy{How: answer.Anonymous}); err != nil {
			t.Fatal(err)
		}
		quiet, members = append(quiet, p), append(members, p.expected(fmt.Sprint("Quiet ", i), "health"))
	}
	association.asks(w, authority.ID(), members...)
	answerAll := func(parties ...*party) {
		t.Helper()
		for _, p := range parties {
			p.memory = says(alliance.Hit)
			p.tell(association, alliance.IssuedChange, w)
		}
		for range 3 {
			n.settle()
			n.pass(time.Minute)
		}
	}
	answerAll(append(quiet[:4:4], named)...)
	b := authority.board(w.ID)
	if got := sum(b.Sum); got != "1 hit, 1 silent" || len(b.Associations) != 0 {
		t.Errorf("four are too few: %s, %+v", got, b.Associations)
	}
	answerAll(quiet[4])
	b = authority.board(w.ID)
	if len(b.Associations) != 1 || b.Associations[0].Members != 5 || b.Associations[0].Sectors["health"].Verdicts[alliance.Hit] != 5 || b.Associations[0].Name != "Association" {
		t.Fatalf("five: %+v", b.Associations)
	}
	answerAll(quiet[5])
	if b = authority.board(w.ID); b.Associations[0].Members != 5 {
		t.Errorf("one more would be seen by the difference: %+v", b.Associations)
	}
	if got := sum(association.board(w.ID).Sum); got != "7 hit" {
		t.Errorf("the association itself sees %s", got)
	}
	for _, c := range n.sent { // nobody's name among what reached the authority
		if c.to != authority.ID() {
			continue
		}
		for _, p := range quiet {
			if e, err := envelope.Parse(c.text); err != nil || containsNode(e, p.ID()) {
				t.Errorf("%s reached the authority by name, %v", p.ID(), err)
			}
		}
	}
	if h, err := authority.Member(t.Context(), w.ID, named.ID()); err != nil || h.Via != association.ID() || h.State != "hit" {
		t.Errorf("by name: %+v, %v", h, err)
	}
}

func TestPeersAreToldSumsWhereTheHubAllows(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	hub := n.party()
	open, closed := wannaCry(hub), wannaCry(hub)
	closed.ID, closed.Number = "01BG000000WARNING000000002", "2017-002"
	var all []*party
	var members []answer.Expected
	for i := range 6 {
		p := n.party()
		p.memory = says(alliance.Hit)
		all, members = append(all, p), append(members, p.expected(strconv.Itoa(i), "health"))
	}
	err := hub.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := hub.Asked(ctx, tx, answer.Asking{Warning: &closed, Message: "2", Members: members}); err != nil {
			return err
		}
		return hub.Asked(ctx, tx, answer.Asking{Warning: &open, Message: "1", Members: members, Peers: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(parties ...*party) {
		t.Helper()
		for _, p := range parties {
			p.tell(hub, alliance.IssuedChange, open)
			p.tell(hub, alliance.IssuedChange, closed)
		}
		n.settle()
		n.pass(time.Minute)
		n.settle()
	}
	tell(all[:4]...)
	if got := all[0].shown(open.ID).Peers; got != nil {
		t.Errorf("of four: %+v", got)
	}
	tell(all[4:]...)
	if got := all[0].shown(open.ID).Peers; got == nil || got.Members != 6 || got.Sectors["health"].Verdicts[alliance.Hit] != 6 {
		t.Errorf("of six: %+v", got)
	}
	if got := all[0].shown(closed.ID).Peers; got != nil {
		t.Errorf("it was not allowed: %+v", got)
	}
}

func containsNode(e *envelope.Envelope, id alliance.NodeID) bool {
	text, err := e.Bytes()
	return err != nil || containsBytes(text, string(id)) || containsBytes(e.Body, string(id))
}
