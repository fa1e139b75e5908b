package notify_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/notify"
	"tocsin/internal/notify/notifytest"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func newClock() *clock { return &clock{at: time.Now().UTC().Truncate(time.Second)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// post is a notify with its timers, on a clock that the test moves.
type post struct {
	*notify.Notify
	db     *store.DB
	trail  *audit.Trail
	timers *timer.Timers
	clock  *clock
}

func rooms() []store.Room { return []store.Room{audit.Room(), timer.Room(), notify.Room()} }

func open(tb testing.TB, db *store.DB, config notify.Config) *post {
	tb.Helper()
	p := &post{db: db, clock: newClock()}
	p.trail = audit.New(db, p.clock.now)
	config.Now = p.clock.now
	var err error
	if p.Notify, err = notify.New(db, p.trail, config); err != nil {
		tb.Fatal(err)
	}
	p.timers = timer.New(db, p.Kinds(), timer.Config{Now: p.clock.now})
	p.Use(p.timers)
	return p
}

func (p *post) post(tb testing.TB, m notify.Message) string {
	tb.Helper()
	var id string
	err := p.db.Tx(tb.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		id, err = p.Post(ctx, tx, m)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// settle works on what is due now.
func (p *post) settle(tb testing.TB) {
	tb.Helper()
	if err := p.timers.Settle(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// after moves the clock and works on what is due then.
func (p *post) after(tb testing.TB, wait time.Duration) {
	tb.Helper()
	p.clock.add(wait)
	p.settle(tb)
}

// states returns the deliveries as "recipient state error", sorted.
func (p *post) states(tb testing.TB) []string {
	tb.Helper()
	list, err := p.List(tb.Context(), "", "", notify.MaxList)
	if err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, d := range list {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Recipient, d.State, d.Error)))
	}
	slices.Sort(all)
	return all
}

func (p *post) want(tb testing.TB, want ...string) {
	tb.Helper()
	if diff := cmp.Diff(want, p.states(tb)); diff != "" {
		tb.Errorf("deliveries, want, got:\n%s", diff)
	}
}

func mailConfig(s *notifytest.Server) *notify.MailConfig {
	return &notify.MailConfig{Server: s.Address, From: "Tocsin <tocsin@example.org>", Security: notify.NoSecurity, Roots: s.Roots}
}

func reminder(to ...notify.Address) notify.Message {
	return notify.Message{Event: "clock.reminder", About: "INC-7", Title: "A report is due", Text: "The early warning is due in 2 h.", To: to}
}

func TestMailIsPostedWithWhatItFollowsFrom(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := notifytest.Start(t, notifytest.Config{})
		p := open(t, db, notify.Config{Mail: mailConfig(server)})
		undone := errors.New("undone")
		if err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := p.Post(ctx, tx, reminder(notify.Mail("bob@example.org")))
			return errors.Join(err, undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		p.settle(t)
		p.want(t)
		m := reminder(notify.Mail("ann@example.org"), notify.Mail("bob@example.org"), notify.Mail("ann@example.org"))
		m.ID = "incident-7.early"
		for range 2 {
			if id := p.post(t, m); id != m.ID {
				t.Errorf("got ID %s", id)
			}
		}
		p.want(t, "waiting", "waiting")
		p.settle(t)
		p.want(t, "ann@example.org sent", "bob@example.org sent")
		p.post(t, m) // also once it is sent
		p.settle(t)
		took := server.Took()
		if len(took) != 2 {
			t.Fatalf("the server took %d mails", len(took))
		}
		for _, one := range took {
			if id := one.Parse(t).Header.Get("Message-Id"); id != "<incident-7.early@example.org>" || len(one.To) != 1 {
				t.Errorf("got Message-ID %s to %v", id, one.To)
			}
		}
	}, rooms()...)
}

func TestAddressesAreResolvedWhenTheMessageIsSent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := notifytest.Start(t, notifytest.Config{Refuse: func(to string) error {
			if strings.HasPrefix(to, "ill@") {
				return notifytest.Refused(450, "try later")
			}
			return nil
		}})
		onDuty := []notify.Recipient{{Name: "Ann", Mail: "ann@example.org"}, {Name: "Ill", Mail: "ill@example.org"}}
		var mu sync.Mutex
		p := open(t, db, notify.Config{Mail: mailConfig(server), Resolve: func(_ context.Context, to notify.Address) ([]notify.Recipient, error) {
			mu.Lock()
			defer mu.Unlock()
			switch to {
			case notify.To("duty", ""):
				return slices.Clone(onDuty), nil
			case notify.To("role", "commander"):
				return []notify.Recipient{{Name: "Ann", Mail: "ann@example.org"}}, nil
			}
			return nil, fmt.Errorf("%s: %w", to, fault.Invalid)
		}})
		p.post(t, reminder(notify.To("duty", ""), notify.To("role", "commander"), notify.To("moon", "")))
		p.settle(t)
		list, err := p.List(t.Context(), notify.Dead, "", 10)
		if err != nil || len(list) != 1 || list[0].Address != "moon" || !strings.Contains(list[0].Error, "moon") {
			t.Errorf("dead letters: %+v, %v", list, err)
		}
		if err := p.Discard(t.Context(), audit.Actor{ID: "1", Name: "op"}, list[0].ID); err != nil {
			t.Fatal(err)
		}
		// Ann gets it once, though she is on duty and a commander. While Ill can't be
		// told somebody else comes on duty, who has to know.
		mu.Lock()
		onDuty = []notify.Recipient{{Name: "Cem", Mail: "cem@example.org"}}
		mu.Unlock()
		p.after(t, time.Minute)
		if got := p.states(t); len(got) != 4 || !slices.Contains(got, "ann@example.org sent") || !slices.Contains(got, "cem@example.org sent") {
			t.Errorf("got %q", got)
		}
		if n := len(server.Took()); n != 2 {
			t.Errorf("the server took %d mails", n)
		}
	}, rooms()...)
}

