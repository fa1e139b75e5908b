package taxii_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/exchange/collection"
	"tocsin/exchange/taxii"
	"tocsin/intel"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

const (
	open     = "11111111-1111-4111-8111-111111111111" // readable and writable
	readOnly = "22222222-2222-4222-8222-222222222222"
	dropBox  = "33333333-3333-4333-8333-333333333333" // writable only
	closed   = "44444444-4444-4444-8444-444444444444"
	password = "correct horse"
)

const amberStrict = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"

// clearances are the users of the server, and what they may see.
var clearances = map[string]intel.Marking{"alice": intel.TLPRed, "bob": intel.TLPGreen}

// served is a server in a test.
type served struct {
	*httptest.Server
	t     *testing.T
	shelf *collection.Shelf
}

func serve(t *testing.T, db *store.DB, config taxii.Config) *served {
	t.Helper()
	shelf := collection.New(db, time.Now)
	for i, id := range []string{open, readOnly, dropBox, closed} {
		name := []string{"open", "read-only", "drop-box", "closed"}[i]
		if err := shelf.Define(t.Context(), collection.Definition{ID: id, Root: "default", Alias: name, Title: name}); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(taxii.NewServer(config, func(r *http.Request) (taxii.View, error) {
		name, given, _ := r.BasicAuth()
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			name, given, _ = strings.Cut(bearer, ":")
		}
		most, known := clearances[name]
		if name == "nobody" {
			known = true
		}
		if !known || given != password {
			return nil, errors.New("wrong")
		}
		return shelf.View(collection.Viewer{Name: name, Most: most, May: func(id string) (bool, bool) {
			return name != "nobody" && (id == open || id == readOnly), name != "nobody" && (id == open || id == dropBox)
		}}), nil
	}))
	t.Cleanup(server.Close)
	return &served{server, t, shelf}
}

func newServed(t *testing.T) *served {
	t.Helper()
	return serve(t, storetest.Open(t, storetest.SQLite(t), collection.Room()), taxii.Config{Description: "a test"})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) page(t *testing.T) (p taxii.Page) {
	t.Helper()
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return p
}

// ids are those of the objects of a page, with their names where they have some.
func (a *answer) ids(t *testing.T) (ids []string) {
	t.Helper()
	for _, object := range a.page(t).Objects {
		var o struct{ ID, Name string }
		if err := json.Unmarshal(object, &o); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, o.Name)
	}
	return ids
}

// ask sends a request of alice's; headers are "Name: value", an empty one takes the
// header away.
func (s *served) ask(method, path, body string, headers ...string) *answer {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.SetBasicAuth("alice", password)
	r.Header.Set("Accept", taxii.MediaType)
	r.Header.Set("Accept-Encoding", "identity")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", taxii.MediaType)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
		if name == "User" {
			r.SetBasicAuth(value, password)
		}
	}
	response, err := s.Client().Transport.RoundTrip(r) // follows nothing
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return &answer{response.StatusCode, response.Header, text}
}

const objects = "/taxii2/default/collections/" + open + "/objects/"

// indicator is an object whose id and name come from a number.
func indicator(n int, modified string, more ...string) string {
	return fmt.Sprintf(`{"type":"indicator","spec_version":"2.1","id":"indicator--%08d-0000-4000-8000-000000000000","created":"2020-01-01T00:00:00.000Z","modified":%q,"name":"%d"%s}`,
		n, modified, n, strings.Join(more, ""))
}

func (s *served) add(texts ...string) *taxii.Status {
	s.t.Helper()
	a := s.ask("POST", objects, `{"objects":[`+strings.Join(texts, ",")+`]}`)
	var status taxii.Status
	if err := json.Unmarshal(a.body, &status); a.status != http.StatusAccepted || err != nil {
		s.t.Fatalf("add: %d %s", a.status, a.body)
	}
	return &status
}

func (s *served) addMany(from, to int) {
	s.t.Helper()
	var texts []string
	for n := from; n < to; n++ {
		texts = append(texts, indicator(n, "2020-01-01T00:00:00.000Z"))
	}
	s.add(texts...)
}

// isError reports whether an answer is a TAXII error message of its status.
func (a *answer) isError(status int) bool {
	var e taxii.Error
	return a.status == status && json.Unmarshal(a.body, &e) == nil && e.Title != "" && e.HTTPStatus == strconv.Itoa(status) &&
		a.header.Get("Content-Type") == taxii.MediaType
}

