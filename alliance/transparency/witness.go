package transparency

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tocsin/alliance"
	"tocsin/internal/audit"
	"tocsin/internal/fault"
	"tocsin/internal/store"
)

// Saw records, in the caller's transaction, the last checkpoint that a member saw
// of this node's log, as it tells on connecting; empty when it saw none. It must
// be called before anything is appended on behalf of that member. A checkpoint
// that this node signed and that the log does not bear out holds the log.
//
// The error is fault.Invalid for what this node did not sign.
func (l *Log) Saw(ctx context.Context, tx *store.Tx, member alliance.NodeID, signed string) error {
	if !member.Valid() {
		return fmt.Errorf("a checkpoint seen by %.80q: it is no node: %w", member, fault.Invalid)
	}
	return l.saw(ctx, tx, string(member), signed)
}

// saw is Saw, also for the witness itself, whose name is empty.
func (l *Log) saw(ctx context.Context, tx *store.Tx, member, signed string) error {
	w := witness{Member: member, Note: signed, At: l.Now()}
	if signed != "" {
		c, err := OpenCheckpoint(signed, l.keys...)
		if err != nil {
			return err
		}
		node, number, err := ParseOrigin(c.Origin)
		if err != nil {
			return err
		}
		if node != l.Node {
			return fmt.Errorf("log %s is not of this node, %s: %w", c.Origin, l.Node, fault.Invalid)
		}
		w.Number, w.Size = number, c.Size
	}
	var err error
	if w.Wrong, err = l.contradicts(ctx, tx, &w); err != nil {
		return err
	}
	before, known, err := witnessOf(ctx, tx, member)
	if err != nil {
		return err
	}
	if known && !before.givesWayTo(&w) { // it told more before; that it told now counts
		before.At, w = w.At, before
	}
	if err := putWitness(ctx, tx, &w); err != nil {
		return err
	}
	return l.settle(ctx, tx)
}

// givesWayTo reports whether what a member saw takes the place of what it saw
// before: when it saw more, or when it does not fit and what was before does.
func (w *witness) givesWayTo(later *witness) bool {
	if w.Wrong != "" || later.Wrong != "" {
		return w.Wrong == ""
	}
	return later.Number > w.Number || later.Number == w.Number && later.Size >= w.Size
}

// contradicts says what in a log does not bear out what was seen; empty when it
// does.
func (l *Log) contradicts(ctx context.Context, tx *store.Tx, w *witness) (string, error) {
	current, err := currentLog(ctx, tx)
	if err != nil || w.Number < current.Number {
		return "", err // the log that took a log's place says how far that was known
	}
	who := "member " + w.Member
	if w.Member == "" {
		who = "the witness beside the database"
	}
	if w.Number > current.Number {
		return fmt.Sprintf("%s has a checkpoint of log %s, which this database does not know: it is older than that", who, Origin(l.Node, w.Number)), nil
	}
	size, err := sizeOf(ctx, tx, current.Origin)
	if err != nil {
		return "", err
	}
	if w.Size > size {
		return fmt.Sprintf("%s has a checkpoint of %d entries, signed by this node, and the log here ends with %d: entries %d to %d are missing",
			who, w.Size, size, size, w.Size-1), nil
	}
	c, err := ReadCheckpoint(w.Note)
	if err != nil {
		return "", err
	}
	fits, err := tree{tx, current.Origin}.bears(ctx, &c)
	if err != nil || fits {
		return "", err
	}
	return fmt.Sprintf("%s has a checkpoint of %d entries, signed by this node, of other entries than the first %d here", who, w.Size, w.Size), nil
}

// settle says anew whether the log takes entries, from all that was seen of it.
func (l *Log) settle(ctx context.Context, tx *store.Tx) error {
	current, err := currentLog(ctx, tx)
	if err != nil {
		return err
	}
	before := current
	current.State, current.Reason = Open, ""
	wrong, held, err := wrongWitness(ctx, tx)
	if err != nil {
		return err
	}
	if held {
		current.State, current.Reason = Held, wrong.Wrong
	} else if !current.Waiting.IsZero() {
		if err := l.wait(ctx, tx, &current); err != nil {
			return err
		}
	}
	if before == current {
		return nil
	}
	if err := putLog(ctx, tx, &current); err != nil || before.State == current.State {
		return err
	}
	l.Log.WarnContext(ctx, "the log has another state", slog.String("log", current.Origin), slog.String("state", string(current.State)))
	return l.Trail.Record(ctx, tx, audit.Actor{ID: "node", Name: "node"}, "log."+string(current.State), subject(current.Origin), stateOf(&before), stateOf(&current))
}

// again asks anew of every witness whether it fits, after the log was mended.
func (l *Log) again(ctx context.Context, tx *store.Tx) error {
	seen, err := witnesses(ctx, tx)
	if err != nil {
		return err
	}
	for i := range seen {
		w := &seen[i]
		if w.Wrong == "" {
			break // those that do not fit come first
		}
		if w.Wrong, err = l.contradicts(ctx, tx, w); err != nil {
			return err
		}
		if err := putWitness(ctx, tx, w); err != nil {
			return err
		}
	}
	return l.settle(ctx, tx)
}

