package warning_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/alliance/warning"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
	"tocsin/internal/timer"
	"tocsin/people"
)

func person(id, name string, role people.Role) warning.Who {
	return warning.Who{Actor: audit.Actor{ID: id, Name: name, From: "192.0.2.1"}, Role: role, Person: true}
}

var (
	ann = person("1", "Ann Brandt", people.Commander)
	bob = person("2", "Bob Koch", people.Commander)
	dan = person("4", "Dan Vogel", people.DutyOfficer)
)

// morning is 12 May 2017, when it began.
var morning = time.Date(2017, 5, 12, 8, 0, 0, 0, time.UTC)

// clock is a time that tests move, a microsecond later with each look.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(time.Microsecond)
	return c.at
}

func (c *clock) pass(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

// office is a desk on an empty database, with what it hands out.
type office struct {
	*warning.Desk
	*clock
	t      testing.TB
	db     *store.DB
	timers *timer.Timers
	self   *envelope.Identity
	ring   envelope.Passports
	cards  []*alliance.Card

	mu       sync.Mutex
	sent     []*envelope.Envelope // of transactions that were kept
	to       map[string][]alliance.NodeID
	appended int
	notices  []warning.Notice
	refuse   bool // to send

	joined []string // warnings that went to who came later

	inbox *inbox
}

// failing is a member to which nothing can be sent.
var failing = alliance.NodeOf([]byte("a member whose outbox is broken"))

// benign is a list of mostly benign things.
func benign(all []intel.Observable) ([]string, error) {
	lists := make([]string, len(all))
	for k, o := range all {
		if o.Value == "update.example" {
			lists[k] = "well-known update servers"
		}
	}
	return lists, nil
}

func identity(t testing.TB, name string) *envelope.Identity {
	t.Helper()
	self, err := envelope.Create(t.TempDir(), morning.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := self.Describe(alliance.Card{Kind: alliance.Authority, Issued: morning, Names: map[string]string{"en": name}}); err != nil {
		t.Fatal(err)
	}
	return self
}

func newOffice(t testing.TB, db *store.DB, rulings ...warning.Ruling) *office {
	t.Helper()
	o := &office{t: t, db: db, clock: &clock{at: morning}, self: identity(t, "Authority"), to: map[string][]alliance.NodeID{}}
	o.ring = envelope.Passports{o.self.ID(): o.self.Passport()}
	o.cards = append(o.cards, &alliance.Card{Node: failing, Kind: alliance.Enterprise, Sectors: []string{"broken"}, Names: map[string]string{"en": "Broken"}})
	for n := range 3 {
		sector := "health"
		if n == 2 {
			sector = "energy"
		}
		o.cards = append(o.cards, &alliance.Card{
			Node: alliance.NodeOf([]byte(fmt.Sprintf("member %d, 32 bytes of a root key", n))), Kind: alliance.Enterprise, Sectors: []string{sector},
			Names: map[string]string{"en": fmt.Sprintf("Member %d", n)},
		})
	}
	o.Desk = warning.NewDesk(warning.Config{
		DB: db, Trail: audit.New(db, o.now), Identity: o.self, Now: o.now, Benign: benign,
		Send: func(_ context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error {
			h, err := e.Open()
			if err != nil {
				return err
			}
			if o.refuse || contains(h.Audience.Members, failing) {
				return errors.New("the disk is full")
			}
			tx.Committed(func() {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.sent = append(o.sent, e)
				o.to[h.ID] = to
			})
			return nil
		},
		Recipients: o.recipients,
		Joined: func(_ context.Context, tx *store.Tx, b *alliance.Bulletin, _ *envelope.Envelope) error {
			tx.Committed(func() { o.joined = append(o.joined, b.Warning) })
			return nil
		},
		Owners: func(_ context.Context, _ *store.Tx, all []intel.Observable) (map[alliance.NodeID][]intel.Observable, error) {
			owned := map[alliance.NodeID][]intel.Observable{}
			for _, a := range all {
				if a.Value == "hospital.example" || strings.HasPrefix(a.Value, "192.0.2.") {
					owned[o.inbox.self.ID()] = append(owned[o.inbox.self.ID()], a)
				}
			}
			return owned, nil
		},
		Append: func(_ context.Context, tx *store.Tx, _ *envelope.Envelope) error {
			tx.Committed(func() { o.mu.Lock(); o.appended++; o.mu.Unlock() })
			return nil
		},
		Tell: func(_ context.Context, tx *store.Tx, n warning.Notice) error {
			tx.Committed(func() { o.mu.Lock(); o.notices = append(o.notices, n); o.mu.Unlock() })
			return nil
		},
		CheckRule: func(text string) error {
			if text == "broken" {
				return errors.New("it is no rule")
			}
			return nil
		},
		Rulings: func(context.Context, alliance.Colour) ([]warning.Ruling, error) { return rulings, nil },
	})
	o.inbox = newInbox(t, o)
	o.timers = timer.New(db, warning.Kinds(o.Desk, o.inbox.Inbox), timer.Config{Now: o.now})
	o.Join(o.timers)
	o.inbox.Join(o.timers)
	return o
}

func (o *office) recipients(_ context.Context, _ *store.Tx, author alliance.NodeID, marking intel.Marking, scope alliance.Scope) (warning.Reach, error) {
	var r warning.Reach
	for _, c := range o.cards {
		to := warning.Recipient{Node: c.Node, Name: c.Names["en"]}
		if ok, why := alliance.May(marking, scope, author, c, false); ok {
			r.To = append(r.To, to)
		} else {
			r.Left = append(r.Left, warning.Left{Recipient: to, Reason: why})
		}
	}
	return r, nil
}

// told returns the kinds of notices so far.
func (o *office) told() (kinds []warning.NoticeKind) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.notices {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// settle lets what is due happen.
func (o *office) settle() {
	o.t.Helper()
	if err := o.timers.Settle(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// last is the bulletin that was sent last, verified.
func (o *office) last() (alliance.Bulletin, envelope.Header) {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.sent[len(o.sent)-1]
	return bulletin(o.t, o.ring, e, o.at)
}

// wannaCry is the warning of the morning.
func wannaCry(colour alliance.Colour) warning.Draft {
	return warning.Draft{
		Category: "MI", Colour: colour, Marking: intel.TLPGreen, ExpiresIn: warning.Within(30 * 24 * time.Hour),
		Scope: alliance.Scope{Sectors: []string{"health"}},
		Texts: []alliance.Text{{Language: "en", Title: "Worm that encrypts: WannaCry", Body: "It spreads over SMB 1 without anybody's doing.", Impact: "Files are lost."}},
		Asked: []warning.Indicator{
			{
				Kind: intel.Domain, Value: "iuqerfsodp9ifjaposdfjhgosurijfaewrwergwea.com", Action: new(intel.DoNotBlock),
				Why: "the worm stops where this name answers",
			},
			{Kind: intel.SHA256, Value: "24d004a104d4d54034dbcffc2a4b19a11f39008a575aa614ea04703480b1022c"},
		},
		Measures: []warning.Measure{{Text: "Install MS17-010.", Within: warning.Within(24 * time.Hour)}},
	}
}

func must[T any](t testing.TB) func(value T, err error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// by is a change by somebody of whatever version.
func by(who warning.Who, r *warning.Record, why ...string) warning.Change {
	c := warning.Change{Who: who, Warning: r.ID}
	if len(why) > 0 {
		c.Why = why[0]
	}
	return c
}

// approved approves a draft by so many people.
func (o *office) approved(r warning.Record, who ...warning.Who) warning.Record {
	o.t.Helper()
	for _, w := range who {
		r = must[warning.Record](o.t)(o.Approve(o.t.Context(), by(w, &r), r.SHA256, ""))
	}
	return r
}

// issued drafts, approves and issues a warning.
func (o *office) issued(colour alliance.Colour) warning.Record {
	o.t.Helper()
	r := must[warning.Record](o.t)(o.Draft(o.t.Context(), dan, wannaCry(colour)))
	who := []warning.Who{ann, bob}[:warning.Needed(colour, "")]
	r = o.approved(r, who...)
	return must[warning.Record](o.t)(o.Issue(o.t.Context(), by(ann, &r)))
}

func each(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, newOffice(t, db)) }, rooms()...)
}

func rooms() []store.Room { return []store.Room{audit.Room(), timer.Room(), warning.Room()} }

func contains[T comparable](all []T, one T) bool { return slices.Contains(all, one) }
