package warning

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables of Desk and Inbox, for store.Migrate.
func Room() store.Room { return store.Room{Name: "warning", Files: schema} }

// Config is what a desk needs. DB, Trail, Identity, Send and Recipients must be
// set; what is nil beside them does nothing.
type Config struct {
	DB       *store.DB
	Trail    *audit.Trail
	Identity *envelope.Identity
	// Send hands an envelope to neighbours, in the transaction.
	Send func(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	// Recipients says whom something by an author would reach, and why not others.
	Recipients func(ctx context.Context, tx *store.Tx, author alliance.NodeID, marking intel.Marking, scope alliance.Scope) (Reach, error)
	// Mail tells members without a node of a bulletin, in the transaction. w is what
	// is in force, or was at last.
	Mail func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, w *alliance.Warning, to []Recipient) error
	// Append writes an envelope into the log that cannot be rewritten.
	Append func(ctx context.Context, tx *store.Tx, e *envelope.Envelope) error
	// Joined is told of a revision that went to some who were not there when it was
	// issued.
	Joined func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, e *envelope.Envelope) error
	// Tell has people told, by role.
	Tell func(ctx context.Context, tx *store.Tx, n Notice) error
	// Benign says of each observable which list of mostly benign things has it; empty
	// for none.
	Benign func([]intel.Observable) (lists []string, err error)
	// CheckRule says what is wrong with a Sigma rule.
	CheckRule func(text string) error
	// Rulings say what each regime that binds us says of our issuing a colour. They
	// are asked outside of transactions.
	Rulings func(ctx context.Context, colour alliance.Colour) ([]Ruling, error)
	// Owners says whose addresses and domains are; what is nobody's is left out. Name
	// is what a node is called.
	Owners func(ctx context.Context, tx *store.Tx, all []intel.Observable) (map[alliance.NodeID][]intel.Observable, error)
	Name   func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error)
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Ruling is what a regime says of a colour.
type Ruling struct {
	Regime   string `json:"regime"`
	IssuedBy string `json:"issued_by"` // in words
	// May is yes, no or unknown.
	May string `json:"may"`
	// Unconfirmed says that no source confirms the whole of it.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
}

// Recipient is a node that something reaches.
type Recipient struct {
	Node alliance.NodeID `json:"node"`
	Name string          `json:"name"`
	// Via is the member that passes it on; empty for a neighbour.
	Via alliance.NodeID `json:"via,omitempty"`
}

// Left is a node that something does not reach.
type Left struct {
	Recipient
	Reason string `json:"reason"`
}

// Reach is whom something reaches, and who is left out.
type Reach struct {
	To []Recipient `json:"to"`
	// ByMail are members without a node.
	ByMail []Recipient `json:"by_mail,omitempty"`
	Left   []Left      `json:"left"`
	// Gone had an earlier revision and are not meant any more: they are told that it
	// is over for them.
	Gone []Recipient `json:"gone,omitempty"`
	// Carriers are neighbours that pass it on, and are meant for nothing else.
	Carriers []alliance.NodeID `json:"carriers,omitempty"`
}

// neighbours are those that it must be handed to.
func (r *Reach) neighbours() []alliance.NodeID {
	var all []alliance.NodeID
	seen := map[alliance.NodeID]bool{}
	add := func(n alliance.NodeID) {
		if n != "" && !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	for _, to := range r.To {
		if to.Via == "" {
			add(to.Node)
		}
		add(to.Via)
	}
	for _, c := range r.Carriers {
		add(c)
	}
	return all
}

// Desk keeps the warnings of a node. It is safe for concurrent use, also by
// several processes on one database.
type Desk struct {
	db     *store.DB
	config Config
	timers *timer.Timers
	ids    store.IDs
}

// NewDesk returns the desk of a database that holds Room's tables. It works once
// Join has been called.
func NewDesk(c Config) *Desk {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Append == nil {
		c.Append = func(context.Context, *store.Tx, *envelope.Envelope) error { return nil }
	}
	if c.Mail == nil {
		c.Mail = func(context.Context, *store.Tx, *alliance.Bulletin, *alliance.Warning, []Recipient) error { return nil }
	}
	if c.Joined == nil {
		c.Joined = func(context.Context, *store.Tx, *alliance.Bulletin, *envelope.Envelope) error { return nil }
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, *store.Tx, Notice) error { return nil }
	}
	if c.Benign == nil {
		c.Benign = func(all []intel.Observable) ([]string, error) { return make([]string, len(all)), nil }
	}
	if c.CheckRule == nil {
		c.CheckRule = func(string) error { return nil }
	}
	if c.Rulings == nil {
		c.Rulings = func(context.Context, alliance.Colour) ([]Ruling, error) { return nil, nil }
	}
	if c.Owners == nil {
		c.Owners = func(context.Context, *store.Tx, []intel.Observable) (map[alliance.NodeID][]intel.Observable, error) {
			return nil, nil
		}
	}
	if c.Name == nil {
		c.Name = func(_ context.Context, _ *store.Tx, node alliance.NodeID) (string, error) { return string(node), nil }
	}
	return &Desk{db: c.DB, config: c}
}

