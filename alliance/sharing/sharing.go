package sharing

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/link"
	"tocsin/alliance/relay"
	"tocsin/intel"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

// State is how a share stands.
type State string

// The states of a share.
const (
	Standing  State = "standing"
	Withdrawn State = "withdrawn" // by who shared it
	Expired   State = "expired"
)

// Share is something that was shared, by this node or with it.
type Share struct {
	ID     string          `json:"id"`     // of the envelope
	Author alliance.NodeID `json:"author"` // of the envelope: where Anonymous is set, a hub or who asked it
	What   alliance.What   `json:"what"`
	Title  string          `json:"title"`
	// Marking and Scope say who may have it.
	Marking intel.Marking  `json:"tlp"`
	Scope   alliance.Scope `json:"scope"`
	// Anonymous is set where who shared it is not named; Through is the hub by which
	// this node shares it so.
	Anonymous bool            `json:"anonymous,omitempty"`
	Through   alliance.NodeID `json:"through,omitempty"`
	Group     string          `json:"group,omitempty"` // ours, for a group: its ID
	State     State           `json:"state"`
	Reason    string          `json:"reason,omitempty"` // why it was withdrawn
	By        string          `json:"by,omitempty"`     // ours: who shared it
	At        time.Time       `json:"at"`
	Until     time.Time       `json:"until,omitzero"`
	Ended     time.Time       `json:"ended,omitzero"`
	// Content is what it says, while it stands and where one is read.
	Content *alliance.Shared `json:"content,omitempty"`
}

// Watched is what others shared that is to be looked for.
type Watched struct {
	Share
	Name string // of who shared it, or of the hub that does not say who did
}

// Notice is something that people of the node should hear of.
type Notice struct {
	Kind  string // shared, withdrawn
	Share Share
	Name  string // of the author
	Text  string
}

// Config is what a Desk needs. DB, Trail, Links, Relay and Watch must be set.
type Config struct {
	DB    *store.DB
	Trail *audit.Trail
	Links Handlers
	Relay *relay.Relay
	// Group returns the hub and the members of a group that this node knows. The
	// error is fault.NotFound.
	Group func(ctx context.Context, tx *store.Tx, id string) (hub alliance.NodeID, members []alliance.NodeID, err error)
	// Hubs returns the active hubs of this node.
	Hubs func(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error)
	// Name returns what a node calls itself.
	Name func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (string, error)
	// Watch makes the node look for what others shared, and for nothing else of the
	// kind. Content reads what one of them says.
	Watch func(ctx context.Context, all []Watched, content func(context.Context, *Share) error) error
	// Tell tells people; nil tells nobody.
	Tell func(ctx context.Context, tx *store.Tx, n Notice) error
	Log  *slog.Logger
}

// Handlers is what of link.Links is used here.
type Handlers interface {
	On(kind string, h link.Handler)
}

// Desk shares, and takes in what is shared. It may be used concurrently.
type Desk struct {
	c      Config
	timers *timer.Timers
	wake   chan struct{}
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "sharing", Files: schema} }

// New returns a desk and has the links hand it what is its own. It works once Join
// was called.
func New(c Config) (*Desk, error) {
	if c.DB == nil || c.Trail == nil || c.Links == nil || c.Relay == nil || c.Watch == nil || c.Hubs == nil {
		return nil, fmt.Errorf("sharing: DB, Trail, Links, Relay, Hubs and Watch are needed: %w", fault.Invalid)
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, *store.Tx, Notice) error { return nil }
	}
	if c.Name == nil {
		c.Name = func(_ context.Context, _ *store.Tx, node alliance.NodeID) (string, error) { return string(node), nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &Desk{c: c, wake: make(chan struct{}, 1)}
	c.Links.On(alliance.ShareKind, d.came)
	c.Links.On(alliance.ShareOverKind, d.overCame)
	return d, nil
}

const expiryKind = "sharing.expiry"

// Kinds are the desk's timers, for timer.New.
func (d *Desk) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{expiryKind: {Handle: timer.Write(d.expired)}}
}

// Join hands over the timers, whose kinds must hold those of the desk.
func (d *Desk) Join(timers *timer.Timers) { d.timers = timers }

