package warning

import (
	"context"
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

// Message is what a neighbour handed us. It has the fields of link.Received, to be
// converted from one.
type Message struct {
	From     alliance.NodeID
	Envelope *envelope.Envelope
	Header   envelope.Header
	Body     []byte
	At       time.Time
}

// FloodAt is how many hits an hour a question may have in the last day before it is
// suspended: more than one a minute nobody reads.
const FloodAt = 60

// dryOver is how far back what arrives is tried.
const dryOver = 24 * time.Hour

// InboxConfig is what an inbox needs. DB, Trail, Identity and Uplink must be set;
// what is nil beside them does nothing.
type InboxConfig struct {
	DB       *store.DB
	Trail    *audit.Trail
	Identity *envelope.Identity
	// Uplink says whether a neighbour stands above us: from it, and through it, we
	// are warned.
	Uplink func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error)
	// Recipients says whom below us something by an author reaches; nil where
	// nobody is below.
	Recipients func(ctx context.Context, tx *store.Tx, author alliance.NodeID, marking intel.Marking, scope alliance.Scope) (Reach, error)
	// Forward countersigns a message and passes it on, Send sends one of ours.
	Forward func(ctx context.Context, tx *store.Tx, in Message, to ...alliance.NodeID) error
	Send    func(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	// Named says whether a member below us may be named to those above.
	Named func(ctx context.Context, tx *store.Tx, node alliance.NodeID) (bool, error)
	// Mail tells members without a node.
	Mail func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, w *alliance.Warning, to []Recipient) error
	Tell func(ctx context.Context, tx *store.Tx, n Notice) error
	// Arrived is the room that answers: it is told of every bulletin that changes
	// how a warning stands.
	Arrived func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in Message) error
	// Carried is told of what was only passed on to those below: it is not for this
	// node, and they answer it.
	Carried func(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, in Message) error
	// DryRun tries what a warning asks over what is remembered since then, and
	// returns for each question that was seen at all its worst hour. It is not
	// called in a transaction.
	DryRun func(ctx context.Context, w *alliance.Warning, since time.Time) ([]Load, error)
	// InForce puts the questions of a warning in force, but those that are held; it
	// replaces what was in force of it. Withdraw takes all of it away, within
	// seconds. Both are called in the transaction: what is done once that is kept must
	// read what stands then, since two may be kept together.
	InForce  func(ctx context.Context, tx *store.Tx, w *alliance.Warning, held []int) error
	Withdraw func(ctx context.Context, tx *store.Tx, warning string, change alliance.Change) error
	// Duties says what the regimes that bind us oblige us to under a warning.
	Duties func(ctx context.Context, tx *store.Tx, w *alliance.Warning) ([]Duty, error)
	// Roster is told that a warning asks for duty around the clock, and, with
	// another need whose Over is set, that it does not any more.
	Roster func(ctx context.Context, tx *store.Tx, need RosterNeed) error
	// Desk is this node's own; nil where it warns nobody.
	Desk *Desk
	// FloodAt is how many hits an hour suspend a question; 0 is FloodAt.
	FloodAt uint64
	// Now is the clock, by default time.Now.
	Now func() time.Time
}

// Load is how often a question was answered in its worst hour.
type Load struct {
	Question int
	Hits     uint64
}

// Inbox keeps what arrived from those who warn us. It is safe for concurrent use.
type Inbox struct {
	db     *store.DB
	config InboxConfig
	timers *timer.Timers
	ids    store.IDs
}

// NewInbox returns the inbox of a database that holds Room's tables. It works once
// Join has been called.
func NewInbox(c InboxConfig) *Inbox {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.FloodAt == 0 {
		c.FloodAt = FloodAt
	}
	c.quiet()
	return &Inbox{db: c.DB, config: c}
}

