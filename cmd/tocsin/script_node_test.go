package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// startScripted starts a node on the script's data directory and has verbs ask
// it with a token of a role: node commander.
func startScripted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: node ROLE")
	}
	up := exec.Command("tocsin", "up", "--listen", "127.0.0.1:0")
	up.Env = append(up.Environ(), "TOCSIN_DATA="+ts.Getenv("TOCSIN_DATA"))
	out, err := up.StdoutPipe()
	ts.Check(err)
	ts.Check(up.Start())
	ts.Defer(func() {
		_ = up.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = up.Wait()
	})
	address := ""
	listens := regexp.MustCompile(`^Listening on (\S+)\. `)
	lines := bufio.NewScanner(out)
	for address == "" && lines.Scan() {
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			address = found[1]
		}
	}
	if address == "" {
		ts.Fatalf("the node did not come up")
	}
	go func() {
		for lines.Scan() {
			continue // what else it says must not fill the pipe
		}
	}()
	ts.Setenv("TOCSIN_NODE", address)
	ts.Check(ts.Exec("tocsin", "token", "create", "--role", args[0], "--name", args[0]))
	ts.Setenv("TOCSIN_TOKEN", strings.TrimSpace(ts.ReadFile("stdout")))
}

// scriptedPassword is everybody's in scripts.
const scriptedPassword = "a long enough pass phrase"

// makeAccount makes an account and has its person choose the password: account
// ann duty-officer.
func makeAccount(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: account NAME ROLE")
	}
	ts.Check(ts.Exec("tocsin", "user", "create", args[0], "--role", args[1]))
	link := strings.TrimSpace(ts.ReadFile("stdout"))
	secret := link[strings.LastIndexByte(link, '/')+1:]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	body := strings.NewReader(fmt.Sprintf(`{"password":%q}`, scriptedPassword))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, ts.Getenv("TOCSIN_NODE")+"/api/v1/links/"+secret, body)
	ts.Check(err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	ts.Check(response.Body.Close())
	if response.StatusCode != http.StatusCreated {
		ts.Fatalf("account %s: %s", args[0], response.Status)
	}
}
