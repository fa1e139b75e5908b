package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/notify/notifytest"
	"tocsin/internal/store"
	"tocsin/people"
	"tocsin/people/peopletest"
)

// tellingConfig is a configuration with a mail server that asks for a password, and
// a webhook.
func tellingConfig(t *testing.T, server *notifytest.Server, hook string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"password": notifytest.Password, "secret": testSecret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf(`
mail: {server: "%s", from: "Tocsin <tocsin@example.org>", username: %s, password_file: %s/password, ca: %s}
webhooks: [{name: chat, url: "%s", secret_file: %s/secret, events: [clock.*, notify.test], allow_http: true}]
outbound: {allow: [127.0.0.0/8], proxy: none}
`, server.Address, notifytest.User, dir, server.CA, hook, dir)
}

const testSecret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

// verb runs a verb on the node's data.
func (n *upNode) verb(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("tocsin", args...)
	cmd.Env = append(os.Environ(), "TOCSIN_DATA="+n.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// waitFor waits until something holds that another process does.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it takes too long until %s", what)
		}
	}
}

// A node mails who is on duty and tells a webhook, of what another process posted;
// what was refused is listed by a verb and tried again by the node.
func TestNodeTellsWhoIsOnDuty(t *testing.T) {
	t.Parallel()
	var refuse atomic.Bool // once: what follows is after the verb
	refuse.Store(true)
	server := notifytest.Start(t, notifytest.Config{StartTLS: true, Ways: []string{"PLAIN"}, Refuse: func(to string) error {
		if strings.HasPrefix(to, "bob@") && refuse.CompareAndSwap(true, false) {
			return notifytest.Refused(550, "no such person")
		}
		return nil
	}})
	hooked := make(chan error, 16)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return // doctor, which only wants to know whether it is there
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var w *standardwebhooks.Webhook
			if w, err = standardwebhooks.NewWebhook(testSecret); err == nil {
				err = w.Verify(body, r.Header)
			}
		}
		hooked <- err
	}))
	t.Cleanup(hook.Close)
	n := startNode(t, tellingConfig(t, server, hook.URL+"/hush"))
	n.verb(t, "user", "create", "ann", "--role", "duty-officer", "--mail", "ann@example.org", "--display", "安娜")
	n.verb(t, "user", "create", "bob", "--role", "commander", "--mail", "bob@example.org")
	now := time.Now().UTC()
	n.verb(t, "roster", "shift", "ann", now.Add(-time.Hour).Format("2006-01-02T15:04"), now.Add(time.Hour).Format("2006-01-02T15:04"))
	n.postMessage(t, notify.Message{
		Event: "clock.reminder", Title: "初次报告即将到期", Text: "x",
		To: []notify.Address{notify.To(toDuty, ""), notify.To(toRole, "commander")},
	})
	if err := <-hooked; err != nil {
		t.Error(err)
	}
	waitFor(t, "ann is told", func() bool { return len(server.Took()) == 1 })
	if to := server.Took()[0].To[0]; to != "ann@example.org" {
		t.Errorf("it went to %s", to)
	}
	waitFor(t, "the other is listed", func() bool { return strings.Contains(n.verb(t, "notify", "list"), "no such person") })
	said := n.verb(t, "doctor", "--format", "json")
	for _, want := range []string{"127.0.0.1 lets us in", "chat can be reached", "1 message could not be sent"} {
		if !strings.Contains(said, want) {
			t.Errorf("doctor does not say %q:\n%s", want, said)
		}
	}
	n.verb(t, "notify", "retry", "--all")
	waitFor(t, "bob is told", func() bool { return len(server.Took()) == 2 })
	waitFor(t, "that is written down", func() bool { return strings.HasPrefix(n.verb(t, "notify", "list"), "0 messages") })
	if said := n.verb(t, "notify", "test", "--to", "duty"); !strings.Contains(said, "took it for ann@example.org") {
		t.Error(said)
	}
	if said := n.verb(t, "notify", "test", "--webhook", "chat"); !strings.Contains(said, "webhook chat took it") {
		t.Error(said)
	}
	n.stop(t)
	for _, secret := range []string{notifytest.Password, "hush", testSecret} {
		if strings.Contains(n.log.String(), secret) {
			t.Errorf("the log holds a secret:\n%s", &n.log)
		}
	}
}