func TestServerTellsOfItself(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for path, want := range map[string]string{
		"/taxii2/":         `{"title":"TAXII","description":"a test","default":"` + s.URL + `/taxii2/default/","api_roots":["` + s.URL + `/taxii2/default/"]}`,
		"/taxii2/default/": `{"title":"default","versions":["application/taxii+json;version=2.1"],"max_content_length":104857600}`,
		"/taxii2/default/collections/" + readOnly:  `{"id":"` + readOnly + `","title":"read-only","alias":"read-only","can_read":true,"can_write":false,"media_types":["application/stix+json;version=2.1"]}`,
		"/taxii2/default/collections/read-only/":   `{"id":"` + readOnly + `","title":"read-only","alias":"read-only","can_read":true,"can_write":false,"media_types":["application/stix+json;version=2.1"]}`,
		objects:                                    `{}`,
		"/taxii2/default/collections/open/objects": `{}`,
	} {
		for _, path := range []string{path, strings.TrimSuffix(path, "/")} { // row 26
			a := s.ask("GET", path, "")
			if a.status != http.StatusOK || string(a.body) != want || a.header.Get("Content-Type") != taxii.MediaType {
				t.Errorf("%s: got %d %s %s, want %s", path, a.status, a.header.Get("Content-Type"), a.body, want)
			}
			if a.header.Get("X-Taxii-Date-Added-First") != "" {
				t.Errorf("%s: an empty page says when its objects were added", path)
			}
		}
	}
	if a := s.ask("GET", "/taxii2/default/collections/", "", "User: nobody"); string(a.body) != `{}` { // row 6
		t.Errorf("a user who sees no collection gets %s", a.body)
	}
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.addMany(0, 3)
	one := objects + "indicator--00000001-0000-4000-8000-000000000000/"
	envelope := `{"objects":[` + indicator(9, "2020-01-01T00:00:00.000Z") + `]}`
	for _, c := range []struct {
		method, path, body string
		headers            []string
		want               int
	}{
		{"GET", "/taxii2/", "", []string{"Authorization: "}, 401}, // row 2
		{"GET", "/taxii2/", "", []string{"Authorization: Basic YWxpY2U6d3Jvbmc="}, 401},
		{"GET", "/taxii2/", "", []string{"Authorization: Bearer alice:wrong"}, 401},
		{"GET", "/taxii2/", "", []string{"Accept: text/html"}, 406}, // row 3
		{"GET", "/taxii2/", "", []string{"Accept: application/taxii+json;version=3.0"}, 406},
		{"GET", "/taxii2/nowhere/", "", nil, 404},
		{"GET", "/taxii2/default/elsewhere/", "", nil, 404},
		{"GET", "/taxii2/default/collections/unknown/", "", nil, 404}, // row 7
		{"GET", "/taxii2/default/collections/closed/objects/", "", nil, 404},
		{"GET", objects + "indicator--99999999-0000-4000-8000-000000000000/", "", nil, 404},
		{"GET", objects + "indicator--99999999-0000-4000-8000-000000000000/versions/", "", nil, 404},
		{"GET", objects + "?limit=0", "", nil, 400}, // row 12
		{"GET", objects + "?limit=-1", "", nil, 400},
		{"GET", objects + "?limit=abc", "", nil, 400},
		{"GET", objects + "?limit=1&limit=2", "", nil, 400},
		{"GET", objects + "?next=garbage", "", nil, 400},                    // row 13
		{"GET", objects + "?added_after=2020-01-01T00:00:00", "", nil, 400}, // row 14
		{"GET", objects + "?added_after=2020-01-01T00:00:00%2B01:00", "", nil, 400},
		{"GET", objects + "?added_after=2020-01-01T00:00:00Z&added_after=2020-01-01T00:00:00Z", "", nil, 400},
		{"GET", objects + "?match[version]=all,first", "", nil, 400}, // row 15
		{"GET", objects + "?match[version]=last,last", "", nil, 400},
		{"GET", objects + "?match[version]=yesterday", "", nil, 400},
		{"GET", objects + "?match[type]=a&match[type]=b", "", nil, 400},
		{"POST", objects, `{"objects":`, nil, 422}, // row 20
		{"POST", objects, `{"objects":7}`, nil, 422},
		{"POST", objects, indicator(9, "2020-01-01T00:00:00.000Z"), nil, 422},
		{"POST", objects, `{"objects":[` + strings.Repeat("[", 100_000), nil, 422},
		{"POST", objects, envelope, []string{"Content-Type: application/json"}, 415}, // row 21
		{"POST", objects, envelope, []string{"Content-Type: application/stix+json;version=2.1"}, 415},
		{"POST", objects, envelope, []string{"Content-Type: application/taxii+json;version=2.0"}, 415},
		{"POST", objects, envelope, []string{"Content-Type: application/vnd.oasis.stix+json"}, 415},
		{"POST", objects, envelope, []string{"Content-Encoding: br"}, 415},
		{"POST", objects, envelope, []string{"Content-Encoding: gzip"}, 422},
		{"GET", "/taxii2/default/status/2d086da7-4bdc-4f91-900e-d77486753710/", "", nil, 404},                                      // row 23
		{"DELETE", "/taxii2/default/collections/read-only/objects/indicator--00000001-0000-4000-8000-000000000000/", "", nil, 403}, // row 24
		{"DELETE", "/taxii2/default/collections/drop-box/objects/indicator--00000001-0000-4000-8000-000000000000/", "", nil, 403},
		{"DELETE", "/taxii2/default/collections/closed/objects/indicator--00000001-0000-4000-8000-000000000000/", "", nil, 404},
		{"POST", "/taxii2/default/collections/read-only/objects/", envelope, nil, 403}, // row 25
		{"GET", "/taxii2/default/collections/drop-box/objects/", "", nil, 403},
		{"GET", "/taxii2/default/collections/drop-box/manifest/", "", nil, 403},
		{"HEAD", objects, "", nil, 405}, // row 27
		{"PUT", one, "", nil, 405},
		{"OPTIONS", "/taxii2/", "", nil, 405},
		{"DELETE", objects, "", nil, 405},
	} {
		a := s.ask(c.method, c.path, c.body, c.headers...)
		if c.method == "HEAD" && a.status == c.want && a.header.Get("Allow") == "GET, POST" {
			continue // which has no body
		}
		if !a.isError(c.want) {
			t.Errorf("%s %s %q: got %d %s, want a TAXII error of %d", c.method, c.path, c.headers, a.status, a.body, c.want)
		}
		if a.status == 401 && !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") || a.status == 405 && a.header.Get("Allow") == "" {
			t.Errorf("%s %s: got %v", c.method, c.path, a.header)
		}
	}
	if got := s.ask("GET", objects, "").ids(t); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("what was refused left %v", got)
	}
}