// Order says what is to be shared, with whom, and how.
type Order struct {
	Content alliance.Shared
	Marking intel.Marking
	Scope   alliance.Scope
	Group   string // the ID of a group, in place of a scope
	// Anonymous shares it in the name of a hub: of Through, which may be empty where
	// there is one.
	Anonymous bool
	Through   alliance.NodeID
}

// keptFor is how long a share stands whose author does not say: indicators older
// than that are mostly wrong.
const keptFor = 90 * 24 * time.Hour

// Share shares something. The error is fault.Invalid for what will not do, and
// fault.Forbidden where nobody may have it.
func (d *Desk) Share(ctx context.Context, who audit.Actor, o Order) (s Share, err error) {
	now := d.c.Relay.Now()
	o.Content.Anonymous, o.Content.For = o.Anonymous, nil
	if o.Content.Until.IsZero() {
		o.Content.Until = now.Add(keptFor)
	}
	o.Content.Until = o.Content.Until.UTC().Truncate(time.Microsecond)
	if err := o.check(now); err != nil {
		return s, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		s = Share{
			Author: d.c.Relay.Self(), What: o.Content.What, Title: o.Content.Title, Marking: o.Marking, Scope: o.Scope, Anonymous: o.Anonymous,
			Group: o.Group, State: Standing, By: who.Name, At: now, Until: o.Content.Until, Content: &o.Content,
		}
		if err := d.send(ctx, tx, &s, o.Through); err != nil {
			return err
		}
		if err := d.keep(ctx, tx, &s); err != nil {
			return err
		}
		shown := s
		shown.Content = nil
		return d.c.Trail.Record(ctx, tx, who, "share", subject(&s), nil, shown)
	})
	return s, err
}

func subject(s *Share) audit.Subject { return audit.Subject{Kind: "share", ID: s.ID} }

func (o *Order) check(now time.Time) error {
	if err := o.Content.Check(); err != nil {
		return err
	}
	switch {
	case o.Marking == intel.Unmarked:
		return fmt.Errorf("say under which marking (TLP) it is shared: %w", fault.Invalid)
	case o.Group != "" && !o.Scope.Everyone():
		return fmt.Errorf("it goes to a group, or to kinds, sectors, regions and members: %w", fault.Invalid)
	case !o.Content.Until.After(now):
		return fmt.Errorf("it would be over already at %s: %w", o.Content.Until.Format(time.RFC3339), fault.Invalid)
	case o.Through != "" && !o.Anonymous:
		return fmt.Errorf("a hub is named only to share anonymously through it: %w", fault.Invalid)
	}
	return o.Scope.Check()
}

// send has a share on its way.
func (d *Desk) send(ctx context.Context, tx *store.Tx, s *Share, through alliance.NodeID) (err error) {
	m := relay.Message{Kind: alliance.ShareKind, Body: s.Content}
	var groups alliance.NodeID
	if s.Group != "" {
		if d.c.Group == nil {
			return fmt.Errorf("group %.40q: %w", s.Group, fault.NotFound)
		}
		hub, members, err := d.c.Group(ctx, tx, s.Group)
		if err != nil {
			return err
		}
		s.Scope = alliance.To(slices.DeleteFunc(slices.Clone(members), func(n alliance.NodeID) bool { return n == s.Author })...)
		if len(s.Scope.Members) == 0 {
			return fmt.Errorf("nobody else is in the group: %w", fault.Invalid)
		}
		if groups = hub; hub != s.Author {
			m.Only = []alliance.NodeID{hub} // who is in it is nobody else's to see
		}
	}
	m.Label = alliance.Label{Marking: s.Marking, Scope: s.Scope}
	if !s.Anonymous {
		s.ID, err = d.c.Relay.Publish(ctx, tx, m)
		return err
	}
	if s.Through, err = d.hub(ctx, tx, through, groups); err != nil {
		return err
	}
	asked := *s.Content
	asked.For = &s.Scope
	m.Body = &asked
	s.ID, err = d.c.Relay.Ask(ctx, tx, s.Through, m)
	return err
}

