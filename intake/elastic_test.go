package intake_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"tocsin/intake"
)

type bulkAnswer struct {
	Took   *int
	Errors bool
	Items  []map[string]struct {
		Index  string `json:"_index"`
		ID     string `json:"_id"`
		Status int
		Error  *struct{ Type, Reason string }
	}
}

func parseBulk(t *testing.T, text []byte) bulkAnswer {
	t.Helper()
	var answer bulkAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer
}

// states is the answer in short: "create 201, index 400".
func (a bulkAnswer) states() string {
	var list []string
	for _, item := range a.Items {
		for action, result := range item {
			list = append(list, fmt.Sprint(action, " ", result.Status))
		}
	}
	return strings.Join(list, ", ")
}

func TestBulkAnswersEveryItem(t *testing.T) {
	t.Parallel()
	const create = `{"create":{"_index":"winlogbeat-8.15.0"}}` + "\n"
	for _, test := range []struct {
		name, path, body string
		status           int
		states           string
		kept             map[string][]string
	}{
		{
			"one index", "/_bulk", create + "{\"a\":1}\n" + create + "{\"a\":2}\n", 200, "create 201, create 201",
			map[string][]string{"bulk/dc01/winlogbeat-8.15.0": {`{"a":1}`, `{"a":2}`}},
		},
		{
			"dates of indexes make no sources", "/_bulk", `{"index":{"_index":"logstash-2026.11.24"}}` + "\n{\"a\":1}\n" + `{"index":{"_index":"logstash-2026.11.25-000001"}}` + "\n{\"a\":2}\n",
			200, "index 201, index 201",
			map[string][]string{"bulk/dc01/logstash": {`{"a":1}`, `{"a":2}`}},
		},
		{
			"the index of the path, no line feed at the end", "/fluent-bit/_bulk", "{\"create\":{}}\r\n{\"a\":1}\r\n{\"index\":{\"_id\":\"7\"}}\n {\"a\":2} ", 200, "create 201, index 201",
			map[string][]string{"bulk/dc01/fluent-bit": {`{"a":1}`, `{"a":2}`}},
		},
		{
			"with a type", "/x/_doc/_bulk", "{\"index\":{\"_type\":\"_doc\"}}\n{}\n", 200, "index 201",
			map[string][]string{"bulk/dc01/x": {`{}`}},
		},
		{
			"what changes documents is refused, what is none too", "/_bulk",
			"{\"delete\":{\"_index\":\"x\",\"_id\":\"1\"}}\n{\"update\":{\"_index\":\"x\",\"_id\":\"1\"}}\n{\"doc\":{}}\n{\"create\":{\"_index\":\"x\"}}\n[1]\n{\"create\":{\"_index\":\"x\"}}\n{\"a\":\"}\\\"\"}\n{\"create\":{\"_index\":\"x\"}}\n{\"a\":1}}\n",
			200, "delete 400, update 400, create 400, create 201, create 400",
			map[string][]string{"bulk/dc01/x": {`{"a":"}\""}`}},
		},
		{"no action", "/_bulk", "{\"a\":1}\n{\"a\":2}\n", 400, "", nil},
		{"two actions on a line", "/_bulk", `{"create":{},"index":{}}` + "\n{}\n", 400, "", nil},
		{"not JSON", "/_bulk", "hello\n", 400, "", nil},
		{"the document is missing", "/_bulk", create + "{\"a\":1}\n" + create, 400, "", nil},
		{"nothing", "/_bulk", "", 200, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, intake.Config{})
			w := s.ask(http.MethodPost, test.path, test.body, "Content-Type", "application/x-ndjson")
			if w.Code != test.status {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("X-Elastic-Product") != "Elasticsearch" {
				t.Error("clients of Elasticsearch refuse an answer without X-Elastic-Product")
			}
			if test.status == 200 {
				answer := parseBulk(t, w.Body.Bytes())
				if got := answer.states(); got != test.states || answer.Errors != strings.Contains(got, "400") || answer.Took == nil {
					t.Errorf("got %s", w.Body)
				}
			}
			got := map[string][]string{}
			for _, name := range s.journal.sources() {
				got[name] = s.journal.lines(name)
			}
			if test.kept == nil {
				test.kept = map[string][]string{}
			}
			if diff := cmp.Diff(got, test.kept); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBulkShowsIDs(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	body := "{\"create\":{\"_index\":\"x\",\"_id\":\"mine\"}}\n{}\n{\"create\":{\"_index\":\"x\"}}\n{}\n"
	answer := parseBulk(t, s.ask(http.MethodPut, "/_bulk", body).Body.Bytes())
	first, second := answer.Items[0]["create"], answer.Items[1]["create"]
	if first.ID != "mine" || first.Index != "x" || len(second.ID) != 20 {
		t.Errorf("got %+v", answer.Items)
	}
	short := s.ask(http.MethodPost, "/_bulk?filter_path=errors,items.*.error,items.*.status", body).Body.String()
	if want := `,"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201}}]}` + "\n"; !strings.HasSuffix(short, want) {
		t.Errorf("got %s", short)
	}
}

// A journal that is full refuses the whole request, so that shippers which look
// at the status only send it again.
func TestFullJournalRefuses(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	s.journal.fill(true)
	const body = "{\"create\":{\"_index\":\"x\"}}\n{\"a\":1}\n"
	w := s.ask(http.MethodPost, "/_bulk", body)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	w = s.ask(http.MethodPost, "/api/v1/events", `{"a":1}`)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	s.journal.fill(false)
	if w := s.ask(http.MethodPost, "/_bulk", body); w.Code != http.StatusOK {
		t.Errorf("after it had room: %d %s", w.Code, w.Body)
	}
	if h := s.health("bulk/dc01/x"); h.Records != 1 || len(h.Refused) != 1 || len(h.Dropped) != 0 {
		t.Errorf("health %+v", h)
	}
}

// What was kept before the journal was full is not sent again: only the items
// that were not carry 429.
func TestJournalThatFillsUpRefusesTheRest(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	s.journal.fillAfter(1)
	big := `{"a":"` + strings.Repeat("x", 700<<10) + `"}`
	body := strings.Repeat("{\"create\":{\"_index\":\"x\"}}\n"+big+"\n", 3)
	answer := parseBulk(t, s.ask(http.MethodPost, "/_bulk", body).Body.Bytes())
	if got := answer.states(); got != "create 201, create 429, create 429" || !answer.Errors {
		t.Errorf("got %s", got)
	}
	s.journal.breakDown()
	w := s.ask(http.MethodPost, "/_bulk", "{\"create\":{\"_index\":\"x\"}}\n{}\n")
	if got := parseBulk(t, w.Body.Bytes()).states(); got != "create 500" {
		t.Errorf("got %s", got)
	}
}

func TestRequestsArePackedInManyWays(t *testing.T) {
	t.Parallel()
	const body = "{\"create\":{\"_index\":\"x\"}}\n{\"a\":1}\n"
	var gzipped, zstded bytes.Buffer
	g := gzip.NewWriter(&gzipped)
	_, _ = g.Write([]byte(body))
	_ = g.Close()
	z, err := zstd.NewWriter(&zstded)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = z.Write([]byte(body))
	_ = z.Close()
	s := newStation(t, intake.Config{Limits: intake.Limits{Unpacked: 1 << 20, Body: 64 << 10}})
	var bomb bytes.Buffer
	g.Reset(&bomb)
	_, _ = g.Write(make([]byte, 2<<20))
	_ = g.Close()
	for _, test := range []struct {
		name, encoding, body string
		status               int
	}{
		{"plain", "identity", body, 200},
		{"gzip", "gzip", gzipped.String(), 200},
		{"zstd", "zstd", zstded.String(), 200},
		{"half a gzip", "gzip", gzipped.String()[:20], 400},
		{"no gzip", "gzip", body, 400},
		{"no zstd", "zstd", body, 400},
		{"unknown", "br", body, 415},
		{"unpacks to too much", "gzip", bomb.String(), 413},
		{"too much", "", strings.Repeat(" ", 65<<10), 413},
	} {
		if w := s.ask(http.MethodPost, "/_bulk", test.body, "Content-Encoding", test.encoding); w.Code != test.status {
			t.Errorf("%s: %d %s", test.name, w.Code, w.Body)
		}
	}
	if got := len(s.journal.lines("")); got != 3 {
		t.Errorf("%d records", got)
	}
	if h := s.health("requests/dc01"); len(h.Refused) != 2 {
		t.Errorf("refused %v", h.Refused)
	}
}

// exchange is a request as a shipper makes it and what its answer must hold, by
// the shipper's documentation.
type exchange struct {
	method, path, body string
	header             []string
	status             int
	holds              string
}

func TestShippersStartAndSend(t *testing.T) {
	t.Parallel()
	pair := func(user, token string) string { return base64.StdEncoding.EncodeToString([]byte(user + ":" + token)) }
	const event = `{"@timestamp":"2026-11-25T10:00:00.000Z","message":"hello","event":{"code":"4624"}}` + "\n"
	for _, shipper := range []struct {
		name      string
		auth      func(token string) string
		exchanges []exchange
		source    string
	}{
		{
			"Winlogbeat", func(token string) string { return "ApiKey " + pair("id", token) },
			[]exchange{
				{"GET", "/", "", nil, 200, `"number":"9.99.0"`},
				{"GET", "/_license?human=false", "", nil, 200, `"status":"active"`},
				{"GET", "/_xpack", "", nil, 200, `"ilm"`},
				{"HEAD", "/_index_template/winlogbeat-8.15.0", "", nil, 200, ""},
				{"PUT", "/_index_template/winlogbeat-8.15.0", `{"index_patterns":["winlogbeat-8.15.0"]}`, nil, 200, `"acknowledged":true`},
				{"GET", "/_ilm/policy/winlogbeat", "", nil, 200, `"winlogbeat"`},
				{"PUT", "/_ilm/policy/winlogbeat", `{"policy":{}}`, nil, 200, `"acknowledged":true`},
				{"GET", "/_data_stream/winlogbeat-8.15.0", "", nil, 200, `"name":"winlogbeat-8.15.0"`},
				{"PUT", "/_data_stream/winlogbeat-8.15.0", "", nil, 200, `"acknowledged":true`},
				{"POST", "/_bulk?filter_path=errors%2Citems.%2A.error%2Citems.%2A.status", `{"create":{"_index":"winlogbeat-8.15.0"}}` + "\n" + event, []string{"Content-Type", "application/vnd.elasticsearch+json; compatible-with=8"}, 200, `{"create":{"status":201}}`},
			},
			"bulk/dc01/winlogbeat-8.15.0",
		},
		{
			"Filebeat", func(token string) string { return "Basic " + pair("filebeat", token) },
			[]exchange{
				{"GET", "/", "", nil, 200, `"cluster_uuid"`},
				{"GET", "/_ingest/pipeline/filebeat-8.15.0-system-auth-pipeline", "", nil, 200, `"filebeat-8.15.0-system-auth-pipeline"`},
				{"PUT", "/_ingest/pipeline/filebeat-8.15.0-system-auth-pipeline", `{"processors":[]}`, nil, 200, `"acknowledged":true`},
				{"GET", "/_nodes/ingest", "", nil, 200, `"nodes"`},
				{"POST", "/_bulk", `{"create":{"_index":"filebeat-8.15.0","pipeline":"filebeat-8.15.0-system-auth-pipeline"}}` + "\n" + event, nil, 200, `"errors":false`},
			},
			"bulk/dc01/filebeat-8.15.0",
		},
		{
			"Vector", func(token string) string { return "Basic " + pair("vector", token) },
			[]exchange{
				{"GET", "/_cluster/health", "", nil, 200, `"status":"green"`},
				{"GET", "/", "", nil, 200, `"version"`},
				{"POST", "/_bulk?timeout=60s", `{"create":{"_index":"logs-generic-default"}}` + "\n" + event, nil, 200, `"status":201`},
			},
			"bulk/dc01/logs-generic-default",
		},
		{
			"Fluent Bit", func(token string) string { return "Basic " + pair("fluent", token) },
			[]exchange{
				{"POST", "/_bulk", `{"create":{"_index":"fluent-bit","_type":"_doc"}}` + "\n" + event, nil, 200, `"errors":false`},
			},
			"bulk/dc01/fluent-bit",
		},
		{
			"Logstash", func(token string) string { return "ApiKey " + pair("logstash", token) },
			[]exchange{
				{"HEAD", "/", "", nil, 200, ""},
				{"GET", "/", "", nil, 200, `"build_flavor":"default"`},
				{"GET", "/_xpack", "", nil, 200, `"license"`},
				{"GET", "/_license", "", nil, 200, `"basic"`},
				{"GET", "/_nodes/http", "", nil, 200, `"publish_address":"example.com"`},
				{"HEAD", "/_template/logstash", "", nil, 200, ""},
				{"HEAD", "/_index_template/ecs-logstash", "", nil, 200, ""},
				{"HEAD", "/logstash", "", nil, 200, ""},
				{"POST", "/_bulk", `{"index":{"_id":null,"_index":"logstash-2026.11.25","routing":null}}` + "\n" + event, nil, 200, `"status":201`},
			},
			"bulk/dc01/logstash",
		},
		{
			"rsyslog without bulk mode", func(token string) string { return "Basic " + pair("rsyslog", token) },
			[]exchange{
				{"GET", "/_cat/health", "", nil, 200, `[]`},
				{"POST", "/system/_doc", event, nil, 201, `"result":"created"`},
			},
			"bulk/dc01/system",
		},
	} {
		t.Run(shipper.name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, intake.Config{})
			for _, e := range shipper.exchanges {
				w := s.ask(e.method, e.path, e.body, append(e.header, "Authorization", shipper.auth(s.sensor))...)
				if w.Code != e.status || !strings.Contains(w.Body.String(), e.holds) || w.Header().Get("X-Elastic-Product") != "Elasticsearch" {
					t.Errorf("%s %s: %d %s", e.method, e.path, w.Code, w.Body)
				}
			}
			if got := s.journal.lines(shipper.source); len(got) != 1 || got[0]+"\n" != event {
				t.Errorf("kept %q of %v", got, s.journal.sources())
			}
		})
	}
}