func TestServerIsLenient(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.addMany(0, 3)
	for _, accept := range []string{ // row 4
		"application/taxii+json", "*/*", "", "application/json, text/plain, */*", "application/taxii+json; version=2.1", "APPLICATION/TAXII+JSON;VERSION=2.1",
		"application/taxii+json;version=2.1,application/stix+json;version=2.1",
	} {
		if a := s.ask("GET", objects, "", "Accept: "+accept); a.status != 200 || a.header.Get("Content-Type") != taxii.MediaType {
			t.Errorf("Accept %q: got %d %s", accept, a.status, a.header.Get("Content-Type"))
		}
	}
	if a := s.ask("GET", "/taxii2/", "", "Authorization: Bearer alice:"+password); a.status != 200 {
		t.Errorf("a bearer token: got %d", a.status)
	}
	for query, want := range map[string]int{ // rows 12, 14, 15
		"limit=1000000000": 3, "limit=99999999999999999999": 3, "added_after=2020-01-01T00:00:00Z": 3, "added_after=2020-01-01T00:00:00.123Z": 3,
		"added_after=2020-01-01T00:00:00.123456Z": 3, "added_after=2020-01-01T00:00:00.123456789Z": 3, "added_after=2999-01-01T00:00:00Z": 0,
		"match[colour]=red": 3, "match[type]=malware,indicator": 3, "match[type]=no-such-type": 0, "match[spec_version]=2.0,2.1": 3, "match[spec_version]=2.0": 0,
		"match[id]=indicator--00000001-0000-4000-8000-000000000000": 1, "something=else": 3,
	} {
		a := s.ask("GET", objects+"?"+query, "")
		if got := len(a.page(t).Objects); a.status != 200 || got != want {
			t.Errorf("%s: got %d and %d objects, want %d", query, a.status, got, want)
		}
	}
	strict := s.Config.Handler
	also := httptest.NewServer(taxii.NewServer(taxii.Config{AlsoAccept: []string{"application/stix+json;version=2.1"}}, func(*http.Request) (taxii.View, error) {
		return s.shelf.View(collection.Viewer{Name: "alice", Most: intel.TLPRed, May: func(string) (bool, bool) { return true, true }}), nil
	}))
	defer also.Close()
	s.Config.Handler = also.Config.Handler
	defer func() { s.Config.Handler = strict }()
	body := `{"objects":[` + indicator(7, "2020-01-01T00:00:00.000Z") + `]}`
	if a := s.ask("POST", objects, body, "Content-Type: application/stix+json;version=2.1"); a.status != 202 {
		t.Errorf("a media type that the setting allows: got %d %s", a.status, a.body)
	}
}

