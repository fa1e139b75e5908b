package incident

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/plan/fact"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "incident", Files: schema} }

// Config is what a register needs to know. DB, Trail, Facts and Blobs must be
// set; the rest may be zero.
type Config struct {
	DB    *store.DB
	Trail *audit.Trail
	Facts *fact.Dictionary
	// Blobs keep evidence.
	Blobs *store.Blobs
	// Opened and Changed are told of an incident inside the transaction that
	// opens or changes it, so that an incident never exists without its clocks.
	// An error undoes the change. Changed may set the incident's level.
	Opened  func(context.Context, *store.Tx, *Incident) error
	Changed func(context.Context, *store.Tx, *Incident, []Entry) error
	// Lacking says what an incident lacks for a step beside what this room knows,
	// such as a report that is owed; nil for nothing.
	Lacking func(context.Context, *store.Tx, *Incident, Advance) ([]string, error)
	// Playbooks open incidents by themselves.
	Playbooks []Playbook
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Register keeps incidents and alerts. It is safe for concurrent use, also by
// several processes on one database.
type Register struct {
	db      *store.DB
	config  Config
	ids     store.IDs
	numbers numbers
}

// New returns the register of a database that holds Room's tables. The error is
// fault.Invalid for a playbook that will not do.
func New(c Config) (*Register, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	for i := range c.Playbooks {
		if err := c.Playbooks[i].check(); err != nil {
			return nil, err
		}
	}
	return &Register{db: c.DB, config: c, numbers: numbers{db: c.DB}}, nil
}

// now is to the microsecond, as times are kept.
func (r *Register) now() time.Time { return r.config.Now().UTC().Truncate(time.Microsecond) }

// Who is the one who acts, as the audit trail names them.
type Who = audit.Actor

// Change says who changes an incident, and which version of it they have seen.
type Change struct {
	Who      Who
	Incident string // its ID or number
	// Version is the one that was seen; 0 is any. With another fault.Conflict and
	// the present incident are returned.
	Version int64
	// Why is kept beside the change; some need it.
	Why string
}

// Draft is an incident to be opened.
type Draft struct {
	Title       string
	Summary     string
	Kind        Kind // empty is Happened
	Category    string
	Owner       string
	CrossBorder Answer // empty is NobodyYet
	Origin      Origin // empty is ByHand
	// Facts are stated with it, by their keys as the dictionary writes them.
	Facts map[string]json.RawMessage
	// Once names the opening: whoever opens a second time under the same name gets
	// the first incident, so that a request sent again opens nothing twice. Empty
	// is no name.
	Once string

	number string // taken ahead; empty takes one in the transaction
}

func (d *Draft) check() error {
	d.Kind, d.Origin, d.CrossBorder = cmp.Or(d.Kind, Happened), cmp.Or(d.Origin, ByHand), cmp.Or(d.CrossBorder, NobodyYet)
	switch {
	case !slices.Contains(kinds, d.Kind):
		return fmt.Errorf("kind %q: use one of %s: %w", d.Kind, joined(kinds), fault.Invalid)
	case !slices.Contains(answers, d.CrossBorder):
		return fmt.Errorf("cross_border %q: use one of %s: %w", d.CrossBorder, joined(answers), fault.Invalid)
	case len(d.Facts) > maxFactsAtOnce:
		return fmt.Errorf("%d facts; at most %d at once: %w", len(d.Facts), maxFactsAtOnce, fault.Invalid)
	}
	return checkTexts(
		text{"title", &d.Title, maxTitle, true}, text{"summary", &d.Summary, maxText, false},
		text{"category", &d.Category, maxShort, false}, text{"owner", &d.Owner, maxShort, false}, text{"once", &d.Once, maxShort, false},
	)
}

// Open opens an incident and returns it; opened is false where Draft.Once had
// opened it before. The error is fault.Invalid for a draft that will not do.
func (r *Register) Open(ctx context.Context, who Who, d Draft) (i Incident, opened bool, err error) {
	stated, err := r.readDraft(&d)
	if err != nil {
		return Incident{}, false, err
	}
	d.number, err = r.numbers.take(ctx, r.now().Year())
	if err != nil {
		return Incident{}, false, err
	}
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, opened, err = r.open(ctx, tx, who, &d, stated)
		return err
	})
	return i, opened, err
}

func (r *Register) readDraft(d *Draft) (stated []Stated, err error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	for _, key := range sortedKeys(d.Facts) {
		s, err := r.read(key, d.Facts[key])
		if err != nil {
			return nil, err
		}
		stated = append(stated, s)
	}
	return stated, nil
}

