package intake_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
)

func TestRatesAreLimited(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]intake.Limits{"by source": {SourceEvents: 10}, "by token": {TokenEvents: 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStation(t, intake.Config{Limits: limits})
				bulk := strings.Repeat("{\"create\":{\"_index\":\"x\"}}\n{}\n", 60)
				s.ask(http.MethodPost, "/_bulk", bulk) // of the 100 of a burst
				w := s.ask(http.MethodPost, "/_bulk", bulk)
				if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "2" || !strings.Contains(w.Body.String(), `{"create":{"_index":"x","status":429`) {
					t.Errorf("%d %v %.200s", w.Code, w.Header(), w.Body)
				}
				time.Sleep(2 * time.Second)
				if w := s.ask(http.MethodPost, "/_bulk", bulk); w.Code != http.StatusOK {
					t.Errorf("after the time: %d", w.Code)
				}
				time.Sleep(time.Minute)
				// More than a burst passes when nothing was used: else it never would.
				if w := s.ask(http.MethodPost, "/_bulk", strings.Repeat(bulk, 4)); w.Code != http.StatusOK {
					t.Errorf("a large one: %d", w.Code)
				}
				if got := len(s.journal.lines("")); got != 360 {
					t.Errorf("kept %d", got)
				}
			})
		})
	}
}

func TestRequestsWaitForMemoryAndSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, intake.Config{Limits: intake.Limits{Requests: 1}})
		// One request stays half sent; another waits for its slot, then is told to
		// come again.
		half, rest := io.Pipe()
		var open sync.WaitGroup
		open.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/events", half)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+s.sensor)
			s.Handler().ServeHTTP(nullWriter{}, r)
		})
		synctest.Wait()
		begin := time.Now()
		w := s.ask(http.MethodPost, "/api/v1/events", "{}")
		if w.Code != http.StatusServiceUnavailable || time.Since(begin) != 10*time.Second {
			t.Errorf("%d after %s", w.Code, time.Since(begin))
		}
		open.Go(func() {
			time.Sleep(time.Second)
			_, _ = rest.Write([]byte("{}"))
			_ = rest.Close()
		})
		if w := s.ask(http.MethodPost, "/api/v1/events", "{}"); w.Code != http.StatusOK {
			t.Errorf("%d", w.Code)
		}
		open.Wait()
	})
}

type nullWriter struct{}

func (nullWriter) Header() http.Header         { return http.Header{} }
func (nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nullWriter) WriteHeader(int)             {}

func TestSlowSendersAreGivenUp(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{Limits: intake.Limits{Slow: 50 * time.Millisecond}})
	address := strings.TrimPrefix(s.serve(t), "http://")
	conn := dial(t, "tcp", address)
	write(t, conn, "POST /_bulk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+s.sensor+"\r\nContent-Length: 1000\r\n\r\n{")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408") {
		t.Errorf("%s, %v", answer, err)
	}
	if h := s.health("requests/dc01"); h.Refused["sender too slow"] != 1 {
		t.Errorf("%+v", h)
	}
}
