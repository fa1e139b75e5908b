package transparency

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// State says whether a log takes entries.
type State string

// The states of a log.
const (
	// Open takes entries.
	Open State = "open"
	// Waiting is a log that was restored, or whose witness is gone: it takes entries
	// once every member has said what it saw, or somebody resumes it.
	Waiting State = "waiting"
	// Held is a log that does not bear out what was seen of it.
	Held State = "held"
	// Closed is one that another has taken the place of.
	Closed State = "closed"
)

// Config is what a hub's log is made of.
type Config struct {
	DB    *store.DB
	Trail *audit.Trail
	Node  alliance.NodeID
	// Key signs checkpoints: the Ed25519 key that the node signs with.
	Key crypto.Signer
	// Earlier are the keys that it signed with before.
	Earlier []ed25519.PublicKey
	// Witness is the file beside the database, but in no backup of it, that says what
	// was last handed out.
	Witness string
	// Members are those who are waited for after a restore; nil is nobody.
	Members func(ctx context.Context, tx *store.Tx) ([]alliance.NodeID, error)
	// Published is told of each new checkpoint in the transaction that records it, to
	// show it to the members; may be nil. The checkpoint is of what is on disk.
	Published func(ctx context.Context, tx *store.Tx, c Checkpoint) error
	Now       func() time.Time // time.Now when nil
	Log       *slog.Logger     // may be nil
}

// Log is the log of a hub. It may be used concurrently, and by several processes on
// one PostgreSQL, each with a witness of its own.
type Log struct {
	Config
	signer note.Signer
	keys   []ed25519.PublicKey
	wake   chan struct{} // has one when there is something to publish
	// publishing guards the witness, which must never go back.
	publishing sync.Mutex
}

//go:embed schema/*.sql
var schema embed.FS

// Room returns the tables, for store.Migrate.
func Room() store.Room { return store.Room{Name: "transparency", Files: schema} }

// OpenLog opens the node's log, begins it where there is none, and compares it with
// its witness. A log that may not go on is opened all the same, to be read and
// mended: Append says why it refuses.
func OpenLog(ctx context.Context, config Config) (*Log, error) {
	l := &Log{Config: config, wake: make(chan struct{}, 1)}
	if l.Now == nil {
		l.Now = time.Now
	}
	if l.Log == nil {
		l.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if l.signer, err = newSigner(l.Node, l.Key); err != nil {
		return nil, err
	}
	public, _ := l.Key.Public().(ed25519.PublicKey) // newSigner has seen that it is
	l.keys = append([]ed25519.PublicKey{public}, l.Earlier...)
	if err := l.begin(ctx); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	l.poke()
	return l, nil
}

// begin makes the first log, or holds the one there is against the witness. The
// file comes first, so that a log without one was restored.
func (l *Log) begin(ctx context.Context) error {
	seen, err := l.readWitness()
	if err != nil {
		return err
	}
	state := Status{}
	if err := l.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		state, err = l.status(ctx, tx)
		return err
	}); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	fresh := seen.Note == ""
	if fresh {
		if seen, err = l.sign(Checkpoint{Origin: Origin(l.Node, 1), Root: emptyRoot()}); err != nil {
			return err
		}
		if state.Number > 0 {
			// What it held is not known: this says at least which log it was.
			if seen, err = l.sign(Checkpoint{Origin: state.Origin, Root: emptyRoot()}); err != nil {
				return err
			}
		}
		if err := l.writeWitness(&seen); err != nil {
			return err
		}
	}
	return l.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		current, err := currentLog(ctx, tx)
		switch {
		case errors.Is(err, fault.NotFound) && (fresh || seen.Size == 0 && seen.Origin == Origin(l.Node, 1)):
			return l.start(ctx, tx, 1)
		case errors.Is(err, fault.NotFound):
			// An older database was put in place, from before there was a log.
			if err := l.start(ctx, tx, 1); err != nil {
				return err
			}
		case err != nil:
			return err
		case current.Origin != Origin(l.Node, current.Number):
			return fmt.Errorf("the database holds the log %s, and this is node %s: put its identity back from the backup: %w", current.Origin, l.Node, fault.Conflict)
		case fresh:
			l.Log.WarnContext(ctx, "the log's witness is gone: the log waits for its members", slog.String("file", l.Witness))
			current.Waiting = l.Now()
			if err := putLog(ctx, tx, &current); err != nil {
				return err
			}
		}
		return l.saw(ctx, tx, "", seen.Note)
	})
}

// start makes the tables' rows of a log.
func (l *Log) start(ctx context.Context, tx *store.Tx, number int64) error {
	begun := &numbered{Number: number, Origin: Origin(l.Node, number), State: Open, Began: l.Now()}
	if err := insertTree(ctx, tx, begun.Origin); err != nil {
		return err
	}
	return putLog(ctx, tx, begun)
}

