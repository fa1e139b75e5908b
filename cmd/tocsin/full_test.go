package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/crash"
	"tocsin/internal/disk"
	"tocsin/internal/store"
)

// fullDatabase names the folder on which a process started by a test puts a small
// file system, and a node on that.
const fullDatabase = "TOCSIN_TEST_FULL_DATABASE"

// A node whose disk has no room for the database says so, keeps nothing by
// halves, and goes on as soon as there is room, without being told.
func TestFullDatabaseRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	crash.OnSmallDisk(t, fullDatabase)
}

// runFullDatabase is the process that the test starts.
func runFullDatabase(dir string) error {
	if err := os.Unsetenv(fullDatabase); err != nil { // the program is this one again
		return err
	}
	if err := crash.SmallDisk(dir, "64m"); err != nil {
		return err
	}
	f := &fullSite{dir: dir, data: filepath.Join(dir, "data")}
	if err := f.start(); err != nil {
		return errors.Join(err, f.end())
	}
	return errors.Join(f.fill(), f.end(), f.whole(context.Background()))
}

// fullSite is a node on a small disk.
type fullSite struct {
	dir, data, address, token string
	node                      *exec.Cmd
	kept                      int // notes that were acknowledged
}

func (f *fullSite) start() error {
	f.node = exec.Command("tocsin", "up", "--data", f.data, "--listen", "127.0.0.1:0")
	f.node.Stderr = io.Discard
	out, err := f.node.StdoutPipe()
	if err != nil {
		return err
	}
	if err := f.node.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "Listening on "); ok {
			f.address, _, _ = strings.Cut(rest, ". ")
			break
		}
	}
	token, err := exec.Command("tocsin", "token", "create", "--data", f.data, "--role", "analyst").Output()
	f.token = strings.TrimSpace(string(token))
	return err
}

func (f *fullSite) end() error {
	if f.node.Process == nil {
		return nil
	}
	return errors.Join(f.node.Process.Signal(syscall.SIGTERM), f.node.Wait())
}

// fill takes the room away, writes notes until they are refused, and gives it
// back.
func (f *fullSite) fill() error {
	if status, _, text, err := f.note(); err != nil || status != http.StatusCreated {
		return fmt.Errorf("with room: %d %s, %w", status, text, err)
	}
	u, err := disk.Of(f.dir)
	if err != nil {
		return err
	}
	const left = 512 << 10
	filler := filepath.Join(f.dir, "filler")
	if err := os.WriteFile(filler, make([]byte, u.Free-left), 0o600); err != nil {
		return err
	}
	status, header, text := http.StatusCreated, http.Header{}, ""
	for tries := 0; status == http.StatusCreated && tries < 1000; tries++ {
		if status, header, text, err = f.note(); err != nil {
			return err
		}
	}
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, "the disk of the database is full") {
		return fmt.Errorf("a full disk answers %d with Retry-After %q: %s", status, header.Get("Retry-After"), text)
	}
	if got, err := f.notes(); err != nil || got != f.kept {
		return fmt.Errorf("on a full disk %d notes are there, and %d were acknowledged: %w", got, f.kept, err)
	}
	fmt.Printf("refused after %d notes: %s\n", f.kept, text)
	if err := os.Remove(filler); err != nil {
		return err
	}
	if status, _, text, err := f.note(); err != nil || status != http.StatusCreated { // without a word to the node
		return fmt.Errorf("with room again: %d %s, %w", status, text, err)
	}
	if got, err := f.notes(); err != nil || got != f.kept {
		return fmt.Errorf("%d notes are there, and %d were acknowledged: %w", got, f.kept, err)
	}
	return nil
}

// note writes one.
func (f *fullSite) note() (int, http.Header, string, error) {
	status, header, text, err := f.ask(http.MethodPost, "/api/v1/roster/notes", `{"text":"`+strings.Repeat("x", 10_000)+`"}`)
	if status == http.StatusCreated {
		f.kept++
	}
	return status, header, text, err
}

// notes counts those that there are.
func (f *fullSite) notes() (int, error) {
	status, _, text, err := f.ask(http.MethodGet, "/api/v1/roster/notes?limit=200", "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, text)
	}
	return strings.Count(text, `"text":`), err
}

func (f *fullSite) ask(method, path, body string) (int, http.Header, string, error) {
	request, err := http.NewRequest(method, f.address+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, "", err
	}
	request.Header.Set("Authorization", "Bearer "+f.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, "", err
	}
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(text), errors.Join(err, response.Body.Close())
}

// whole makes sure that the database and its audit trail are.
func (f *fullSite) whole(ctx context.Context) error {
	db, err := store.Open(ctx, store.Config{Path: filepath.Join(f.data, databaseFile)})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := whole(ctx, db); err != nil {
		return err
	}
	told, err := audit.New(db, time.Now).Verify(ctx)
	if err == nil && (len(told.Breaks) > 0 || told.Links+told.Waiting < int64(f.kept)) {
		err = fmt.Errorf("the trail: %+v", told)
	}
	return err
}
