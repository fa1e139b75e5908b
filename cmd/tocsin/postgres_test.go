package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/store/storetest"
)

// saysOf runs the program, which has to end with a status, and returns what it
// said.
func saysOf(t *testing.T, status int, args ...string) string {
	t.Helper()
	out, err := exec.Command("tocsin", args...).CombinedOutput()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != status {
		t.Fatalf("tocsin %q: status %d\n%s", args, got, out)
	}
	return string(out)
}

// The whole program runs on PostgreSQL: accounts and tokens are there, outlive a
// restart, and nothing shows the password.
func TestNodeRunsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	const password = "hush-hush-42"
	url := storetest.Locked(t, password)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, "database: \""+url+"\"\ndatabase_password_file: "+file+"\n", "--log-level", "debug")
	link := saysOf(t, 0, "user", "create", "ada", "--role", "administrator", "--data", n.dir)
	if !strings.Contains(link, "/link/") {
		t.Errorf("no link: %s", link)
	}
	sensor, _ := n.token(t, "sensor")
	_, analyst := n.token(t, "analyst")
	events, addresses := connections(0, 10)
	n.post(t, sensor, "site", events)
	n.stop(t)
	log := n.log.String()
	n.again(t)
	n.post(t, sensor, "site", events)
	if answers, notes := n.hunt(t, analyst, addresses[:1]); len(answers) != 1 || answers[0].Verdict != "seen" {
		t.Errorf("after a restart: %+v %s", answers, notes)
	}
	if out := saysOf(t, 0, "user", "list", "--data", n.dir); !strings.Contains(out, "ada") {
		t.Errorf("after a restart: %s", out)
	}
	if _, text := n.get(t, "/readyz"); !strings.Contains(text, `"name":"database","ready":true`) {
		t.Errorf("ready: %s", text)
	}
	if _, err := os.Stat(filepath.Join(n.dir, databaseFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a SQLite database too: %v", err)
	}
	other := t.TempDir()
	if out := saysOf(t, 1, "up", "--data", other, "--config", filepath.Join(n.dir, configName), "--listen", "127.0.0.1:0"); !strings.Contains(out, "another node runs on it") {
		t.Errorf("a second node: %s", out)
	}
	with := strings.Replace(url, "@", ":"+password+"-wrong@", 1)
	log += saysOf(t, 1, "user", "list", "--data", other, "--database", with)
	log += saysOf(t, 1, "doctor", "--data", other, "--database", with)
	log += saysOf(t, 0, "config", "show", "--data", n.dir)
	log += saysOf(t, 0, "config", "show", "--data", other, "--database", with)
	n.stop(t)
	if log += n.log.String(); strings.Contains(log, "hush") {
		t.Errorf("the password is shown:\n%s", log)
	}
}
