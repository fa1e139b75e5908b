package taxii_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/exchange/taxii"
	"tocsin/internal/fault"
)

func (s *served) client() *taxii.Client {
	return &taxii.Client{HTTP: s.Client(), Authorize: taxii.BasicAuth("alice", password)}
}

func TestPullResumes(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.addMany(0, 10)
	c, at := s.client(), taxii.CollectionURL(s.URL+"/taxii2/default", open)
	broken := errors.New("the disk is full")
	var got []string
	var kept taxii.Position
	pages := 0
	take := func(objects []json.RawMessage, after taxii.Position) error {
		if pages++; pages == 3 {
			return broken
		}
		for _, object := range objects {
			var o struct{ Name string }
			_ = json.Unmarshal(object, &o)
			got = append(got, o.Name)
		}
		kept = after
		return nil
	}
	at1, err := c.Pull(t.Context(), at, taxii.Filter{Limit: 3, Types: []string{"indicator"}}, kept, take)
	if !errors.Is(err, broken) || at1 != kept {
		t.Fatalf("got %v at %+v, want the error at %+v", err, at1, kept)
	}
	s.addMany(10, 12)
	text, _ := json.Marshal(kept) // positions are kept as text
	var read taxii.Position
	_ = json.Unmarshal(text, &read)
	if kept, err = c.Pull(t.Context(), at, taxii.Filter{Limit: 3, Types: []string{"indicator"}}, read, take); err != nil {
		t.Fatal(err)
	}
	if want := strings.Fields("0 1 2 3 4 5 6 7 8 9 10 11"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = nil
	if _, err = c.Pull(t.Context(), at, taxii.Filter{}, kept, take); err != nil || got != nil {
		t.Errorf("a pull without anything new brings %v, %v", got, err)
	}
	// A next that the server does not know any more is left out.
	s.addMany(12, 13)
	kept.Next, kept.Since = "lost", kept.AddedAfter
	if _, err = c.Pull(t.Context(), at, taxii.Filter{}, kept, take); err != nil || !slices.Equal(got, []string{"12"}) {
		t.Errorf("after a lost next: %v, %v", got, err)
	}
}

// hostile answers with pages that a function makes.
func hostile(t *testing.T, answer http.HandlerFunc) (*taxii.Client, string) {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &taxii.Client{HTTP: s.Client(), Authorize: taxii.Bearer("secret"), MaxBody: 100_000, MaxPages: 20, Sleep: func(context.Context, time.Duration) error { return nil }}, s.URL + "/c"
}

func page(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", taxii.MediaType)
	_, _ = fmt.Fprint(w, text)
}

func TestPullEnds(t *testing.T) {
	t.Parallel()
	calls := 0
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   error // nil when the pull is right
		pages  int
	}{
		"more without next": {func(w http.ResponseWriter, _ *http.Request) { page(w, `{"more":true,"objects":[{"id":"a"}]}`) }, fault.Invalid, 1},
		"the same page": {func(w http.ResponseWriter, r *http.Request) {
			page(w, `{"more":true,"next":"`+r.URL.Query().Get("next")+`x","objects":[{"id":"a"}]}`)
		}, fault.Invalid, 1},
		"ever more": {func(w http.ResponseWriter, _ *http.Request) {
			calls++
			page(w, fmt.Sprintf(`{"more":true,"next":"x","objects":[{"id":"%d"}]}`, calls))
		}, fault.Invalid, 20},
		"empty pages": {func(w http.ResponseWriter, r *http.Request) {
			page(w, `{"more":true,"next":"`+strconv.Itoa(len(r.URL.Query().Get("next")))+strings.Repeat("x", len(r.URL.Query().Get("next"))%50)+`"}`)
		}, fault.Invalid, 0},
		"by added_after only": {func(w http.ResponseWriter, r *http.Request) {
			after := r.URL.Query().Get("added_after")
			last := map[string]string{"": "2020-01-01T00:00:00.000001Z", "2020-01-01T00:00:00.000001Z": "2020-01-01T00:00:00.000002Z"}[after]
			if last == "" {
				page(w, `{}`)
				return
			}
			w.Header().Set("X-TAXII-Date-Added-Last", last)
			page(w, `{"more":true,"objects":[{"id":"`+last+`"}]}`)
		}, nil, 3},
		"wrong order": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-TAXII-Date-Added-Last", "2020-01-01T00:00:00.00000"+map[bool]string{true: "9", false: "1"}[r.URL.Query().Get("next") == ""]+"Z")
			page(w, map[bool]string{true: `{"more":true,"next":"2","objects":[{"id":"a"}]}`, false: `{"objects":[{"id":"b"}]}`}[r.URL.Query().Get("next") == ""])
		}, nil, 2},
		"HTML":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "<html>sign in</html>") }, fault.Invalid, 0},
		"an HTML error": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusNotFound) }, fault.NotFound, 0},
		"too much":      {func(w http.ResponseWriter, _ *http.Request) { page(w, strings.Repeat(" ", 200_000)) }, fault.Invalid, 0},
		"broken JSON":   {func(w http.ResponseWriter, _ *http.Request) { page(w, `{"objects":[`) }, fault.Invalid, 0},
		"206 and application/json": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusPartialContent)
			_, _ = fmt.Fprint(w, `{"objects":[{"id":"a"}]}`)
		}, nil, 1},
		"no access": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, fault.Forbidden, 0},
		"down":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, fault.Unavailable, 0},
	} {
		client, at := hostile(t, c.answer)
		pages := 0
		_, err := client.Pull(t.Context(), at, taxii.Filter{}, taxii.Position{}, func([]json.RawMessage, taxii.Position) error { pages++; return nil })
		if !errors.Is(err, c.kind) || pages != c.pages {
			t.Errorf("%s: got %v after %d pages, want %v after %d", name, err, pages, c.kind, c.pages)
		}
	}
}