// Join hands the desk the timers that handle Kinds.
func (d *Desk) Join(timers *timer.Timers) { d.timers = timers }

func (d *Desk) now() time.Time { return d.config.Now().UTC().Truncate(time.Microsecond) }

// Record is a warning at its author.
type Record struct {
	ID       string          `json:"id"`
	Number   string          `json:"number,omitempty"` // empty until it is issued
	State    State           `json:"state"`
	Colour   alliance.Colour `json:"colour"` // in force, or drafted while nothing is
	Title    string          `json:"title"`
	Exercise bool            `json:"exercise,omitempty"`
	Revision int             `json:"revision"` // in force; 0 for none
	// SHA256 is of the draft that waits, and Why the reason of what it would change.
	SHA256   string    `json:"sha256,omitempty"`
	Why      string    `json:"why,omitempty"`
	MadeBy   string    `json:"made_by"`
	Made     time.Time `json:"made"`
	Changed  time.Time `json:"changed"`
	Issued   time.Time `json:"issued,omitzero"`
	Expires  time.Time `json:"expires,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	RatifyBy time.Time `json:"ratify_by,omitzero"` // set while it waits to be ratified
	// Unratified says that the time to ratify has run out.
	Unratified bool  `json:"unratified,omitempty"`
	Version    int64 `json:"version"`

	draft  string // JSON
	madeID string
	alone  string // who broke the glass
}

// Name is what people call it.
func (r *Record) Name() string {
	if r.Number != "" {
		return r.Number
	}
	return r.ID
}

// Change says who changes a warning, and which version of it they have seen.
type Change struct {
	Who     Who
	Warning string // its number or ID
	// Version is the one that was seen; 0 is any.
	Version int64
	Why     string
}

// StaleError refuses a change of a version that is no longer the present one. It is
// fault.Conflict.
type StaleError struct {
	Seen    int64
	Present Record
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("warning %s was changed meanwhile: you have seen version %d, it is %d now", e.Present.Name(), e.Seen, e.Present.Version)
}

// Unwrap makes it fault.Conflict.
func (e *StaleError) Unwrap() error { return fault.Conflict }

// Draft makes a draft. The error is fault.Invalid for one that cannot be kept, and
// fault.Forbidden; what keeps it from being issued is told by Show.
func (d *Desk) Draft(ctx context.Context, who Who, draft Draft) (r Record, err error) {
	if err := drafter.allows(who, Edit); err != nil {
		return r, err
	}
	if err := draft.normal(); err != nil {
		return r, err
	}
	now := d.now()
	r = Record{
		ID: d.ids.Next(now), State: Drafted, Colour: draft.Colour, Title: draft.Title(), Exercise: draft.Exercise,
		MadeBy: who.Name, madeID: who.ID, Made: now, Changed: now, Version: 1,
	}
	if r.draft, r.SHA256, err = draft.text(); err != nil {
		return r, err
	}
	err = d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := insertRecord(ctx, tx, &r); err != nil {
			return err
		}
		return d.config.Trail.Record(ctx, tx, who.Actor, "warning.draft", subject(&r), nil, r)
	})
	return r, err
}

func subject(r *Record) audit.Subject { return audit.Subject{Kind: "warning", ID: r.ID} }

// Edit puts another draft in the place of the one that waits. All approvals of that
// one are void. To put the same again changes nothing.
func (d *Desk) Edit(ctx context.Context, c Change, draft Draft) (Record, error) {
	if err := draft.normal(); err != nil {
		return Record{}, err
	}
	return d.change(ctx, c, Edit, func(ctx context.Context, tx *store.Tx, r *Record) error {
		text, sum, err := draft.text()
		if err != nil {
			return err
		}
		if sum == r.SHA256 {
			return errSame
		}
		r.draft, r.SHA256 = text, sum
		if c.Why != "" {
			r.Why = c.Why
		}
		if r.Revision == 0 {
			r.Colour, r.Title, r.Exercise = draft.Colour, draft.Title(), draft.Exercise
		} else if err := keepsNature(ctx, tx, r, &draft); err != nil {
			return err
		}
		return voidApprovals(ctx, tx, r.ID)
	})
}

// errSame ends a change that would change nothing.
var errSame = errors.New("nothing is changed")

// keepsNature refuses to make an exercise of what is meant, or the other way: that
// is another warning.
func keepsNature(ctx context.Context, tx *store.Tx, r *Record, draft *Draft) error {
	before, err := contentOf(ctx, tx, r)
	if err != nil {
		return err
	}
	if before.Exercise != draft.Exercise {
		return fmt.Errorf("warning %s: an exercise stays one, and what is meant stays meant: draft another warning: %w", r.Name(), fault.Invalid)
	}
	return nil
}

// change does an act: the record in the state that follows, what do does, a version
// more and the trail, all or nothing.
func (d *Desk) change(ctx context.Context, c Change, act Act, do func(context.Context, *store.Tx, *Record) error) (r Record, err error) {
	if err := checkTexts(text{c.Why, maxText}); err != nil {
		return r, err
	}
	err = d.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err = d.changeIn(ctx, tx, c, act, do)
		return err
	})
	return r, err
}

func (d *Desk) changeIn(ctx context.Context, tx *store.Tx, c Change, act Act, do func(context.Context, *store.Tx, *Record) error) (Record, error) {
	before, err := d.get(ctx, tx, c.Warning)
	if err != nil {
		return before, err
	}
	if c.Version != 0 && c.Version != before.Version {
		return before, &StaleError{Seen: c.Version, Present: before}
	}
	r := before
	if r.State, err = step(r.Name(), before.State, act, c.Who); err != nil {
		return before, err
	}
	switch err := do(ctx, tx, &r); {
	case errors.Is(err, errSame):
		return before, nil
	case err != nil:
		return before, err
	}
	r.Version, r.Changed = before.Version+1, d.now()
	if err := updateRecord(ctx, tx, &r); err != nil {
		return before, err
	}
	return r, d.config.Trail.Record(ctx, tx, c.Who.Actor, "warning."+string(act), subject(&r), before, told{r, c.Why})
}

// told is a record with the reason of its change, for the trail.
type told struct {
	Record
	Because string `json:"because,omitempty"`
}

func (d *Desk) get(ctx context.Context, tx *store.Tx, word string) (Record, error) {
	r, ok, err := selectRecord(ctx, tx, strings.TrimSpace(word))
	if err == nil && !ok {
		err = fmt.Errorf("warning %.80q: %w", word, fault.NotFound)
	}
	return r, err
}

// Get returns a warning by its number or ID. The error is fault.NotFound.
func (d *Desk) Get(ctx context.Context, word string) (r Record, err error) {
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		r, err = d.get(ctx, tx, word)
		return err
	})
	return r, err
}

// Filter chooses warnings; what is empty chooses all.
type Filter struct {
	States []State
	Colour alliance.Colour
}

// MaxPage is how many warnings a list returns at most.
const MaxPage = 1000

// List returns warnings, the last one first; after is the ID of the last of the
// page before. Next is where to go on, empty on the last page.
func (d *Desk) List(ctx context.Context, f Filter, after string, most int) (all []Record, next string, err error) {
	if most <= 0 || most > MaxPage {
		most = 100
	}
	err = d.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectRecords(ctx, tx, f, after, most+1)
		return err
	})
	if len(all) > most {
		all = all[:most]
		next = all[most-1].ID
	}
	return all, next, err
}

// drafted reads the draft that waits.
func (r *Record) drafted() (*Draft, error) {
	var d Draft
	if err := json.Unmarshal([]byte(r.draft), &d); err != nil {
		return nil, fmt.Errorf("draft of warning %s: %w", r.Name(), err)
	}
	return &d, nil
}

// contentOf is what is in force, or was at last; nil while nothing was issued.
func contentOf(ctx context.Context, tx *store.Tx, r *Record) (*alliance.Warning, error) {
	if r.Revision == 0 {
		return nil, nil
	}
	text, err := lastContent(ctx, tx, r.ID)
	if err != nil {
		return nil, err
	}
	w := &alliance.Warning{}
	if err := json.Unmarshal([]byte(text), w); err != nil {
		return nil, fmt.Errorf("warning %s: %w", r.Name(), err)
	}
	return w, nil
}