// quiet puts what does nothing where nothing is handed in.
func (c *InboxConfig) quiet() {
	if c.Recipients == nil {
		c.Recipients = func(context.Context, *store.Tx, alliance.NodeID, intel.Marking, alliance.Scope) (Reach, error) {
			return Reach{}, nil
		}
	}
	if c.Forward == nil {
		c.Forward = func(context.Context, *store.Tx, Message, ...alliance.NodeID) error { return nil }
	}
	if c.Send == nil {
		c.Send = func(context.Context, *store.Tx, *envelope.Envelope, ...alliance.NodeID) error { return nil }
	}
	if c.Named == nil {
		c.Named = func(context.Context, *store.Tx, alliance.NodeID) (bool, error) { return false, nil }
	}
	if c.Mail == nil {
		c.Mail = func(context.Context, *store.Tx, *alliance.Bulletin, *alliance.Warning, []Recipient) error { return nil }
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, *store.Tx, Notice) error { return nil }
	}
	if c.Arrived == nil {
		c.Arrived = func(context.Context, *store.Tx, *alliance.Bulletin, Message) error { return nil }
	}
	if c.Carried == nil {
		c.Carried = func(context.Context, *store.Tx, *alliance.Bulletin, Message) error { return nil }
	}
	if c.DryRun == nil {
		c.DryRun = func(context.Context, *alliance.Warning, time.Time) ([]Load, error) { return nil, nil }
	}
	if c.InForce == nil {
		c.InForce = func(context.Context, *store.Tx, *alliance.Warning, []int) error { return nil }
	}
	if c.Withdraw == nil {
		c.Withdraw = func(context.Context, *store.Tx, string, alliance.Change) error { return nil }
	}
	if c.Duties == nil {
		c.Duties = func(context.Context, *store.Tx, *alliance.Warning) ([]Duty, error) { return nil, nil }
	}
	if c.Roster == nil {
		c.Roster = func(context.Context, *store.Tx, RosterNeed) error { return nil }
	}
}

// Join hands the inbox the timers that handle Kinds.
func (i *Inbox) Join(timers *timer.Timers) { i.timers = timers }

func (i *Inbox) now() time.Time { return i.config.Now().UTC().Truncate(time.Microsecond) }

// Standing is how a warning stands at a recipient.
type Standing string

// How a warning stands.
const (
	StandingInForce  Standing = "standing"
	StandingLifted   Standing = "lifted"
	StandingRecalled Standing = "recalled"
	StandingExpired  Standing = "expired"
)

// Arrived is a warning that came from others, as it stands: what its highest
// revision says, in whatever order the revisions came.
type Arrived struct {
	ID       string          `json:"id"`
	Author   alliance.NodeID `json:"author"`
	Number   string          `json:"number"`
	State    Standing        `json:"state"`
	Colour   alliance.Colour `json:"colour"`
	Title    string          `json:"title"`
	Exercise bool            `json:"exercise,omitempty"`
	Revision int             `json:"revision"`
	From     alliance.NodeID `json:"from"` // the neighbour that it came from
	First    time.Time       `json:"first"`
	Changed  time.Time       `json:"changed"`
	Expires  time.Time       `json:"expires,omitzero"`
	RatifyBy time.Time       `json:"ratify_by,omitzero"` // set while its author waits for that
	// Unratified says that one person issued it, and nobody confirmed it in time.
	Unratified bool  `json:"unratified,omitempty"`
	Version    int64 `json:"version"`

	content string
	saidIn  int // the revision that said content
}

// Handle takes a bulletin, as link's handler of alliance.WarningKind. It refuses
// one from somebody who may not warn us, one that contradicts what came before, and
// what is malformed.
func (i *Inbox) Handle(ctx context.Context, tx *store.Tx, in Message) error {
	b, err := i.read(ctx, tx, &in)
	if err != nil {
		return err
	}
	before, known, err := selectArrived(ctx, tx, b.Warning)
	if err != nil {
		return err
	}
	if known && before.Author != in.Header.Author {
		return refused("warning %s is of another author", b.Number)
	}
	meant, err := i.meant(&in.Header)
	if err != nil {
		return err
	}
	late := known && before.Revision > b.Revision
	fresh, err := i.keep(ctx, tx, &in, b, late, !meant)
	if err != nil || !fresh {
		return err
	}
	switch err := i.passOn(ctx, tx, &in, b, &before); {
	case err != nil:
		return err
	case !meant:
		return i.config.Carried(ctx, tx, b, in)
	case late:
		return i.learn(ctx, tx, b, &before)
	}
	return i.apply(ctx, tx, &in, b, before, known)
}