func TestClientWaitsAsItIsTold(t *testing.T) {
	t.Parallel()
	calls := 0
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	client, at := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls++; calls {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.Header().Set("Retry-After", now.Add(9*time.Second).Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		case 3:
			w.WriteHeader(http.StatusBadGateway)
		default:
			page(w, `{}`)
		}
	})
	var waits []time.Duration
	client.Now = func() time.Time { return now }
	client.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	if _, err := client.Objects(t.Context(), at, taxii.Filter{}); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 3 || waits[0] != 7*time.Second || waits[1] != 9*time.Second || waits[2] < 4*time.Second || waits[2] > 6*time.Second {
		t.Errorf("got %v, want 7s, 9s and 4s to 6s", waits)
	}
	slow, at := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	slow.Sleep = func(context.Context, time.Duration) error { t.Error("it waits for a day"); return nil }
	if _, err := slow.Objects(t.Context(), at, taxii.Filter{}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want fault.Unavailable", err)
	}
}

func TestCredentialsStayWithTheServer(t *testing.T) {
	t.Parallel()
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the client came along, with %q", r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	client, at := hostile(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, http.StatusFound) })
	if _, err := client.Objects(t.Context(), at, taxii.Filter{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v, want fault.Invalid", err)
	}
	client, at = hostile(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/moved/") {
			http.Redirect(w, r, "/moved/", http.StatusMovedPermanently)
			return
		}
		if r.Header.Get("Authorization") != "Bearer secret" {
			t.Error("credentials are lost on the way")
		}
		page(w, `{}`)
	})
	if _, err := client.Objects(t.Context(), at, taxii.Filter{}); err != nil {
		t.Error(err)
	}
}

func FuzzNewRecord(f *testing.F) {
	f.Add([]byte(indicator(1, "2020-01-01T00:00:00.000Z")))
	f.Add([]byte(`{"id":7,"type":[],"modified":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := taxii.NewRecord(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want fault.Invalid", err)
			}
			return
		}
		if !strings.HasPrefix(r.ID, r.Type+"--") {
			t.Errorf("id %q of type %q", r.ID, r.Type)
		}
	})
}
