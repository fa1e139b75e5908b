package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/intake"
	"tocsin/internal/audit"
	"tocsin/internal/crash"
	"tocsin/internal/store"
	"tocsin/memory"
	"tocsin/node"
	"tocsin/people"
	"tocsin/telemetry/logsource"
)

// fullNode names the folder on which a process started by a test puts a small
// file system, and a node on that.
const fullNode = "TOCSIN_TEST_FULL_NODE"

// A node whose disk is full says so to its senders, and takes more as soon as
// there is room, without being told.
func TestFullDiskPushesBackAndRecovers(t *testing.T) {
	t.Parallel()
	crash.OnSmallDisk(t, fullNode)
}

// small is a node on a small disk, with what shippers send to.
type small struct {
	*node.Node
	url, token string
	kept       []memory.Question // what was acknowledged
	next       int
}

const (
	smallDisk = "48m"
	smallFree = 8 << 20 // which the ledger leaves free
)

// fillDisk fills the disk, is refused, makes room, and is taken from again.
func fillDisk(dir string) (err error) {
	if err := crash.SmallDisk(dir, smallDisk); err != nil {
		return err
	}
	m, err := logsource.Load()
	if err != nil {
		return err
	}
	s := &small{}
	config := configOf(filepath.Join(dir, "node"), m)
	config.Memory = node.Memory{CacheBytes: 8 << 20, FreeBytes: smallFree}
	if s.Node, err = node.Open(config); err != nil {
		return err
	}
	stop, err := s.serve(dir)
	if err != nil {
		return err
	}
	defer stop()
	err = s.While(context.Background(), func(ctx context.Context) error { return s.fill(ctx, filepath.Join(dir, "filler")) })
	return errors.Join(err, s.Close())
}

func (s *small) serve(dir string) (stop func(), err error) {
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Path: filepath.Join(dir, "tocsin.db")})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, audit.Room(), people.Room()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	tokens := people.NewTokens(db, audit.New(db, time.Now), time.Now)
	if s.token, _, err = tokens.Create(ctx, "shipper", people.Sensor, 0); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	in, err := intake.New(intake.Config{Dir: filepath.Join(dir, "intake")}, slog.New(slog.DiscardHandler), tokens, s.AcceptNoted)
	if err != nil {
		return nil, err
	}
	if err := in.Recall(s.Noted); err != nil {
		return nil, err
	}
	server := httptest.NewServer(in.Handler())
	s.url = server.URL
	return func() {
		server.Close()
		_ = errors.Join(in.Close(), db.Close()) // closed is all they have to be
	}, nil
}

func (s *small) fill(ctx context.Context, filler string) error {
	for range 20 {
		if status, _, err := s.post(0); err != nil || status != http.StatusOK {
			return fmt.Errorf("with room: %d, %w", status, err)
		}
	}
	if err := s.Remembered(ctx); err != nil {
		return err
	}
	// What is left is less than the ledger needs, and soon less than the journal.
	if err := os.WriteFile(filler, make([]byte, 36<<20), 0o600); err != nil {
		return err
	}
	status, header, tries := http.StatusOK, http.Header{}, 0
	var err error
	for ; status == http.StatusOK && tries < 1000; tries++ {
		if status, header, err = s.post(64 << 10); err != nil {
			return err
		}
	}
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		return fmt.Errorf("a full disk answers %d with Retry-After %q after %d requests", status, header.Get("Retry-After"), tries)
	}
	stats, err := s.Stats()
	if err != nil {
		return err
	}
	fmt.Printf("refused after %d requests, %d entries wait\n", tries, stats.Waiting)
	if err := os.Remove(filler); err != nil {
		return err
	}
	for range 5 { // without a word to the node
		if status, _, err := s.post(0); err != nil || status != http.StatusOK {
			return fmt.Errorf("with room again: %d, %w", status, err)
		}
	}
	return s.check(ctx)
}

// post sends one event, padded to a length.
func (s *small) post(padding int) (int, http.Header, error) {
	name := fmt.Sprintf("n%d.crash.example", s.next)
	s.next++
	event := strings.Replace(lookUp(time.Now(), "pc", name), `"Image"`, `"Padding":"`+strings.Repeat("x", padding)+`","Image"`, 1)
	request, err := http.NewRequest(http.MethodPost, s.url+"/_bulk", strings.NewReader(`{"create":{"_index":"x"}}`+"\n"+event))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if response.StatusCode == http.StatusOK {
		s.kept = append(s.kept, domain(name))
	}
	return response.StatusCode, response.Header, errors.Join(err, response.Body.Close())
}

// check finds all that was acknowledged in ledger and archive, once.
func (s *small) check(ctx context.Context) error {
	if err := s.Remembered(ctx); err != nil {
		return err
	}
	told, err := s.Hunt(ctx, node.Hunt{Questions: append(s.kept, memory.Question{Text: "rule", Rule: lookUpRule})})
	if err != nil || len(told.Partial) > 0 {
		return fmt.Errorf("hunt: %w, partial %q", err, told.Partial)
	}
	for i, a := range told.Answers {
		want := uint64(1)
		if i == len(s.kept) {
			want = uint64(len(s.kept))
		}
		if a.Count != want {
			return fmt.Errorf("%s counts %d times, want %d", a.Question, a.Count, want)
		}
	}
	fmt.Printf("all %d that were acknowledged are there once\n", len(s.kept))
	return nil
}
