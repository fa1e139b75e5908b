package intake_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/intake"
	"tocsin/intel"
	"tocsin/telemetry"
	"tocsin/telemetry/logsource"
)

func lineBlock(source, text string) *telemetry.Block {
	return telemetry.NewLines(&telemetry.Source{Name: source, Format: telemetry.JSON}, []byte(text))
}

func asideCount(t *testing.T, a *intake.Aside) int {
	t.Helper()
	n, _, err := a.List("", 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMalformedRecordsAreKeptAndReplayed(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	w := s.ask(http.MethodPost, "/api/v1/events?source=my%20app%0a", "{\"a\":1}\nhello \x1b[31m\xff\n{\"a\":2}\n")
	if want := `{"accepted":2,"refused":1,"reason":"record that is no JSON object","record":2}` + "\n"; w.Code != 200 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	_, list, err := s.Aside().List("", 10)
	if err != nil || len(list) != 1 || string(list[0].Raw) != "hello \x1b[31m\xff" || list[0].Source != "events/dc01/my_app_" {
		t.Fatalf("aside %+v, %v", list, err)
	}
	h := s.health("events/dc01/my_app_")
	if h.Problems["record that is no JSON object"] != 1 || len(h.Samples) != 1 || h.Samples[0].Text != `hello \x1b[31m\xff` {
		t.Errorf("health %+v", h)
	}
	// What accept refuses stays, what it takes goes.
	s.journal.fill(true)
	if told, err := s.Aside().Replay(t.Context(), intake.Replay{Accept: s.journal.accept}); told.Replayed != 0 || err == nil || asideCount(t, s.Aside()) != 1 {
		t.Errorf("replayed %+v, %v, left %d", told, err, asideCount(t, s.Aside()))
	}
	s.journal.fill(false)
	s.Aside().Add("again", lineBlock("events/dc01/my_app_", "more")) // beside what the replay left
	if told, err := s.Aside().Replay(t.Context(), intake.Replay{Accept: s.journal.accept}); told.Replayed != 2 || err != nil || asideCount(t, s.Aside()) != 0 {
		t.Errorf("replayed %+v, %v, left %d", told, err, asideCount(t, s.Aside()))
	}
	if got := s.journal.lines(""); len(got) != 4 {
		t.Errorf("kept %q", got)
	}
	if w := s.ask(http.MethodPost, "/api/v1/events", "x\ny"); w.Code != http.StatusBadRequest {
		t.Errorf("nothing but rubbish: %d", w.Code)
	}
	for _, test := range []struct{ method, path, want string }{
		{http.MethodGet, "/api/v1/aside?limit=1", `{"count":2,"lost":0,"records":[{"at":`},
		{http.MethodGet, "/api/v1/aside?limit=x", `"status":400`},
		{http.MethodPost, "/api/v1/aside/replay", `{"replayed":2,"unreadable":0}`},
		{http.MethodGet, "/api/v1/aside", `{"count":0,"lost":0,"records":null}`},
	} {
		w := s.ask(test.method, test.path, "", "Authorization", "Bearer "+s.analyst)
		if !strings.Contains(w.Body.String(), test.want) || strings.Count(w.Body.String(), `"raw"`) > 1 {
			t.Errorf("%s %s: %d %s", test.method, test.path, w.Code, w.Body)
		}
	}
}

// What a decoder refuses is set aside such that a replay has all it needs: the
// header of a table, the records of an audit event.
func TestWhatDecodersRefuseCanBeReplayed(t *testing.T) {
	t.Parallel()
	mappings, err := logsource.Load()
	if err != nil {
		t.Fatal(err)
	}
	const log = "#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n1.0\tC1\nbroken\n3.0\tC3\n"
	path := filepath.Join(t.TempDir(), "conn.log")
	if err := os.WriteFile(path, []byte(log), 0o600); err != nil {
		t.Fatal(err)
	}
	aside := intake.OpenAside(t.TempDir(), 1<<20, time.Hour, time.Now)
	decoder := telemetry.NewDecoder(mappings, intel.NewNames(nil))
	decoder.Malformed = aside.Add
	events := 0
	count := func(*telemetry.Event) error { //nolint:unparam // as Decode wants it
		events++
		return nil
	}
	reader := telemetry.Reader{Paths: []string{path}}
	if err := reader.Run(t.Context(), func(b *telemetry.Block) error {
		_, err := decoder.Decode(b, count)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, list, err := aside.List("", 10)
	if err != nil || events != 2 || len(list) != 1 || string(list[0].Raw) != "broken" {
		t.Fatalf("%d events, aside %+v, %v", events, list, err)
	}
	decoder.Malformed = nil
	var reasons []string
	told, err := aside.Replay(t.Context(), intake.Replay{Accept: func(_ context.Context, b *telemetry.Block, _ []byte) (uint64, error) {
		problems, err := decoder.Decode(b, count)
		for _, p := range problems {
			reasons = append(reasons, p.Reason)
		}
		return 0, err
	}})
	// Without the header the reason would be another.
	if told.Replayed != 1 || err != nil || len(reasons) != 1 || reasons[0] != list[0].Reason {
		t.Errorf("replayed %+v, %v: %q, first %q", told, err, reasons, list[0].Reason)
	}
}

func TestAsideIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		aside := intake.OpenAside(dir, 64<<10, 5*24*time.Hour, time.Now)
		for day := range 8 {
			for range 20 {
				aside.Add("reason", lineBlock("source", strconv.Itoa(day)+strings.Repeat("x", 1000)))
			}
			time.Sleep(24 * time.Hour)
		}
		size := int64(0)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		_, list, err := aside.List("", 1)
		if err != nil || size > 64<<10 || size < 32<<10 || list[0].Raw[0] < '5' || aside.Lost() != 0 {
			t.Errorf("%d bytes, oldest %.1s, %d lost, %v", size, list[0].Raw, aside.Lost(), err)
		}
		for range 100 { // one day is too much alone: what is new is lost, and counted
			aside.Add("reason", lineBlock("source", strings.Repeat("y", 1000)))
		}
		if aside.Lost() == 0 {
			t.Error("nothing lost")
		}
		time.Sleep(10 * 24 * time.Hour)
		aside.Tidy()
		if n := asideCount(t, aside); n != 0 {
			t.Errorf("%d left after their time", n)
		}
	})
}

func TestCrashWhileSettingAsideCostsOneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	aside := intake.OpenAside(dir, 1<<20, time.Hour, time.Now)
	aside.Add("reason", lineBlock("source", "one"))
	path := filepath.Join(dir, time.Now().UTC().Format(time.DateOnly)+".jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, text[:20]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := asideCount(t, aside); n != 1 {
		t.Errorf("%d", n)
	}
}