func (r *Register) open(ctx context.Context, tx *store.Tx, who Who, d *Draft, stated []Stated) (Incident, bool, error) {
	now := r.now()
	i := Incident{
		ID: r.ids.Next(now), Number: d.number, Title: d.Title, Summary: d.Summary, Kind: d.Kind, Category: d.Category, State: Reported,
		Owner: d.Owner, CrossBorder: d.CrossBorder, Origin: d.Origin, OpenedBy: who.Name, Opened: now, Changed: now, Version: 1,
	}
	if i.Number == "" {
		last, err := countNumbers(ctx, tx, now.Year(), 1)
		if err != nil {
			return Incident{}, false, err
		}
		i.Number = number(now.Year(), last)
	}
	fresh, err := insertIncident(ctx, tx, &i, d.Once)
	if err != nil {
		return Incident{}, false, err
	}
	if !fresh {
		first, err := r.openedBefore(ctx, tx, who, d)
		return first, false, err
	}
	c := Change{Who: who}
	if err := r.tell(ctx, tx, c, &i, &Entry{Kind: EntryOpened, Text: d.Title, Data: object("origin", d.Origin)}); err != nil {
		return Incident{}, false, err
	}
	i.stated = make(map[string]Stated, len(stated))
	for _, s := range stated {
		s.By, s.At, s.Version = who.Name, now, i.Version
		if err := insertFirst(ctx, tx, i.ID, &s); err != nil {
			return Incident{}, false, err
		}
		i.stated[s.Key] = s
	}
	if err := index(ctx, tx, &i); err != nil {
		return Incident{}, false, err
	}
	if err := r.opened(ctx, tx, &i); err != nil {
		return Incident{}, false, err
	}
	return i, true, r.config.Trail.Record(ctx, tx, who, "incident.open", audit.Subject{Kind: "incident", ID: i.ID}, nil, i)
}

// openedBefore is the incident that was opened under the draft's name.
func (r *Register) openedBefore(ctx context.Context, tx *store.Tx, who Who, d *Draft) (Incident, error) {
	id, ok, err := selectOnce(ctx, tx, who.Name, d.Once)
	if err != nil {
		return Incident{}, err
	}
	if !ok {
		return Incident{}, fmt.Errorf("what was opened as %.80q is not there: %w", d.Once, fault.Conflict)
	}
	return r.get(ctx, tx, id)
}

// opened has the plan told of an incident that is being opened, and keeps what
// that changed of it.
func (r *Register) opened(ctx context.Context, tx *store.Tx, i *Incident) error {
	i.opening = true
	defer func() { i.opening, i.stated, i.told = false, nil, nil }()
	if r.config.Opened == nil {
		return nil
	}
	told := len(i.told)
	if err := r.config.Opened(ctx, tx, i); err != nil {
		return err
	}
	if len(i.told) == told {
		return nil
	}
	return updateIncident(ctx, tx, i)
}

// Get returns an incident by its ID or number. The error is fault.NotFound.
func (r *Register) Get(ctx context.Context, word string) (i Incident, err error) {
	err = r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err = r.get(ctx, tx, word)
		return err
	})
	return i, err
}

func (r *Register) get(ctx context.Context, tx *store.Tx, word string) (Incident, error) {
	i, ok, err := selectIncident(ctx, tx, word)
	if err == nil && !ok {
		err = fmt.Errorf("incident %.80q: %w", word, fault.NotFound)
	}
	return i, err
}

// StaleError refuses a change of a version that is no longer the present one. It is
// fault.Conflict.
type StaleError struct {
	Seen    int64
	Present Incident
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("incident %s was changed meanwhile: you have seen version %d, it is %d now", e.Present.Number, e.Seen, e.Present.Version)
}

// Unwrap makes it fault.Conflict.
func (e *StaleError) Unwrap() error { return fault.Conflict }

// change makes one change of an incident: what do does, a version more, what
// the plan does about it, and the audit trail, all or nothing. A change that
// tells the timeline nothing changes nothing.
func (r *Register) change(ctx context.Context, c Change, do func(context.Context, *store.Tx, *Incident) error) (i Incident, err error) {
	err = r.db.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		i, err = r.changeIn(ctx, tx, c, do)
		return err
	})
	return i, err
}

func (r *Register) changeIn(ctx context.Context, tx *store.Tx, c Change, do func(context.Context, *store.Tx, *Incident) error) (Incident, error) {
	i, err := r.get(ctx, tx, c.Incident)
	if err != nil {
		return Incident{}, err
	}
	if c.Version != 0 && c.Version != i.Version {
		return i, &StaleError{Seen: c.Version, Present: i}
	}
	before := i
	if err := do(ctx, tx, &i); err != nil {
		return before, err
	}
	if len(i.told) == 0 {
		return before, nil
	}
	i.Version, i.Changed = before.Version+1, r.now()
	if r.config.Changed != nil {
		if err := r.config.Changed(ctx, tx, &i, i.told); err != nil {
			return before, err
		}
	}
	if err := updateIncident(ctx, tx, &i); err != nil {
		return before, err
	}
	if i.Title != before.Title || i.Summary != before.Summary {
		if err := index(ctx, tx, &i); err != nil {
			return before, err
		}
	}
	action := "incident." + string(i.told[0].Kind)
	i.told = nil
	return i, r.config.Trail.Record(ctx, tx, c.Who, action, audit.Subject{Kind: "incident", ID: i.ID}, before, i)
}

// tell appends to an incident's timeline.
func (r *Register) tell(ctx context.Context, tx *store.Tx, c Change, i *Incident, e *Entry) error {
	now := r.now()
	e.ID, e.Incident, e.By, e.Recorded = r.ids.Next(now), i.ID, c.Who.Name, now
	if e.At.IsZero() {
		e.At = now
	}
	if c.Why != "" && e.Kind != EntryComment {
		e.Text += " – " + c.Why
	}
	i.told = append(i.told, *e)
	return insertEntry(ctx, tx, e)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// object is a JSON object of names and values, which can always be written.
func object(pairs ...any) json.RawMessage {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1] //nolint:forcetypeassert // only we call it
	}
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // a value that cannot be JSON is a mistake of ours
	}
	return text
}
