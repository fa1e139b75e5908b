package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/alliance"
	"tocsin/alliance/answer"
	"tocsin/alliance/envelope"
	"tocsin/alliance/member"
	"tocsin/alliance/warning"
	"tocsin/api"
	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/incident"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/backup"
	"tocsin/internal/idempotency"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
	"tocsin/knowledge"
	"tocsin/node"
	"tocsin/people"
	"tocsin/plan/duty"
	"tocsin/plan/regime"
	"tocsin/plan/report"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
}

// served is a running node with its API.
type served struct {
	*node.Node
	url      string
	tokens   map[people.Role]string
	accounts *people.Accounts
	changed  int
}

const rule = `
title: Name below crash.example
logsource: {category: dns_query, product: windows}
detection:
  selection: {QueryName|endswith: .crash.example}
  condition: selection
`

// cases are the incidents of a test, with the plan of an organisation that is
// bound in China.
type cases struct {
	register *incident.Register
	office   *duty.Office
	reports  *report.Reports
	messages *notify.Notify
	warnings *warning.Desk
	arrivals *warning.Inbox
}

// builtin are the regimes, which take a while to read.
var builtin = sync.OnceValues(regime.Builtin)

func openCases(t *testing.T, db *store.DB, trail *audit.Trail, dir string) cases {
	t.Helper()
	laws, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := store.OpenBlobs(filepath.Join(dir, "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	office, err := duty.New(duty.Config{DB: db, Trail: trail, Library: laws})
	if err != nil {
		t.Fatal(err)
	}
	register, err := incident.New(incident.Config{
		DB: db, Trail: trail, Facts: laws.Dictionary(), Blobs: blobs, Opened: office.Opened, Changed: office.Changed, Lacking: office.Lacking,
	})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := notify.New(db, trail, notify.Config{})
	if err != nil {
		t.Fatal(err)
	}
	self, err := envelope.Create(filepath.Join(dir, "author"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	desk := warning.NewDesk(warning.Config{DB: db, Trail: trail, Identity: self, Recipients: nobody})
	inbox := warning.NewInbox(warning.InboxConfig{DB: db, Trail: trail, Identity: self, Desk: desk})
	kinds := office.Kinds()
	maps.Copy(kinds, messages.Kinds())
	maps.Copy(kinds, warning.Kinds(desk, inbox))
	timers := timer.New(db, kinds, timer.Config{})
	messages.Use(timers)
	office.Join(register, timers)
	desk.Join(timers)
	inbox.Join(timers)
	told := report.Office{Office: office}
	reports := report.New(report.Config{DB: db, Trail: trail, Incidents: register, Library: office.Library, Duties: told, Sent: told.Sent})
	return cases{register, office, reports, messages, desk, inbox}
}

// nobody is below the node.
func nobody(context.Context, *store.Tx, alliance.NodeID, intel.Marking, alliance.Scope) (warning.Reach, error) {
	return warning.Reach{}, nil
}

// port is the port of an address.
func port(at net.Addr) string {
	_, port, _ := net.SplitHostPort(at.String())
	return port
}

func serve(t *testing.T, options ...func(*served, *api.Config)) *served {
	t.Helper()
	dir := t.TempDir()
	mappings, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	s := &served{tokens: map[people.Role]string{}}
	s.Node, err = node.Open(node.Config{Dir: dir, Mappings: mappings, Encode: func(to []byte, f *detect.Finding) []byte {
		return fmt.Appendf(to, "{%q:%d}\n", f.Meta().Title, f.Record)
	}})
	if err != nil {
		t.Fatal(err)
	}
	file, err := sigma.Parse("rule.yml", []byte(rule))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Detect(&node.Rules{Rules: file.Rules}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
	db := storetest.Open(t, storetest.SQLite(t), audit.Room(), people.Room(), timer.Room(), notify.Room(), incident.Room(), duty.Room(), report.Room(), idempotency.Room(), answer.Room(), member.Room(), warning.Room())
	trail := audit.New(db, time.Now)
	cases := openCases(t, db, trail, dir)
	tokens := people.NewTokens(db, trail, time.Now)
	for _, role := range people.Roles() {
		if s.tokens[role], _, err = tokens.Create(ctx, string(role), role, 0); err != nil {
			t.Fatal(err)
		}
	}
	s.accounts = people.NewAccounts(db, trail, people.AccountsConfig{Hashing: people.Hashing{Time: 1, Memory: 64, Threads: 1}}, time.Now)
	server := httptest.NewUnstartedServer(nil)
	s.url = "http://localhost:" + port(server.Listener.Addr())
	config := api.Config{
		Node: s.Node, Tokens: tokens, Accounts: s.accounts, Roster: people.NewRoster(db, trail, time.Now), Log: slog.New(slog.DiscardHandler),
		Incidents: cases.register, Duty: cases.office, Reports: cases.reports, Warnings: cases.warnings, Arrivals: cases.arrivals, Messages: cases.messages, Keys: idempotency.New(db, time.Now), Trail: trail,
		Answers:    openAnswers(t, db, trail),
		Intake:     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }),
		Indicators: knowledge.OpenIndicators(filepath.Join(dir, "indicators")),
		Removed: func() *api.RemovedIndicators {
			return &api.RemovedIndicators{Count: 1, Removed: []api.RemovedIndicator{{Kind: "domain", Value: "example.com", Reason: "a list", Warninglist: true}}}
		},
		Backup: func(ctx context.Context, to io.Writer) error {
			_, err := backup.Write(ctx, to, backup.About{Program: "a test", Format: 1, Created: time.Now()}, []backup.Part{backup.Files("indicators", dir, "indicators")})
			return err
		},
		Changed: func() error {
			s.changed++
			return nil
		},
	}
	identity, err := envelope.Create(filepath.Join(dir, "identity"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if config.Members, err = member.New(member.Config{DB: db, Trail: trail, Identity: identity, Now: time.Now, Address: s.url}); err != nil {
		t.Fatal(err)
	}
	if err := config.Members.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if config.Passkeys, err = people.NewPasskeys(s.accounts, s.url); err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		o(s, &config)
	}
	server.Config.Handler = api.Handler(config)
	server.Start()
	t.Cleanup(server.Close)
	return s
}

// ask asks as a role; "" shows no token. The answer is held to what the
// description promises.
func (s *served) ask(t *testing.T, role people.Role, method, path, body string, headers ...string) (status int, header http.Header, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if role != "" {
		request.Header.Set("Authorization", "Bearer "+s.tokens[role])
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	keep(t, method, s.url+path, response.StatusCode, response.Header, string(content))
	return response.StatusCode, response.Header, string(content)
}

func (s *served) accept(t *testing.T, names ...string) {
	t.Helper()
	var lines strings.Builder
	for _, name := range names {
		fmt.Fprintf(&lines, `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc","TimeCreated":{"#attributes":{"SystemTime":"2026-03-01T12:00:00Z"}}},"EventData":{"QueryName":%q}}}`+"\n", name)
	}
	if err := s.Accept(t.Context(), telemetry.NewLines(&telemetry.Source{Name: "live", Format: telemetry.JSON}, []byte(lines.String()))); err != nil {
		t.Fatal(err)
	}
}

func TestHuntOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.accept(t, "a.crash.example")
	status, _, text := s.ask(t, people.Analyst, "POST", "/api/v1/hunt",
		`{"questions":[{"question":"A.crash.example.","kind":"domain"},{"question":"r","kind":"rule","rule":`+quoted(rule)+`}],"examples":1}`)
	var told node.Hunted
	if err := json.Unmarshal([]byte(text), &told); status != http.StatusOK || err != nil || len(told.Answers) != 2 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	for _, a := range told.Answers {
		if a.Verdict != intel.Seen || a.Count != 1 {
			t.Errorf("%s: %s, %d times", a.Question, a.Verdict, a.Count)
		}
	}
	for body, want := range map[string]int{
		``: http.StatusUnprocessableEntity, `{"questions":[]}`: http.StatusUnprocessableEntity,
		`{"questions":[{"question":"x","kind":"nothing"}]}`: http.StatusUnprocessableEntity,
		`{"questions":[{"question":"x","kind":"rule"}]}`:    http.StatusUnprocessableEntity,
		`{"question":"x"}`: http.StatusUnprocessableEntity,
	} {
		status, header, text := s.ask(t, people.Analyst, "POST", "/api/v1/hunt", body)
		if status != want || header.Get("Content-Type") != "application/problem+json" || !strings.Contains(text, `"detail":"hunt`) {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // a string always can be
	return string(b)
}

func TestFindingsAreReadOnFromAPosition(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.accept(t, "a.crash.example", "harmless.example")
	if err := s.Remembered(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, header, text := s.ask(t, people.Analyst, "GET", "/api/v1/findings", "")
	if text != `{"Name below crash.example":1}`+"\n" {
		t.Errorf("findings: %s", text)
	}
	position := header.Get("Tocsin-Position")
	_, _, text = s.ask(t, people.Analyst, "GET", "/api/v1/findings?after="+position, "")
	if text != "" {
		t.Errorf("after position %s: %s", position, text)
	}
	s.accept(t, "b.crash.example")
	if err := s.Remembered(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, text = s.ask(t, people.Analyst, "GET", "/api/v1/findings?after="+position, ""); strings.Count(text, "\n") != 1 {
		t.Errorf("after one more: %s", text)
	}
	if status, _, _ := s.ask(t, people.Analyst, "GET", "/api/v1/findings?after=x", ""); status != http.StatusUnprocessableEntity {
		t.Errorf("no position: %d", status)
	}
}

func TestIndicatorsOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	status, _, text := s.ask(t, people.Analyst, "POST", "/api/v1/indicators/list?source=us&tlp=amber&confidence=80&half_life=720h", "evil[.]example\n203.0.113.9\n")
	if status != http.StatusOK || !strings.Contains(text, `"format":"list"`) || s.changed != 1 {
		t.Fatalf("%d %s, changed %d times", status, text, s.changed)
	}
	if _, _, text = s.ask(t, people.Analyst, "GET", "/api/v1/indicators", ""); !strings.Contains(text, `"list"`) {
		t.Errorf("listed: %s", text)
	}
	for _, wrong := range []string{"confidence=101", "tlp=purple", "action=guess", "until=tomorrow", "half_life=x"} {
		if status, _, text := s.ask(t, people.Analyst, "POST", "/api/v1/indicators/list?"+wrong, "evil.example\n"); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", wrong, status, text)
		}
	}
	if status, _, _ := s.ask(t, people.Analyst, "POST", "/api/v1/indicators/..%2F..%2Fx", "evil.example\n"); status < http.StatusBadRequest {
		t.Errorf("a name that leads elsewhere: %d", status)
	}
	if status, _, _ := s.ask(t, people.Analyst, "DELETE", "/api/v1/indicators/list", ""); status != http.StatusOK || s.changed != 2 {
		t.Errorf("removed: %d, changed %d times", status, s.changed)
	}
	if status, _, _ := s.ask(t, people.Analyst, "DELETE", "/api/v1/indicators/list", ""); status != http.StatusNotFound {
		t.Errorf("removed twice: %d", status)
	}
}
