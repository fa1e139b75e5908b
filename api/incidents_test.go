package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tocsin/api"
	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/people"
)

// want asks as an analyst, and returns what is answered with a status.
func want[T any](t *testing.T, s *served, status int, method, path, body string, headers ...string) (v T, header http.Header) {
	t.Helper()
	return wantAs[T](t, s, people.Analyst, status, method, path, body, headers...)
}

func wantAs[T any](t *testing.T, s *served, role people.Role, status int, method, path, body string, headers ...string) (v T, header http.Header) {
	t.Helper()
	got, header, text := s.ask(t, role, method, path, body, headers...)
	if got != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, got, text, status)
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return v, header
}

type page[T any] struct {
	Items []T
	Next  string
}

func open(t *testing.T, s *served, title string, headers ...string) incident.Incident {
	t.Helper()
	i, _ := want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents", `{"title":`+quoted(title)+`}`, headers...)
	return i
}

func TestAnIncidentIsHandledOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	i, header := want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents",
		`{"title":"Files renamed to .wncry","summary":"东区医院 records","category":"ransomware","cross_border":"yes","facts":{"impact.people_life_work":{"value":1200}}}`)
	if i.State != incident.Reported || i.Version != 1 || header.Get("ETag") != `"v1"` {
		t.Fatalf("%+v %s", i, header.Get("ETag"))
	}
	at := "/api/v1/incidents/" + i.Number
	read, header := want[incident.Incident](t, s, http.StatusOK, "GET", at, "")
	if read.ID != i.ID || header.Get("ETag") != `"v1"` {
		t.Errorf("by number: %+v %s", read, header)
	}
	i, _ = want[incident.Incident](t, s, http.StatusOK, "PATCH", at, `{"owner":"ann","cause":"a mail"}`, "If-Match", `"v1"`)
	if i.Owner != "ann" || i.Version != 2 || i.Title != "Files renamed to .wncry" {
		t.Errorf("described: %+v", i)
	}
	facts, _ := want[map[string]incident.Stated](t, s, http.StatusOK, "GET", at+"/facts", "")
	if string(facts["impact.people_life_work"].Statement) == "" {
		t.Errorf("facts: %v", facts)
	}
	i, _ = want[incident.Incident](t, s, http.StatusOK, "PATCH", at+"/facts", `{"impact.people_life_work":{"value":1500}}`, "If-Match", `"v2"`)
	history, _ := want[[]incident.Stated](t, s, http.StatusOK, "GET", at+"/facts/impact.people_life_work/history", "")
	if len(history) != 2 {
		t.Errorf("history: %v", history)
	}
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/comments", `{"text":"**isolated**"}`)
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/notes", `{"at":"2026-01-02T03:04:05Z","text":"the hospital called"}`)
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/tasks", `{"title":"Isolate","assignee":"bob","due":"2026-12-01T00:00:00Z"}`)
	tasks, _ := want[[]incident.Task](t, s, http.StatusOK, "GET", at+"/tasks", "")
	task := at + "/tasks/" + tasks[0].ID
	want[incident.Incident](t, s, http.StatusOK, "POST", task+"/assign", `{"assignee":"ann"}`)
	want[incident.Incident](t, s, http.StatusOK, "POST", task+"/end", `{"state":"done"}`)
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/observables", `{"observables":["domain:Evil[.]example","203.0.113.9"],"note":"in the mail"}`)
	seen, _ := want[[]incident.Observable](t, s, http.StatusOK, "GET", at+"/observables", "")
	if len(seen) != 2 || seen[0].Value != "evil.example" {
		t.Errorf("observables: %v", seen)
	}
	want[incident.Incident](t, s, http.StatusOK, "DELETE", at+"/observables?observable=ip:203.0.113.9&why=ours", "")
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/assets", `{"assets":[{"kind":"host","name":"file-server"}]}`)
	assets, _ := want[[]incident.Asset](t, s, http.StatusOK, "GET", at+"/assets", "")
	if len(assets) != 1 {
		t.Errorf("assets: %v", assets)
	}

	// The timeline in pages of two, in order, each entry once.
	var ids []string
	for next := at + "/timeline?limit=2"; next != ""; {
		p, header := want[page[incident.Entry]](t, s, http.StatusOK, "GET", next, "")
		for _, e := range p.Items {
			ids = append(ids, e.ID)
		}
		link := strings.TrimSuffix(strings.TrimPrefix(header.Get("Link"), "<"), `>; rel="next"`)
		if (link == "") != (p.Next == "") {
			t.Fatalf("next %q, link %q", p.Next, link)
		}
		next = link
	}
	if len(ids) < 9 || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("timeline: %v", ids)
	}
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/corrections", fmt.Sprintf(`{"entry":%q,"text":"it was the clinic"}`, ids[0]))

	// A step that lacks something is refused with what; a level is a judgement of
	// those who may grade.
	problem, _ := want[api.Problem](t, s, http.StatusConflict, "POST", at+"/advance", `{"to":"graded"}`)
	if len(problem.Missing) == 0 {
		t.Errorf("graded: %+v", problem)
	}
	want[api.Problem](t, s, http.StatusForbidden, "POST", at+"/judgement", `{"level":"II","rank":3,"why":"a hospital"}`)
	wantAs[incident.Incident](t, s, people.DutyOfficer, http.StatusOK, "POST", at+"/judgement", `{"level":"II","rank":3,"why":"a hospital"}`)
	want[incident.Incident](t, s, http.StatusOK, "POST", at+"/advance", `{"to":"graded"}`)
	want[api.Problem](t, s, http.StatusForbidden, "POST", at+"/advance", `{"to":"closed","resolution":"false_alarm","why":"none"}`)
	wantAs[incident.Incident](t, s, people.Commander, http.StatusOK, "POST", at+"/advance", `{"to":"closed","resolution":"false_alarm","why":"a drill"}`)

	entries, _ := wantAs[page[audit.Entry]](t, s, people.Commander, http.StatusOK, "GET", "/api/v1/audit?kind=incident&limit=3&subject="+i.ID, "")
	if len(entries.Items) != 3 || entries.Next == "" || entries.Items[0].Action != "incident.state" {
		t.Errorf("audit: %+v", entries)
	}
}