func TestNobodyToBeToldIsADeadLetterInTheEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := notifytest.Start(t, notifytest.Config{})
		p := open(t, db, notify.Config{Mail: mailConfig(server), Attempts: 3, Resolve: func(context.Context, notify.Address) ([]notify.Recipient, error) {
			return nil, nil
		}})
		p.post(t, reminder(notify.To("duty", "")))
		for range 3 {
			p.after(t, 2*time.Hour)
		}
		p.want(t, "dead nobody with a mail address is duty: not found")
		n, err := p.Count(t.Context(), notify.Dead)
		if err != nil || n != 1 {
			t.Errorf("%d dead, %v", n, err)
		}
	}, rooms()...)
}

func TestWithoutAMailServerMailIsADeadLetterAtOnce(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	p := open(t, db, notify.Config{})
	p.post(t, reminder(notify.Mail("ann@example.org")))
	p.settle(t)
	p.want(t, "dead no mail server is configured, see mail.server")
	p.post(t, reminder()) // nobody at all: nothing is kept
	if got := p.states(t); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// apart is where a server listens that ends and comes again: no other test can
// get its port meanwhile.
const apart = "127.0.0.77:0"

func TestServerThatIsDownForAWhileLosesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		gone := notifytest.Start(t, notifytest.Config{Address: apart})
		address := gone.Address
		gone.Stop(t)
		p := open(t, db, notify.Config{Mail: mailConfig(gone)})
		const n = 20 // more than there may be connections
		for i := range n {
			p.post(t, reminder(notify.Mail(fmt.Sprintf("p%d@example.org", i))))
		}
		for range 5 {
			p.after(t, 10*time.Minute)
		}
		waiting, err := p.List(t.Context(), notify.Waiting, "", 100)
		if err != nil || len(waiting) != n {
			t.Fatalf("%d wait, %v", len(waiting), err)
		}
		for _, d := range waiting {
			if d.Attempts == 0 && d.Error == "" {
				continue // still behind the others
			}
			if !strings.Contains(d.Error, "connect to mail server "+address) {
				t.Errorf("got error %q", d.Error)
			}
		}
		server := notifytest.Start(t, notifytest.Config{Address: address})
		for i := 0; i < 100 && len(server.Took()) < n; i++ {
			p.after(t, 10*time.Minute)
		}
		left, err := p.Count(t.Context(), notify.Sent)
		if took := len(server.Took()); err != nil || left != n || took != n {
			t.Errorf("%d of %d are sent, the server took %d, %v", left, n, took, err)
		}
	}, rooms()...)
}

func TestDeadLettersAreTriedAgainOrDiscardedOnRecord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		full := true
		server := notifytest.Start(t, notifytest.Config{Refuse: func(string) error {
			mu.Lock()
			defer mu.Unlock()
			if full {
				return notifytest.Refused(552, "mailbox is full")
			}
			return nil
		}})
		p := open(t, db, notify.Config{Mail: mailConfig(server)})
		by := audit.Actor{ID: "7", Name: "ann", From: "command line"}
		p.post(t, reminder(notify.Mail("bob@example.org"), notify.Mail("cem@example.org")))
		p.settle(t)
		dead, err := p.List(t.Context(), notify.Dead, "", 10)
		if err != nil || len(dead) != 2 || !strings.Contains(dead[0].Error, "mailbox is full") || dead[0].Attempts != 1 {
			t.Fatalf("refused for good: got %+v, %v", dead, err)
		}
		page, err := p.List(t.Context(), notify.Dead, dead[0].ID, 10)
		if err != nil || len(page) != 1 || page[0].ID != dead[1].ID {
			t.Errorf("second page: %+v, %v", page, err)
		}
		mu.Lock()
		full = false
		mu.Unlock()
		if err := p.Retry(t.Context(), by, dead[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := p.Discard(t.Context(), by, dead[1].ID); err != nil {
			t.Fatal(err)
		}
		p.settle(t)
		for _, id := range []string{dead[0].ID, dead[1].ID} {
			if err := p.Retry(t.Context(), by, id); !errors.Is(err, fault.Conflict) {
				t.Errorf("settled already: got %v", err)
			}
		}
		if err := p.Discard(t.Context(), by, "nothing"); !errors.Is(err, fault.NotFound) {
			t.Errorf("unknown: got %v", err)
		}
		if sent, err := p.List(t.Context(), notify.Sent, "", 10); err != nil || len(sent) != 1 || sent[0].ID != dead[0].ID {
			t.Errorf("sent: %+v, %v", sent, err)
		}
		if n := len(server.Took()); n != 1 {
			t.Errorf("the server took %d mails", n)
		}
		entries, err := p.trail.List(t.Context(), audit.Filter{Actor: "7"}, "", 10)
		if err != nil || len(entries) != 2 || entries[0].Action != "notify.discard" || entries[1].Action != "notify.retry" || entries[1].Subject.ID != dead[0].ID {
			t.Errorf("the trail: %+v, %v", entries, err)
		}
	}, rooms()...)
}

