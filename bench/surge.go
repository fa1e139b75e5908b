package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// What a node is given by this section: what WannaCry would have been for one
// authority, inside half a minute.
const (
	surgeReports = 30_000
	surgeClients = 200
	surgeLeast   = 1000 // reports a second
	// surgeAgain is how many requests are sent a second time under their key.
	surgeAgain = 100 // one of so many
)

// surge has many clients report incidents at once to a node, which is killed
// after the last was acknowledged and started again: what it has then is
// counted. The clients run on the same processors.
func (b *bench) surge(ctx context.Context, _ *stream) (*report, error) {
	r := &report{title: "A surge of reports", unit: "report"}
	before, err := syncsPerSecond(b.work)
	if err != nil {
		return nil, err
	}
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		l, rate, err := b.surgeOn(ctx, engine)
		if errors.Is(err, errNoPostgres) {
			l.name, l.note, err = engine, err.Error(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
		r.lines = append(r.lines, l)
		if engine == "SQLite" {
			r.goals = append(r.goals, goal{text: "reports acknowledged a second on SQLite", got: rate, limit: surgeLeast, atLeast: true})
		}
	}
	after, err := syncsPerSecond(b.work)
	if err != nil {
		return nil, err
	}
	r.goals[0].measurement = fmt.Sprintf("(the disk made %.0f and %.0f fsyncs a second, one after the other, before and after)", before, after)
	return r, nil
}

// syncsPerSecond is how often the disk of a folder can be told to keep a page.
func syncsPerSecond(dir string) (rate float64, err error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	began, n := time.Now(), 0
	for time.Since(began) < time.Second {
		if _, err := f.WriteAt(page, int64(n)*int64(len(page))); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// surgeOn is the surge on one engine.
func (b *bench) surgeOn(ctx context.Context, engine string) (l line, rate float64, err error) {
	dir := filepath.Join(b.work, "surge-"+engine)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return l, 0, err
	}
	var server *postgres
	config := ""
	if engine == "PostgreSQL" {
		if server, err = startPostgres(ctx, filepath.Join(b.work, "surge-server"), "-c", "fsync=on", "-c", "synchronous_commit=on"); err != nil {
			return l, 0, err
		}
		config = fmt.Sprintf("database: postgres://bench@/postgres?host=%s\n", server.dir)
	}
	n := &surgeNode{product: b.product, data: filepath.Join(dir, "data")}
	if err := n.prepare(ctx, config); err != nil {
		return l, 0, err
	}
	if err := n.start(ctx); err != nil {
		return l, 0, err
	}
	defer n.kill()
	if err := n.describe(ctx); err != nil {
		return l, 0, err
	}
	peak := peakMemory(n.cmd.Process.Pid)
	began := time.Now()
	s := &surgeClient{node: n, numbers: make([]string, surgeReports)}
	if err := s.run(ctx); err != nil {
		return l, 0, err
	}
	took := time.Since(began)
	l.cost = cost{wall: took, memory: peak()}
	l.cost.cpu = n.kill()
	if err := n.start(ctx); err != nil {
		return l, 0, err
	}
	note, err := s.count(ctx)
	if err != nil {
		return l, 0, err
	}
	n.kill()
	if server != nil {
		if _, err := server.stop(); err != nil {
			return l, 0, err
		}
	}
	rate = surgeReports / took.Seconds()
	l.name = fmt.Sprintf("tocsin up on %s, %d clients", engine, surgeClients)
	l.units = surgeReports
	l.note = fmt.Sprintf("%.0f reports a second, %d told to come again; %s", rate, s.busy.Load(), note)
	return l, rate, nil
}

// surgeNode is a node that is killed and started again.
type surgeNode struct {
	product, data, url, token string
	cmd                       *exec.Cmd
}

func (n *surgeNode) prepare(ctx context.Context, config string) error {
	if err := os.MkdirAll(n.data, 0o700); err != nil {
		return err
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(n.data, "tocsin.yaml"), []byte(config), 0o600); err != nil {
			return err
		}
	}
	out, err := exec.CommandContext(ctx, n.product, "token", "create", "--data", n.data, "--role", "analyst").Output()
	n.token = strings.TrimSpace(string(out))
	return err
}

// surgeOrganisation is who the reports come to: bound by China's plan and
// measures, so that each has its clocks from the start.
const surgeOrganisation = `{"organisation": {"name": "Ministry", "kind": "authority", "sectors": ["health"], "regions": ["CN-BJ"],
	"jurisdictions": ["CN"], "designations": ["cn.network_operator", "cn.cii_operator"], "zone": "Asia/Shanghai"}}`

// describe says whose node it is.
func (n *surgeNode) describe(ctx context.Context) (err error) {
	out, err := exec.CommandContext(ctx, n.product, "token", "create", "--data", n.data, "--role", "commander").Output()
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, n.url+"/api/v1/organisation", strings.NewReader(surgeOrganisation))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(out)))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4096)) // the status tells
		return fmt.Errorf("describe the organisation: %s: %s", response.Status, text)
	}
	return nil
}

