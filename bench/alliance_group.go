package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"tocsin/alliance/carrier"
	"tocsin/alliance/envelope"
	"tocsin/alliance/member"
	"tocsin/internal/bus/federation"
)

// group is members in processes of their own.
type group struct {
	processes []*held
	members   int
}

// held is one process that holds members.
type held struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	count int
}

// shape is how members are spread over processes.
type shape struct {
	dir    string // where members keep theirs
	counts []int  // how many each process holds
	own    int    // how many of the first process have a ledger of their own
	// memories are data directories with a ledger: the first process's, which its other
	// members share, those of the own, and one that the members of each other process share.
	memories []string
	canned   bool
}

// prepare makes the members, has the hub admit them, and returns the files that the
// processes are told.
func (s *shape) prepare(ctx context.Context, h *allianceHub) (files []string, err error) {
	total := 0
	for _, n := range s.counts {
		total += n
	}
	identities := make([]*envelope.Identity, total)
	hosts := make([]hostedMember, total)
	carriers := make([]*carrier.Carrier, total)
	err = atOnce(total, func(n int) (err error) {
		hosts[n].Dir = filepath.Join(s.dir, strconv.Itoa(n))
		if err := os.MkdirAll(hosts[n].Dir, 0o700); err != nil {
			return err
		}
		if n < s.own {
			hosts[n].Memory = n + 1
		}
		if identities[n], err = envelope.Create(filepath.Join(hosts[n].Dir, "identity"), time.Now().Add(-time.Hour)); err != nil {
			return err
		}
		return identities[n].Describe(memberCard(n))
	})
	if err != nil {
		return nil, err
	}
	keyOf := func(n int) (public string, err error) {
		if s.canned {
			hosts[n].Seed, public, err = federation.NewSeed()
			return public, err
		}
		if carriers[n], err = carrier.Open(ctx, carrier.Config{Dir: filepath.Join(hosts[n].Dir, "uplinks")}); err != nil {
			return "", err
		}
		return carriers[n].TransportKey(ctx, h.identity.ID())
	}
	err = h.admit(ctx, identities, keyOf, func(n int, a member.Access) error {
		if s.canned {
			hosts[n].Addresses, hosts[n].Credential, hosts[n].Pin = a.Addresses, a.Credential, a.Pin
			return nil
		}
		return errors.Join(carriers[n].Connect(ctx, h.identity.ID(), a), carriers[n].Close())
	})
	if err != nil {
		return nil, err
	}
	return s.write(ctx, h, hosts)
}

func (s *shape) write(ctx context.Context, h *allianceHub, hosts []hostedMember) (files []string, err error) {
	told := hosted{Hub: h.identity.ID()}
	if told.Passport, err = json.Marshal(h.identity.Passport()); err != nil {
		return nil, err
	}
	if !s.canned {
		told.Database = filepath.Join(s.dir, "template.db")
		if err := fullDatabase(ctx, told.Database); err != nil {
			return nil, err
		}
	}
	for k, n := range s.counts {
		told.Members, hosts = hosts[:n], hosts[n:]
		told.Memories = s.memoriesOf(k)
		text, err := json.Marshal(told)
		if err != nil {
			return nil, err
		}
		files = append(files, filepath.Join(s.dir, "process-"+strconv.Itoa(k)+".json"))
		if err := os.WriteFile(files[k], text, 0o600); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// memoriesOf are the memories of a process.
func (s *shape) memoriesOf(process int) []string {
	switch {
	case s.canned:
		return nil
	case process == 0:
		return s.memories[:s.own+1]
	default:
		return s.memories[s.own+process:][:1]
	}
}

// start starts the processes, and returns when all members are connected.
func (s *shape) start(ctx context.Context, files []string) (g *group, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	g = &group{}
	for k, file := range files {
		p := &held{cmd: exec.CommandContext(ctx, self, "-alliance-child", file), count: s.counts[k]}
		p.cmd.Stderr = os.Stderr
		if p.in, err = p.cmd.StdinPipe(); err != nil {
			return g, err
		}
		out, err := p.cmd.StdoutPipe()
		if err != nil {
			return g, err
		}
		p.out = bufio.NewScanner(out)
		if err := p.cmd.Start(); err != nil {
			return g, err
		}
		g.processes, g.members = append(g.processes, p), g.members+p.count
		if !p.out.Scan() {
			return g, fmt.Errorf("the process of members ended: %w", p.cmd.Wait())
		}
	}
	return g, g.connected(ctx)
}

func (g *group) connected(ctx context.Context) error {
	const patience = 5 * time.Minute
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(200 * time.Millisecond) {
		all := 0
		for _, p := range g.processes {
			n := 0
			if err := p.ask("connected", &n); err != nil {
				return err
			}
			all += n
		}
		if all == g.members || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("not all of %d members are connected after %s", g.members, patience)
}

// ask asks a process of members.
func (p *held) ask(word string, into any) error {
	if _, err := fmt.Fprintln(p.in, word); err != nil {
		return err
	}
	if !p.out.Scan() {
		return fmt.Errorf("the process of members ended: %w", p.cmd.Wait())
	}
	return json.Unmarshal(p.out.Bytes(), into)
}

// used is the CPU of all processes so far.
func (g *group) used() (sum time.Duration) {
	for _, p := range g.processes {
		sum += processCPU(p.cmd.Process.Pid)
	}
	return sum
}

// stop ends the processes.
func (g *group) stop() {
	for _, p := range g.processes {
		_ = p.in.Close()
		late := time.AfterFunc(5*time.Second, func() { _ = p.cmd.Process.Kill() })
		defer late.Stop()
		_ = p.cmd.Wait() // however it ends
	}
}
