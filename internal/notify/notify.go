package notify

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/fetch"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// Config is how messages are sent. The zero value sends nothing: mail becomes a
// dead letter that says so.
type Config struct {
	// Mail is the server; nil for none.
	Mail *MailConfig
	// Webhooks are told of events.
	Webhooks []WebhookConfig
	// Fetch makes the requests of webhooks; needed where there are any.
	Fetch *fetch.Client
	// Resolve says who an address leads to right now, without whom nobody has
	// to be told; it asks for no transaction's context. Addresses of the kind mail
	// are not asked about. The error is fault.Invalid for an address that it does
	// not understand, and fault.NotFound where there is nobody.
	Resolve func(ctx context.Context, to Address) ([]Recipient, error)
	Log     *slog.Logger
	Now     func() time.Time // time.Now when nil
	// Attempts is how often a delivery may fail before it is a dead letter; 0 is
	// defaultAttempts.
	Attempts int
}

// Check says what in the configuration cannot be used; New does too. The error is
// fault.Invalid and names the setting.
func (c Config) Check() error {
	if c.Mail != nil {
		if _, err := newMailer(*c.Mail); err != nil {
			return err
		}
	}
	_, err := newWebhooks(c)
	return err
}

// Notify posts and sends messages. It may be used concurrently.
type Notify struct {
	db       *store.DB
	trail    *audit.Trail
	config   Config
	mail     *mailer // nil for none
	webhooks []*webhook
	timers   *timer.Timers // set by Use, before anything else
	ids      store.IDs
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "notify", Files: schema} }

// New returns what posts and sends by a database that has the tables of Room and
// of internal/timer. Call Use next. The error is fault.Invalid, and names the
// setting, when the configuration cannot be used.
func New(db *store.DB, trail *audit.Trail, config Config) (*Notify, error) {
	n := &Notify{db: db, trail: trail, config: config}
	if n.config.Log == nil {
		n.config.Log = slog.New(slog.DiscardHandler)
	}
	if n.config.Now == nil {
		n.config.Now = time.Now
	}
	if n.config.Attempts <= 0 {
		n.config.Attempts = defaultAttempts
	}
	var err error
	if config.Mail != nil {
		if n.mail, err = newMailer(*config.Mail); err != nil {
			return nil, err
		}
	}
	n.webhooks, err = newWebhooks(config)
	return n, err
}

// The kinds of timers.
const (
	deliverKind = "notify.deliver"
	tidyKind    = "notify.tidy"
)

// Kinds returns what is done with the timers of this package, for timer.New.
func (n *Notify) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{
		deliverKind: {Handle: n.deliver, Died: n.undeliverable},
		tidyKind:    {Handle: timer.Write(n.tidy)},
	}
}

// Use gives the timers that were made with Kinds. It is called once, before
// anything is posted and before the timers run.
func (n *Notify) Use(timers *timer.Timers) { n.timers = timers }

// Post posts a message in the caller's transaction and returns its ID. One whose
// ID was posted before is not posted again. Nothing is posted when there is nobody
// to be told: no address, and no webhook for events of its kind. The error is
// fault.Invalid for what is no message.
func (n *Notify) Post(ctx context.Context, tx *store.Tx, m Message) (string, error) {
	now := n.config.Now()
	if m.ID == "" {
		m.ID = n.ids.Next(now)
	}
	m, err := m.clean()
	if err != nil {
		return m.ID, err
	}
	var ways []Delivery
	for i, to := range m.To {
		if !slices.Contains(m.To[:i], to) {
			ways = append(ways, Delivery{Channel: ByMail, Address: to})
		}
	}
	for _, w := range n.webhooks {
		if !w.wants(m.Event) {
			continue
		}
		reason, err := disabled(ctx, tx, w.target())
		if err != nil {
			return m.ID, fmt.Errorf("post message %s: %w", m.ID, err)
		}
		if reason == "" {
			ways = append(ways, Delivery{Channel: ByWebhook, Recipient: w.Name})
		}
	}
	if len(ways) == 0 {
		return m.ID, nil
	}
	fresh, err := insertMessage(ctx, tx, m, now)
	if err != nil || !fresh {
		return m.ID, err
	}
	for _, d := range ways {
		d.Message = m.ID
		if err := n.add(ctx, tx, d, now); err != nil {
			return m.ID, fmt.Errorf("post message %s: %w", m.ID, err)
		}
	}
	return m.ID, nil
}

// add writes a delivery, unless its recipient has one of the message, and its
// timer.
func (n *Notify) add(ctx context.Context, tx *store.Tx, d Delivery, now time.Time) error {
	d.ID, d.State, d.Changed = n.ids.Next(now), Waiting, now
	fresh, err := insertDelivery(ctx, tx, d)
	if err != nil || !fresh {
		return err
	}
	return n.schedule(ctx, tx, d.ID, now)
}

func (n *Notify) schedule(ctx context.Context, tx *store.Tx, delivery string, at time.Time) error {
	return n.timers.Schedule(ctx, tx, timer.Timer{ID: timerID(delivery), Kind: deliverKind, Due: at, Payload: []byte(`"` + delivery + `"`)})
}

func timerID(delivery string) string { return "notify:" + delivery }

// resolve returns who an address leads to right now.
func (n *Notify) resolve(ctx context.Context, to Address) ([]Recipient, error) {
	kind, value := to.Parts()
	if kind == mailKind {
		return []Recipient{{Mail: value}}, nil
	}
	if n.config.Resolve == nil {
		return nil, fmt.Errorf("nobody knows who %s is: %w", to, fault.NotFound)
	}
	found, err := n.config.Resolve(ctx, to)
	switch {
	case errors.Is(err, fault.Invalid):
		err = hopelessError{err}
	case err == nil && len(found) == 0:
		err = fmt.Errorf("nobody with a mail address is %s: %w", to, fault.NotFound)
	}
	return found, err
}

// keepFor is how long messages are kept that every recipient got or somebody
// discarded: long enough to answer who was told what in an incident's review.
const keepFor = 400 * 24 * time.Hour

// tidyEvery is how often older ones are removed.
const tidyEvery = 24 * time.Hour

// tidied is how many are removed in a transaction, so that nobody waits for it.
const tidied = 1000

// Begin has messages of long ago removed from now on. A node calls it at each
// start.
func (n *Notify) Begin(ctx context.Context) error {
	err := n.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		return n.timers.Schedule(ctx, tx, timer.Timer{ID: tidyKind, Kind: tidyKind, Due: n.config.Now()})
	})
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// tidy removes old messages, and comes again: soon when there are more.
func (n *Notify) tidy(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	now := n.config.Now()
	removed, err := removeSettled(ctx, tx, now.Add(-keepFor), tidied)
	if err != nil {
		return err
	}
	t.Due = now.Add(tidyEvery)
	if removed == tidied {
		t.Due = now.Add(time.Second)
	}
	return n.timers.Schedule(ctx, tx, t)
}

// hopelessError is one that trying again does not mend.
type hopelessError struct{ error }

func (e hopelessError) Unwrap() error { return e.error }

func hopeless(err error) bool {
	_, is := errors.AsType[hopelessError](err)
	return is
}