func (n *surgeNode) start(ctx context.Context) error {
	n.cmd = exec.CommandContext(ctx, n.product, "up", "--data", n.data, "--listen", "127.0.0.1:0")
	var said bytes.Buffer
	n.cmd.Stderr = &said
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := n.cmd.Start(); err != nil {
		return err
	}
	first := make([]byte, 256)
	length, err := out.Read(first)
	if err != nil {
		return fmt.Errorf("%s up: %w\n%s", n.product, err, said.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	n.url = strings.TrimSuffix(strings.Fields(string(first[:length]))[2], ".")
	return nil
}

// kill ends the node at once, and returns what CPU time it used.
func (n *surgeNode) kill() time.Duration {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
	if u, ok := n.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		return cpu(u)
	}
	return 0
}

// surgeClient is all clients.
type surgeClient struct {
	node    *surgeNode
	next    atomic.Int64
	busy    atomic.Int64 // answers that the node cannot take a report now
	numbers []string     // of the incidents, each written by who reported it
}

func (s *surgeClient) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: surgeClients}}
	var all sync.WaitGroup
	for range surgeClients {
		all.Go(func() {
			for {
				i := int(s.next.Add(1)) - 1
				if i >= surgeReports {
					return
				}
				if err := s.report(ctx, client, i); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// report reports an incident, and one of surgeAgain twice.
func (s *surgeClient) report(ctx context.Context, client *http.Client, i int) error {
	number, err := s.insist(ctx, client, i)
	if err != nil {
		return err
	}
	s.numbers[i] = number
	if i%surgeAgain == 0 {
		again, err := s.insist(ctx, client, i)
		if err == nil && again != number {
			err = fmt.Errorf("report %d sent again became %s, first it was %s", i, again, number)
		}
		return err
	}
	return nil
}

// errBusy says that a node wants to be asked again.
var errBusy = errors.New("the node is busy")

// insist posts until the node takes the report, as clients do that are told to
// come again.
func (s *surgeClient) insist(ctx context.Context, client *http.Client, i int) (number string, err error) {
	for {
		if number, err = s.post(ctx, client, i); !errors.Is(err, errBusy) {
			return number, err
		}
		s.busy.Add(1)
		time.Sleep(100 * time.Millisecond)
	}
}

func surgeTitle(i int) string { return fmt.Sprintf("Files renamed to .wncry at site %d", i) }

func (s *surgeClient) post(ctx context.Context, client *http.Client, i int) (number string, err error) {
	body := fmt.Sprintf(`{"title":%q,"summary":"%d of %d computers show a note that asks for money; the others are being switched off. 医院停诊。",`+
		`"category":"ransomware","facts":{"impact.people_life_work":{"min":%d}}}`, surgeTitle(i), i%90, i%90+10, i%5000)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.node.url+"/api/v1/incidents", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+s.node.token)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", fmt.Sprintf("report-%d", i))
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	var told struct{ Number, Detail string }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil {
		return "", err
	}
	switch response.StatusCode {
	case http.StatusCreated:
		return told.Number, nil
	case http.StatusServiceUnavailable:
		return "", errBusy
	}
	return "", fmt.Errorf("%s: %s", response.Status, told.Detail)
}

// count goes through all incidents there are, and holds them to what was
// acknowledged.
func (s *surgeClient) count(ctx context.Context) (string, error) {
	want := map[string]string{}
	for i, number := range s.numbers {
		want[number] = surgeTitle(i)
	}
	if len(want) != surgeReports {
		return "", fmt.Errorf("%d numbers were given for %d reports", len(want), surgeReports)
	}
	found := 0
	for cursor := ""; ; {
		var page struct {
			Items []struct{ Number, Title string }
			Next  string
		}
		if err := s.get(ctx, "/api/v1/incidents?limit=1000&cursor="+cursor, &page); err != nil {
			return "", err
		}
		for _, i := range page.Items {
			if want[i.Number] != i.Title {
				return "", fmt.Errorf("incident %s is %q, and was acknowledged as %q", i.Number, i.Title, want[i.Number])
			}
			found++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if found != surgeReports {
		return "", fmt.Errorf("%d incidents after the kill, %d were acknowledged", found, surgeReports)
	}
	return "after a kill all are there, none twice", nil
}

func (s *surgeClient) get(ctx context.Context, path string, into any) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.node.url+path, http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.node.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
