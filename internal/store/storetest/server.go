package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tocsin/internal/disk"
	"tocsin/internal/testdata"
)

// Server is a PostgreSQL server as a process of its own, with its own folder,
// that listens at a socket in it. What it acknowledges would not last a loss of
// power, which no test has; a kill it lasts.
type Server struct {
	programs string // the folder of its programs
	dir      string
	strategy string       // of making a database: the quickest that there is
	number   atomic.Int64 // of databases made
	run      *exec.Cmd
	hold     io.WriteCloser // the server runs as long as this is open
}

// startWait is how long it may take on a busy machine.
const startWait = time.Minute

// keeper is run by a shell in the server's folder: it starts the server, waits
// until the one who wants it is gone, by whatever death, ends the server as a
// crash would and removes the folder, unless it is to be kept.
const keeper = `"$@" & cat >/dev/null; kill -QUIT $!; wait $!; [ -e keep ] || rm -rf "$PWD"`

// shared is the server of this test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// ours returns the server of this binary, started on first use.
func ours(tb testing.TB) *Server {
	tb.Helper()
	programs := testdata.PostgreSQL(tb)
	shared.once.Do(func() { shared.server, shared.err = newServer(programs) })
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.server
}

// StartServer starts a server of the test's own, which can be ended and started
// again. The test skips (or fails) when PostgreSQL is not installed.
func StartServer(tb testing.TB) *Server {
	tb.Helper()
	s, err := newServer(testdata.PostgreSQL(tb))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.stop(false) })
	return s
}

// Kill ends the server as a crash would; what it had acknowledged is there when
// it is started again.
func (s *Server) Kill() { s.stop(true) }

// Again starts the server that was killed, and returns once it answers.
func (s *Server) Again(tb testing.TB) {
	tb.Helper()
	if err := s.start(); err != nil {
		tb.Fatal(err)
	}
}

// Database makes an empty database and returns its URL. It is gone with the
// test.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	return s.database(tb, "template1")
}

// database makes a copy of another database, to which nobody is connected.
func (s *Server) database(tb testing.TB, of string) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", s.number.Add(1))
	if err := s.do(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE "+of+s.strategy); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		// A server that was killed has nothing to remove.
		_ = s.do(context.WithoutCancel(tb.Context()), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	return s.url(name)
}

// Locked makes an empty database that only its owner may use, by a password, and
// returns its URL, which the password is not in.
func (s *Server) Locked(tb testing.TB, password string) string {
	tb.Helper()
	address := s.Database(tb)
	name := strings.TrimPrefix(address[:strings.IndexByte(address, '?')], "postgres://tocsin@/")
	for _, statement := range []string{
		"CREATE ROLE owner_" + name + " LOGIN PASSWORD '" + password + "'",
		"ALTER DATABASE " + name + " OWNER TO owner_" + name,
	} {
		if err := s.do(tb.Context(), statement); err != nil {
			tb.Fatal(err)
		}
	}
	return strings.Replace(address, "postgres://tocsin@", "postgres://owner_"+name+"@", 1)
}

func (s *Server) url(database string) string {
	return "postgres://tocsin@/" + database + "?host=" + s.dir
}

// do runs a statement as the server's administrator.
func (s *Server) do(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, s.url("postgres"))
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}

// newServer makes a server's folder and starts it.
func newServer(programs string) (*Server, error) {
	dir, err := os.MkdirTemp(place(), "tocsin-postgresql-")
	if err != nil {
		return nil, err
	}
	s := &Server{programs: programs, dir: dir}
	if err := own(dir); err != nil {
		return nil, err
	}
	cmd := s.command(filepath.Join(programs, "initdb"), "--pgdata=data", "--username=tocsin", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// Whoever is not the administrator needs a password.
	if err := os.WriteFile(filepath.Join(dir, "data", "pg_hba.conf"), []byte("local all tocsin trust\nlocal all all scram-sha-256\n"), 0o600); err != nil {
		return nil, err
	}
	version, err := os.ReadFile(filepath.Join(dir, "data", "PG_VERSION"))
	if err != nil {
		return nil, err
	}
	if major, err := strconv.Atoi(strings.TrimSpace(string(version))); err == nil && major >= 15 {
		s.strategy = " STRATEGY file_copy" // before, all were copied so
	}
	return s, s.start()
}

// memory is a folder in memory that Linux has, and enough how many bytes of it
// must be free for us to use it.
const (
	memory = "/dev/shm"
	enough = 4 << 30
)

// place is where servers have their folders: in memory where there is enough of
// it, since each database is some hundred files, which many a disk takes seconds
// to remove; else where temporary files are.
func place() string {
	usage, err := disk.Of(memory)
	if err != nil || usage.Free < enough {
		return ""
	}
	return memory
}

// command is a program that runs in the server's folder as an ordinary user:
// PostgreSQL refuses to be run by root.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	demote(cmd)
	return cmd
}

func (s *Server) start() (err error) {
	if err := os.RemoveAll(filepath.Join(s.dir, "keep")); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	s.run = s.command("/bin/sh", "-c", keeper, "keeper", filepath.Join(s.programs, "postgres"), "-D", "data", "-k", s.dir,
		"-c", "listen_addresses=", "-c", "max_connections=400", "-c", "shared_buffers=64MB",
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_wal_size=256MB")
	s.run.Stdout, s.run.Stderr = log, log
	if s.hold, err = s.run.StdinPipe(); err != nil {
		return err
	}
	if err := s.run.Start(); err != nil {
		return err
	}
	return s.answers()
}

// answers waits until the server does.
func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.do(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.stop(false)
			return fmt.Errorf("PostgreSQL does not answer after %s: %w\n%s", startWait, err, said)
		}
	}
}

func (s *Server) stop(keep bool) {
	if s.run == nil {
		_ = os.RemoveAll(s.dir)
		return
	}
	if keep {
		_ = os.WriteFile(filepath.Join(s.dir, "keep"), nil, 0o600)
	}
	_ = s.hold.Close()
	_ = s.run.Wait()
	s.run = nil
	if !keep {
		_ = os.RemoveAll(s.dir)
	}
}