// What is waiting can be discarded and tried at once as well.
func TestWaitingDeliveriesCanBeSettled(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	gone := notifytest.Start(t, notifytest.Config{Address: apart})
	address := gone.Address
	gone.Stop(t)
	p := open(t, db, notify.Config{Mail: mailConfig(gone)})
	p.post(t, reminder(notify.Mail("ann@example.org"), notify.Mail("bob@example.org")))
	p.settle(t) // the addresses
	list, err := p.List(t.Context(), notify.Waiting, "", 10)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	server := notifytest.Start(t, notifytest.Config{Address: address})
	if err := p.Discard(t.Context(), audit.Actor{ID: "1"}, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := p.Retry(t.Context(), audit.Actor{ID: "1"}, list[1].ID); err != nil {
		t.Fatal(err)
	}
	p.settle(t)
	p.after(t, 24*time.Hour)
	if took := server.Took(); len(took) != 1 || took[0].To[0] != list[1].Recipient {
		t.Errorf("the server took %+v", took)
	}
}

func TestOldMessagesGoUnlessSomebodyHasToLook(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		server := notifytest.Start(t, notifytest.Config{Refuse: func(to string) error {
			if strings.HasPrefix(to, "no@") {
				return notifytest.Refused(550, "no such person")
			}
			return nil
		}})
		p := open(t, db, notify.Config{Mail: mailConfig(server)})
		p.post(t, reminder(notify.Mail("ann@example.org")))
		p.post(t, reminder(notify.Mail("no@example.org"), notify.Mail("bob@example.org")))
		p.settle(t)
		if err := p.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.settle(t)
		if n := len(p.states(t)); n != 3 {
			t.Errorf("%d deliveries are left at first", n)
		}
		p.after(t, notify.KeepFor+time.Hour)
		if got := p.states(t); len(got) != 2 || got[0] != "bob@example.org sent" {
			t.Errorf("got %q", got)
		}
	}, rooms()...)
}

func TestMessagesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	p := open(t, db, notify.Config{})
	for name, change := range map[string]func(*notify.Message){
		"ID":           func(m *notify.Message) { m.ID = "a b" },
		"ID, header":   func(m *notify.Message) { m.ID = "a\r\nBcc: x@example.org" },
		"event":        func(m *notify.Message) { m.Event = "Clock Reminder" },
		"no event":     func(m *notify.Message) { m.Event = "" },
		"data":         func(m *notify.Message) { m.Data = []byte("{") },
		"long data":    func(m *notify.Message) { m.Data = []byte(`"` + strings.Repeat("x", 70_000) + `"`) },
		"HTML":         func(m *notify.Message) { m.HTML = strings.Repeat("x", 2<<20) },
		"address":      func(m *notify.Message) { m.To = []notify.Address{""} },
		"mail":         func(m *notify.Message) { m.To = []notify.Address{notify.Mail("Ann <ann@example.org>")} },
		"mail, header": func(m *notify.Message) { m.To = []notify.Address{notify.Mail("ann@example.org\r\nBcc: x@example.org")} },
		"two":          func(m *notify.Message) { m.To = []notify.Address{notify.Mail("a@example.org, b@example.org")} },
		"many":         func(m *notify.Message) { m.To = slices.Repeat(m.To, 101) },
	} {
		m := reminder(notify.Mail("ann@example.org"))
		change(&m)
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := p.Post(ctx, tx, m)
			return err
		})
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTextsThatPeopleWroteAreMadeToFit(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, storetest.SQLite(t), rooms()...)
	server := notifytest.Start(t, notifytest.Config{})
	p := open(t, db, notify.Config{Mail: mailConfig(server)})
	m := reminder(notify.Mail("ann@example.org"))
	m.Title = "事件\r\nBcc: eve@example.org\x00\xff" + strings.Repeat("长", 300)
	m.Text = strings.Repeat("文", 100_000) + "\x00"
	p.post(t, m)
	p.settle(t)
	p.want(t, "ann@example.org sent")
	if took := server.Took(); len(took) != 1 || len(took[0].To) != 1 {
		t.Errorf("the server took %d mails", len(took))
	}
}
