package notify_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/notify"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

// secret makes a secret of one byte, many times.
func secret(of byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(of), 32)))
}

func secretFile(tb testing.TB, lines ...string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// called is a request that a receiver got.
type called struct {
	header http.Header
	body   []byte
}

// receiver is told of events and answers as it is told to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	answer http.HandlerFunc // guarded by mu
	calls  []called         // guarded by mu
}

func receive(tb testing.TB) *receiver {
	tb.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			tb.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if request.Method == http.MethodPost {
			r.calls = append(r.calls, called{request.Header.Clone(), body})
		}
		if r.answer != nil {
			r.answer(w, request)
		}
	}))
	tb.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func (r *receiver) got() []called {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

func outside(tb testing.TB) *fetch.Client {
	tb.Helper()
	c, err := fetch.New(fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Proxy: fetch.Direct})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func hook(r *receiver, secrets string, events ...string) notify.WebhookConfig {
	return notify.WebhookConfig{Name: "duty", URL: r.URL + "/hush-path?token=hush-query", SecretFile: secrets, Events: events, Plain: true}
}

func TestWebhooksVerifyByTheConventionsOwnLibrary(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := receive(t)
		path := secretFile(t, secret('a'))
		p := open(t, db, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{hook(r, path, "clock.*")}})
		m := reminder()
		m.Title, m.Data = "报告到期", json.RawMessage(`{"hours": 2}`)
		id := p.post(t, m)
		m.Event = "incident.opened" // which it is not told of
		p.post(t, m)
		p.settle(t)
		calls := r.got()
		if len(calls) != 1 {
			t.Fatalf("%d calls: %q", len(calls), p.states(t))
		}
		verify(t, calls[0], secret('a'))
		if got := calls[0].header.Get("webhook-id"); got != id {
			t.Errorf("got ID %s, want %s", got, id)
		}
		var got struct {
			Type, Timestamp string
			Data            struct {
				ID, About, Title, Text string
				Details                struct{ Hours int }
			}
		}
		if err := json.Unmarshal(calls[0].body, &got); err != nil {
			t.Fatal(err)
		}
		if got.Type != "clock.reminder" || got.Data.ID != id || got.Data.Title != "报告到期" || got.Data.About != "INC-7" || got.Data.Details.Hours != 2 {
			t.Errorf("got %+v", got)
		}
		if at, err := time.Parse(time.RFC3339Nano, got.Timestamp); err != nil || !at.Equal(p.clock.now()) {
			t.Errorf("got timestamp %s, %v", got.Timestamp, err)
		}
		// While the secret is being changed both verify; the file is read anew.
		if err := os.WriteFile(path, []byte(secret('b')+"\n"+secret('a')+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p.post(t, reminder())
		p.settle(t)
		if calls = r.got(); len(calls) != 2 {
			t.Fatalf("%d calls", len(calls))
		}
		verify(t, calls[1], secret('a'))
		verify(t, calls[1], secret('b'))
		if other, _ := standardwebhooks.NewWebhook(secret('c')); other.Verify(calls[1].body, calls[1].header) == nil {
			t.Error("it verifies by any secret")
		}
	}, rooms()...)
}

func verify(t *testing.T, c called, secret string) {
	t.Helper()
	w, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(c.body, c.header); err != nil {
		t.Error(err)
	}
}