// hub is the one through which something is shared anonymously.
func (d *Desk) hub(ctx context.Context, tx *store.Tx, named, groups alliance.NodeID) (alliance.NodeID, error) {
	hubs, err := d.c.Hubs(ctx, tx)
	switch {
	case err != nil:
		return "", err
	case groups != "" && (named == "" || named == groups):
		named = groups
	case groups != "":
		return "", fmt.Errorf("the group is hub %s's: %w", groups, fault.Invalid)
	}
	switch {
	case named != "" && slices.Contains(hubs, named):
		return named, nil
	case named != "":
		return "", fmt.Errorf("node %s is no active hub of this node: %w", named, fault.Invalid)
	case len(hubs) == 1:
		return hubs[0], nil
	case len(hubs) == 0:
		return "", fmt.Errorf("this node has no hub that could share it in its place: %w", fault.Conflict)
	default:
		return "", fmt.Errorf("this node has %d hubs: say through which: %w", len(hubs), fault.Invalid)
	}
}

// keep writes a share down, and when it ends.
func (d *Desk) keep(ctx context.Context, tx *store.Tx, s *Share) error {
	if err := insertShare(ctx, tx, s); err != nil {
		return err
	}
	return d.timers.Schedule(ctx, tx, timer.Timer{ID: expiryKind + "/" + string(s.Author) + "/" + s.ID, Kind: expiryKind, Subject: string(s.Author) + "/" + s.ID, Due: s.Until})
}

// Withdraw takes back something that this node shared: wherever it went, it is over.
// The error is fault.NotFound, fault.Forbidden for another's, and fault.Conflict for
// what is over already.
func (d *Desk) Withdraw(ctx context.Context, who audit.Actor, id, reason string) (s Share, err error) {
	end := &alliance.Ended{Reason: reason}
	if err := end.Check(); err != nil {
		return s, err
	}
	err = d.c.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = selectShare(ctx, tx, id, d.c.Relay.Self()); err != nil {
			return err
		}
		switch {
		case s.Author != d.c.Relay.Self():
			return fmt.Errorf("share %s is node %s's: %w", s.ID, s.Author, fault.Forbidden)
		case s.State == Withdrawn:
			return fmt.Errorf("share %s is %s: %w", s.ID, s.State, fault.Conflict)
		}
		before := s.State
		scope := s.Scope
		if s.Through != "" {
			scope = alliance.To(s.Through)
		}
		m := relay.Message{Kind: alliance.ShareOverKind, Label: alliance.Label{Marking: s.Marking, Scope: scope}, Body: end}
		if err := d.c.Relay.Over(ctx, tx, s.ID, m); err != nil {
			return err
		}
		if err := d.end(ctx, tx, &s, Withdrawn, reason); err != nil {
			return err
		}
		return d.c.Trail.Record(ctx, tx, who, "share.withdraw", subject(&s), before, map[string]any{"state": s.State, "reason": reason})
	})
	return s, err
}

// end ends a share here: what it brought leaves.
func (d *Desk) end(ctx context.Context, tx *store.Tx, s *Share, state State, reason string) error {
	s.State, s.Reason, s.Ended, s.Content = state, reason, d.c.Relay.Now(), nil
	if err := endShare(ctx, tx, s); err != nil {
		return err
	}
	if err := d.timers.CancelAll(ctx, tx, string(s.Author)+"/"+s.ID); err != nil {
		return err
	}
	tx.Committed(d.changed)
	return nil
}

func (d *Desk) expired(ctx context.Context, tx *store.Tx, t timer.Timer) error {
	author, id := alliance.NodeID(t.Subject[:min(nodeLength, len(t.Subject))]), t.Subject[min(nodeLength+1, len(t.Subject)):]
	s, err := selectShareOf(ctx, tx, author, id)
	if errors.Is(err, fault.NotFound) || err == nil && s.State != Standing {
		return nil
	}
	if err != nil {
		return err
	}
	return d.end(ctx, tx, &s, Expired, "")
}

// nodeLength is that of a NodeID.
const nodeLength = 27

// List returns what was shared, by this node and with it, the last first; before is
// the ID to go on behind.
func (d *Desk) List(ctx context.Context, before string, most int) (all []Share, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectShares(ctx, tx, before, most)
		return err
	})
	return all, err
}

// Get returns a share with what it says. The error is fault.NotFound.
func (d *Desk) Get(ctx context.Context, id string) (s Share, err error) {
	err = d.c.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		if s, err = selectShare(ctx, tx, id, d.c.Relay.Self()); err != nil {
			return err
		}
		return selectContent(ctx, tx, &s)
	})
	return s, err
}
