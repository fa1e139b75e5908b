package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/crash"
	"tocsin/internal/notify"
	"tocsin/internal/notify/notifytest"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// childVariable says what a process works on until it is killed.
const childVariable = "TOCSIN_NOTIFY_CHILD"

type childConfig struct {
	Store store.Config
	Mail  string // the server's address
}

// TestMain is also the process that is killed.
func TestMain(m *testing.M) {
	if config := os.Getenv(childVariable); config != "" {
		fmt.Fprintln(os.Stderr, sendUntilKilled(context.Background(), config))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// sendUntilKilled sends what is due.
func sendUntilKilled(ctx context.Context, text string) error {
	var config childConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	db, err := store.Open(ctx, config.Store)
	if err != nil {
		return err
	}
	n, err := notify.New(db, audit.New(db, time.Now), notify.Config{
		Mail: &notify.MailConfig{Server: config.Mail, From: "tocsin@example.org", Security: notify.NoSecurity},
	})
	if err != nil {
		return err
	}
	timers := timer.New(db, n.Kinds(), timer.Config{Node: "node"})
	n.Use(timers)
	return timers.Run(ctx)
}

// A process is killed again and again just when the server has taken a mail, which
// it has not written down yet. Nothing is lost, and what comes twice has the same
// ID.
func TestKillBetweenSendingAndWritingItDownLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, config store.Config) {
		kills := crash.Kills(t)
		db := storetest.Open(t, config, rooms()...)
		var mu sync.Mutex
		var kill func() // guarded by mu
		left := 0       // mails until it is called, guarded by mu
		server := notifytest.Start(t, notifytest.Config{Took: func(notifytest.Mail) {
			mu.Lock()
			defer mu.Unlock()
			if left--; left == 0 && kill != nil {
				kill()
			}
		}})
		p := open(t, db, notify.Config{Mail: mailConfig(server)})
		n := 12 * kills // more than all of them can get done
		want := map[string]bool{}
		for i := range n {
			want["<"+p.post(t, reminder(notify.Mail(fmt.Sprintf("p%d@example.org", i))))+"@example.org>"] = true
		}
		text, err := json.Marshal(childConfig{config, server.Address})
		if err != nil {
			t.Fatal(err)
		}
		for i := range kills {
			cmd := crash.Again(t, childVariable, string(text))
			var complaint bytes.Buffer
			cmd.Stderr = &complaint
			mu.Lock()
			left, kill = 1+i%3, func() { _ = cmd.Process.Kill() }
			if err := cmd.Start(); err != nil {
				mu.Unlock()
				t.Fatal(err)
			}
			mu.Unlock()
			if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
				t.Fatalf("the process was not killed: %v\n%s", err, &complaint)
			}
		}
		mu.Lock()
		kill = nil
		mu.Unlock()
		p.after(t, 2*time.Minute) // the leases of who was killed end
		for range 100 {
			if sent, err := p.Count(t.Context(), notify.Sent); err != nil || sent == n {
				break
			}
			p.after(t, 10*time.Second)
		}
		took := server.Took()
		got := map[string]string{} // the recipient by ID
		for _, one := range took {
			id := one.Parse(t).Header.Get("Message-Id")
			if to, twice := got[id]; twice && to != one.To[0] || !want[id] {
				t.Errorf("%s went to %s and %s", id, to, one.To[0])
			}
			got[id] = one.To[0]
		}
		sent, err := p.Count(t.Context(), notify.Sent)
		if err != nil || sent != n || len(got) != n {
			t.Errorf("%d of %d are sent, %d arrived, %v", sent, n, len(got), err)
		}
		t.Logf("%d mails, %d killed processes, %d came again", n, kills, len(took)-n)
	})
}