func TestWhatAReceiverAnswersDecides(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"done", status(http.StatusNoContent), "duty sent"},
		{"accepted", status(http.StatusAccepted), "duty sent"},
		{"wrong", status(http.StatusInternalServerError), "duty waiting webhook duty answers 500 Internal Server Error"},
		{"not there yet", status(http.StatusNotFound), "duty waiting webhook duty answers 404 Not Found"},
		{"elsewhere", status(http.StatusTemporaryRedirect, "Location", "/elsewhere"), "duty waiting webhook duty answers 307 Temporary Redirect"},
		{"gone", status(http.StatusGone), "duty dead webhook duty answers 410 Gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t)
			r.answers(test.answer)
			db := storetest.Open(t, storetest.SQLite(t), rooms()...)
			p := open(t, db, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{hook(r, secretFile(t, secret('a')))}})
			p.post(t, reminder())
			p.settle(t)
			p.want(t, test.want)
			if n := len(r.got()); n != 1 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestFailuresAreTriedAgainWithTheSameIDAndDieInTheEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := receive(t)
		r.answers(status(http.StatusBadGateway))
		p := open(t, db, notify.Config{Fetch: outside(t), Attempts: 5, Webhooks: []notify.WebhookConfig{hook(r, secretFile(t, secret('a')))}})
		id := p.post(t, reminder())
		p.settle(t)
		p.settle(t) // not due yet
		if n := len(r.got()); n != 1 {
			t.Errorf("%d calls at first", n)
		}
		for range 6 {
			p.after(t, time.Hour)
		}
		calls := r.got()
		if len(calls) != 5 {
			t.Fatalf("%d calls", len(calls))
		}
		for _, c := range calls {
			if c.header.Get("webhook-id") != id || string(c.body) != string(calls[0].body) {
				t.Errorf("got %v %s", c.header, c.body)
			}
		}
		if first, last := calls[0].header.Get("webhook-timestamp"), calls[4].header.Get("webhook-timestamp"); first >= last {
			t.Errorf("signed at %s and %s: receivers refuse what was signed long ago", first, last)
		}
		p.want(t, "duty dead webhook duty answers 502 Bad Gateway")
		r.answers(nil)
		dead, err := p.List(t.Context(), notify.Dead, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Retry(t.Context(), audit.Actor{ID: "1"}, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		p.settle(t)
		p.want(t, "duty sent")
	}, rooms()...)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	for _, code := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			r := receive(t)
			r.answers(status(code, "Retry-After", "7200"))
			db := storetest.Open(t, storetest.SQLite(t), rooms()...)
			p := open(t, db, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{hook(r, secretFile(t, secret('a')))}})
			p.post(t, reminder())
			p.settle(t)
			p.after(t, 2*time.Hour-time.Second)
			if n := len(r.got()); n != 1 {
				t.Errorf("%d calls too early", n)
			}
			r.answers(nil)
			p.after(t, 2*time.Second)
			p.want(t, "duty sent")
		})
	}
}

func TestReceiverThatIsGoneIsToldNothingMoreUntilEnabled(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r, other := receive(t), receive(t)
		r.answers(status(http.StatusInternalServerError))
		still := hook(other, secretFile(t, secret('b')))
		still.Name = "other"
		p := open(t, db, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{hook(r, secretFile(t, secret('a'))), still}})
		p.post(t, reminder())
		p.settle(t)
		r.answers(status(http.StatusGone))
		p.post(t, reminder())
		p.settle(t)
		p.after(t, time.Hour) // what waited finds it disabled
		p.post(t, reminder())
		p.settle(t)
		if n, m := len(r.got()), len(other.got()); n != 2 || m != 3 {
			t.Errorf("%d calls to who is gone, %d to the other", n, m)
		}
		dead, err := p.Count(t.Context(), notify.Dead)
		if err != nil || dead != 2 {
			t.Errorf("%d dead letters, %v: %q", dead, err, p.states(t))
		}
		list, err := p.Disabled(t.Context())
		if err != nil || len(list) != 1 || list[0].Name != "duty" || !strings.Contains(list[0].Reason, "410 Gone") {
			t.Errorf("disabled: %+v, %v", list, err)
		}
		r.answers(nil)
		by := audit.Actor{ID: "1"}
		if err := p.Enable(t.Context(), by, "duty"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"duty", "unknown"} {
			if err := p.Enable(t.Context(), by, name); !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		p.post(t, reminder())
		p.settle(t)
		if n := len(r.got()); n != 3 {
			t.Errorf("%d calls", n)
		}
	}, rooms()...)
}

// Many messages at once do not open more connections than they may, and all
// arrive.
func TestManyAtOnceWaitForEachOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		now, most := 0, 0
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			mu.Lock()
			now--
			mu.Unlock()
		}))
		t.Cleanup(slow.Close)
		config := notify.WebhookConfig{URL: slow.URL, SecretFile: secretFile(t, secret('a')), Plain: true}
		p := open(t, db, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{config}})
		const n = 50
		for range n {
			p.post(t, reminder())
		}
		sent := 0
		for i := 0; i < 200 && sent < n; i++ {
			p.after(t, 5*time.Second)
			var err error
			if sent, err = p.Count(t.Context(), notify.Sent); err != nil {
				t.Fatal(err)
			}
		}
		if sent != n || most > 2 {
			t.Errorf("%d are sent, %d were at work at once", sent, most)
		}
	}, rooms()...)
}

