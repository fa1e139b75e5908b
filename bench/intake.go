package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What a node is given by this section: so many events a second, in requests of
// so many, for so long, beside so many indicators.
const (
	intakeRate       = 20_000
	intakeBatch      = 500
	intakeFor        = 30 * time.Second
	intakeIndicators = 1_000_000
)

// taking sends a running node events over _bulk, with all rules and a million
// indicators in force, and measures how long after its request began an event
// is among the findings. The sender runs on the same processors.
func (b *bench) taking(ctx context.Context, s *stream) (*report, error) {
	n, err := b.startNode(ctx, "taking", "")
	if err != nil {
		return nil, err
	}
	defer n.stop()
	seen := n.watchFindings(ctx)
	started := time.Now()
	if err := n.send(ctx, s, started); err != nil {
		return nil, err
	}
	took := time.Since(started)
	late := n.latencies(seen())
	n.stop()
	r := &report{title: "Live intake", unit: "event", lines: []line{{
		name:  fmt.Sprintf("tocsin up, %d events a second over _bulk, all rules, %d indicators", intakeRate, intakeIndicators),
		cost:  cost{cpu: n.used, wall: took, memory: n.peak()},
		units: float64(n.sent),
		note:  fmt.Sprintf("%d of %d marked events found", len(late), n.marked),
	}}}
	if len(late) == 0 {
		return nil, errors.New("no marked event was found")
	}
	slices.Sort(late)
	r.goals = []goal{
		{text: "events taken a second", got: float64(n.sent) / took.Seconds(), limit: intakeRate * 0.95, atLeast: true},
		{text: "marked events found, of all", got: float64(len(late)) / float64(n.marked), limit: 1, atLeast: true},
		{text: "seconds from request to finding, median", got: late[len(late)/2].Seconds(), limit: 1},
		{text: "seconds from request to finding, 99 of 100", got: late[len(late)*99/100].Seconds(), limit: 1},
	}
	return r, nil
}

// takingNode is a node under load.
type takingNode struct {
	cmd             *exec.Cmd
	peak            func() int64
	used            time.Duration
	url             string
	sensor, analyst string
	once            sync.Once

	sent, marked int

	mu    sync.Mutex
	begun map[int]time.Time // guarded by mu: when the request of a marked event began
}

// startNode starts a node in a folder of its own, with a configuration.
func (b *bench) startNode(ctx context.Context, name, config string) (*takingNode, error) {
	rules, err := windowsRules(b.data)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.work, name)
	if err := os.MkdirAll(filepath.Join(dir, "rules"), 0o700); err != nil {
		return nil, err
	}
	if err := copyRules(rules, filepath.Join(dir, "rules")); err != nil {
		return nil, err
	}
	var list bytes.Buffer
	list.WriteString("marked.example\n")
	for i := range intakeIndicators - 1 {
		fmt.Fprintf(&list, "d%x.bad%d.example\n", i*2654435761, i%1000)
	}
	indicators := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(indicators, list.Bytes(), 0o600); err != nil {
		return nil, err
	}
	n := &takingNode{begun: map[int]time.Time{}}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(data, "tocsin.yaml"), []byte(config), 0o600); err != nil {
			return nil, err
		}
	}
	for role, token := range map[string]*string{"sensor": &n.sensor, "analyst": &n.analyst} {
		out, err := exec.CommandContext(ctx, b.product, "token", "create", "--data", data, "--role", role).Output()
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		*token = strings.TrimSpace(string(out))
	}
	n.cmd = exec.CommandContext(ctx, b.product, "up", "--data", data, "--listen", "127.0.0.1:0", "--rules", filepath.Join(dir, "rules"), "--indicators", indicators)
	var said bytes.Buffer
	n.cmd.Stderr = &said
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	n.peak = peakMemory(n.cmd.Process.Pid)
	first := make([]byte, 256)
	length, err := out.Read(first)
	if err != nil {
		return nil, fmt.Errorf("%s up: %w\n%s", b.product, err, said.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	n.url = strings.TrimSuffix(strings.Fields(string(first[:length]))[2], ".")
	return n, nil
}

// stop ends the node and notes what it used.
func (n *takingNode) stop() {
	n.once.Do(func() {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
		_ = n.cmd.Wait() // its figures count, whatever it says
		if u, ok := n.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			n.used = cpu(u)
		}
	})
}

// send sends at the rate, one marked event in each request.
func (n *takingNode) send(ctx context.Context, s *stream, started time.Time) error {
	every := time.Second * intakeBatch / intakeRate
	requests := int(intakeFor / every)
	work := make(chan int)
	failed := make(chan error, 1)
	var senders sync.WaitGroup
	for range 4 {
		senders.Go(func() {
			for i := range work {
				if err := n.request(ctx, s, i); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range requests {
		time.Sleep(time.Until(started.Add(time.Duration(i) * every)))
		work <- i
	}
	close(work)
	senders.Wait()
	n.sent, n.marked = requests*intakeBatch, requests
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

const markedEvent = `{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":22,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"marker","TimeCreated":{"#attributes":{"SystemTime":%q}}},"EventData":{"QueryName":"m-%d.marked.example"}}}` + "\n"

func (n *takingNode) request(ctx context.Context, s *stream, i int) error {
	const action = `{"create":{"_index":"logs"}}` + "\n"
	var body bytes.Buffer
	for k := range intakeBatch - 1 {
		body.WriteString(action)
		body.Write(s.lines[(i*intakeBatch+k)%len(s.lines)])
		body.WriteByte('\n')
	}
	body.WriteString(action)
	fmt.Fprintf(&body, markedEvent, time.Now().UTC().Format(time.RFC3339Nano), i)
	n.mu.Lock()
	n.begun[i] = time.Now()
	n.mu.Unlock()
	for {
		status, err := n.post(ctx, body.Bytes())
		if err != nil || status == http.StatusOK {
			return err
		}
		if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return fmt.Errorf("_bulk answers %d", status)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (n *takingNode) post(ctx context.Context, body []byte) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/_bulk", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+n.sensor)
	request.Header.Set("Content-Type", "application/x-ndjson")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, errors.Join(err, response.Body.Close())
}

var marker = regexp.MustCompile(`m-(\d+)\.marked\.example`)

// watchFindings reads findings as they come and returns a function that waits
// for the rest and says when each marked event was found.
func (n *takingNode) watchFindings(ctx context.Context) func() map[int]time.Time {
	found := map[int]time.Time{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		position, last := "0", time.Now()
		for {
			text, next, err := n.findings(ctx, position)
			if err != nil {
				return
			}
			position = next
			for _, m := range marker.FindAllSubmatch(text, -1) {
				if i, err := strconv.Atoi(string(m[1])); err == nil && found[i].IsZero() {
					found[i] = time.Now()
				}
			}
			if len(text) > 0 {
				last = time.Now()
				continue
			}
			select {
			case <-stop:
				if time.Since(last) > 3*time.Second {
					return
				}
			default:
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return func() map[int]time.Time {
		close(stop)
		<-done
		return found
	}
}

func (n *takingNode) findings(ctx context.Context, after string) (text []byte, position string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/api/v1/findings?after="+after, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Authorization", "Bearer "+n.analyst)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, "", err
	}
	text, err = io.ReadAll(response.Body)
	return text, response.Header.Get("Tocsin-Position"), errors.Join(err, response.Body.Close())
}

// latencies returns how long each marked event took to be found.
func (n *takingNode) latencies(found map[int]time.Time) []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []time.Duration
	for i, at := range found {
		all = append(all, at.Sub(n.begun[i]))
	}
	return all
}
