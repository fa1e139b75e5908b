package intake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"tocsin/intake"
)

// request is one that a shipper makes and makes again.
type request struct{ path, kind, body string }

func requests(t *testing.T) map[string]request {
	t.Helper()
	otlp, err := proto.Marshal(logRequest("a"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]request{
		"bulk":       {"/_bulk", "application/x-ndjson", `{"create":{"_index":"x"}}` + "\n{\"a\":1}\n"},
		"document":   {"/x/_doc", "application/json", `{"a":1}`},
		"JSON lines": {"/api/v1/events", "application/x-ndjson", "{\"a\":1}\n"},
		"OTLP":       {"/v1/logs", "application/x-protobuf", string(otlp)},
	}
}

// request makes a request and returns its status, or the error when no answer came.
func (s *station) request(ctx context.Context, url string, q request) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+q.path, strings.NewReader(q.body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+s.sensor)
	r.Header.Set("Content-Type", q.kind)
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, w.Body)
	return w.StatusCode, errors.Join(err, w.Body.Close())
}

// cutOff makes equal requests at once whose senders go when all are kept.
func (s *station) cutOff(t *testing.T, url string, q request, n int) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	var kept atomic.Int32
	s.journal.accepted = func(handling context.Context) {
		if int(kept.Add(1)) == n {
			leave()
		}
		<-handling.Done()
	}
	var senders sync.WaitGroup
	for range n {
		senders.Go(func() {
			if status, err := s.request(ctx, url, q); err == nil {
				t.Errorf("it was answered %d", status)
			}
		})
	}
	senders.Wait()
	s.http.Close() // once it has been given up
	s.journal.accepted = nil
}

func (s *station) again(t *testing.T, url string, q request, kept int) {
	t.Helper()
	status, err := s.request(t.Context(), url, q)
	if got := len(s.journal.lines("")); err != nil || status/100 != 2 || got != kept {
		t.Errorf("answered %d, %v; %d records are kept, want %d", status, err, got, kept)
	}
}

// A request whose sender went before it could be answered is sent again, and is
// kept once. The same once more is another one that happens to be equal.
func TestRequestThatCouldNotBeAnsweredCountsOnce(t *testing.T) {
	t.Parallel()
	for name, q := range requests(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStation(t, intake.Config{})
			s.cutOff(t, s.serve(t), q, 1)
			url := s.serve(t)
			s.again(t, url, q, 1)
			s.again(t, url, q, 2)
			repeated := uint64(0)
			for _, h := range s.Sources() {
				repeated += h.Repeated
			}
			if repeated != 1 {
				t.Errorf("%d records are told to have been repeated", repeated)
			}
		})
	}
}

// What was cut off twice is in doubt twice.
func TestEveryAcknowledgementHasItsOwnRecord(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	q := requests(t)["bulk"]
	s.cutOff(t, s.serve(t), q, 2)
	url := s.serve(t)
	other := request{q.path, q.kind, strings.Replace(q.body, `"x"`, `"y"`, 1)}
	s.again(t, url, other, 3) // equal, and of another source
	for _, kept := range []int{3, 3, 4} {
		s.again(t, url, q, kept)
	}
}

// The protocol cannot say that a part was kept, so the whole comes again.
func TestPartOfARequestThatWasKeptCountsOnce(t *testing.T) {
	t.Parallel()
	s := newStation(t, intake.Config{})
	whole := &collector.ExportLogsServiceRequest{}
	for _, service := range []string{"one", "two"} {
		part := logRequest("a").ResourceLogs[0]
		part.Resource = &resource.Resource{Attributes: []*common.KeyValue{{
			Key: "service.name", Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: service}},
		}}}
		whole.ResourceLogs = append(whole.ResourceLogs, []*logs.ResourceLogs{part}...)
	}
	wire, err := proto.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	q := request{"/v1/logs", "application/x-protobuf", string(wire)}
	url := s.serve(t)
	s.journal.fillAfter(1)
	if status, err := s.request(t.Context(), url, q); err != nil || status != http.StatusServiceUnavailable {
		t.Fatalf("%d, %v", status, err)
	}
	s.journal.fill(false)
	s.again(t, url, q, 2)
	s.again(t, url, q, 4)
}

// restart is a node that was killed and started again: what it has in memory is
// gone.
func (s *station) restart(t *testing.T, dir string) *station {
	t.Helper()
	next := &station{journal: s.journal, tokens: s.tokens, sensor: s.sensor, analyst: s.analyst}
	var err error
	if next.Intake, err = intake.New(intake.Config{Dir: dir}, quiet(), s.tokens, s.journal.accept); err != nil {
		t.Fatal(err)
	}
	if err := next.Recall(s.journal.noted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := next.Close(); err != nil {
			t.Error(err)
		}
	})
	return next
}

// After a kill what was kept and not answered is known when it comes again; what
// was answered before is another one that happens to be equal.
func TestKilledBeforeTheAnswerCountsOnce(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/sys/kernel/random/boot_id"); err != nil {
		t.Skip("this system does not tell which boot it is")
	}
	dir := t.TempDir()
	q := requests(t)["bulk"]
	answered := request{q.path, q.kind, strings.ReplaceAll(q.body, `"a"`, `"b"`)}
	s := newStation(t, intake.Config{}).restart(t, dir)
	s.again(t, s.serve(t), answered, 1)
	stuck, freed := make(chan struct{}), make(chan struct{})
	s.journal.accepted = func(context.Context) {
		close(stuck)
		<-freed
	}
	ended := make(chan error, 1)
	url := s.serve(t)
	go func() {
		_, err := s.request(context.Background(), url, q)
		ended <- err
	}()
	<-stuck // the process dies here, for all that is on disk
	killed := copyOf(t, dir)
	elsewhere := copyOf(t, dir)
	close(freed)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.journal.accepted = nil
	if got := len(s.journal.lines("")); got != 2 {
		t.Fatalf("kept %d", got)
	}

	next := s.restart(t, killed)
	url = next.serve(t)
	next.again(t, url, q, 2)
	next.again(t, url, answered, 3)
	last := next.restart(t, killed)
	last.again(t, last.serve(t), q, 4) // the doubt is gone for good

	// Told by another boot of the machine nothing is believed.
	path := filepath.Join(elsewhere, "answers")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[10] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	booted := s.restart(t, elsewhere)
	booted.again(t, booted.serve(t), q, 5)
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
