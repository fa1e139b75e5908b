package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

var errNoPostgres = errors.New(`no PostgreSQL server is installed (Debian: "apt-get install postgresql")`)

// postgres is a server of our own, in a folder of its own, without a port.
type postgres struct {
	bin, dir string
	who      *syscall.Credential // the unprivileged user it runs as, nil for ourselves
	server   *exec.Cmd
}

// startPostgres makes a database and starts a server for it, set up like the
// ledger: as much cache, and no waiting for the disk; settings are further ones,
// as its command line takes them.
func startPostgres(ctx context.Context, dir string, settings ...string) (*postgres, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return nil, errNoPostgres
	}
	slices.Sort(found)
	p := &postgres{bin: filepath.Dir(found[len(found)-1]), dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := p.dropPrivileges(); err != nil {
		return nil, err
	}
	if out, err := p.command(ctx, "initdb", "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "bench", "--no-sync").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	args := []string{
		"-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses=",
		"-c", "shared_buffers=256MB", "-c", "work_mem=128MB", "-c", "max_wal_size=4GB", "-c", "synchronous_commit=off", "-c", "fsync=off",
		"-c", "logging_collector=off",
	}
	p.server = p.command(ctx, "postgres", append(args, settings...)...)
	var complaint strings.Builder
	p.server.Stderr = &complaint
	if err := p.server.Start(); err != nil {
		return nil, err
	}
	return p, p.wait(ctx)
}

// dropPrivileges gives the folder to another user: the server refuses to run
// as root.
func (p *postgres) dropPrivileges() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("%w: %w", errNoPostgres, err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	p.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	if err := os.Chmod(filepath.Dir(p.dir), 0o711); err != nil { // to reach its own
		return err
	}
	return os.Chown(p.dir, uid, gid)
}

func (p *postgres) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, program), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.who}
	return cmd
}

// wait returns when the server answers.
func (p *postgres) wait(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := p.connect(ctx)
		if err == nil {
			return c.Close(ctx)
		}
		if time.Now().After(deadline) {
			_, stopErr := p.stop()
			return fmt.Errorf("the server does not answer: %w", errors.Join(err, stopErr))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (p *postgres) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "host="+p.dir+" user=bench dbname=postgres")
}

// stop ends the server and returns what CPU time it and its processes used.
func (p *postgres) stop() (time.Duration, error) {
	if err := p.server.Process.Signal(syscall.SIGINT); err != nil {
		return 0, err
	}
	err := p.server.Wait()
	u, ok := p.server.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, errors.New("this system does not tell what a process used")
	}
	return cpu(u), err
}

// postgresTables are the plain way to keep what the ledger keeps. A batch is
// copied into a table of its own first, which is the fastest way in.
const postgresTables = `
CREATE TABLE seen (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind INT, value TEXT, first BIGINT, last BIGINT, count BIGINT, UNIQUE (kind, value));
CREATE TABLE seen_host (id BIGINT, host TEXT, PRIMARY KEY (id, host));
CREATE TABLE seen_day (id BIGINT, day INT, PRIMARY KEY (id, day));
CREATE TEMP TABLE batch (kind INT, value TEXT, host TEXT, at BIGINT);`

var postgresBatch = []string{
	`INSERT INTO seen (kind, value, first, last, count) SELECT kind, value, min(at), max(at), count(*) FROM batch GROUP BY kind, value
	 ON CONFLICT (kind, value) DO UPDATE SET first = least(seen.first, excluded.first), last = greatest(seen.last, excluded.last), count = seen.count + excluded.count`,
	`INSERT INTO seen_host (id, host) SELECT DISTINCT s.id, b.host FROM batch b JOIN seen s USING (kind, value) ON CONFLICT DO NOTHING`,
	`INSERT INTO seen_day (id, day) SELECT DISTINCT s.id, (b.at / 86400)::int FROM batch b JOIN seen s USING (kind, value) ON CONFLICT DO NOTHING`,
	`TRUNCATE batch`,
}

// fillPostgres measures the server's CPU time and our own.
func (b *bench) fillPostgres(ctx context.Context) (took cost, err error) {
	p, err := startPostgres(ctx, filepath.Join(b.work, "postgres"))
	if err != nil {
		return took, err
	}
	took, err = here(func() error { return b.fillTables(ctx, p) })(ctx)
	server, stopErr := p.stop()
	took.cpu += server
	return took, errors.Join(err, stopErr)
}

func (b *bench) fillTables(ctx context.Context, p *postgres) (err error) {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	if _, err := c.Exec(ctx, postgresTables); err != nil {
		return err
	}
	t := newTraffic(b.ledger.fresh, b.ledger.sightings(b.ledger.peers))
	for t.made < b.ledger.peers {
		if err := b.copyBatch(ctx, c, t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) copyBatch(ctx context.Context, c *pgx.Conn, t *traffic) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // after Commit there is nothing to undo
	n := 0
	rows := pgx.CopyFromFunc(func() ([]any, error) {
		if n++; n > ledgerBatch || t.made >= b.ledger.peers {
			return nil, nil
		}
		s := t.next()
		return []any{int32(s.kind), string(s.value), string(s.host), s.at.Unix()}, nil
	})
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"batch"}, []string{"kind", "value", "host", "at"}, rows); err != nil {
		return err
	}
	for _, text := range postgresBatch {
		if _, err := tx.Exec(ctx, text); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}