// wait keeps a log waiting until every member has told what it saw.
func (l *Log) wait(ctx context.Context, tx *store.Tx, current *numbered) error {
	seen, err := witnesses(ctx, tx)
	if err != nil {
		return err
	}
	told := map[string]time.Time{}
	for i := range seen {
		told[seen[i].Member] = seen[i].At
	}
	var members []alliance.NodeID
	if l.Members != nil {
		if members, err = l.Members(ctx, tx); err != nil {
			return err
		}
	}
	missing := 0
	for _, m := range members {
		if at := told[string(m)]; at.Before(current.Waiting) {
			missing++
		}
	}
	if missing == 0 && len(members) > 0 {
		current.Waiting = time.Time{}
		return nil
	}
	current.State = Waiting
	current.Reason = fmt.Sprintf("the node was restored, and %d of %d members have not said yet what they saw of the log", missing, len(members))
	if len(members) == 0 {
		current.Reason = "the node was restored, and there is no member to ask what it saw of the log"
	}
	return nil
}

func subject(origin string) audit.Subject { return audit.Subject{Kind: "log", ID: origin} }

// told is a log's state for the trail.
type told struct {
	State  State  `json:"state"`
	Why    string `json:"why,omitempty"`
	Reason string `json:"reason,omitempty"` // a person's
	Size   int64  `json:"size,omitempty"`
}

func stateOf(l *numbered) told { return told{State: l.State, Why: l.Reason} }

// Resume has a log go on that waits for its members, on somebody's word that
// nothing is missing. Where that is wrong it forks, and members will be alarmed. The
// error is fault.Conflict for a log that does not wait.
func (l *Log) Resume(ctx context.Context, by audit.Actor, reason string) error {
	if reason == "" {
		return fmt.Errorf("resume the log: give a reason: %w", fault.Invalid)
	}
	return l.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		current, err := currentLog(ctx, tx)
		if err != nil {
			return err
		}
		if current.State != Waiting {
			if current.State == Held {
				return fmt.Errorf("resume the log: %w", current.refusal())
			}
			return fmt.Errorf("resume the log: it is %s: %w", current.State, fault.Conflict)
		}
		before := stateOf(&current)
		current.Waiting = time.Time{}
		if err := putLog(ctx, tx, &current); err != nil {
			return err
		}
		if err := l.Trail.Record(ctx, tx, by, "log.resume", subject(current.Origin), before, told{State: Open, Reason: reason}); err != nil {
			return err
		}
		tx.Committed(l.poke)
		return l.settle(ctx, tx)
	})
}

// Anew closes the log and begins another, whose first entry is the last checkpoint
// that is known of the old one: for when what is missing can't be had any more.
// Members are told, and see which entries nothing vouches for.
func (l *Log) Anew(ctx context.Context, by audit.Actor, reason string) (Checkpoint, error) {
	if reason == "" {
		return Checkpoint{}, fmt.Errorf("begin a new log: give a reason: %w", fault.Invalid)
	}
	err := l.DB.Tx(ctx, func(ctx context.Context, tx *store.Tx) error {
		last, number, err := l.lastKnown(ctx, tx)
		if err != nil {
			return err
		}
		logs, err := ownLogs(ctx, tx)
		if err != nil {
			return err
		}
		for i := range logs {
			logs[i].State, logs[i].Reason = Closed, "a new log was begun"
			if err := putLog(ctx, tx, &logs[i]); err != nil {
				return err
			}
		}
		if err := l.start(ctx, tx, number+1); err != nil {
			return err
		}
		e := Entry{Kind: Succession, Time: l.Now(), Before: last}
		if _, err := l.append(ctx, tx, Origin(l.Node, number+1), &e); err != nil {
			return err
		}
		if err := l.again(ctx, tx); err != nil {
			return err
		}
		tx.Committed(l.poke)
		return l.Trail.Record(ctx, tx, by, "log.anew", subject(Origin(l.Node, number+1)), map[string]string{"checkpoint": last}, told{State: Open, Reason: reason})
	})
	if err != nil {
		return Checkpoint{}, fmt.Errorf("begin a new log: %w", err)
	}
	return l.Checkpoint(ctx)
}

// lastKnown is the last checkpoint that is known of any of the logs, by this node
// or its witnesses, and the number of the last log.
func (l *Log) lastKnown(ctx context.Context, tx *store.Tx) (last string, number int64, err error) {
	current, err := currentLog(ctx, tx)
	if err != nil {
		return "", 0, err
	}
	number = current.Number
	if last, err = handedOut(ctx, tx, current.Origin); err != nil {
		return "", 0, err
	}
	size := int64(-1)
	if last != "" {
		c, err := ReadCheckpoint(last)
		if err != nil {
			return "", 0, err
		}
		size = c.Size
	}
	seen, err := witnesses(ctx, tx)
	for _, w := range seen {
		if w.Number > number || w.Number == number && w.Size > size {
			last, number, size = w.Note, w.Number, w.Size
		}
	}
	return last, number, err
}