func TestIncidentsAreLinkedMergedAndSplit(t *testing.T) {
	t.Parallel()
	s := serve(t)
	one, two := open(t, s, "One"), open(t, s, "Two")
	at := "/api/v1/incidents/" + one.ID
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/links", `{"kind":"campaign","other":"`+two.Number+`","why":"the same mail"}`)
	links, _ := want[[]incident.Link](t, s, http.StatusOK, "GET", at+"/links", "")
	if len(links) != 1 || links[0].Other != two.ID {
		t.Errorf("links: %+v", links)
	}
	want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/incidents/"+two.ID+"/observables", `{"observables":["domain:evil.example"]}`)
	want[api.Problem](t, s, http.StatusForbidden, "POST", at+"/merge", `{"other":"`+two.Number+`"}`) // it closes one
	wantAs[incident.Incident](t, s, people.DutyOfficer, http.StatusOK, "POST", at+"/merge", `{"other":"`+two.Number+`"}`)
	part, _ := want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/split", `{"title":"The domain","observables":["domain:evil.example"],"why":"another hand"}`)
	seen, _ := want[[]incident.Observable](t, s, http.StatusOK, "GET", "/api/v1/incidents/"+part.Number+"/observables", "")
	if len(seen) != 1 || part.Origin != incident.BySplit {
		t.Errorf("split: %+v %v", part, seen)
	}
	found, _ := want[page[incident.Incident]](t, s, http.StatusOK, "GET", "/api/v1/incidents?observable=domain:evil.example", "")
	if len(found.Items) != 2 || found.Items[0].ID != part.ID || found.Items[1].ID != two.ID { // what was merged away keeps what it was
		t.Errorf("by observable: %+v", found)
	}
}

func TestIncidentsAreListedByPageFilterAndText(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for n := range 5 {
		open(t, s, fmt.Sprintf("Phishing wave %d", n))
	}
	open(t, s, "东区医院勒索软件")
	for query, count := range map[string]int{
		"": 6, "q=phishing": 5, "q=" + url.QueryEscape("勒索"): 1, "q=" + url.QueryEscape(`"wave 3"`): 1, "q=nothing": 0,
		"state=reported": 6, "state=closed": 0, "state=closed&state=reported": 6, "open=true": 6, "cross_border=yes": 0, "since=2100-01-01T00:00:00Z": 0,
	} {
		got := 0
		for next := "/api/v1/incidents?limit=2&" + query; next != ""; {
			p, _ := want[page[incident.Incident]](t, s, http.StatusOK, "GET", next, "")
			got += len(p.Items)
			next = ""
			if p.Next != "" {
				next = "/api/v1/incidents?limit=2&" + query + "&cursor=" + p.Next
			}
		}
		if got != count {
			t.Errorf("%s: %d incidents, want %d", query, got, count)
		}
	}
	for _, wrong := range []string{"color=red", "limit=0", "limit=x", "cursor=x", "since=yesterday", "open=maybe", "state=gone", "limit=1&limit=2", "q=%20.%20", "observable=%20"} {
		p, _ := want[api.Problem](t, s, http.StatusUnprocessableEntity, "GET", "/api/v1/incidents?"+wrong, "")
		if p.Detail == "" {
			t.Errorf("%s: %+v", wrong, p)
		}
	}
}

