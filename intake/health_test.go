package intake_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
	"tocsin/telemetry"
)

func (s *station) send(t *testing.T, n int) {
	t.Helper()
	if w := s.ask(http.MethodPost, "/api/v1/events?source=x", strings.Repeat("{}\n", n)); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// A worker knows how sources do that another node took in for it.
func TestHealthOfWhatAnotherNodeTookIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, intake.Config{})
		for _, name := range []string{"bulk/dc01/x", "bulk/dc01/x", "nonsense", "/var/log/x"} {
			s.SeenElsewhere(&telemetry.Source{Name: name, Format: telemetry.JSON}, 50, 4000, time.Now().Add(-time.Minute), []telemetry.Problem{{Reason: "bad", Count: 2}})
			time.Sleep(10 * time.Second)
		}
		all := s.Sources()
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		h := all[0]
		if h.Name != "bulk/dc01/x" || h.Kind != "bulk" || h.Format != "json" || h.Records != 104 || h.Bytes != 8000 || h.Events != 100 || h.Lag != 60 || h.Problems["bad"] != 4 || h.Rate1 == 0 {
			t.Errorf("%+v", h)
		}
	})
}

func TestHealthTellsRatesLagAndProblems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const name = "events/dc01/x"
		s := newStation(t, intake.Config{})
		begin := time.Now()
		for range 120 { // twenty minutes
			s.send(t, 50)
			time.Sleep(10 * time.Second)
		}
		h := s.health(name)
		if h.Records != 6000 || math.Abs(h.Rate1-5) > 0.01 || math.Abs(h.Rate15-5) > 0.01 || h.Silent || len(h.Gaps) != 0 {
			t.Errorf("steady: %+v", h)
		}
		if !h.First.Equal(begin) || !h.Last.Equal(time.Now().Add(-10*time.Second)) || h.Format != "json" || h.Kind != "events" {
			t.Errorf("steady: %+v", h)
		}
		s.Seen(name, 50, time.Now().Add(-90*time.Second), []telemetry.Problem{{Reason: "bad", Count: 2}})
		s.Seen(name, 50, time.Now().Add(time.Hour), nil) // a clock that is wrong
		s.Seen("unknown", 1, time.Now(), nil)
		h = s.health(name)
		if h.Events != 100 || h.Lag != -3600 || !h.Newest.Equal(time.Now().Add(-90*time.Second)) || h.Problems["bad"] != 2 || h.Problems["event time in the future"] != 1 {
			t.Errorf("decoded: %+v", h)
		}

		time.Sleep(4 * time.Minute)
		if h := s.health(name); !h.Silent || h.Rate1 != 0 || h.Rate15 == 0 {
			t.Errorf("silent: %+v", h)
		}
		s.send(t, 1)
		h = s.health(name)
		if h.Silent || len(h.Gaps) != 1 || h.Gaps[0].To.Sub(h.Gaps[0].From) != 4*time.Minute+10*time.Second || h.Gaps[0].NodeOff {
			t.Errorf("after the gap: %+v", h)
		}
	})
}

// A source that speaks every ten minutes is not silent after nine.
func TestSilenceIsMeasuredByWhatIsUsual(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, intake.Config{})
		for range 30 {
			s.send(t, 1)
			time.Sleep(10 * time.Minute)
		}
		h := s.health("events/dc01/x")
		if h.Silent || len(h.Gaps) != 0 || math.Abs(h.Usual-600) > 10 {
			t.Errorf("%+v", h)
		}
		time.Sleep(25 * time.Minute)
		if h := s.health("events/dc01/x"); !h.Silent {
			t.Errorf("after 35 minutes: %+v", h)
		}
	})
}

func TestSourcesAreRememberedAcrossRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		first := newStation(t, intake.Config{Dir: dir})
		stop := first.run(t)
		for range 30 {
			first.send(t, 2)
			time.Sleep(time.Second)
		}
		stop()
		before := first.health("events/dc01/x")
		time.Sleep(time.Hour)
		second := newStation(t, intake.Config{Dir: dir})
		second.send(t, 1)
		h := second.health("events/dc01/x")
		if h.Records != 61 || !h.First.Equal(before.First) || len(h.Gaps) != 1 || !h.Gaps[0].NodeOff {
			t.Errorf("%+v", h)
		}
		if b := second.journal.blocks[0]; b.Number != 61 || b.Offset != 180 {
			t.Errorf("number %d, offset %d", b.Number, b.Offset)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "sources.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if third := newStation(t, intake.Config{Dir: dir}); len(third.Sources()) != 0 {
		t.Error("from a damaged file")
	}
	if _, err := os.Stat(filepath.Join(dir, "sources.json.damaged")); err != nil {
		t.Error(err)
	}
}

// A sender that makes names up costs no more than the limit.
func TestSourcesAreBounded(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{Limits: intake.Limits{Sources: 10}})
	for i := range 100 {
		s.ask(http.MethodPost, fmt.Sprint("/api/v1/events?source=", i), "{}")
	}
	list := s.Sources()
	if len(list) != 11 || s.health("events/others").Records != 90 {
		t.Errorf("%d sources, %d in others", len(list), s.health("events/others").Records)
	}
	w := s.ask(http.MethodGet, "/api/v1/sources", "", "Authorization", "Bearer "+s.analyst)
	var answer struct{ Sources []intake.Health }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Sources) != 11 {
		t.Errorf("%v, %s", err, w.Body)
	}
}