// learn takes from a revision that came late what the warning was about, where its
// end came first: how it stands does not change.
func (i *Inbox) learn(ctx context.Context, tx *store.Tx, b *alliance.Bulletin, before *Arrived) error {
	if b.Content == nil || b.Revision < before.saidIn {
		return nil
	}
	a := *before
	if err := a.says(b.Content); err != nil {
		return err
	}
	return i.mark(ctx, tx, &a, before, "warning.arrived.late")
}

// says makes content the last that the warning said.
func (a *Arrived) says(w *alliance.Warning) error {
	content, err := json.Marshal(w)
	if err != nil {
		return err
	}
	a.content, a.saidIn, a.Colour, a.Title, a.Exercise = string(content), w.Revision, w.Colour, w.Texts[0].Title, w.Exercise
	a.Expires = time.Time{}
	if w.Expires != nil {
		a.Expires = *w.Expires
	}
	return nil
}

// meant reports whether a message is for this node, and not only to be passed on.
func (i *Inbox) meant(h *envelope.Header) (bool, error) {
	self := alliance.Card{Node: i.config.Identity.ID()}
	if h.Audience.Everyone() || h.Audience.Means(&self) {
		return true, nil
	}
	card, err := i.config.Identity.Passport().Card()
	if errors.Is(err, fault.NotFound) {
		return false, nil // nobody described it yet: it is of no sector and no region
	}
	if err != nil {
		return false, fmt.Errorf("this node's card: %w", err)
	}
	return h.Audience.Means(&card), nil
}

func refused(format string, args ...any) error {
	return &envelope.Refusal{Reason: envelope.NotAllowed, Detail: fmt.Sprintf(format, args...)}
}

// read reads a bulletin and checks that it is its author's to send.
func (i *Inbox) read(ctx context.Context, tx *store.Tx, in *Message) (*alliance.Bulletin, error) {
	b := &alliance.Bulletin{}
	if err := json.Unmarshal(in.Body, b); err != nil {
		return nil, &envelope.Refusal{Reason: envelope.Malformed, Detail: "it is no bulletin: " + err.Error()}
	}
	if err := b.Check(); err != nil {
		return nil, &envelope.Refusal{Reason: envelope.Malformed, Detail: err.Error()}
	}
	if w := b.Content; w != nil && (w.Author != in.Header.Author || w.Marking != in.Header.Marking) {
		return nil, &envelope.Refusal{Reason: envelope.Malformed, Detail: "author or marking is not that of the envelope"}
	}
	up, err := i.config.Uplink(ctx, tx, in.From)
	if err != nil {
		return nil, err
	}
	if !up {
		return nil, refused("node %s does not stand above this one: it may not warn it", in.From)
	}
	if in.Header.Author == i.config.Identity.ID() {
		return nil, &envelope.Refusal{Reason: envelope.Loop, Detail: "this node warned of it"}
	}
	return b, nil
}

// keep writes a bulletin down. fresh is false where it is here already; another of
// the same revision is refused.
func (i *Inbox) keep(ctx context.Context, tx *store.Tx, in *Message, b *alliance.Bulletin, late, carried bool) (fresh bool, err error) {
	_, known, err := selectMessageSource(ctx, tx, in.Header.ID)
	if err != nil || known {
		return false, err
	}
	if !carried {
		_, other, err := selectBulletin(ctx, tx, b.Warning, b.Revision)
		if err != nil {
			return false, err
		}
		if other {
			return false, refused("revision %d of warning %s came before, in another message", b.Revision, b.Number)
		}
	}
	return true, insertBulletin(ctx, tx, in, b, i.now(), late, carried)
}