func TestTheSecondWriterIsToldThePresentState(t *testing.T) {
	t.Parallel()
	s := serve(t)
	i := open(t, s, "Two write")
	at := "/api/v1/incidents/" + i.ID
	want[api.Problem](t, s, http.StatusPreconditionRequired, "PATCH", at, `{"owner":"ann"}`)
	want[api.Problem](t, s, http.StatusPreconditionRequired, "PATCH", at+"/facts", `{"impact.people_life_work":{"value":1}}`)
	want[incident.Incident](t, s, http.StatusOK, "PATCH", at, `{"owner":"ann"}`, "If-Match", `"v1"`)
	p, header := want[api.Problem](t, s, http.StatusPreconditionFailed, "PATCH", at, `{"owner":"bob"}`, "If-Match", `"v1"`)
	if p.Present == nil || p.Present.Owner != "ann" || header.Get("ETag") != `"v2"` {
		t.Errorf("%+v %s", p, header.Get("ETag"))
	}
	want[api.Problem](t, s, http.StatusPreconditionFailed, "POST", at+"/comments", `{"text":"late"}`, "If-Match", `"v1"`)
	want[incident.Incident](t, s, http.StatusCreated, "POST", at+"/comments", `{"text":"whatever it is now"}`)
	want[incident.Incident](t, s, http.StatusOK, "PATCH", at, `{"owner":"bob"}`, "If-Match", `*`)
	for _, wrong := range []string{"v4", `"4"`, `W/"v4"`, `"v0"`, `"v4", "v5"`} {
		want[api.Problem](t, s, http.StatusUnprocessableEntity, "PATCH", at, `{"owner":"eve"}`, "If-Match", wrong)
	}
}

func TestAlertsAreWorkedOnOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t)
	finding := func(id, rule, host string) string {
		return fmt.Sprintf(`{"id":%q,"rule":%q,"title":"A title","severity":"high","host":%q,"at":"2026-01-02T03:04:05Z","body":{"rule":%q}}`, id, rule, host, rule)
	}
	post := `{"findings":[` + strings.Join([]string{finding("1", "r1", "pc1"), finding("2", "r1", "pc1"), finding("3", "r2", "pc1"), finding("4", "r1", "pc2")}, ",") + `]}`
	raised, _ := wantAs[incident.Raised](t, s, people.Sensor, http.StatusOK, "POST", "/api/v1/alerts/findings", post)
	if raised.New != 3 || raised.Grown != 1 {
		t.Errorf("raised: %+v", raised)
	}
	if raised, _ = wantAs[incident.Raised](t, s, people.Sensor, http.StatusOK, "POST", "/api/v1/alerts/findings", post); raised.Known != 4 || raised.New+raised.Grown != 0 {
		t.Errorf("raised again: %+v", raised)
	}
	alerts, _ := want[page[incident.Alert]](t, s, http.StatusOK, "GET", "/api/v1/alerts?waiting=true&severity=medium&rule=r1&host=pc1", "")
	if len(alerts.Items) != 1 || alerts.Items[0].Findings != 2 {
		t.Fatalf("alerts: %+v", alerts)
	}
	at := "/api/v1/alerts/" + alerts.Items[0].ID
	shown, _ := want[struct {
		incident.Alert
		Bodies []struct{ Rule string }
	}](t, s, http.StatusOK, "GET", at, "")
	if len(shown.Bodies) != 2 || shown.Bodies[0].Rule != "r1" {
		t.Errorf("shown: %+v", shown)
	}
	want[incident.Alert](t, s, http.StatusOK, "POST", at+"/claim", "")
	want[api.Problem](t, s, http.StatusUnprocessableEntity, "POST", at+"/dismiss", `{"why":"ours","quiet":"for ever"}`)
	want[incident.Alert](t, s, http.StatusOK, "POST", at+"/dismiss", `{"why":"a scanner of ours","quiet":"72h"}`)
	want[api.Problem](t, s, http.StatusConflict, "POST", at+"/claim", "")
	quiet, _ := want[[]incident.Suppression](t, s, http.StatusOK, "GET", "/api/v1/suppressions", "")
	if len(quiet) != 1 || quiet[0].Host != "pc1" {
		t.Fatalf("suppressions: %+v", quiet)
	}
	raised, _ = wantAs[incident.Raised](t, s, people.Sensor, http.StatusOK, "POST", "/api/v1/alerts/findings", `{"findings":[`+finding("5", "r1", "pc1")+`]}`)
	if raised.Suppressed != 1 {
		t.Errorf("kept back: %+v", raised)
	}
	want[struct{}](t, s, http.StatusOK, "DELETE", "/api/v1/suppressions/"+quiet[0].ID, "")
	want[struct{}](t, s, http.StatusCreated, "POST", "/api/v1/suppressions", `{"rule":"r9","why":"noise","expires":"2026-12-31T00:00:00Z"}`)
	all, _ := want[[]incident.Suppression](t, s, http.StatusOK, "GET", "/api/v1/suppressions?all=true", "")
	if len(all) != 2 {
		t.Errorf("all suppressions: %+v", all)
	}
	left, _ := want[page[incident.Alert]](t, s, http.StatusOK, "GET", "/api/v1/alerts?waiting=true", "")
	ids := []string{left.Items[0].ID, left.Items[1].ID}
	i, _ := want[incident.Incident](t, s, http.StatusCreated, "POST", "/api/v1/alerts/promote", `{"alerts":["`+strings.Join(ids, `","`)+`"],"owner":"ann"}`)
	of, _ := want[page[incident.Alert]](t, s, http.StatusOK, "GET", "/api/v1/alerts?incident="+i.Number, "")
	if len(of.Items) != 2 || i.Origin != incident.ByAlert || i.Owner != "ann" {
		t.Errorf("promoted: %+v %+v", i, of)
	}
}

