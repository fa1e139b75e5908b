package answer

import (
	"context"
	"embed"
	"sync"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/audit"
	"tocsin/internal/store"
	"tocsin/internal/timer"
)

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "answer", Files: schema} }

// Received is a message as alliance/link hands it to who handles its kind.
type Received struct {
	From     alliance.NodeID // the neighbour
	Envelope *envelope.Envelope
	Header   envelope.Header
	Body     []byte
	At       time.Time
}

// Config is what answers are made and sent with. DB, Trail, Self and Seal must be
// set; of the rest, what is nil is not done.
type Config struct {
	DB    *store.DB
	Trail *audit.Trail
	// Self is this node, and Seal signs its messages.
	Self func() alliance.NodeID
	Seal func(envelope.Header, []byte) (*envelope.Envelope, error)
	// Send has a message delivered, Forward passes one on, both in the transaction.
	Send    func(ctx context.Context, tx *store.Tx, e *envelope.Envelope, to ...alliance.NodeID) error
	Forward func(ctx context.Context, tx *store.Tx, in Received, to ...alliance.NodeID) error
	// Hunt answers a warning from memory; with whole from the archive too.
	Hunt func(ctx context.Context, w *alliance.Warning, whole bool) (alliance.Answer, error)
	// Watch makes the node watch for what these warnings ask, and for what no other
	// does. It may be called again with the same.
	Watch func(ctx context.Context, open []Watching) error
	// Notify has people told, in the transaction.
	Notify func(ctx context.Context, tx *store.Tx, n Notice) error
	// Patience is how long silence is borne; nil is DefaultPatience.
	Patience func(alliance.Colour) Patience
	// Describe says who a member is that answers through an association; nil knows
	// nobody.
	Describe func(ctx context.Context, tx *store.Tx, member alliance.NodeID) (Expected, error)
	Now      func() time.Time // time.Now when nil
}

// Notice is something that people must be told.
type Notice struct {
	Kind    NoticeKind
	Warning string // its ID
	Number  string
	Title   string
	Colour  alliance.Colour
	// Member is who is silent, or overdue; empty for this node itself.
	Member alliance.NodeID
	Name   string
	// Measure is what is overdue, and Link the address to answer at, where it is
	// about that.
	Measure string
	Link    string
	Due     time.Time
	// Asked is the whole warning, where it is about answering it.
	Asked *alliance.Warning
}

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notice.
const (
	ReleaseWaits    NoticeKind = "answer.release"  // a person must say what is released
	MeasureOverdue  NoticeKind = "measure.overdue" // here, or at a member
	MemberReminded  NoticeKind = "silence.remind"  // to the member
	MemberEscalated NoticeKind = "silence.escalate"
	MemberBlind     NoticeKind = "silence.blind" // to the hub's people
	FormLink        NoticeKind = "answer.form"   // to a member without a node
)

// Answers is both sides of it. It may be used concurrently. Give its Kinds to
// timer.New, then Use the timers, Begin, and Run.
type Answers struct {
	config Config
	db     *store.DB
	timers *timer.Timers
	ids    store.IDs

	poked chan struct{} // that something in dirty waits
	mu    sync.Mutex
	dirty map[string]*dirt // guarded by mu: by warning, what must be hunted again
	late  bool             // guarded by mu: telemetry of the past came
}

// New returns answers over a database that has the tables of Room and of
// internal/timer.
func New(c Config) *Answers {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Patience == nil {
		c.Patience = DefaultPatience
	}
	return &Answers{config: c, db: c.DB, poked: make(chan struct{}, 1), dirty: map[string]*dirt{}}
}

// The kinds of timer.
const (
	huntKind    = "answer.hunt"
	watchKind   = "answer.watch"
	expireKind  = "answer.expire"
	releaseKind = "answer.release"
	measureKind = "answer.measure"
	chaseKind   = "answer.chase"
	totalsKind  = "answer.totals"
	peersKind   = "answer.peers"
)

// Kinds returns what is done with the timers of this package, for timer.New.
func (a *Answers) Kinds() map[string]timer.Kind {
	return map[string]timer.Kind{
		huntKind:    {Handle: a.hunt, Attempts: patientAttempts},
		watchKind:   {Handle: a.watch, Attempts: patientAttempts},
		expireKind:  {Handle: timer.Write(a.expire)},
		releaseKind: {Handle: timer.Write(a.releaseDue)},
		measureKind: {Handle: timer.Write(a.measuresDue)},
		chaseKind:   {Handle: timer.Write(a.chase)},
		totalsKind:  {Handle: timer.Write(a.addUp)},
		peersKind:   {Handle: timer.Write(a.tellPeers)},
	}
}

// patientAttempts is how often a hunt is tried that fails, as while the disk is
// full: for days, since a warning is not to be forgotten over it.
const patientAttempts = 200

// Use gives the timers that were made with Kinds. It is called once, before
// anything arrives.
func (a *Answers) Use(timers *timer.Timers) { a.timers = timers }

// now is to the microsecond, as times are kept.
func (a *Answers) now() time.Time { return a.config.Now().UTC().Truncate(time.Microsecond) }

func (a *Answers) notify(ctx context.Context, tx *store.Tx, n Notice) error {
	if a.config.Notify == nil {
		return nil
	}
	return a.config.Notify(ctx, tx, n)
}

// node is who acts where no person does.
func node() audit.Actor { return audit.Actor{ID: "node", Name: "node"} }

func subject(warning string) audit.Subject { return audit.Subject{Kind: "warning", ID: warning} }