// passOn hands a bulletin to our own members that it is meant for.
func (i *Inbox) passOn(ctx context.Context, tx *store.Tx, in *Message, b *alliance.Bulletin, before *Arrived) error {
	h := &in.Header
	reach, err := i.config.Recipients(ctx, tx, h.Author, h.Marking, h.Audience)
	if err != nil {
		return err
	}
	if to := reach.neighbours(); len(to) > 0 {
		if err := i.config.Forward(ctx, tx, *in, to...); err != nil {
			return err
		}
	}
	if len(reach.ByMail) == 0 {
		return nil
	}
	w := b.Content
	if w == nil {
		if w, err = before.said(); err != nil || w == nil {
			return err // they were told nothing that could be over
		}
	}
	return i.config.Mail(ctx, tx, b, w, reach.ByMail)
}

// said is the last that the warning said; nil where nothing of it came.
func (a *Arrived) said() (*alliance.Warning, error) {
	if a.content == "" {
		return nil, nil
	}
	w := &alliance.Warning{}
	if err := json.Unmarshal([]byte(a.content), w); err != nil {
		return nil, fmt.Errorf("warning %s: %w", a.Number, err)
	}
	return w, nil
}

// apply makes a bulletin how the warning stands.
func (i *Inbox) apply(ctx context.Context, tx *store.Tx, in *Message, b *alliance.Bulletin, before Arrived, known bool) error {
	a, err := i.stands(in, b, before, known)
	if err != nil {
		return err
	}
	write := updateArrived
	if !known {
		write = insertArrived
	}
	if err := write(ctx, tx, &a); err != nil {
		return err
	}
	if err := i.config.Trail.Record(ctx, tx, node.Actor, "warning.arrived."+string(b.Change), audit.Subject{Kind: "warning", ID: a.ID}, nil, a); err != nil {
		return err
	}
	if err := i.schedule(ctx, tx, &a); err != nil {
		return err
	}
	if err := i.follow(ctx, tx, in, b, &a); err != nil {
		return err
	}
	if err := i.config.Arrived(ctx, tx, b, *in); err != nil {
		return err
	}
	return i.config.Tell(ctx, tx, a.arrival(b))
}

// stands is how a warning stands after a bulletin.
func (i *Inbox) stands(in *Message, b *alliance.Bulletin, a Arrived, known bool) (Arrived, error) {
	now := i.now()
	a.ID, a.Author, a.Number, a.Revision, a.From = b.Warning, in.Header.Author, b.Number, b.Revision, in.From
	a.Changed, a.Version = now, a.Version+1
	if !known {
		a.First, a.Exercise = now, in.Header.Exercise
	}
	a.RatifyBy, a.Unratified = time.Time{}, false
	switch b.Change {
	case alliance.LiftedChange:
		a.State = StandingLifted
		return a, nil
	case alliance.RecalledChange:
		a.State = StandingRecalled
		return a, nil
	}
	w := b.Content
	if err := a.says(w); err != nil {
		return a, err
	}
	a.State = StandingInForce
	if w.Expires != nil && !w.Expires.After(now) {
		a.State = StandingExpired
	}
	if g := w.BreakGlass; g != nil && g.Ratified == nil {
		a.RatifyBy = g.RatifyBy
		a.Unratified = !g.RatifyBy.After(now)
	}
	return a, nil
}

// follow does what a bulletin obliges this node to.
func (i *Inbox) follow(ctx context.Context, tx *store.Tx, in *Message, b *alliance.Bulletin, a *Arrived) error {
	if a.State != StandingInForce {
		if err := i.over(ctx, tx, a, b.Change); err != nil {
			return err
		}
		if b.Change == alliance.RecalledChange {
			return i.receipt(ctx, tx, in)
		}
		return nil
	}
	return i.oblige(ctx, tx, a, b.Content)
}

// over takes away what a warning brought.
func (i *Inbox) over(ctx context.Context, tx *store.Tx, a *Arrived, change alliance.Change) error {
	if err := i.config.Withdraw(ctx, tx, a.ID, change); err != nil {
		return err
	}
	return i.relieve(ctx, tx, a, "the warning is "+string(a.State), "")
}

// receipt says to whoever recalled a warning that what it brought is gone here.
func (i *Inbox) receipt(ctx context.Context, tx *store.Tx, in *Message) error {
	now := i.now()
	return i.reply(ctx, tx, in.Header.Author, in.From, WithdrawnKind, in.Header.ID,
		alliance.Receipt{Message: in.Header.ID, SHA256: envelope.Sum(in.Envelope.Header), At: now})
}