func TestPagesAreStable(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.addMany(0, 10) // of one POST, which have moments of their own all the same (row 10)
	for _, way := range []string{"next", "added_after", "both"} {
		var sizes []int
		var all []string
		query := "?limit=3"
		for range 10 {
			a := s.ask("GET", objects+query, "")
			p := a.page(t)
			sizes, all = append(sizes, len(p.Objects)), append(all, a.ids(t)...)
			last := a.header.Get("X-TAXII-Date-Added-Last")
			if p.More != (p.Next != "") || len(last) != len("2020-01-01T00:00:00.000000Z") {
				t.Fatalf("more %t, next %q, last %q", p.More, p.Next, last)
			}
			if !p.More {
				break
			}
			query = map[string]string{"next": "?limit=3&next=" + p.Next, "added_after": "?limit=3&added_after=" + last, "both": "?limit=3&next=" + p.Next + "&added_after=" + last}[way]
		}
		if !slices.Equal(sizes, []int{3, 3, 3, 1}) || !slices.Equal(all, strings.Fields("0 1 2 3 4 5 6 7 8 9")) {
			t.Errorf("by %s: got pages of %d: %v", way, sizes, all)
		}
	}
}

func TestPagesAreStableWhileObjectsComeAndGo(t *testing.T) { // row 11
	t.Parallel()
	s := newServed(t)
	s.addMany(0, 10)
	first := s.ask("GET", objects+"?limit=4&match[type]=indicator", "")
	next := first.page(t).Next
	s.ask("DELETE", objects+"indicator--00000003-0000-4000-8000-000000000000/", "")
	s.ask("DELETE", objects+"indicator--00000005-0000-4000-8000-000000000000/", "")
	s.add(indicator(1, "2021-01-01T00:00:00.000Z"), indicator(8, "2021-01-01T00:00:00.000Z"), indicator(10, "2021-01-01T00:00:00.000Z"))
	rest := s.ask("GET", objects+"?next="+next, "")
	if got, want := rest.ids(t), strings.Fields("4 6 7 9 1 8 10"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, path := range []string{ // row 13
		objects + "?next=" + next + "&match[type]=malware",
		"/taxii2/default/collections/read-only/objects/?next=" + next,
		"/taxii2/default/collections/open/manifest/?next=" + next,
	} {
		if a := s.ask("GET", path, ""); !a.isError(400) {
			t.Errorf("%s: got %d %s", path, a.status, a.body)
		}
	}
	if a := s.ask("GET", objects+"?next="+next, "", "User: bob"); !a.isError(400) {
		t.Errorf("another's next: got %d", a.status)
	}
}

func TestVersions(t *testing.T) { // rows 15, 16, 17, 24
	t.Parallel()
	s := newServed(t)
	old, middle, last := "2020-01-01T00:00:00.000Z", "2021-01-01T00:00:00.5Z", "2022-01-01T00:00:00.000000Z"
	s.add(indicator(1, middle))
	s.add(indicator(1, last), indicator(2, old))
	s.add(indicator(1, old))
	modified := func(a *answer) (all []string) {
		for _, object := range a.page(t).Objects {
			var o struct{ Modified string }
			_ = json.Unmarshal(object, &o)
			all = append(all, o.Modified)
		}
		return all
	}
	one := objects + "indicator--00000001-0000-4000-8000-000000000000/"
	for path, want := range map[string][]string{
		one:                                {last},
		one + "?match[version]=all":        {middle, last, old},
		one + "?match[version]=first":      {old},
		one + "?match[version]=first,last": {last, old},
		one + "?match[version]=2021-01-01T00:00:00.500Z": {middle}, // an instant, however it is written
		one + "?match[version]=" + old + ",last":         {last, old},
		objects:                                          {last, old},
		objects + "?match[version]=all":                  {middle, last, old, old},
	} {
		a := s.ask("GET", path, "")
		if got := modified(a); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	var versions taxii.Versions
	_ = json.Unmarshal(s.ask("GET", one+"versions/", "").body, &versions)
	if !slices.Equal(versions.Versions, []string{middle, last, old}) {
		t.Errorf("versions: got %v", versions.Versions)
	}
	var manifest taxii.Manifest
	_ = json.Unmarshal(s.ask("GET", "/taxii2/default/collections/open/manifest/?match[version]=all&limit=2", "").body, &manifest)
	if len(manifest.Objects) != 2 || manifest.Objects[0].Version != middle || !manifest.More || manifest.Objects[0].DateAdded >= manifest.Objects[1].DateAdded {
		t.Errorf("manifest: got %+v", manifest)
	}
	if a := s.ask("DELETE", one+"?match[version]=last", ""); a.status != 200 || len(a.body) != 0 {
		t.Errorf("delete: got %d %s", a.status, a.body)
	}
	if got := modified(s.ask("GET", one, "")); !slices.Equal(got, []string{middle}) {
		t.Errorf("the last version without the last one: got %v", got)
	}
	s.ask("DELETE", one, "")
	for _, path := range []string{one, one + "versions/"} {
		if a := s.ask("GET", path, ""); !a.isError(404) {
			t.Errorf("%s after it was deleted: got %d", path, a.status)
		}
	}
}

func TestAdding(t *testing.T) { // rows 18, 19, 23
	t.Parallel()
	s := newServed(t)
	good := indicator(1, "2020-01-01T00:00:00.000Z")
	status := s.add(good, `{"type":"indicator","spec_version":"2.1","id":"indicator--x","modified":"2020-01-01T00:00:00.000Z"}`,
		`{"type":"x-new","spec_version":"2.1","id":"x-new--00000001-0000-4000-8000-000000000000","x_custom":{"kept":[1.50,null]}}`,
		`{"type":"indicator"}`, `7`, `{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--00000001-0000-4000-8000-000000000000","value":"10.0.0.1"}`,
		`{"type":"malware","id":"indicator--00000001-0000-4000-8000-000000000000"}`)
	if status.SuccessCount != 3 || status.FailureCount != 4 || status.TotalCount != 7 || status.Status != "complete" || status.Failures[0].ID != "indicator--x" ||
		status.Failures[0].Version != "2020-01-01T00:00:00.000Z" || status.Failures[0].Message == "" {
		t.Errorf("got %+v", status)
	}
	a := s.ask("GET", objects+"?match[type]=x-new", "")
	if !bytes.Contains(a.body, []byte(`{"type":"x-new","spec_version":"2.1","id":"x-new--00000001-0000-4000-8000-000000000000","x_custom":{"kept":[1.50,null]}}`)) {
		t.Errorf("an object is not as it came in: %s", a.body)
	}
	again := s.add(good, indicator(1, "2020-01-01T00:00:00.000Z", `,"other":"content"`), `{"value":"10.0.0.1","spec_version":"2.1","type":"ipv4-addr","id":"ipv4-addr--00000001-0000-4000-8000-000000000000"}`)
	if again.SuccessCount != 2 || again.FailureCount != 1 {
		t.Errorf("what is there already: got %+v", again)
	}
	if got := len(s.ask("GET", objects+"?match[version]=all", "").page(t).Objects); got != 3 {
		t.Errorf("got %d objects, want 3", got)
	}
	if empty := s.add(); empty.TotalCount != 0 {
		t.Errorf("no objects: got %+v", empty)
	}
	path := "/taxii2/default/status/" + status.ID + "/"
	if a := s.ask("GET", path, ""); a.status != 200 || !bytes.Contains(a.body, []byte(`"failure_count":4`)) {
		t.Errorf("status: got %d %s", a.status, a.body)
	}
	if a := s.ask("GET", path, "", "User: bob"); !a.isError(404) {
		t.Errorf("another's status: got %d", a.status)
	}
}

func TestBodiesAreBounded(t *testing.T) { // row 22
	t.Parallel()
	s := serve(t, storetest.Open(t, storetest.SQLite(t), collection.Room()), taxii.Config{MaxContentLength: 10_000})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"objects":[]}` + strings.Repeat(" ", 10_000_000)))
	_ = z.Close()
	if a := s.ask("POST", objects, packed.String(), "Content-Encoding: gzip"); !a.isError(413) {
		t.Errorf("a bomb: got %d", a.status)
	}
	if a := s.ask("POST", objects, strings.Repeat(" ", 10_001)); !a.isError(413) {
		t.Errorf("a long body: got %d", a.status)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+objects, io.MultiReader(strings.NewReader(strings.Repeat(" ", 20_000)))) // chunked
	r.SetBasicAuth("alice", password)
	r.Header.Set("Content-Type", taxii.MediaType)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a long body in chunks: got %d", response.StatusCode)
	}
	packed.Reset()
	z.Reset(&packed)
	_, _ = z.Write([]byte(`{"objects":[` + indicator(1, "2020-01-01T00:00:00.000Z", `,"description":"`+strings.Repeat("a", 2000)+`"`) + `]}`))
	_ = z.Close()
	if a := s.ask("POST", objects, packed.String(), "Content-Encoding: gzip"); a.status != 202 {
		t.Errorf("a packed body: got %d %s", a.status, a.body)
	}
	a := s.ask("GET", objects, "", "Accept-Encoding: gzip")
	if a.header.Get("Content-Encoding") != "gzip" || len(a.body) > 1000 {
		t.Errorf("an answer to who takes gzip: %v, %d bytes", a.header, len(a.body))
	}
}

func TestMarkingsHideObjects(t *testing.T) { // row 28
	t.Parallel()
	s := newServed(t)
	marked := `,"object_marking_refs":["` + amberStrict + `"]`
	s.add(indicator(1, "2020-01-01T00:00:00.000Z"), indicator(2, "2020-01-01T00:00:00.000Z", marked), indicator(3, "2020-01-01T00:00:00.000Z"))
	s.add(indicator(3, "2021-01-01T00:00:00.000Z", marked), indicator(4, "2020-01-01T00:00:00.000Z", `,"granular_markings":[{"marking_ref":"`+amberStrict+`","selectors":["name"]}]`))
	all, some := s.ask("GET", objects, ""), s.ask("GET", objects, "", "User: bob")
	if got := all.ids(t); !slices.Equal(got, strings.Fields("1 2 3 4")) {
		t.Errorf("alice sees %v", got)
	}
	if got := some.ids(t); !slices.Equal(got, strings.Fields("1 3")) || bytes.Contains(some.body, []byte("2021")) {
		t.Errorf("bob sees %v: %s", got, some.body)
	}
	if all.header.Get("X-TAXII-Date-Added-Last") == some.header.Get("X-TAXII-Date-Added-Last") {
		t.Error("the header tells bob of what he does not see")
	}
	if p := s.ask("GET", objects+"?limit=2", "", "User: bob").page(t); p.More {
		t.Error("more tells bob of what he does not see")
	}
	two := objects + "indicator--00000002-0000-4000-8000-000000000000/"
	for _, path := range []string{two, two + "versions/"} {
		if a := s.ask("GET", path, "", "User: bob"); !a.isError(404) {
			t.Errorf("bob asks for %s: got %d", path, a.status)
		}
	}
	if a := s.ask("DELETE", two, "", "User: bob"); !a.isError(404) {
		t.Errorf("bob deletes what he does not see: got %d", a.status)
	}
	manifest := s.ask("GET", "/taxii2/default/collections/open/manifest/?match[version]=all", "", "User: bob")
	if bytes.Contains(manifest.body, []byte("00000002")) || bytes.Contains(manifest.body, []byte("2021")) {
		t.Errorf("the manifest tells bob: %s", manifest.body)
	}
}
