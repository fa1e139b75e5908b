package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// startNamed starts a node with a data directory of its own, which can have members,
// and has verbs ask it: hub NAME.
func startNamed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hub NAME")
	}
	data := filepath.Join(ts.Getenv("WORK"), args[0])
	ts.Check(os.MkdirAll(data, 0o700))
	config := filepath.Join(data, "tocsin.yaml")
	ts.Check(os.WriteFile(config, []byte("alliance:\n  listen: 127.0.0.1:0\n  hosts: [127.0.0.1]\n"), 0o600))
	ts.Setenv("TOCSIN_DATA", data)
	startScripted(ts, false, []string{"commander"})
	for _, name := range nodeVariables {
		ts.Setenv(name+"_"+args[0], ts.Getenv(name))
	}
}

// nodeVariables say which node verbs work at.
var nodeVariables = []string{"TOCSIN_DATA", "TOCSIN_NODE", "TOCSIN_TOKEN"}

// workAt has verbs work at a node that hub started: at NAME.
func workAt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || ts.Getenv("TOCSIN_NODE_"+args[0]) == "" {
		ts.Fatalf("usage: at NAME, of a node that 'hub' started")
	}
	for _, name := range nodeVariables {
		ts.Setenv(name, ts.Getenv(name+"_"+args[0]))
	}
}

// untilSays runs a program again and again until what it says matches: untilSays
// PATTERN PROGRAM ARGUMENT…
func untilSays(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: untilSays PATTERN PROGRAM ARGUMENT…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	const within = 30 * time.Second
	said := ""
	for began := time.Now(); time.Since(began) < within; time.Sleep(50 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err != nil {
			said = err.Error()
			continue
		}
		if said = ts.ReadFile("stdout"); pattern.MatchString(said) {
			return
		}
	}
	ts.Fatalf("%s does not say %s within %s: %s", strings.Join(args[1:], " "), args[0], within, said)
}