// reply sends something to a warning's author, by the neighbour that it came from.
func (i *Inbox) reply(ctx context.Context, tx *store.Tx, author, by alliance.NodeID, kind, about string, body any) error {
	now := i.now()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	e, err := i.config.Identity.Seal(envelope.Header{
		ID: i.ids.Next(now), Kind: kind, Schema: 1, Audience: alliance.To(author), Marking: intel.TLPAmber, Issued: now, Expires: now.Add(envelopeLasts), About: about,
	}, text)
	if err != nil {
		return err
	}
	return i.config.Send(ctx, tx, e, by)
}

// arrival is what people here are told of a bulletin.
func (a *Arrived) arrival(b *alliance.Bulletin) Notice {
	n := Notice{
		Key: fmt.Sprintf("warning/%s/arrived/%d", a.ID, a.Revision), Kind: NoticeArrived, Warning: a.ID, Number: a.Number, Colour: a.Colour,
		To: []string{dutyOfficer},
	}
	if a.Colour.NeedsTwo() {
		n.To = append(n.To, commanders)
	}
	var t strings.Builder
	exercise := ""
	if a.Exercise {
		exercise = "EXERCISE: "
	}
	n.Subject = fmt.Sprintf("[%s] %s%s warning %s: %s", a.Number, exercise, a.Colour, b.Change, a.Title)
	fmt.Fprintf(&t, "Warning:  %s (%s), revision %d, %s\nState:    %s\n", a.Number, a.Colour, a.Revision, b.Change, a.State)
	if b.Reason != "" {
		fmt.Fprintf(&t, "Because:  %s\n", b.Reason)
	}
	if !a.RatifyBy.IsZero() {
		fmt.Fprintf(&t, "Note:     one person issued it alone; it is to be ratified until %s\n", shown(a.RatifyBy))
	}
	if w := b.Content; w != nil {
		fmt.Fprintf(&t, "Asked:    %d indicators, %d rules, %d products, %d measures\n\n%s\n\n%s\n", len(w.Indicators), len(w.Rules), len(w.Products), len(w.Measures), w.Texts[0].Title, w.Texts[0].Body)
	}
	fmt.Fprintf(&t, "\nWhat to do: tocsin warn show %s\n", a.Number)
	n.Text = t.String()
	return n
}

// Get returns an arrived warning by its ID, or by its number where one author alone
// has it. The error is fault.NotFound.
func (i *Inbox) Get(ctx context.Context, word string) (a Arrived, err error) {
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		a, err = i.get(ctx, tx, word)
		return err
	})
	return a, err
}

func (i *Inbox) get(ctx context.Context, tx *store.Tx, word string) (Arrived, error) {
	word = strings.TrimSpace(word)
	if len(word) == store.IDLength {
		a, ok, err := selectArrived(ctx, tx, word)
		if err == nil && !ok {
			err = fmt.Errorf("warning %.80q: %w", word, fault.NotFound)
		}
		return a, err
	}
	all, err := selectArrivedByNumber(ctx, tx, word)
	switch {
	case err != nil:
		return Arrived{}, err
	case len(all) == 0:
		return Arrived{}, fmt.Errorf("warning %.80q: %w", word, fault.NotFound)
	case len(all) > 1:
		return Arrived{}, fmt.Errorf("%d authors have a warning %.80q: name it by its ID: %w", len(all), word, fault.Conflict)
	}
	return all[0], nil
}

// List returns arrived warnings, the last one first; as Desk.List.
func (i *Inbox) List(ctx context.Context, states []Standing, after string, most int) (all []Arrived, next string, err error) {
	if most <= 0 || most > MaxPage {
		most = 100
	}
	err = i.db.Read(ctx, func(ctx context.Context, tx *store.Tx) error {
		all, err = selectAllArrived(ctx, tx, states, after, most+1)
		return err
	})
	if len(all) > most {
		all = all[:most]
		next = all[most-1].ID
	}
	return all, next, err
}
