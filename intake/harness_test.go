package intake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/intake"
	"tocsin/internal/fault"
	"tocsin/people"
	"tocsin/people/peopletest"
	"tocsin/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal keeps what it is given, as the node's journal does, and can be full.
type journal struct {
	mu      sync.Mutex
	blocks  []*telemetry.Block // guarded by mu
	notes   [][]byte           // guarded by mu: of the blocks
	full    error              // guarded by mu
	refused int                // guarded by mu
	room    int                // blocks until it is full, when above 0; guarded by mu
	// accepted is called when a block is kept, before anybody hears of it; may be
	// nil, and is not changed while requests are made.
	accepted func(ctx context.Context)
}

func (j *journal) accept(ctx context.Context, b *telemetry.Block, note []byte) (uint64, error) {
	entry, err := j.keep(b, note)
	if err == nil && j.accepted != nil {
		j.accepted(ctx)
	}
	return entry, err
}

func (j *journal) keep(b *telemetry.Block, note []byte) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full != nil {
		j.refused++
		return 0, j.full
	}
	// As the journal does: what is kept is what travels.
	wire, err := b.AppendBinary(nil)
	if err != nil {
		return 0, err
	}
	kept, err := telemetry.ReadBlock(wire)
	if err != nil {
		return 0, err
	}
	j.blocks, j.notes = append(j.blocks, kept), append(j.notes, note)
	if j.room--; j.room == 0 {
		j.full = errFull
	}
	return uint64(len(j.blocks)), nil
}

// noted is what the journal tells after a crash.
func (j *journal) noted(visit func(entry uint64, note []byte, b *telemetry.Block)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, note := range j.notes {
		if len(note) > 0 {
			visit(uint64(i+1), note, j.blocks[i])
		}
	}
	return nil
}

func (j *journal) fill(full bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.full = nil
	if full {
		j.full = errFull
	}
}

func (j *journal) fillAfter(blocks int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.room = blocks
}

func (j *journal) breakDown() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.full = errors.New("broken")
}

var errFull = fmt.Errorf("journal full: %w", fault.Unavailable)

func (j *journal) refusals() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.refused
}

// lines returns the records of a source, or of all for "".
func (j *journal) lines(source string) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for _, b := range j.blocks {
		if source != "" && b.Source.Name != source {
			continue
		}
		for line := range strings.Lines(string(b.Data)) {
			list = append(list, strings.TrimSuffix(line, "\n"))
		}
	}
	return list
}

func (j *journal) sources() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var list []string
	for _, b := range j.blocks {
		if !slices.Contains(list, b.Source.Name) {
			list = append(list, b.Source.Name)
		}
	}
	slices.Sort(list)
	return list
}

// station is an intake with tokens and a journal behind it.
type station struct {
	*intake.Intake
	journal         *journal
	tokens          *people.Tokens
	sensor, analyst string
	http            *httptest.Server
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newStation(t *testing.T, config intake.Config) *station {
	t.Helper()
	if config.Dir == "" {
		config.Dir = t.TempDir()
	}
	s := &station{journal: &journal{}, tokens: peopletest.Tokens(t)}
	s.sensor, s.analyst = s.token(t, "dc01", people.Sensor), s.token(t, "ann", people.Analyst)
	var err error
	if s.Intake, err = intake.New(config, quiet(), s.tokens, s.journal.accept); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *station) token(t *testing.T, name string, role people.Role) string {
	t.Helper()
	secret, _, err := s.tokens.Create(t.Context(), name, role, 0)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// run runs the listeners until the test ends, or until the function returned is
// called.
func (s *station) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (s *station) address(t *testing.T, use string) string {
	t.Helper()
	eventually(t, "listening: "+use, func() bool { return len(s.Addresses(use)) > 0 })
	return s.Addresses(use)[0].String()
}

func (s *station) serve(t *testing.T) string {
	t.Helper()
	s.http = httptest.NewServer(s.Handler())
	t.Cleanup(s.http.Close)
	return s.http.URL
}

// ask sends one request to the handler.
func (s *station) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	var content io.Reader = http.NoBody
	if body != "" {
		content = bytes.NewReader([]byte(body))
	}
	r := httptest.NewRequest(method, path, content)
	r.Header.Set("Authorization", "Bearer "+s.sensor)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func (s *station) health(name string) intake.Health {
	for _, h := range s.Sources() {
		if h.Name == name {
			return h
		}
	}
	return intake.Health{}
}

// eventually waits for a condition, since what it is about happens elsewhere.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("did not come to pass: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