func TestEvidenceIsGivenToBeSaved(t *testing.T) {
	t.Parallel()
	s := serve(t)
	i := open(t, s, "With evidence")
	at := "/api/v1/incidents/" + i.Number + "/evidence"
	page := `<html><script>alert(1)</script>`
	e, _ := want[incident.Evidence](t, s, http.StatusCreated, "POST", at+"?note=the+mail", page, "Content-Type", "text/html", "Content-Disposition", `attachment; filename="../../etc/<b>mail.html"`)
	if e.Name != "_b_mail.html" || e.Bytes != int64(len(page)) || e.Note != "the mail" {
		t.Errorf("kept: %+v", e)
	}
	for _, name := range []string{"..", "/etc/passwd", `C:\Windows\win.ini`, "a\x00b", "\u202egnp.exe", "con\nrm"} {
		e, _ := want[incident.Evidence](t, s, http.StatusCreated, "POST", at+"?name="+url.QueryEscape(name), "x")
		if strings.ContainsAny(e.Name, "/\\\x00\n\u202e") || e.Name == ".." {
			t.Errorf("%q is called %q", name, e.Name)
		}
	}
	status, header, text := s.ask(t, people.Analyst, "GET", at+"/"+e.ID+"/content?why=analysis", "")
	if status != http.StatusOK || text != page {
		t.Errorf("%d %s", status, text)
	}
	for name, part := range map[string]string{
		"Content-Type": "application/octet-stream", "Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "sandbox", "Cache-Control": "no-store", "Repr-Digest": "sha-256=:",
	} {
		if !strings.Contains(header.Get(name), part) {
			t.Errorf("%s: %q", name, header.Get(name))
		}
	}
	want[incident.Evidence](t, s, http.StatusOK, "POST", at+"/"+e.ID+"/custody", `{"action":"handed_over","person":"the police","why":"a warrant"}`)
	want[incident.Evidence](t, s, http.StatusOK, "POST", at+"/"+e.ID+"/verify", `{}`)
	chain, _ := want[[]incident.Custody](t, s, http.StatusOK, "GET", at+"/"+e.ID+"/chain", "")
	var did []string
	for _, link := range chain {
		did = append(did, string(link.Action)+" "+link.Why)
	}
	if got := strings.Join(did, ", "); got != "received , read analysis, handed_over a warrant, verified " {
		t.Errorf("chain: %s", got)
	}
	all, _ := want[[]incident.Evidence](t, s, http.StatusOK, "GET", at, "")
	if len(all) != 7 {
		t.Errorf("evidence: %+v", all)
	}
}