func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	r := receive(t)
	var log strings.Builder
	config := hook(r, secretFile(t, secret('a')))
	p := open(t, db, notify.Config{
		Fetch: outside(t), Attempts: 2, Webhooks: []notify.WebhookConfig{config},
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	r.answers(func(w http.ResponseWriter, request *http.Request) { // it repeats what it was sent
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, request.URL, request.Header)
	})
	p.post(t, reminder())
	p.settle(t)
	r.Close()
	p.after(t, time.Hour) // now nobody answers at all
	dead, err := p.List(t.Context(), notify.Dead, "", 1)
	if err != nil || len(dead) != 1 {
		t.Fatal(dead, err)
	}
	if err := p.Discard(t.Context(), audit.Actor{ID: "1"}, dead[0].ID); err != nil {
		t.Fatal(err)
	}
	trail, err := p.trail.List(t.Context(), audit.Filter{}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal([]any{dead, trail, fmt.Sprint(p.Probe(t.Context()))})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{log.String(), string(text)} {
		if strings.Contains(said, "hush") || strings.Contains(said, secret('a')[6:]) || !strings.Contains(said, "duty") && !strings.Contains(said, "webhook") {
			t.Errorf("got %s", said)
		}
	}
}

func TestWebhookConfigurationsThatAreNone(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	good := notify.WebhookConfig{URL: "https://example.org/hush", SecretFile: secretFile(t, secret('a'))}
	for name, change := range map[string]func(*notify.WebhookConfig) []notify.WebhookConfig{
		"no URL":    func(w *notify.WebhookConfig) []notify.WebhookConfig { w.URL = "hush"; return nil },
		"plain":     func(w *notify.WebhookConfig) []notify.WebhookConfig { w.URL = "http://example.org/hush"; return nil },
		"no secret": func(w *notify.WebhookConfig) []notify.WebhookConfig { w.SecretFile = ""; return nil },
		"event":     func(w *notify.WebhookConfig) []notify.WebhookConfig { w.Events = []string{"a b"}; return nil },
		"short secret": func(w *notify.WebhookConfig) []notify.WebhookConfig {
			w.SecretFile = secretFile(t, "whsec_aHVzaA==")
			return nil
		},
		"plain secret": func(w *notify.WebhookConfig) []notify.WebhookConfig {
			w.SecretFile = secretFile(t, "hush hush hush hush hush")
			return nil
		},
		"three secrets": func(w *notify.WebhookConfig) []notify.WebhookConfig {
			w.SecretFile = secretFile(t, secret('a'), secret('b'), secret('c'))
			return nil
		},
		"the same name": func(w *notify.WebhookConfig) []notify.WebhookConfig {
			o := *w
			o.URL += "2"
			return []notify.WebhookConfig{o}
		},
		"the same URL": func(w *notify.WebhookConfig) []notify.WebhookConfig {
			o := *w
			o.Name = "other"
			return []notify.WebhookConfig{o}
		},
	} {
		w := good
		all := append([]notify.WebhookConfig{}, change(&w)...)
		_, err := notify.New(db, nil, notify.Config{Fetch: outside(t), Webhooks: append(all, w)})
		if !errors.Is(err, fault.Invalid) || !strings.HasPrefix(err.Error(), "webhooks, number ") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	good.Events = []string{"*", "clock.*", "incident.opened"}
	if _, err := notify.New(db, nil, notify.Config{Fetch: outside(t), Webhooks: []notify.WebhookConfig{good}}); err != nil {
		t.Error(err)
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add(secret('a') + "\n")
	f.Add("# a remark\n\n" + secret('a') + "\r\n" + secret('b'))
	f.Add("whsec_\nwhsec_====")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := notify.ParseSecrets(text)
		if err != nil {
			if !errors.Is(err, fault.Invalid) || len(got) > 0 {
				t.Errorf("got %q, %v", got, err)
			}
			return
		}
		var again strings.Builder
		for _, s := range got {
			again.WriteString("whsec_" + base64.StdEncoding.EncodeToString(s) + "\n")
		}
		second, err := notify.ParseSecrets(again.String())
		if err != nil || !cmp.Equal(got, second) {
			t.Errorf("got %q, then %q, %v", got, second, err)
		}
	})
}
