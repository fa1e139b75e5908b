package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/api"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
	"tocsin/people"
)

// answering is the node's answers in a test, what they hand out, and their clock.
type answering struct {
	*answer.Answers
	db     *store.DB
	timers *timer.Timers
	mu     sync.Mutex
	links  []string // of forms, guarded by mu
}

func openAnswers(t *testing.T, db *store.DB, trail *audit.Trail) *answer.Answers {
	t.Helper()
	return newAnswering(t, db, trail).Answers
}

func newAnswering(t *testing.T, db *store.DB, trail *audit.Trail) *answering {
	t.Helper()
	id, err := envelope.Create(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := &answering{db: db}
	a.Answers = answer.New(answer.Config{
		DB: db, Trail: trail, Self: id.ID, Seal: id.Seal,
		Hunt: func(context.Context, *alliance.Warning, bool) (alliance.Answer, error) {
			out := alliance.Answer{Rest: []alliance.Group{{Verdict: alliance.CannotTell, Reason: "nothing is remembered", Questions: "0"}}}
			out.Conclude()
			return out, nil
		},
		Notify: func(_ context.Context, tx *store.Tx, n answer.Notice) error {
			tx.Committed(func() {
				a.mu.Lock()
				defer a.mu.Unlock()
				if n.Link != "" {
					a.links = append(a.links, n.Link)
				}
			})
			return nil
		},
	})
	a.timers = timer.New(db, a.Kinds(), timer.Config{})
	a.Use(a.timers)
	return a
}

// withAnswers has a served node's answers at hand.
func withAnswers(t *testing.T, a **answering) func(*served, *api.Config) {
	t.Helper()
	return func(_ *served, c *api.Config) {
		db := storetest.Open(t, storetest.SQLite(t), audit.Room(), timer.Room(), answer.Room())
		*a = newAnswering(t, db, audit.New(db, time.Now))
		c.Answers = (*a).Answers
	}
}

const (
	author = alliance.NodeID("naaaaaaaaaaaaaaaaaaaaaaaaaa")
	clinic = alliance.NodeID("nbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

// asks sends a warning out to a member with a node and one without, and takes it in
// as if it came from above.
func (a *answering) asks(t *testing.T) {
	t.Helper()
	w := alliance.Warning{
		ID: "01BG7R4CQ8000000000000000A", Number: "2017-001", Revision: 1, Author: author, Colour: alliance.Red, Issued: time.Now().UTC(),
		Texts:      []alliance.Text{{Language: "en", Title: "WannaCry <worm>"}},
		Indicators: []alliance.Indicator{{Kind: intel.Domain, Value: "kill.example", Action: intel.DoNotBlock}},
		Measures:   []alliance.Measure{{ID: "patch", Text: "Install MS17-010", Due: time.Now().Add(time.Hour), Evidence: true}},
	}
	err := a.db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		err := a.Asked(ctx, tx, answer.Asking{Warning: &w, Message: "1", Members: []answer.Expected{
			{Member: clinic, Name: "=Clinic", Sector: "health", Region: "CN-31"},
			{Member: "ncccccccccccccccccccccccccc", Name: "Port", Sector: "transport", Region: "CN-31", Linked: true},
		}})
		if err != nil {
			return err
		}
		in := answer.Received{From: author, Header: envelope.Header{ID: "1", Author: author}}
		return a.Arrived(ctx, tx, in, &alliance.Bulletin{Change: alliance.IssuedChange, Warning: w.ID, Number: w.Number, Revision: 1, Content: &w})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.timers.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestAnswerIsReadReleasedAndItsMeasuresReported(t *testing.T) {
	t.Parallel()
	var a *answering
	s := serve(t, withAnswers(t, &a))
	p, _ := wantAs[api.ReleasePolicy](t, s, people.Commander, http.StatusOK, "PUT", "/api/v1/release-policies", `{"how":"ask","wait_seconds":3600}`)
	if p.AtDeadline != answer.VerdictOnly {
		t.Errorf("policy %+v", p)
	}
	wantAs[any](t, s, people.DutyOfficer, http.StatusForbidden, "PUT", "/api/v1/release-policies", `{"how":"automatic"}`)
	a.asks(t)
	list, _ := wantAs[struct{ Items []answer.Warned }](t, s, people.Viewer, http.StatusOK, "GET", "/api/v1/answers?open=true", "")
	if len(list.Items) != 1 || list.Items[0].Number != "2017-001" || list.Items[0].Verdict != alliance.CannotTell {
		t.Fatalf("%+v", list)
	}
	shown, _ := wantAs[answer.Shown](t, s, people.Viewer, http.StatusOK, "GET", "/api/v1/answers/2017-001", "")
	if len(shown.Releases) != 1 || shown.Releases[0].State != answer.Waiting || shown.Asked[0] != "domain kill.example" {
		t.Errorf("%+v", shown)
	}
	wantAs[any](t, s, people.Analyst, http.StatusForbidden, "POST", "/api/v1/answers/2017-001/release", `{"as":"automatic"}`)
	wantAs[any](t, s, people.DutyOfficer, http.StatusUnprocessableEntity, "POST", "/api/v1/answers/2017-001/release", `{"as":"ask"}`)
	released, _ := wantAs[answer.Release](t, s, people.DutyOfficer, http.StatusOK, "POST", "/api/v1/answers/2017-001/release", `{"as":"automatic"}`)
	if released.State != answer.Sent || string(released.Body) != string(shown.Releases[0].Body) {
		t.Errorf("%+v", released)
	}
	wantAs[any](t, s, people.DutyOfficer, http.StatusUnprocessableEntity, "POST", "/api/v1/answers/2017-001/measures/patch", `{"state":"done"}`)
	m, _ := wantAs[answer.Measure](t, s, people.DutyOfficer, http.StatusOK, "POST", "/api/v1/answers/2017-001/measures/patch", `{"state":"done","said":"ticket 1"}`)
	if m.Evidence != "ticket 1" {
		t.Errorf("%+v", m)
	}
	wantAs[any](t, s, people.Commander, http.StatusOK, "DELETE", "/api/v1/release-policies", "")
	wantAs[any](t, s, people.Viewer, http.StatusNotFound, "GET", "/api/v1/answers/2018-001", "")
}

func TestBoardIsReadAndTold(t *testing.T) {
	t.Parallel()
	var a *answering
	s := serve(t, withAnswers(t, &a))
	a.asks(t)
	const board = "/api/v1/warnings/2017-001/board"
	b, _ := wantAs[answer.Board](t, s, people.Viewer, http.StatusOK, "GET", board, "")
	if b.Sum.Members != 2 || b.Sum.Silent != 2 || len(b.Sectors) != 2 || b.Regions[0].Members != 2 {
		t.Errorf("%+v", b)
	}
	heard, _ := wantAs[answer.Heard](t, s, people.DutyOfficer, http.StatusOK, "POST", board+"/members/"+string(clinic)+"/told", `{"verdict":"hit","by":"Dr. Li"}`)
	if !heard.Told || heard.State != answer.State(alliance.Hit) || heard.Answers[0].Answer.Told.To == "" || heard.Rate.Answered != 1 {
		t.Errorf("%+v", heard)
	}
	list, _ := wantAs[struct{ Items []answer.Placed }](t, s, people.Viewer, http.StatusOK, "GET", board+"/members?state=silent", "")
	if len(list.Items) != 1 || list.Items[0].Name != "Port" {
		t.Errorf("%+v", list)
	}
	_, _, text := s.ask(t, people.Viewer, "GET", board+"/export?format=csv", "")
	if !strings.Contains(text, "member,name,sector") || !strings.Contains(text, ",'=Clinic,health,CN-31,,false,hit,false,true,1,") {
		t.Errorf("CSV: %s", text)
	}
	if _, _, text = s.ask(t, people.Viewer, "GET", board+"/export?format=json", ""); strings.Count(text, "\n") != 2 {
		t.Errorf("JSON: %s", text)
	}
	wantAs[any](t, s, people.Viewer, http.StatusUnprocessableEntity, "GET", board+"/export?format=xml", "")
}

func TestMemberWithoutANodeAnswersByForm(t *testing.T) {
	t.Parallel()
	var a *answering
	s := serve(t, withAnswers(t, &a))
	a.asks(t)
	a.mu.Lock()
	link := "/answer/" + a.links[0]
	a.mu.Unlock()
	who := s.browser(t)
	status, _, text := who.do(t, "GET", link, "", "")
	if status != http.StatusOK || !strings.Contains(text, "WannaCry &lt;worm&gt;") || !strings.Contains(text, "=Clinic") {
		t.Errorf("%d %s", status, text)
	}
	post := func(verdict, by, note string) (int, string) {
		t.Helper()
		status, _, text := who.do(t, "POST", link, "application/x-www-form-urlencoded", url.Values{"verdict": {verdict}, "by": {by}, "note": {note}}.Encode())
		return status, text
	}
	if status, text := post("cannot_tell", "Dr. Li", ""); status != http.StatusUnprocessableEntity || !strings.Contains(text, "why they cannot tell") {
		t.Errorf("without a reason: %d %s", status, text)
	}
	if status, text := post("clear", "Dr. Li", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := post("hit", "Dr. Li", ""); status != http.StatusNotFound {
		t.Errorf("the link works twice: %d", status)
	}
	if status, _, _ := who.do(t, "GET", "/answer/guessed", "", ""); status != http.StatusNotFound {
		t.Errorf("a link that never was: %d", status)
	}
	heard, err := a.Member(t.Context(), "2017-001", clinic)
	if err != nil || !heard.Told || heard.State != answer.State(alliance.Clear) || heard.Answers[0].Answer.Told.How != "form" {
		t.Errorf("%+v, %v", heard, err)
	}
}