// Append adds an entry in the caller's transaction, the one that records what the
// entry is about, and returns its index. An envelope that the log has already is
// not added again. Members see the entry soon after the commit, while Run runs.
//
// The error is fault.Conflict while the log is held or waits, and says what to do;
// fault.Invalid for an entry that says too little.
func (l *Log) Append(ctx context.Context, tx *store.Tx, e Entry) (int64, error) {
	current, err := currentLog(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("append to the log: %w", err)
	}
	if current.State != Open {
		return 0, fmt.Errorf("append to the log %s: %w", current.Origin, current.refusal())
	}
	if e.Kind == Succession {
		return 0, fmt.Errorf("append to the log: a succession begins a log: %w", fault.Invalid)
	}
	index, err := l.append(ctx, tx, current.Origin, &e)
	if err != nil {
		return 0, fmt.Errorf("append %s to the log %s: %w", e.Kind, current.Origin, err)
	}
	tx.Committed(l.poke)
	return index, nil
}

func (l *Log) append(ctx context.Context, tx *store.Tx, origin string, e *Entry) (int64, error) {
	record, err := e.Record()
	if err != nil {
		return 0, err
	}
	if !e.Envelope.IsZero() {
		if at, there, err := placeOf(ctx, tx, origin, e.Envelope); err != nil || there {
			return at.index, err
		}
	}
	index, err := grow(ctx, tx, origin, 1)
	if err != nil {
		return 0, err
	}
	return index, tree{tx, origin}.append(ctx, index, record)
}

// refusal says why a log takes no entries, and what to do.
func (l *numbered) refusal() error {
	switch l.State {
	case Waiting:
		return fmt.Errorf("%s. Wait until they have, recover what is missing with 'tocsin log recover FILE', or go on at once with 'tocsin log resume': %w", l.Reason, fault.Conflict)
	case Held:
		return fmt.Errorf("%s. Fetch the entries from a member ('tocsin log export --hub' there) and put them in with 'tocsin log recover FILE', or begin a new log with 'tocsin log anew': %w", l.Reason, fault.Conflict)
	default:
		return fmt.Errorf("it is %s: %w", l.State, fault.Conflict)
	}
}

// Status is how a log does.
type Status struct {
	Node   alliance.NodeID `json:"node"`
	Number int64           `json:"number"`
	Origin string          `json:"origin"`
	State  State           `json:"state"`
	Reason string          `json:"reason,omitempty"` // why it takes no entries
	Size   int64           `json:"size"`
	Root   string          `json:"root"` // in base64
	Began  time.Time       `json:"began"`
	Key    string          `json:"key"` // that checkpoints are verified with, as notes spell it
	// Checkpoint is the last one handed out, empty for none.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Witnesses are the members and what each saw last.
	Witnesses []Witness `json:"witnesses"`
}

// Witness is what a member saw of this node's log.
type Witness struct {
	Member alliance.NodeID `json:"member"`
	Origin string          `json:"origin,omitempty"` // empty: it saw nothing
	Size   int64           `json:"size"`
	At     time.Time       `json:"at"`
}

// Status tells how the log does.
func (l *Log) Status(ctx context.Context) (Status, error) {
	var s Status
	err := l.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = l.status(ctx, tx)
		return err
	})
	return s, err
}

func (l *Log) status(ctx context.Context, tx *store.Tx) (Status, error) {
	current, err := currentLog(ctx, tx)
	if err != nil {
		return Status{}, err
	}
	s := Status{Node: l.Node, Number: current.Number, Origin: current.Origin, State: current.State, Reason: current.Reason, Began: current.Began, Witnesses: []Witness{}}
	if s.Key, err = VerifierKey(l.Node, l.keys[0]); err != nil {
		return s, err
	}
	if s.Size, err = sizeOf(ctx, tx, s.Origin); err != nil {
		return s, err
	}
	root, err := tree{tx, s.Origin}.root(ctx, s.Size)
	if err != nil {
		return s, err
	}
	s.Root = root.String()
	if s.Checkpoint, err = handedOut(ctx, tx, s.Origin); err != nil {
		return s, err
	}
	all, err := witnesses(ctx, tx)
	for i := range all {
		if w := &all[i]; w.Member != "" {
			seen := Witness{Member: alliance.NodeID(w.Member), Size: w.Size, At: w.At}
			if w.Number > 0 {
				seen.Origin = Origin(l.Node, w.Number)
			}
			s.Witnesses = append(s.Witnesses, seen)
		}
	}
	return s, err
}

func (l *Log) poke() {
	select {
	case l.wake <- struct{}{}:
	default: // it is awake
	}
}