// postMessage posts a message as another part of the node would.
func (n *upNode) postMessage(t *testing.T, m notify.Message) {
	t.Helper()
	c := &console{data: n.dir, out: os.Stdout, err: os.Stderr}
	if err := c.withTelling(t.Context(), "", func(ctx context.Context, tell *telling) error {
		return tell.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tell.Post(ctx, tx, m)
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestDoctorSaysWhyMailAndWebhooksDoNotWork(t *testing.T) {
	t.Parallel()
	server := notifytest.Start(t, notifytest.Config{Ways: []string{"PLAIN"}}) // no STARTTLS
	dir := t.TempDir()
	config := tellingConfig(t, server, "http://127.0.0.1:1/hush") // where nobody listens
	if err := os.WriteFile(filepath.Join(dir, configName), []byte("listen: 127.0.0.1:0\n"+config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tocsin", "doctor", "--data", dir)
	out, _ := cmd.CombinedOutput()
	for _, want := range []string{"failed       mail ", "STARTTLS", "failed       webhooks ", "connection refused", "look at the settings below mail"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("doctor does not say %q:\n%s", want, out)
		}
	}
	if cmd.ProcessState.ExitCode() != exitError || strings.Contains(string(out), "hush") || strings.Contains(string(out), notifytest.Password) {
		t.Errorf("status %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

func TestAddressesLeadToWhoIsThere(t *testing.T) {
	t.Parallel()
	db := peopletest.Database(t)
	trail := audit.New(db, time.Now)
	r := recipients{accounts: people.NewAccounts(db, trail, people.AccountsConfig{}, time.Now), roster: people.NewRoster(db, trail, time.Now), now: time.Now}
	for _, a := range []people.Account{
		{Name: "root", Role: people.Administrator, Mail: "root@example.org"},
		{Name: "ann", Display: "Ann Bo", Role: people.DutyOfficer, Mail: "ann@example.org"},
		{Name: "mute", Role: people.DutyOfficer},
		{Name: "cem", Role: people.Commander, Mail: "cem@example.org"},
		{Name: "dan", Role: people.Commander},
		{Name: "gone", Role: people.DutyOfficer, Mail: "gone@example.org"},
	} {
		if _, _, err := r.accounts.Invite(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	disable := func(name string) {
		if _, err := r.accounts.Change(t.Context(), name, people.Change{Disabled: new(true)}); err != nil {
			t.Fatal(err)
		}
	}
	disable("gone")
	want := func(to notify.Address, want ...string) {
		t.Helper()
		found, err := r.resolve(t.Context(), to)
		var got []string
		for _, one := range found {
			got = append(got, strings.TrimSpace(one.Mail+" "+one.Note))
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %q, %v, want %q", to, got, err, want)
		}
	}
	refused := func(to notify.Address, kind error) {
		t.Helper()
		if _, err := r.resolve(t.Context(), to); err == nil || !strings.Contains(err.Error(), kind.Error()) {
			t.Errorf("%s: got %v, want %v", to, err, kind)
		}
	}
	shift := func(name, post string) {
		t.Helper()
		now := time.Now()
		if _, err := r.roster.AddShift(t.Context(), people.Shift{Account: name, Post: post, Period: people.Period{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}}); err != nil {
			t.Fatal(err)
		}
	}
	want("role:duty-officer", "ann@example.org")
	want("role:commander", "cem@example.org")
	want("account:ann", "ann@example.org")
	want("duty", "cem@example.org Nobody is on duty, so this goes to the commanders.")
	refused("account:mute", fault.NotFound)
	refused("account:gone", fault.NotFound)
	refused("account:nobody", fault.NotFound)
	refused("role:sheriff", fault.Invalid)
	refused("moon", fault.Invalid)
	shift("mute", "night")
	want("duty:night", `cem@example.org Who is on duty at the post "night" has no mail address (mute), so this goes to the commanders.`)
	shift("ann", "duty")
	want("duty", "ann@example.org")
	want("duty:duty", "ann@example.org")
	want("duty:day", `cem@example.org Nobody is on duty at the post "day", so this goes to the commanders.`)
	disable("cem")
	want("duty:day", `root@example.org Nobody is on duty at the post "day". No commander has a mail address, so this goes to the administrators.`)
	want("role:commander", "root@example.org No commander has a mail address, so this goes to the administrators.")
}
