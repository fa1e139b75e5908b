package duty

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tocsin/incident"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
	"tocsin/plan/regime"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "duty", Files: schema} }

// Config is what an office needs. All but Notify and Now must be set.
type Config struct {
	DB      *store.DB
	Trail   *audit.Trail
	Library *regime.Library
	// Notify is called in the transaction that decides that somebody must be told;
	// it writes what is to be sent and sends nothing itself. It may be called again
	// when the transaction is. Without it nobody is told.
	Notify func(ctx context.Context, tx *store.Tx, n Notice) error
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Office keeps the plan of one organisation running. It is safe for concurrent
// use, also by several processes on one database.
type Office struct {
	db       *store.DB
	trail    *audit.Trail
	notify   func(ctx context.Context, tx *store.Tx, n Notice) error
	clock    func() time.Time
	ids      store.IDs
	library  atomic.Pointer[regime.Library]
	seen     atomic.Pointer[view]
	register *incident.Register // both set by Join
	timers   *timer.Timers
}

// New returns the office of a database that holds Room's tables. Join must be
// called before it is told of anything.
func New(c Config) (*Office, error) {
	if c.DB == nil || c.Trail == nil || c.Library == nil {
		return nil, errors.New("an office needs a database, an audit trail and regimes")
	}
	o := &Office{db: c.DB, trail: c.Trail, notify: c.Notify, clock: c.Now}
	if o.clock == nil {
		o.clock = time.Now
	}
	if o.notify == nil {
		o.notify = func(context.Context, *store.Tx, Notice) error { return nil }
	}
	o.library.Store(c.Library)
	return o, nil
}

// Kinds are the kinds of timer that the office works on, for timer.New.
func (o *Office) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{timerKind: {Handle: timer.Write(o.look), Attempts: attempts}}
}

// Join gives the office the register that was made with its hooks and the timers
// that were made with its Kinds. It is called once, before both are used.
func (o *Office) Join(r *incident.Register, t *timer.Timers) { o.register, o.timers = r, t }

// Begin has every open incident looked at where the regimes are other ones than
// at the last start, so that a clock that a pack brought with it runs in incidents
// that nobody touches. A node calls it at each start, after Join.
func (o *Office) Begin(ctx context.Context) error {
	text, err := json.Marshal(o.Library().Packs())
	if err != nil {
		return fmt.Errorf("compare the regimes with those of the last start: %w", err)
	}
	sum := sha256.Sum256(text)
	return o.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		fresh, err := putFingerprint(ctx, tx, hex.EncodeToString(sum[:]))
		if err != nil || !fresh {
			return err
		}
		return o.timers.Schedule(ctx, tx, spreadTimer(o.now(), ""))
	})
}

// Library returns the regimes that count now.
func (o *Office) Library() *regime.Library { return o.library.Load() }

// SetLibrary has other regimes count from now on: packs that were added or
// changed. Clocks of incidents follow with the next change or moment of each, or
// with Begin.
func (o *Office) SetLibrary(l *regime.Library) { o.library.Store(l) }

// now is to the microsecond, as times are kept.
func (o *Office) now() time.Time { return o.clock().UTC().Truncate(time.Microsecond) }

// node is who acts when no person does.
var node = incident.Who{ID: "node", Name: "node", From: "plan"}

// ClockID names one clock of an incident.
type ClockID struct {
	Regime string `json:"regime"`
	Clock  string `json:"clock"`
	// Ref tells clocks apart that run for each event of several.
	Ref string `json:"ref,omitempty"`
}

// String writes it as cn-reporting-2025/cii.relay#2.
func (c ClockID) String() string {
	if c.Ref == "" {
		return c.Regime + "/" + c.Clock
	}
	return c.Regime + "/" + c.Clock + "#" + c.Ref
}

// aheadAllowed is by how much the clock of who states a time may be ahead of
// ours.
const aheadAllowed = 5 * time.Minute

// past refuses a time that has not come; one that is ahead by the difference of
// two clocks is now.
func (o *Office) past(what string, at time.Time) (time.Time, error) {
	now := o.now()
	switch {
	case at.IsZero():
		return now, nil
	case at.After(now.Add(aheadAllowed)):
		return at, fmt.Errorf("%s at %s: that is in the future: %w", what, at.Format(time.RFC3339), fault.Invalid)
	case at.After(now):
		return now, nil
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

const (
	// maxShort is a name, maxText some pages of reasons.
	maxShort = 500
	maxText  = 20_000
)

// wanted refuses a text that is empty or too long.
func wanted(name, text string, most int) error {
	switch {
	case text == "":
		return fmt.Errorf("%s is missing: %w", name, fault.Invalid)
	case len(text) > most:
		return fmt.Errorf("%s has %d bytes; at most %d: %w", name, len(text), most, fault.Invalid)
	}
	return nil
}

// short refuses a text that is too long.
func short(name, text string, most int) error {
	if text == "" {
		return nil
	}
	return wanted(name, text, most)
}
